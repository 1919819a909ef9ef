"""Tables of facts joined to documents by publication number: they fill gaps, and become no documents.

A row without a kind code serves every kind of its number; a row with one serves that kind, and a document without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from patentclust import readers
from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import InputFile
from patentclust.readers.numbers import split_publication
from patentclust.records import Document
from patentclust.stages.reading import READ, failure_row, sanitised, table_of
from patentclust.stages.repeats import Rows, document_of, fill

_COMPLETED = "completed from "


@dataclass(frozen=True)
class Table:
    """One table of facts: its name as given, and its hash."""

    file: InputFile
    sha256: str


class Facts:
    """The rows of all tables that some document may use, to be asked by publication number."""

    def __init__(self, tables: Sequence[Table], params: IngestParams, rows: Rows) -> None:
        """Read the tables for the documents in `rows`; rows of tables that fail are kept as failures.

        Raises:
            SourceError: a table holds no row with a publication number.
        """
        self.failures: list[dict[str, str]] = []
        self._by_number: dict[str, list[Document]] = {}
        self._used: set[str] = set()
        self._n_rows = 0
        # A table may be far larger than the corpus.
        wanted = _numbers_of(rows) if tables else set()
        for table in tables:
            n_before, last = self._n_rows, ""
            for item in readers.read_facts(table.file, params, sha256=table.sha256):
                if isinstance(item, SourceError):
                    self.failures.append(failure_row(item, table.sha256))
                elif (number := _number(item.doc_id)) is not None:
                    # The publications of a family stand in one row.
                    self._n_rows += item.source_path != last
                    last = item.source_path
                    if number in wanted:
                        self._by_number.setdefault(number, []).append(sanitised(item))
            if self._n_rows == n_before:
                reason = self.failures[-1]["message"] if self.failures else "no publication numbers"
                raise SourceError(
                    f"--metadata {table.file.shown} states nothing of any publication: {reason}",
                    hint="name its columns, e.g. --map doc_id='Publication Number'",
                )

    def __len__(self) -> int:
        return len(self._by_number)

    @property
    def n_unused(self) -> int:
        """Count the rows that no document so far has used."""
        return self._n_rows - len(self._used)

    def complete(self, document: Document) -> Document:
        """Return a document with its gaps filled."""
        found = self._of(document.doc_id)
        self._used.update(row.source_path for row in found)
        return fill(document, found, note=_COMPLETED) if found else document

    def _of(self, doc_id: str) -> list[Document]:
        number = _number(doc_id)
        rows = self._by_number.get(number, []) if number else []
        if doc_id != number:
            return [row for row in rows if row.doc_id in (doc_id, number)]
        # The document does not say its kind: one publication of that number is it, of several none is surely.
        return rows if len({row.doc_id for row in rows}) == 1 else []


def joined_tables(rows: Rows, facts: Facts) -> Iterator[pa.Table]:
    """Yield all rows, completed."""
    for table in rows.tables():
        documents = [document_of(row) for row in table.to_pylist()]
        completed = [facts.complete(document) for document in documents]
        changed = any(new is not old for new, old in zip(completed, documents, strict=True))
        yield table_of(completed) if changed else table.cast(READ.schema)


def find_tables(paths: Sequence[str | Path]) -> list[Table]:
    """Return the tables at the paths.

    Raises:
        SourceError: one is not there or cannot be read.
    """
    tables = []
    for found in readers.find_files(paths):
        if isinstance(found, SourceError):
            raise found
        tables.append(Table(replace(found, named=True), found.sha256()))
    return tables


def _numbers_of(rows: Rows) -> set[str]:
    found = (_number(doc_id) for table in rows.tables(["doc_id"]) for doc_id in table["doc_id"].to_pylist())
    return {number for number in found if number}


def _number(doc_id: str) -> str | None:
    parts = split_publication(doc_id)
    return f"{parts[0]}-{parts[1]}" if parts else None
