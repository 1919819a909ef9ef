"""Commands that read a finished map and leave it as it is: `score`, `explain`, `assign`, `diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from patentclust.cli.flags import GpuLayers, Json, Offline, Paths, Quiet, Threads, Workspace, opened
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
CsvFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows to a CSV file too.")]


def score(workspace: Workspace = None, against: Against = None, as_json: Json = False) -> None:
    """Score a map: silhouettes, noise, agreement with classes, citations and families together, languages."""
    from dataclasses import asdict

    from patentclust import console
    from patentclust.stages import score as stage

    lines = stage.run(opened(workspace), against or stage.DEFAULT_AGAINST)
    if as_json:
        console.print_json([asdict(line) for line in lines])
    else:
        console.show_scores(lines)


def explain(wanted: Wanted, workspace: Workspace = None, as_json: Json = False) -> None:
    """Say why a patent is where it is: cluster, runner-up, margin, shared terms and classes, nearest patents."""
    from dataclasses import asdict

    from patentclust import console
    from patentclust.stages import explain as stage

    explanation = stage.run(opened(workspace), wanted)
    if as_json:
        console.print_json(asdict(explanation))
    else:
        console.show_explanation(explanation)


def assign(
    paths: Paths,
    workspace: Workspace = None,
    csv_file: CsvFile = None,
    gpu_layers: GpuLayers = "auto",
    threads: Threads = None,
    offline: Offline = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Place new documents on a finished map without moving it: cluster, probability, runner-up, nearest patents."""
    from dataclasses import asdict

    from patentclust import console, pipeline

    resources = Resources(threads=threads, gpu_layers=gpu_layers, offline=offline)
    outcomes, rows = pipeline.assign(
        opened(workspace), paths, resources=resources, progress=console.progress(quiet=quiet or as_json)
    )
    if csv_file is not None:
        console.write_assigned(csv_file, rows)
    if as_json:
        console.print_json([asdict(row) for row in rows])
        return
    for outcome in [] if quiet else outcomes:
        console.show_outcome(outcome)
    console.show_assigned(rows)


def diff(
    before: Annotated[Path, typer.Argument(help="Workspace of the first map.")],
    after: Annotated[Path, typer.Argument(help="Workspace of the second map.")],
    as_json: Json = False,
) -> None:
    """Compare two maps: units that came and went, clusters kept, split, merged, changed, gone and new."""
    from dataclasses import asdict

    from patentclust import console
    from patentclust.stages import diff as stage

    difference = stage.run(opened(before), opened(after))
    if as_json:
        console.print_json(asdict(difference))
    else:
        console.show_difference(difference)
