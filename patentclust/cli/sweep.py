"""`patentclust sweep`: minimum sizes side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from patentclust.cli.flags import (
    CsvFile,
    Json,
    MaxNoise,
    Method,
    ParamsFile,
    Quiet,
    Seed,
    Stability,
    Task,
    Threads,
    Workspace,
    opened,
)
from patentclust.cli.outcomes import from_file
from patentclust.params import ClusterParams, Resources, resolve

Sizes = Annotated[
    list[int] | None,
    typer.Option("--size", help="A minimum size to try; repeat for more.", show_default="5 to 56, as they fit"),
]
SvgFile = Annotated[
    Path | None,
    typer.Option("--svg", metavar="FILE", help="Draw the table to an SVG file too, or (-) to stdout."),
]


def sweep(
    workspace: Workspace = None,
    size: Sizes = None,
    method: Method = None,
    max_noise: MaxNoise = None,
    stability: Stability = None,
    seed: Seed = None,
    task: Task = None,
    threads: Threads = None,
    params: ParamsFile = None,
    csv_file: CsvFile = None,
    svg_file: SvgFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Try several minimum sizes and show what each gives; * marks the one that --min-size auto takes.

    Takes little longer than one clustering and leaves the map as it is.
    """
    from dataclasses import asdict

    from patentclust import console
    from patentclust.cli import saving
    from patentclust.stages import sweep as stage

    saving.check(as_json, csv_file, svg_file)
    flags = {"method": method, "max_noise": max_noise, "stability": stability, "seed": seed, "task": task}
    chosen = resolve(ClusterParams(), from_file(params).get("cluster", {}), flags)
    progress = console.progress(quiet=quiet or as_json)
    resources = Resources(threads=threads)
    rows = stage.run(opened(workspace), chosen, tried=size or (), resources=resources, progress=progress)
    if csv_file is not None:
        saving.save(csv_file, list(asdict(rows[0])), map(asdict, rows))
    if svg_file is not None:
        saving.put(svg_file, stage.drawing(rows))
    if as_json:
        console.print_json([asdict(row) for row in rows])
    elif saving.STDOUT not in (csv_file, svg_file):
        console.show_sweep(rows)
