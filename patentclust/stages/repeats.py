"""Rows of many readings as one table, and documents that were met more than once as one row.

Works on columns: only the rows of a repeated document become Python objects.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patentclust import artifacts
from patentclust.records import Document
from patentclust.stages.reading import BATCH_CHARS, READ, table_of

ALSO_READ = "also read from "
# Row groups kept while repeats are merged: two copies of one folder are walked through in two places at once.
_CACHED_GROUPS = 4
_TEXTS = ("title", "abstract", "description")
_HINT = "delete it and run the same command again: what it holds is read again"
_WITHOUT_KIND = re.compile(r"US-[A-Z]{0,2}\d+")


@dataclass(frozen=True)
class Slice:
    """Some rows of a Parquet file."""

    path: Path
    start: int
    n_rows: int


class Rows:
    """Rows of several files in order, a row group at a time in memory."""

    def __init__(self, slices: Iterable[Slice]) -> None:
        self._slices = _joined(slices)
        self._starts = [0]
        for part in self._slices:
            self._starts.append(self._starts[-1] + part.n_rows)
        self._cache: OrderedDict[tuple[Path, int], pa.Table] = OrderedDict()

    def __len__(self) -> int:
        return self._starts[-1]

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield all rows, or some columns of them."""
        for part in self._slices:
            with artifacts.reading(part.path, _HINT), pq.ParquetFile(part.path) as parquet:
                for index, start, stop in _groups(parquet, part.start, part.start + part.n_rows):
                    yield parquet.read_row_group(index, columns=columns).slice(start, stop - start)

    def __getitem__(self, row: int) -> Document:
        """Return one document; rows near to each other are quick."""
        number = bisect_right(self._starts, row) - 1
        part = self._slices[number]
        place = part.start + row - self._starts[number]
        with artifacts.reading(part.path, _HINT), pq.ParquetFile(part.path) as parquet:
            index, start, _ = next(_groups(parquet, place, place + 1))
            table = self._group(parquet, part.path, index)
        return document_of(table.slice(start, 1).to_pylist()[0])

    def _group(self, parquet: pq.ParquetFile, path: Path, index: int) -> pa.Table:
        if (path, index) not in self._cache:
            self._cache[path, index] = parquet.read_row_group(index)
            if len(self._cache) > _CACHED_GROUPS:
                self._cache.popitem(last=False)
        self._cache.move_to_end((path, index))
        return self._cache[path, index]


def _joined(slices: Iterable[Slice]) -> list[Slice]:
    joined: list[Slice] = []
    for part in slices:
        last = joined[-1] if joined else None
        if last and last.path == part.path and last.start + last.n_rows == part.start:
            joined[-1] = replace(last, n_rows=last.n_rows + part.n_rows)
        elif part.n_rows:
            joined.append(part)
    return joined


