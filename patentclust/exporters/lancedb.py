"""LanceDB: Parquet that `create_table` takes as it is, the vector a list of fixed size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from patentclust.exporters import About, Files, Row, parquet


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield tables; `db.create_table(name, pyarrow.parquet.read_table(folder))` loads them."""
    yield from parquet.files(batches, about)
