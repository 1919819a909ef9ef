"""Flags -> parameters -> one call. No logic lives here, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from patentclust import __version__
from patentclust.cli.assignees import assignees_app
from patentclust.cli.embed import cache_app, embed, terms
from patentclust.cli.export import export
from patentclust.cli.flags import (
    Backend,
    BaseUrl,
    Bom,
    Components,
    Dim,
    ExactUmap,
    Family,
    GpuLayers,
    Json,
    Labels,
    LabelsModel,
    LabelsPrompt,
    LabelsUrl,
    Lang,
    Map,
    MaxNoise,
    Metadata,
    Method,
    MinDist,
    MinSamples,
    MinSize,
    Model,
    NClusters,
    Neighbors,
    Ocr,
    Offline,
    ParamsFile,
    Paths,
    PreferLanguage,
    Quiet,
    Recipe,
    Reduce,
    Resolution,
    Seed,
    Selection,
    Stability,
    Strict,
    Task,
    Text,
    Threads,
    Title,
    Unit,
    Workers,
    Workspace,
    Xlsx,
    opened,
    sized,
)
from patentclust.cli.graph import graph
from patentclust.cli.models import models_app
from patentclust.cli.outcomes import embed_base
from patentclust.cli.outcomes import exit_if_strict as _exit_if_strict
from patentclust.cli.outcomes import finish as _finish
from patentclust.cli.outcomes import from_file as _from_file
from patentclust.cli.outcomes import show as _show
from patentclust.cli.reading import assign, diff, explain, score, similar
from patentclust.cli.search import search
from patentclust.cli.serve import keys_app, serve
from patentclust.cli.sweep import sweep
from patentclust.cli.update import update
from patentclust.errors import ConfigError, PatentclustError, StoppedError
from patentclust.params import (
    ClusterParams,
    EmbedParams,
    IngestParams,
    ReportParams,
    Resources,
    resolve,
)
from patentclust.pasting import forget_workspaces

app = typer.Typer(
    help="Turn a pile of patents into a map of technologies, on your own machine, with nothing leaving it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models_app, name="models")
app.add_typer(assignees_app, name="assignees")
app.add_typer(cache_app, name="cache")
app.add_typer(keys_app, name="keys")


def _mapping(pairs: list[str] | None) -> tuple[tuple[str, str], ...] | None:
    if not pairs:
        return None
    for pair in pairs:
        if "=" not in pair:
            raise ConfigError(
                f"--map takes FIELD=COLUMN, got {pair!r}", hint='for example --map title="Title (English)"'
            )
    return tuple(sorted((field.strip(), column.strip()) for field, column in (pair.split("=", 1) for pair in pairs)))


@app.command()
def ingest(
    paths: Paths,
    workspace: Workspace = None,
    map_: Map = None,
    metadata: Metadata = None,
    prefer_language: PreferLanguage = None,
    family: Family = None,
    workers: Workers = "auto",
    ocr: Ocr = False,
    params: ParamsFile = None,
    strict: Strict = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read patents into documents.parquet; what cannot be read goes to failures.parquet."""
    from patentclust import console, pipeline

    flags = {"mapping": _mapping(map_), "prefer_language": prefer_language, "family": family, "ocr": ocr or None}
    chosen = resolve(IngestParams(), _from_file(params).get("ingest", {}), flags)
    progress = console.progress(quiet=quiet or as_json)
    resources = Resources(workers=workers)
    outcome = pipeline.ingest(
        opened(workspace), paths, chosen, metadata=metadata or (), resources=resources, progress=progress
    )
    _finish(outcome, as_json=as_json, quiet=quiet, strict=strict)


app.command()(embed)
app.command()(terms)


