"""Commands that read a finished map and leave it as it is: `score`, `explain`, `assign`, `similar`, `diff`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from patentclust.cli.flags import (
    BaseUrl,
    CsvFile,
    GpuLayers,
    Json,
    Offline,
    OwnModel,
    Paths,
    Quiet,
    Threads,
    Workspace,
    existing,
)
from patentclust.params import Resources

Against = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT",
        help="ipc:LEVEL or cpc:LEVEL (section, class, subclass, group, subgroup), column:NAME of documents.parquet, or"
        " a CSV file of publication number and class. Repeatable.",
        show_default="ipc:section, ipc:subclass, ipc:group",
    ),
]
Wanted = Annotated[str, typer.Argument(metavar="ID", help="Publication number or unit id, e.g. US-10123456-B2.")]
Top = Annotated[int, typer.Option(min=1, help="How many to show.")]
Assignee = Annotated[str, typer.Option(help="Only assignees whose name holds this.", show_default=False)]
Ipc = Annotated[str, typer.Option(help="Only IPC or CPC symbols that begin so, e.g. H01M.")]
Years = Annotated[str, typer.Option(help="Only these years, e.g. 2019-2023, 2019- or -2023.")]
Cluster = Annotated[int | None, typer.Option(help="Only this cluster, by its id; -1 is noise.")]
Office = Annotated[str, typer.Option(help="Only this office, e.g. CN.")]
Language = Annotated[str, typer.Option(help="Only this language, e.g. zh.")]


def score(workspace: Workspace = None, against: Against = None, as_json: Json = False) -> None:
    """Score a map: silhouettes, noise, agreement with classes, citations and families together, languages."""
    from dataclasses import asdict

    from patentclust import console
    from patentclust.stages import score as stage

    lines = stage.run(existing(workspace), against or stage.DEFAULT_AGAINST)
    if as_json:
        console.print_json([asdict(line) for line in lines])
    else:
        console.show_scores(lines)


def explain(wanted: Wanted, workspace: Workspace = None, as_json: Json = False) -> None:
    """Say why a patent is where it is: cluster, runner-up, margin, shared terms and classes, nearest patents."""
    from dataclasses import asdict

    from patentclust import console
    from patentclust.stages import explain as stage

    explanation = stage.run(existing(workspace), wanted)
    if as_json:
        console.print_json(asdict(explanation))
    else:
        console.show_explanation(explanation)


def assign(
    paths: Paths,
    workspace: Workspace = None,
    csv_file: CsvFile = None,
    model: OwnModel = None,
    base_url: BaseUrl = None,
    gpu_layers: GpuLayers = "auto",
    threads: Threads = None,
    offline: Offline = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Place new documents on a finished map without moving it: cluster, probability, runner-up, nearest patents."""
    from dataclasses import asdict

    from patentclust import console, pipeline
    from patentclust.cli import saving

    saving.check(as_json, csv_file)
    urls = tuple(base_url or ())
    resources = Resources(model=model, threads=threads, gpu_layers=gpu_layers, offline=offline, base_urls=urls)
    outcomes, rows = pipeline.assign(
        existing(workspace), paths, resources=resources, progress=console.progress(quiet=quiet or as_json)
    )
    if csv_file is not None:
        saving.write_assigned(csv_file, rows)
    if as_json:
        console.print_json([asdict(row) for row in rows])
        return
    for outcome in [] if quiet else outcomes:
        console.show_outcome(outcome)
    if csv_file != saving.STDOUT:
        console.show_assigned(rows)


def similar(
    source: Annotated[
        str, typer.Argument(metavar="ID|FILE|-", help="A publication number, a file (PDF, XML, …), or - for stdin.")
    ],
    workspace: Workspace = None,
    top: Top = 20,
    assignee: Assignee = "",
    ipc: Ipc = "",
    years: Years = "",
    cluster: Cluster = None,
    office: Office = "",
    language: Language = "",
    csv_file: CsvFile = None,
    model: OwnModel = None,
    base_url: BaseUrl = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Find the patents nearest to one of the map, to a file, or to a text piped in; nothing of these is kept."""
    from dataclasses import asdict

    from patentclust import console, pipeline
    from patentclust.cli import saving
    from patentclust.stages import similar as stage

    saving.check(as_json, csv_file)
    where = stage.Where(top, assignee, ipc, stage.years(years) if years else None, cluster, office.upper(), language)
    found = pipeline.similar(
        existing(workspace),
        source,
        text=sys.stdin.read() if source == "-" else None,
        where=where,
        resources=Resources(model=model, offline=offline, base_urls=tuple(base_url or ())),
        progress=console.progress(quiet=as_json),
    )
    if csv_file is not None:
        saving.write_hits(csv_file, found)
    if as_json:
        console.print_json([asdict(likeness) for likeness in found])
    elif csv_file != saving.STDOUT:
        console.show_likeness(found)


def diff(
    before: Annotated[Path, typer.Argument(help="Workspace of the first map.")],
    after: Annotated[Path, typer.Argument(help="Workspace of the second map.")],
    as_json: Json = False,
) -> None:
    """Compare two maps: units that came and went, clusters kept, split, merged, changed, gone and new."""
    from dataclasses import asdict

    from patentclust import console
    from patentclust.stages import diff as stage

    difference = stage.run(existing(before), existing(after))
    if as_json:
        console.print_json(asdict(difference))
    else:
        console.show_difference(difference)
