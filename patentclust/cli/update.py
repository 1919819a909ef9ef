"""`patentclust update`: the map again, after patents came or went."""

from __future__ import annotations

from patentclust.cli.flags import Json, Offline, Quiet, Threads, Workspace, opened
from patentclust.cli.outcomes import finish
from patentclust.params import Resources


def update(
    workspace: Workspace = None,
    threads: Threads = None,
    offline: Offline = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Cluster again, as the map that is there was made; clusters that are still there keep their ids and names.

    Ingest and embed the new patents first. Says which clusters came, went, split and merged; ids that went are not
    given again, and the map is turned to lie as it lay.
    """
    from patentclust import console, pipeline

    resources = Resources(threads=threads, offline=offline)
    progress = console.progress(quiet=quiet or as_json)
    outcome = pipeline.update(opened(workspace), resources=resources, progress=progress)
    finish(outcome, as_json=as_json, quiet=quiet)