@app.command()
def cluster(
    workspace: Workspace = None,
    method: Method = None,
    recipe: Recipe = None,
    reduce: Reduce = None,
    exact_umap: ExactUmap = None,
    resolution: Resolution = None,
    clusters: NClusters = None,
    max_noise: MaxNoise = None,
    stability: Stability = None,
    min_size: MinSize = None,
    min_samples: MinSamples = None,
    selection: Selection = None,
    neighbors: Neighbors = None,
    components: Components = None,
    min_dist: MinDist = None,
    seed: Seed = None,
    task: Task = None,
    labels: Labels = None,
    labels_url: LabelsUrl = "",
    labels_model: LabelsModel = None,
    labels_prompt: LabelsPrompt = None,
    offline: Offline = False,
    threads: Threads = None,
    params: ParamsFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Group vectors into clusters (UMAP, HDBSCAN by default), name them and score them."""
    from patentclust import console, pipeline

    flags = {
        "method": method,
        "recipe": recipe,
        "reduce": reduce,
        "exact_umap": exact_umap,
        "resolution": resolution,
        "n_clusters": clusters,
        "max_noise": max_noise,
        "stability": stability,
        **sized(min_size),
        "min_samples": min_samples,
        "selection": selection,
        "n_neighbors": neighbors,
        "n_components": components,
        "min_dist": min_dist,
        "seed": seed,
        "task": task,
        "labels": labels,
        "labels_model": labels_model,
        "labels_prompt": labels_prompt and labels_prompt.read_text("utf-8", "replace"),
    }
    chosen = resolve(ClusterParams(), _from_file(params).get("cluster", {}), flags)
    progress = console.progress(quiet=quiet or as_json)
    resources = Resources(threads=threads, chat_url=labels_url, offline=offline)
    outcome = pipeline.cluster(opened(workspace), chosen, resources=resources, progress=progress)
    _finish(outcome, as_json=as_json, quiet=quiet)


@app.command()
def report(
    workspace: Workspace = None,
    title: Title = None,
    lang: Lang = None,
    task: Task = None,
    bom: Bom = None,
    workbook: Xlsx = None,
    params: ParamsFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw the map: one offline HTML page, and CSV tables."""
    from patentclust import console, pipeline

    given = {"title": title, "lang": lang, "task": task, "bom": bom, "workbook": workbook}
    chosen = resolve(ReportParams(), _from_file(params).get("report", {}), given)
    progress = console.progress(quiet=quiet or as_json)
    outcome = pipeline.report(opened(workspace), chosen, progress=progress)
    _finish(outcome, as_json=as_json, quiet=quiet)


@app.command()
def run(
    paths: Paths,
    workspace: Workspace = None,
    model: Model = None,
    min_size: MinSize = None,
    text: Text = None,
    dim: Dim = None,
    unit: Unit = None,
    seed: Seed = None,
    task: Task = None,
    title: Title = None,
    lang: Lang = None,
    map_: Map = None,
    metadata: Metadata = None,
    workers: Workers = "auto",
    ocr: Ocr = False,
    backend: Backend = None,
    base_url: BaseUrl = None,
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

    folder, tables = opened(workspace), _from_file(params)
    table = tables.get("embed", {})
    embed_flags = {"model": model, "task": task, "text": text, "dim": dim, "unit": unit, "backend": backend}
    cluster_flags = {**sized(min_size), "seed": seed, "task": task}
    chosen = pipeline.RunParams(
        ingest=resolve(IngestParams(), tables.get("ingest", {}), {"mapping": _mapping(map_), "ocr": ocr or None}),
        embed=resolve(embed_base(folder, table, model), table, embed_flags),
        cluster=resolve(ClusterParams(), tables.get("cluster", {}), cluster_flags),
        report=resolve(ReportParams(), tables.get("report", {}), {"title": title, "lang": lang, "task": task}),
    )
    urls = tuple(base_url or ())
    resources = Resources(workers=workers, threads=threads, gpu_layers=gpu_layers, offline=offline, base_urls=urls)
    progress = console.progress(quiet=quiet or as_json)
    outcomes = []
    given = metadata or ()
    for outcome in pipeline.run(folder, paths, chosen, metadata=given, resources=resources, progress=progress):
        outcomes.append(outcome)
        _show([outcome], as_json=False, quiet=quiet or as_json)
    if as_json:
        console.print_json([console.outcome_dict(outcome) for outcome in outcomes])
    else:
        console.print_line(str(folder.report))
    _exit_if_strict(outcomes[0], strict=strict)


@app.command()
def status(workspace: Workspace = None, task: Task = None, as_json: Json = False) -> None:
    """Show the stages of a workspace: what is there, how large, and what is stale."""
    from dataclasses import asdict

    from patentclust import console, standing

    states = standing.status(opened(workspace), task=task or EmbedParams().task)
    if as_json:
        console.print_json([asdict(state) for state in states])
    else:
        console.show_status(states)


for _command in (sweep, update, score, explain, assign, similar, search, diff, graph, export, serve):
    app.command()(_command)


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
    forget_workspaces()


def main() -> None:
    """Run the command line; a user's mistake ends in one message and exit code 1, a bug keeps its traceback."""
    if sys.stdout is None:  # it was closed before we began: nobody wants to read it
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    code: int | str | None = 0
    try:
        app()
    except SystemExit as stop:
        code = stop.code
    except PatentclustError as error:
        code = _told(error)
    except OSError:
        code = _flushed()
        if not code:  # it was not stdout
            raise
    sys.exit(code or _flushed())


def _told(error: PatentclustError) -> int:
    from patentclust import console

    console.show_error(error)
    return 130 if isinstance(error, StoppedError) else 1


def _flushed() -> int:
    """Write the rest of what was printed; return 1 where that cannot be."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python's own last flush must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # whoever read has left: no news to them
            return 1
        from patentclust import console

        return _told(console.unwritten(error))
    return 0
