"""`patentclust export`: a finished map for somebody's vector store."""

from __future__ import annotations

from typing import Annotated

import typer

from patentclust.cli.flags import Json, Offline, Quiet, Workspace, existing

To = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="STORE",
        help="parquet, jsonl, milvus, qdrant, chroma, weaviate, pinecone, elasticsearch, opensearch, lancedb or"
        " pgvector.",
    ),
]
Name = Annotated[str, typer.Option(help="Name of the collection, index or table.")]

Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Send to a running store instead: qdrant, elasticsearch, opensearch, weaviate, milvus, chroma or pgvector"
        " (postgresql://…). Its key or password comes from PATENTCLUST_STORE_KEY.",
    ),
]


def export(
    to: To,
    workspace: Workspace = None,
    name: Name = "patents",
    url: Url = None,
    offline: Offline = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the map as files that a store loads in bulk: ids, texts, vectors, metadata, clusters, places.

    They go to export/STORE of the workspace; docs/export.md says how each store loads them.
    Nothing is sent anywhere unless --url is given.
    """
    from patentclust import console, pipeline
    from patentclust.params import Resources
    from patentclust.stages import export as stage

    progress = console.progress(quiet=quiet or as_json)
    if url is None:
        outcome = pipeline.export(existing(workspace), to, name=name, progress=progress)
    else:
        resources = Resources(offline=offline)
        outcome = stage.push(existing(workspace), to, url, name=name, resources=resources, progress=progress)
    if as_json:
        console.print_json([console.outcome_dict(outcome)])
        return
    if not quiet:
        console.show_outcome(outcome)
    for path in outcome.outputs:
        console.print_line(str(path))
