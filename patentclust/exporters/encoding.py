"""JSON and Parquet as bytes, for the exporters."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from patentclust.exporters import Row

_COLUMNS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in ("doc_id", "title", "text")),
        pa.field("language", pa.string()),
        pa.field("country", pa.string()),
        pa.field("year", pa.int32()),
        pa.field("assignees", pa.list_(pa.string()), nullable=False),
        pa.field("classes", pa.list_(pa.string()), nullable=False),
        pa.field("cluster_id", pa.int32(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
        *(pa.field(name, pa.float32(), nullable=False) for name in ("probability", "x", "y")),
    ]
)


def json_bytes(value: Any) -> bytes:
    """Return one line of JSON; a lone surrogate, which no store would take, becomes `?`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")


def json_line(value: Any) -> bytes:
    """Return one line of JSON and its end."""
    return json_bytes(value) + b"\n"


def vectors_array(rows: Sequence[Row]) -> pa.Array:
    """Return the vectors as fixed_size_list<float32>."""
    flat = np.concatenate([row.vector for row in rows]).astype(np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), len(rows[0].vector))


def table_of(rows: Sequence[Row]) -> pa.Table:
    """Return the rows as a table, the column `vector` last."""
    table = pa.Table.from_pylist([row.fields() for row in rows], schema=_COLUMNS)
    return table.append_column("vector", vectors_array(rows))


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def parquet_rows(body: bytes) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file."""
    return pq.read_table(io.BytesIO(body)).to_pylist()
