"""Commands that read a finished map and change nothing: `score`."""

from __future__ import annotations

from typing import Annotated

import typer

from patentclust.cli.flags import Json, Workspace, opened

Against = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHAT",
        help="ipc:LEVEL or cpc:LEVEL (section, class, subclass, group, subgroup), column:NAME of documents.parquet, or"
        " a CSV file of publication number and class. Repeatable.",
        show_default="ipc:section, ipc:subclass, ipc:group",
    ),
]


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
