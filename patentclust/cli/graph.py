"""`patentclust graph`: a finished map as a knowledge graph."""

from __future__ import annotations

from patentclust.cli.flags import Json, Quiet, Threads, Workspace, existing
from patentclust.params import Resources


def graph(workspace: Workspace = None, threads: Threads = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Write the map as a graph of patents, clusters, assignees, inventors, classes and terms, for other programs.

    In the folder graph/ of the workspace: nodes and edges as Parquet, GraphML (for Gephi, networkx), JSON-LD, and the
    map and network files of VOSviewer.
    """
    from patentclust import console, pipeline

    progress = console.progress(quiet=quiet or as_json)
    outcome = pipeline.graph(existing(workspace), resources=Resources(threads=threads), progress=progress)
    if as_json:
        console.print_json([console.outcome_dict(outcome)])
        return
    if not quiet:
        console.show_outcome(outcome)
    for path in outcome.outputs:
        console.print_line(str(path))
