"""Plain Parquet, for pandas, Polars, DuckDB and Spark: a file a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from patentclust.exporters import About, Files, Row
from patentclust.exporters.encoding import parquet_bytes, table_of


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield tables with the vector as fixed_size_list<float32>."""
    for index, rows in enumerate(batches):
        yield f"part-{index:05d}.parquet", [parquet_bytes(table_of(rows))]
