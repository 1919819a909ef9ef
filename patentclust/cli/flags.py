"""Every flag of the command line, once: its spelling, its help, and its default as the parameter class states it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patentclust.errors import ArtifactError, ConfigError
from patentclust.params import (
    BACKENDS,
    CLUSTER_METHODS,
    FAMILY_MODES,
    LABELS,
    LONG_MODES,
    PAGE_LANGUAGES,
    RECIPES,
    REDUCTIONS,
    SELECTION_METHODS,
    TEXT_SELECTIONS,
    UNITS,
    ClusterParams,
    EmbedParams,
    IngestParams,
    ReportParams,
)

if TYPE_CHECKING:
    from patentclust.workspace import Workspace as OpenWorkspace

_ingest, _embed, _cluster, _report = IngestParams(), EmbedParams(), ClusterParams(), ReportParams()

Paths = Annotated[
    list[str], typer.Argument(help="Files and folders: patent XML, PDF, JSON lines, CSV, and zip, tar, gz of them.")
]
Workspace = Annotated[
    Path | None,
    typer.Option(
        "-w", "--workspace", envvar="PATENTCLUST_WORKSPACE", show_default="patentclust-out", help="Folder of the run."
    ),
]
ParamsFile = Annotated[
    Path | None, typer.Option("--params", help="TOML file with a table per stage; flags win over it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary; errors only.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 when any file could not be read.")]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="[FILE:]FIELD=COLUMN",
        help='Name a table\'s column, e.g. --map title="Title (English)", or for one file --map orbit.csv:title=Titel. '
        "Repeatable.",
    ),
]
Metadata = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="Table (CSV, Excel, Parquet, …) joined by publication number: fills gaps, adds no documents. Repeatable.",
    ),
]
PreferLanguage = Annotated[
    str | None,
    typer.Option(help="Language to take where a document has several, e.g. en.", show_default="the procedure's"),
]
Ocr = Annotated[bool, typer.Option("--ocr", help="Read scanned pages of PDFs by OCR: seconds a page.")]
CsvFile = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", help="Write the rows to a CSV file too, or (-) to stdout in place of the table."
    ),
]
OwnModel = Annotated[
    str | None,
    typer.Option(
        "-m", "--model", help="Where the .gguf file lies, if the vectors were made with one of yours that was moved."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "-m",
        "--model",
        help="Name from `models list`, or a .gguf file.",
        show_default=f"the workspace's, else {_embed.model}",
    ),
]
Task = Annotated[
    str | None, typer.Option(help="Prompt template of the model, and folder of the vectors.", show_default=_embed.task)
]
Text = Annotated[
    str | None,
    typer.Option(
        help=f"What is embedded: {', '.join(TEXT_SELECTIONS)}; t = title, a = abstract, c = claims.",
        show_default="the model's",
    ),
]
Dim = Annotated[int | None, typer.Option(help="Cut vectors to this length (Matryoshka models).", show_default="all")]
Long = Annotated[
    str | None,
    typer.Option(help=f"Texts longer than the model's window: {' or '.join(LONG_MODES)}.", show_default=_embed.long),
]
MaxTokens = Annotated[int | None, typer.Option(help="Window in tokens, to save memory.", show_default="the model's")]
GpuLayers = Annotated[
    str, typer.Option(help="Layers on the GPU: auto, all, or a number.", envvar="PATENTCLUST_GPU_LAYERS")
]
Backend = Annotated[
    str | None, typer.Option(help=f"Where the model runs: {' or '.join(BACKENDS)}.", show_default=_embed.backend)
]
BaseUrl = Annotated[
    list[str] | None,
    typer.Option(
        help="Server of the backend openai, http://HOST:PORT/v1. Repeat to share the work. Key: PATENTCLUST_API_KEY.",
        show_default="PATENTCLUST_BASE_URL",
    ),
]
Workers = Annotated[
    str, typer.Option(help="Processes that read files: auto (one a core) or a number.", envvar="PATENTCLUST_WORKERS")
]
Threads = Annotated[
    int | None, typer.Option(help="CPU threads.", show_default="all cores", envvar="PATENTCLUST_THREADS")
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Never touch the network, not even for a model.", envvar="PATENTCLUST_OFFLINE")
]
MinSize = Annotated[
    str | None,
    typer.Option(
        "--min-size",
        metavar="N|auto",
        help="Smallest group that counts as a cluster; auto: the smallest size that other seeds repeat, mostly 5.",
        show_default=str(_cluster.min_cluster_size),
    ),
]
MinSamples = Annotated[
    int | None, typer.Option(help="Density asked of a cluster; lower for less noise.", show_default="min-size")
]
Selection = Annotated[
    str | None,
    typer.Option(
        help=f"Clusters taken from the tree: {' or '.join(SELECTION_METHODS)}.", show_default=_cluster.selection
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of every random choice.", show_default=str(_cluster.seed))]
Neighbors = Annotated[
    int | None, typer.Option(help="Neighbourhood of UMAP's graph.", show_default="15, or 20 for leiden")
]
Components = Annotated[
    int | None, typer.Option(help="Dimensions that UMAP reduces to.", show_default=str(_cluster.n_components))
]
MinDist = Annotated[
    float | None, typer.Option(help="How tightly UMAP packs points.", show_default="the recipe's, 0 or 0.1")
]
Method = Annotated[
    str | None,
    typer.Option(help=f"How clusters are found: {', '.join(CLUSTER_METHODS)}.", show_default=_cluster.method),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        help=f"{' or '.join(RECIPES)}: averaged over layouts and guarded, or one plain run.",
        show_default=_cluster.recipe,
    ),
]
Reduce = Annotated[
    str | None,
    typer.Option(help=f"What HDBSCAN works on: {', '.join(REDUCTIONS)}.", show_default=_cluster.reduce),
]
ExactUmap = Annotated[
    bool | None, typer.Option("--exact-umap", help="umap-learn as it stands, one thread.", show_default=False)
]
Resolution = Annotated[
    float | None, typer.Option(help="Of Leiden: higher for more clusters.", show_default=str(_cluster.resolution))
]
NClusters = Annotated[int | None, typer.Option("--clusters", help="Of k-means.", show_default="grows with the corpus")]
MaxNoise = Annotated[
    float | None,
    typer.Option(help="Let outliers that fit into clusters until this share is left.", show_default="leave noise"),
]
Stability = Annotated[
    int | None, typer.Option(help="Seeds to run, to say how far they agree.", show_default="3 up to 2,500 units")
]
Labels = Annotated[
    str | None,
    typer.Option(
        help=f"Who names clusters: {', '.join(LABELS)} (a chat server, sent terms and titles).",
        show_default=_cluster.labels,
    ),
]
LabelsUrl = Annotated[
    str, typer.Option(help="Chat server for --labels llm: http://HOST:PORT/v1.", envvar="PATENTCLUST_LABELS_URL")
]
LabelsModel = Annotated[str | None, typer.Option(help="What that server calls its model.", show_default="its own")]
LabelsPrompt = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="File with the question, holding {terms} and {titles}.", show_default="ours"
    ),
]
Family = Annotated[
    str | None,
    typer.Option(help=f"How publications join: {' or '.join(FAMILY_MODES)} families.", show_default=_ingest.family),
]
Unit = Annotated[
    str | None, typer.Option(help=f"What is one point of the map: {' or '.join(UNITS)}.", show_default=_embed.unit)
]
Bom = Annotated[
    bool | None, typer.Option("--bom/--no-bom", help="Begin CSV files with a byte order mark.", show_default="no")
]
Xlsx = Annotated[
    bool | None, typer.Option("--workbook/--no-workbook", help="Write report.xlsx too.", show_default="yes")
]
Title = Annotated[str | None, typer.Option(help="Heading of the page.", show_default="Technology map")]
Lang = Annotated[
    str | None,
    typer.Option(help=f"Language of the page: {', '.join(PAGE_LANGUAGES)}.", show_default=_report.lang),
]


Name = Annotated[str, typer.Argument(help="Name from `models list`, or a .gguf file.")]


def opened(workspace: Path | None) -> OpenWorkspace:
    """Return the workspace that a command works on.

    Raises:
        ConfigError: a file is in its place.
    """
    from patentclust.pasting import name_workspace
    from patentclust.workspace import Workspace, default_workspace

    root = workspace or default_workspace()
    if root.exists() and not root.is_dir():
        raise ConfigError(
            f"the workspace {root} is a file, expected a folder", hint="name another with -w or PATENTCLUST_WORKSPACE"
        )
    if root != default_workspace():
        name_workspace(root)
    return Workspace(root)


def existing(workspace: Path | None) -> OpenWorkspace:
    """Return the workspace that a command reads.

    Raises:
        ArtifactError: there is none.
    """
    found = opened(workspace)
    if not found.root.is_dir():
        raise ArtifactError(
            f"there is no workspace at {found.root}",
            hint="name another, or make one: patentclust run PATHS",
        )
    return found


def sized(min_size: str | None) -> dict[str, int | bool]:
    """Return the parameters that `--min-size` gives.

    Raises:
        ConfigError: it is neither a number nor `auto`.
    """
    if min_size is None:
        return {}
    if min_size == "auto":
        return {"auto_size": True}
    try:
        return {"min_cluster_size": int(min_size), "auto_size": False}
    except ValueError as error:
        raise ConfigError(f"min-size is {min_size!r}", hint="give a number such as 10, or auto") from error
