"""Parquet files with one patent a row; also the documents.parquet of another workspace. Streamed by row groups.

What a column means is decided by `columns`, what a cell becomes by `rows`.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from shutil import copyfileobj
from typing import Any, BinaryIO

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import columns, limits
from patentclust.readers.rows import documents
from patentclust.readers.source import Source
from patentclust.records import Document

_BATCH_ROWS = 64
_HINT = "name the columns yourself, e.g. --map title=COLUMN --map abstract=COLUMN"


def accepts(head: bytes, name: str) -> bool:
    """Tell whether it is Parquet."""
    return head.startswith(b"PAR1")


def read(source: Source, params: IngestParams, *, need_text: bool = True) -> Iterator[Document | SourceError]:
    """Read one document a row; only the columns that mean something are decoded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with source.open() as stream, tempfile.SpooledTemporaryFile(limits.SPOOL_BYTES) as spool:
        try:
            parquet = pq.ParquetFile(_seekable(stream, spool))
            names = parquet.schema_arrow.names
            plan = columns.plan(names, params, source.path)
            if not plan.serves(need_text=need_text):
                shown = ", ".join(itertools.islice(names, 30))
                raise SourceError(
                    f"no column with text: expected title, abstract, claims or description, got {shown}", hint=_HINT
                )
            number = 0
            for batch in parquet.iter_batches(
                batch_size=_BATCH_ROWS, columns=list(dict.fromkeys(plan.columns.values()))
            ):
                for row in batch.to_pylist():
                    number += 1
                    cells = {name: _cell(value) for name, value in row.items()}
                    yield from documents(cells, plan, path=f"{source.path}#{number}", warnings=(), need_text=need_text)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"the Parquet file is damaged: {error}") from error


def _seekable(stream: BinaryIO, spool: Any) -> Any:
    if stream.seekable():
        return stream
    copyfileobj(stream, spool)
    spool.seek(0)
    return spool


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, date) else value