def _groups(parquet: pq.ParquetFile, first: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Yield (row group, start in it, stop in it) for rows from first to stop."""
    begin = 0
    for index in range(parquet.num_row_groups):
        end = begin + parquet.metadata.row_group(index).num_rows
        if begin < stop and first < end:
            yield index, max(first, begin) - begin, min(stop, end) - begin
        begin = end


def regrouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same rows in row groups whose bounds depend on the rows alone."""
    held: list[pa.Table] = []
    n_rows, n_bytes = 0, 0
    for table in tables:
        sizes = _text_bytes(table)
        start = 0
        for place, size in enumerate(sizes.tolist(), start=1):
            n_rows, n_bytes = n_rows + 1, n_bytes + size
            if n_rows >= artifacts.ROW_GROUP_ROWS or n_bytes >= BATCH_CHARS:
                yield pa.concat_tables([*held, table.slice(start, place - start)]).combine_chunks()
                held, start, n_rows, n_bytes = [], place, 0, 0
        if start < len(table):
            held.append(table.slice(start))
    if held:
        yield pa.concat_tables(held).combine_chunks()


def ahead(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the same tables, each made in a thread while the one before it is used."""
    iterator = iter(tables)
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(next, iterator, None)
        while (table := future.result()) is not None:
            future = thread.submit(next, iterator, None)
            yield table


def _text_bytes(table: pa.Table) -> np.ndarray:
    sizes = np.zeros(len(table), dtype=np.int64)
    for name in _TEXTS:
        sizes += pc.binary_length(table[name]).to_numpy().astype(np.int64)
    lengths = pc.list_value_length(table["claims"]).to_numpy().astype(np.int64)
    of_claims = pc.binary_length(pc.list_flatten(table["claims"])).to_numpy().astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(of_claims)])
    stops = np.cumsum(lengths)
    return sizes + ends[stops] - ends[stops - lengths]


def find_repeats(rows: Rows) -> dict[int, list[int]]:
    """Return, for each row of a document that stands in more than one, all of them in order.

    A number of the US without its kind, as scans and some tables have it, is the one publication of that number.
    """
    first_rows: dict[str, int] = {}
    repeats: dict[str, list[int]] = {}
    row = 0
    for table in rows.tables(["doc_id"]):
        for doc_id in table["doc_id"].to_pylist():
            first = first_rows.setdefault(doc_id, row)
            if first != row:
                repeats.setdefault(doc_id, [first]).append(row)
            row += 1
    for number, doc_id in _completed(first_rows).items():
        places = [repeats.pop(name, [first_rows[name]]) for name in (number, doc_id)]
        repeats[doc_id] = sorted(places[0] + places[1])
    return {row: places for places in repeats.values() for row in places}


def _completed(doc_ids: Iterable[str]) -> dict[str, str]:
    """Return the ids without a kind of which one id with a kind is there, and that id."""
    found: dict[str, list[str]] = {doc_id: [] for doc_id in doc_ids if _WITHOUT_KIND.fullmatch(doc_id)}
    if found:
        for doc_id in doc_ids:
            if (number := doc_id.rpartition("-")[0]) in found:
                found[number].append(doc_id)
    return {number: full[0] for number, full in found.items() if len(full) == 1}


def merge_repeats(rows: Rows, repeats: dict[int, list[int]], writer: pq.ParquetWriter) -> None:
    """Copy all rows, each document once: where its first row stands, merged with the later ones."""
    for table in regrouped(_merged_tables(rows, repeats)):
        writer.write_table(table.cast(READ.schema), row_group_size=artifacts.ROW_GROUP_ROWS)


def _merged_tables(rows: Rows, repeats: dict[int, list[int]]) -> Iterator[pa.Table]:
    start = 0
    for table in rows.tables():
        merged: list[Document] = []
        order: list[int] = []
        for place in range(len(table)):
            repeated = repeats.get(start + place)
            if repeated is None:
                order.append(place)
            elif repeated[0] == start + place:
                order.append(len(table) + len(merged))
                merged.append(merge([rows[row] for row in repeated]))
        start += len(table)
        if len(order) == len(table) and not merged:
            yield table
        else:
            yield pa.concat_tables([table.cast(READ.schema), table_of(merged)]).take(pa.array(order, pa.int64()))


def document_of(row: dict[str, Any]) -> Document:
    """Return a row of a reading as a document."""
    stated = ((item.name, row[item.name]) for item in fields(Document))
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stated}
    return Document(**values)


def merge(documents: list[Document]) -> Document:
    """Return the document with the most text, its gaps filled from the others, under the id that states a kind."""
    richest = max(documents, key=lambda document: document.n_chars)
    return fill(replace(richest, doc_id=max((document.doc_id for document in documents), key=len)), documents)


def fill(document: Document, others: Iterable[Document], *, note: str = ALSO_READ) -> Document:
    """Return a document with its gaps filled from others, in their order, and the files of these noted as warnings."""
    changes: dict[str, Any] = {}
    paths: dict[str, None] = {}
    for other in others:
        paths[other.source_path] = None
        same_language = other.language == document.language or None in (other.language, document.language)
        for item in fields(document):
            name = item.name
            # Text in another language would make one document of two languages.
            fits = same_language or name not in (*_TEXTS, "claims", "independent")
            if fits and not getattr(document, name) and not changes.get(name) and getattr(other, name):
                changes[name] = getattr(other, name)
    warnings = tuple(note + path for path in paths if path != document.source_path)
    return replace(document, **{**changes, "warnings": document.warnings + warnings})
