"""Qdrant: bodies of its REST interface: one that makes the collection, and one a batch of points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from patentclust.exporters import About, Files, Row
from patentclust.exporters.encoding import json_bytes, json_line


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield the body of `PUT /collections/NAME`, then those of `PUT /collections/NAME/points`; ids are UUIDs."""
    yield "collection.json", [json_line({"vectors": {"size": about.dim, "distance": "Cosine"}})]
    for number, rows in enumerate(batches):
        points = [{"id": row.uuid(), "vector": row.values(), "payload": row.fields()} for row in rows]
        yield f"points-{number:05d}.json", [json_bytes({"points": points})]
