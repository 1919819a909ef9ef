"""`patentclust export`: a finished map for somebody's vector store."""

from __future__ import annotations

from typing import Annotated

import typer

from patentclust.cli.flags import Json, Quiet, Workspace, opened

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


def export(
    to: To, workspace: Workspace = None, name: Name = "patents", as_json: Json = False, quiet: Quiet = False
) -> None:
    """Write the map as files that a store loads in bulk: ids, texts, vectors, metadata, clusters, places.

    They go to export/STORE of the workspace; docs/export.md says how each store loads them.
    """
    from patentclust import console, pipeline

    outcome = pipeline.export(opened(workspace), to, name=name, progress=console.progress(quiet=quiet or as_json))
    if as_json:
        console.print_json([console.outcome_dict(outcome)])
        return
    if not quiet:
        console.show_outcome(outcome)
    for path in outcome.outputs:
        console.print_line(str(path))
