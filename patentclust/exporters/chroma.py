"""Chroma: the arguments of `collection.add`, a file a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from patentclust.exporters import About, Files, Row
from patentclust.exporters.encoding import json_bytes, json_line


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield the body that makes the collection, then ids, embeddings, documents and metadatas of each batch."""
    yield "collection.json", [json_line({"name": about.name, "configuration": {"hnsw": {"space": "cosine"}}})]
    for number, rows in enumerate(batches):
        body = {
            "ids": [row.id for row in rows],
            "embeddings": [row.values() for row in rows],
            "documents": [row.text for row in rows],
            "metadatas": [_metadata(row) for row in rows],
        }
        yield f"add-{number:05d}.json", [json_bytes(body)]


def _metadata(row: Row) -> dict[str, Any]:
    # Chroma's metadata are single values.
    return {key: "; ".join(value) if isinstance(value, list) else value for key, value in row.known().items()}
