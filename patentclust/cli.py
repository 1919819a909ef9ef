"""Flags -> parameters -> one call. No logic lives here, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from patentclust import __version__
from patentclust.errors import ConfigError, PatentclustError
from patentclust.params import (
    LONG_MODES,
    SELECTION_METHODS,
    TEXT_SELECTIONS,
    ClusterParams,
    EmbedParams,
    IngestParams,
    ReportParams,
    Resources,
    load_params_file,
    resolve,
)

app = typer.Typer(
    help="Turn a pile of patents into a map of technologies, on your own machine, with nothing leaving it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="List, fetch, find and check embedding models.", no_args_is_help=True)
app.add_typer(models_app, name="models")

_embed, _cluster, _report = EmbedParams(), ClusterParams(), ReportParams()

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
        "--map", metavar="FIELD=COLUMN", help='Name a table\'s column, e.g. --map title="Title (English)". Repeatable.'
    ),
]
PreferLanguage = Annotated[
    str | None,
    typer.Option(help="Language to take where a document has several, e.g. en.", show_default="the procedure's"),
]
Model = Annotated[
    str | None,
    typer.Option("-m", "--model", help="Name from `models list`, or a .gguf file.", show_default=_embed.model),
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
Threads = Annotated[
    int | None, typer.Option(help="CPU threads.", show_default="all cores", envvar="PATENTCLUST_THREADS")
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Never touch the network, not even for a model.", envvar="PATENTCLUST_OFFLINE")
]
MinSize = Annotated[
    int | None,
    typer.Option(
        "--min-size", help="Smallest group that counts as a cluster.", show_default=str(_cluster.min_cluster_size)
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
Neighbors = Annotated[int | None, typer.Option(help="UMAP's neighbourhood.", show_default=str(_cluster.n_neighbors))]
Components = Annotated[
    int | None, typer.Option(help="Dimensions that UMAP reduces to.", show_default=str(_cluster.n_components))
]
MinDist = Annotated[
    float | None, typer.Option(help="How tightly UMAP packs points.", show_default=str(_cluster.min_dist))
]
Title = Annotated[str | None, typer.Option(help="Heading of the page.", show_default=_report.title)]


def _mapping(pairs: list[str] | None) -> tuple[tuple[str, str], ...] | None:
    if not pairs:
        return None
    for pair in pairs:
        if "=" not in pair:
            raise ConfigError(
                f"--map takes FIELD=COLUMN, got {pair!r}", hint='for example --map title="Title (English)"'
            )
    return tuple(sorted((field.strip(), column.strip()) for field, column in (pair.split("=", 1) for pair in pairs)))


def _from_file(params: Path | None) -> dict[str, dict[str, Any]]:
    return load_params_file(params) if params is not None else {}


def _open(workspace: Path | None) -> Any:
    from patentclust.workspace import Workspace, default_workspace

    return Workspace(workspace or default_workspace())


def _show(outcomes: list[Any], *, as_json: bool, quiet: bool) -> None:
    from patentclust import console

    if as_json:
        console.print_json([console.outcome_dict(outcome) for outcome in outcomes])
    elif not quiet:
        for outcome in outcomes:
            console.show_outcome(outcome)


def _finish(outcome: Any, *, as_json: bool, quiet: bool, strict: bool = False) -> None:
    from patentclust import console

    _show([outcome], as_json=as_json, quiet=quiet)
    if not as_json:
        for path in outcome.outputs:
            console.print_line(str(path))
    _exit_if_strict(outcome, strict=strict)


def _exit_if_strict(outcome: Any, *, strict: bool) -> None:
    if strict and outcome.facts.get("failures"):
        raise typer.Exit(1)


@app.command()
def ingest(
    paths: Paths,
    workspace: Workspace = None,
    map_: Map = None,
    prefer_language: PreferLanguage = None,
    params: ParamsFile = None,
    strict: Strict = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read patents into documents.parquet; what cannot be read goes to failures.parquet."""
    from patentclust import console, pipeline

    flags = {"mapping": _mapping(map_), "prefer_language": prefer_language}
    chosen = resolve(IngestParams(), _from_file(params).get("ingest", {}), flags)
    progress = console.progress(quiet=quiet or as_json)
    outcome = pipeline.ingest(_open(workspace), paths, chosen, progress=progress)
    _finish(outcome, as_json=as_json, quiet=quiet, strict=strict)


