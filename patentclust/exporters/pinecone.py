"""Pinecone: Parquet as its import takes it: id, values, metadata as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from patentclust.exporters import About, Files, Row
from patentclust.exporters.encoding import json_bytes, parquet_bytes

# Pinecone takes 40 kB of metadata; titles, names and classes take what the text leaves.
_MOST_TEXT = 6_000


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield a file a batch; a text past what metadata may hold is cut."""
    for number, rows in enumerate(batches):
        metadata = [json_bytes(row.known() | {"text": row.text[:_MOST_TEXT]}).decode() for row in rows]
        values = pa.array([row.vector for row in rows], pa.list_(pa.float32()))
        table = pa.table({"id": [row.id for row in rows], "values": values, "metadata": metadata})
        yield f"part-{number:05d}.parquet", [parquet_bytes(table)]
