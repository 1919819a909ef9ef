"""Workbooks (xlsx, xlsm, xlsb, xls, ods) through calamine: every sheet that is a table of patents.

A child process writes the rows to a temporary file, and they are streamed from there. Formulas are never evaluated: a
cell is the value that was saved with it. Macros, links and pictures are not touched.
What a column means is decided by `columns`, what a cell becomes by `rows`.
"""

from __future__ import annotations

import itertools
import pickle
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import columns, guard, limits
from patentclust.readers.containers import is_office
from patentclust.readers.rows import documents
from patentclust.readers.source import Source
from patentclust.records import Document

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_ROWS = 20
_BATCH_ROWS = 256
_CHUNK_BYTES = 1024 * 1024
# A child that has read so much is ended: it would keep memory for some ten times as much.
_LARGE_BYTES = 8 * 1024**2
_AS_CSV = "export the table as CSV (UTF-8), which streams"
_HINT = "name the columns yourself, e.g. --map title=COLUMN --map abstract=COLUMN"


def accepts(head: bytes, name: str) -> bool:
    """Tell whether it is an Office file; whether that holds sheets is seen on opening it."""
    return is_office(head) or head.startswith(_OLE)


def read(source: Source, params: IngestParams, *, need_text: bool = True) -> Iterator[Document | SourceError]:
    """Read one document a row of every visible sheet that has a column of text."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        book, spool = Path(folder, "book"), Path(folder, "rows")
        _copy(source, book)
        # In a child: the library panics on damaged files, and a hostile one may want all memory.
        n_sheets = guard.run(spool_rows, str(book), str(spool), seconds=limits.MAX_WORKBOOK_SECONDS)
        if book.stat().st_size > _LARGE_BYTES:
            guard.free()
        seen, found = [], False
        with spool.open("rb") as stream:
            for name, rows in _sheets(stream, n_sheets):
                header, body = _split(rows)
                plan = columns.plan(header, params, source.path) if header else None
                seen += header
                if plan is None or not plan.serves(need_text=need_text):
                    continue
                found = True
                place = f"{source.path}#" if n_sheets == 1 else f"{source.path}#{name}!"
                for number, row in body:
                    cells = dict(reversed(list(zip(header, row, strict=False))))
                    yield from documents(cells, plan, path=f"{place}{number}", warnings=(), need_text=need_text)
    if not found:
        shown = ", ".join(dict.fromkeys(seen[:30])) or "no cells"
        raise SourceError(
            f"no sheet with a column of text: expected title, abstract, claims or description, got {shown}", hint=_HINT
        )


def _copy(source: Source, path: Path) -> None:
    """Write a source to a file of a name that says nothing: the library would believe its ending."""
    n_bytes = 0
    with source.open() as stream, path.open("wb") as file:
        while chunk := stream.read(_CHUNK_BYTES):
            n_bytes += file.write(chunk)
            if n_bytes > limits.MAX_DOCUMENT_BYTES:
                raise SourceError(f"a workbook of more than {limits.MAX_DOCUMENT_BYTES:,} bytes", hint=_AS_CSV)


def spool_rows(book_path: str, path: str) -> int:
    """Write the rows of the visible sheets of a file to a new one, as `_sheets` reads it; return how many sheets.

    Raises:
        SourceError: it is no workbook, damaged, locked, or expands beyond what a table of patents holds.
    """
    import python_calamine as calamine

    with Path(book_path).open("rb") as file:
        if file.read(len(_OLE)) != _OLE:
            _check_expansion(file)
    try:
        book = calamine.CalamineWorkbook.from_path(book_path)
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == calamine.SheetVisibleEnum.Visible and sheet.typ == calamine.SheetTypeEnum.WorkSheet
        ]
        with Path(path).open("wb") as stream:
            for name in visible:
                pickle.dump(name, stream)
                _spool(book.get_sheet_by_name(name).iter_rows(), stream)
    except calamine.PasswordError as error:
        raise SourceError("the workbook is locked by a password", hint="save it without one") from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise SourceError(
            f"no Office file with sheets that can be read: {error}",
            hint="export the table as CSV (UTF-8) or save it as .xlsx",
        ) from error
    return len(visible)


def _spool(rows: Iterator[list[Any]], stream: BinaryIO) -> None:
    while batch := list(itertools.islice(rows, _BATCH_ROWS)):
        pickle.dump(batch, stream)
        # One long text may stand in every cell and in the file only once.
        if stream.tell() > limits.MAX_WORKBOOK_CELLS_BYTES:
            raise SourceError(
                f"its cells hold more than {limits.MAX_WORKBOOK_CELLS_BYTES:,} bytes",
                hint=_AS_CSV,
            )
    pickle.dump([], stream)


def _sheets(stream: BinaryIO, n_sheets: int) -> Iterator[tuple[str, Iterator[list[Any]]]]:
    """Yield the names and rows of sheets; rows that are not asked for are passed over."""
    for _ in range(n_sheets):
        name = pickle.load(stream)
        rows = itertools.chain.from_iterable(iter(lambda: pickle.load(stream), []))
        yield name, rows
        for _row in rows:
            pass


def _check_expansion(file: BinaryIO) -> None:
    """Expand every member once, into nothing: the sizes that an archive states of itself may lie."""
    n_bytes = 0
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > limits.MAX_WORKBOOK_MEMBERS:
                raise SourceError(f"a workbook of {len(entries):,} parts, as none has")
            for entry in entries:
                with archive.open(entry) as stream:
                    while chunk := stream.read(_CHUNK_BYTES):
                        n_bytes += len(chunk)
                        if n_bytes > limits.MAX_WORKBOOK_BYTES:
                            raise SourceError(
                                f"the workbook expands to more than {limits.MAX_WORKBOOK_BYTES:,} bytes",
                                hint=_AS_CSV,
                            )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise SourceError(f"the workbook is damaged: {error}", hint="open it in Excel and save it again") from error


def _split(rows: Iterator[list[Any]]) -> tuple[list[str], Iterator[tuple[int, list[Any]]]]:
    """Return the header, the row of most names that we know among the first ones, and the numbered rows below it."""
    first = list(itertools.islice(rows, _HEADER_ROWS))
    known = [columns.n_known(_texts(row)) for row in first]
    if not any(known):
        return _texts(first[0]) if first else [], iter(())
    index = max(range(len(known)), key=lambda i: (known[i], -i))
    numbered = enumerate(itertools.chain(first[index + 1 :], rows), start=index + 2)
    below = ((number, [_cell(cell) for cell in row]) for number, row in numbered)
    return _texts(first[index]), ((number, row) for number, row in below if any(cell != "" for cell in row))


def _texts(row: Sequence[Any]) -> list[str]:
    return [str(cell).strip() for cell in row[: limits.MAX_COLUMNS]]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    # A workbook stores 10123456 as 10123456.0.
    return int(value) if isinstance(value, float) and value.is_integer() else value