@app.command()
def embed(
    workspace: Workspace = None,
    model: Model = None,
    task: Task = None,
    text: Text = None,
    dim: Dim = None,
    long: Long = None,
    max_tokens: MaxTokens = None,
    gpu_layers: GpuLayers = "auto",
    threads: Threads = None,
    offline: Offline = False,
    params: ParamsFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn documents into vectors with a local model; resumes where it was stopped."""
    from patentclust import console, pipeline

    flags = {"model": model, "task": task, "text": text, "dim": dim, "long": long, "max_tokens": max_tokens}
    chosen = resolve(EmbedParams(), _from_file(params).get("embed", {}), flags)
    resources = Resources(threads=threads, gpu_layers=gpu_layers, offline=offline)
    progress = console.progress(quiet=quiet or as_json)
    outcome = pipeline.embed(_open(workspace), chosen, resources=resources, progress=progress)
    _finish(outcome, as_json=as_json, quiet=quiet)


@app.command()
def cluster(
    workspace: Workspace = None,
    min_size: MinSize = None,
    min_samples: MinSamples = None,
    selection: Selection = None,
    neighbors: Neighbors = None,
    components: Components = None,
    min_dist: MinDist = None,
    seed: Seed = None,
    task: Task = None,
    threads: Threads = None,
    params: ParamsFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Group vectors into clusters (UMAP, HDBSCAN), name them and score them."""
    from patentclust import console, pipeline

    flags = {
        "min_cluster_size": min_size,
        "min_samples": min_samples,
        "selection": selection,
        "n_neighbors": neighbors,
        "n_components": components,
        "min_dist": min_dist,
        "seed": seed,
        "task": task,
    }
    chosen = resolve(ClusterParams(), _from_file(params).get("cluster", {}), flags)
    progress = console.progress(quiet=quiet or as_json)
    outcome = pipeline.cluster(_open(workspace), chosen, resources=Resources(threads=threads), progress=progress)
    _finish(outcome, as_json=as_json, quiet=quiet)


@app.command()
def report(
    workspace: Workspace = None,
    title: Title = None,
    task: Task = None,
    params: ParamsFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw the map: one offline HTML page, and CSV tables."""
    from patentclust import console, pipeline

    chosen = resolve(ReportParams(), _from_file(params).get("report", {}), {"title": title, "task": task})
    progress = console.progress(quiet=quiet or as_json)
    outcome = pipeline.report(_open(workspace), chosen, progress=progress)
    _finish(outcome, as_json=as_json, quiet=quiet)


@app.command()
def run(
    paths: Paths,
    workspace: Workspace = None,
    model: Model = None,
    min_size: MinSize = None,
    text: Text = None,
    dim: Dim = None,
    seed: Seed = None,
    task: Task = None,
    title: Title = None,
    map_: Map = None,
    gpu_layers: GpuLayers = "auto",
    threads: Threads = None,
    offline: Offline = False,
    params: ParamsFile = None,
    strict: Strict = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Do all of it: ingest, embed, cluster, report. What is current is skipped. Other flags go in a --params file."""
    from patentclust import console, pipeline

    tables = _from_file(params)
    embed_flags = {"model": model, "task": task, "text": text, "dim": dim}
    cluster_flags = {"min_cluster_size": min_size, "seed": seed, "task": task}
    chosen = pipeline.RunParams(
        ingest=resolve(IngestParams(), tables.get("ingest", {}), {"mapping": _mapping(map_)}),
        embed=resolve(EmbedParams(), tables.get("embed", {}), embed_flags),
        cluster=resolve(ClusterParams(), tables.get("cluster", {}), cluster_flags),
        report=resolve(ReportParams(), tables.get("report", {}), {"title": title, "task": task}),
    )
    resources = Resources(threads=threads, gpu_layers=gpu_layers, offline=offline)
    progress = console.progress(quiet=quiet or as_json)
    opened, outcomes = _open(workspace), []
    for outcome in pipeline.run(opened, paths, chosen, resources=resources, progress=progress):
        outcomes.append(outcome)
        _show([outcome], as_json=False, quiet=quiet or as_json)
    if as_json:
        console.print_json([console.outcome_dict(outcome) for outcome in outcomes])
    else:
        console.print_line(str(opened.report))
    _exit_if_strict(outcomes[0], strict=strict)


@app.command()
def status(workspace: Workspace = None, task: Task = None, as_json: Json = False) -> None:
    """Show the stages of a workspace: what is there, how large, and what is stale."""
    from dataclasses import asdict

    from patentclust import console, pipeline

    states = pipeline.status(_open(workspace), task=task or _embed.task)
    if as_json:
        console.print_json([asdict(state) for state in states])
    else:
        console.show_status(states)


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """List known models, and which are on this machine."""
    from patentclust import console, models

    rows = [(spec, models.locate(spec)) for spec in models.registry().values()]
    if as_json:
        console.print_json([models.describe(spec, path) for spec, path in rows])
        return
    cells = [
        [
            spec.name,
            str(spec.dim or ""),
            f"{spec.context_tokens or 0:,}",
            console.human_bytes(spec.size_bytes or 0),
            "here" if path else "not fetched",
            spec.description,
        ]
        for spec, path in rows
    ]
    headers = ["model", "dim", "tokens", "size", "file", ""]
    console.show_table(headers, cells, numeric={"dim", "tokens", "size"})
    console.print_line(f"\nYour own models: {models.user_file()}")


Name = Annotated[str, typer.Argument(help="Name from `models list`, or a .gguf file.")]


@models_app.command("pull")
def models_pull(name: Name, offline: Offline = False, quiet: Quiet = False) -> None:
    """Fetch a model, verify it, and print where it lies."""
    from patentclust import console, models

    path = models.ensure(models.find(name), offline=offline, progress=console.progress(quiet=quiet))
    console.print_line(str(path))


@models_app.command("path")
def models_path(name: Name) -> None:
    """Print where a model's file lies on this machine."""
    from patentclust import console, models

    console.print_line(str(models.require(models.find(name))))


@models_app.command("check")
def models_check(
    name: Name, gpu_layers: GpuLayers = "auto", threads: Threads = None, offline: Offline = False, as_json: Json = False
) -> None:
    """Load a model and prove that its vectors are right on this machine."""
    from dataclasses import asdict

    from patentclust import console, models
    from patentclust.embedders import checks

    spec = models.find(name)
    path = models.ensure(spec, offline=offline, progress=console.progress(quiet=as_json))
    results = checks.check_model(path, spec, Resources(threads=threads, gpu_layers=gpu_layers))
    if as_json:
        console.print_json([asdict(result) for result in results])
    else:
        console.show_checks(results)
    if not all(result.passed for result in results):
        raise typer.Exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"patentclust {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Turn a pile of patents into a map of technologies, on your own machine, with nothing leaving it."""


def main() -> None:
    """Run the command line; a user's mistake ends in one message and exit code 1, a bug keeps its traceback."""
    try:
        app()
    except PatentclustError as error:
        from patentclust import console

        console.show_error(error)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has left; point stdout elsewhere so that Python's last flush stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
