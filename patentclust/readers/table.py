"""Tables of patents: CSV and TSV of any make, JSON lines, and JSON arrays of objects.

Rows are streamed; what a column means is decided by `columns`, what a cell becomes by `rows`. A row that fails is one
error, the rest goes on.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import columns, dialects, encodings, limits
from patentclust.readers.rows import documents
from patentclust.readers.source import Source
from patentclust.records import Document

_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 20
_EVEN_SHARE = 0.8
_MAX_NAME_CHARS = 80
_PROBE_RECORDS = 100
_CHUNK_CHARS = 256 * 1024
_HINT = "name the columns yourself, e.g. --map title=COLUMN --map abstract=COLUMN"

# (row number from 1, cells by column name) or what is wrong with the row.
Record = tuple[int, dict[str, Any] | SourceError]


def accepts(head: bytes, name: str) -> bool:
    """Tell whether it is JSON objects, or separated text with a header that we know or under a table's name."""
    if encodings.is_binary(head):
        return False
    text = head.decode(encodings.of_head(head), "replace")
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith(("{", "[")):
        is_object = bool(re.match(r"(?:\[\s*)?\{\s*(?:\"|\})", start))
        return is_object and not dialects.is_ppubs(head) and dialects.json_dialect(head) is None
    if start.startswith(("<", "%PDF")):
        return False
    layout = _layout(text)
    if layout is None:
        return False
    is_known = len(layout.header) > 1 and layout.even and columns.has_text(layout.header)
    return is_known or name.endswith((".csv", ".tsv", ".tab"))


def read(source: Source, params: IngestParams, *, need_text: bool = True) -> Iterator[Document | SourceError]:
    """Read one document a row; without `need_text` also rows that only state facts of a publication."""
    encoding, warning = encodings.of_source(source)
    with source.open() as stream:
        stream = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream
        # newline="" leaves line ends to csv, and lets a bare CR end a line.
        text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
        records = _records(text, source.head.decode(encoding, "replace"))
        probe = list(itertools.islice(records, _PROBE_RECORDS))
        names = dict.fromkeys(name for _, row in probe if isinstance(row, dict) for name in row)
        plan = columns.plan(list(names), params, source.path)
        if names and not plan.serves(need_text=need_text):
            shown = ", ".join(itertools.islice(names, 30))
            raise SourceError(
                f"no column with text: expected title, abstract, claims or description, got {shown}", hint=_HINT
            )
        for number, row in itertools.chain(probe, records):
            path = f"{source.path}#{number}"
            if isinstance(row, SourceError):
                row.source_path = path
                yield row
            else:
                warnings = (warning,) if warning else ()
                yield from documents(row, plan, path=path, warnings=warnings, need_text=need_text)


def json_records(source: Source) -> Iterator[Record]:
    """Yield the objects of JSON lines or of an array, numbered from 1, and an error for each that is none."""
    encoding, _ = encodings.of_source(source)
    with source.open() as stream:
        stream = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream
        text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
        yield from _records(text, source.head.decode(encoding, "replace"))


def _records(text: TextIO, sample: str) -> Iterator[Record]:
    start = sample.lstrip("\ufeff \t\r\n")
    if start.startswith("["):
        return json_values(text)
    if start.startswith("{"):
        lines = [line for line in start.splitlines()[:4] if line.strip()]
        return _json_lines(text) if any(map(_is_object, lines)) or len(lines) == 1 else json_values(text)
    return _csv_rows(text, sample)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(limits.MAX_RECORD_CHARS + 1):
        if len(line) > limits.MAX_RECORD_CHARS:
            raise SourceError(f"a line of more than {limits.MAX_RECORD_CHARS:,} characters")
        yield line


def _json_lines(text: TextIO) -> Iterator[Record]:
    for number, line in enumerate(_lines(text), start=1):
        if line.strip("\ufeff \t\r\n\x00"):
            yield number, _object(line.strip("\ufeff\x00"))


def _object(text: str) -> dict[str, Any] | SourceError:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return SourceError(f"no JSON: {error}")
    return value if isinstance(value, dict) else _no_object(value)


def json_values(text: TextIO) -> Iterator[Record]:
    """Yield the objects of an array, or of values one after another, without holding the file."""
    decoder = json.JSONDecoder()
    buffer = text.read(_CHUNK_CHARS).lstrip("\ufeff \t\r\n")
    is_array, number = buffer.startswith("["), 0
    buffer = buffer.removeprefix("[").lstrip()
    while buffer and buffer[0] != "]":
        try:
            value, end = decoder.raw_decode(buffer)
        except (ValueError, RecursionError) as error:
            # Either cut by the end of the buffer, or broken: more text tells. Doubling keeps the retries few.
            more = text.read(max(_CHUNK_CHARS, len(buffer)))
            if not more or len(buffer) > limits.MAX_RECORD_CHARS or isinstance(error, RecursionError):
                yield number + 1, SourceError(f"no JSON: {error}; the file is read up to here")
                return
            buffer += more
            continue
        number += 1
        yield number, value if isinstance(value, dict) else _no_object(value)
        buffer = buffer[end:].lstrip(" \t\r\n,")
        if len(buffer) < _CHUNK_CHARS:
            buffer = (buffer + text.read(_CHUNK_CHARS)).lstrip(" \t\r\n,")
    if is_array and not buffer:
        yield number + 1, SourceError("the file ends before its list does; it is read up to here")


def _no_object(value: Any) -> SourceError:
    return SourceError(f"expected a JSON object, got {type(value).__name__}")


@dataclass(frozen=True)
class _Layout:
    """How separated text is laid out.

    Attributes:
        separator: between cells.
        header: the row that names the columns, among the first ones.
        n_known: how many of those names mean something to us.
        even: the rows below have as many cells, so that it is a table and no prose with commas.
    """

    separator: str
    header: list[str]
    n_known: int
    even: bool


def _layout(sample: str) -> _Layout | None:
    """Return the layout of separated text, None when it is not even a line."""
    lines = [line for line in io.StringIO(sample, newline="") if line.strip()]
    # The last line may be cut where the sample ends.
    lines = lines[: min(_SAMPLE_ROWS, max(1, len(lines) - 1))]
    candidates = [found for separator in _SEPARATORS if (found := _layout_with(lines, separator))]
    # The separator of most columns we know; where none is known, of most columns.
    return max(candidates, key=lambda found: (found.n_known, len(found.header)), default=None)


def _layout_with(lines: list[str], separator: str) -> _Layout | None:
    try:
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return None
    known = [columns.n_known(row) for row in rows]
    if not known:
        return None
    # Exports may begin with a few lines about themselves before the header.
    index = max(range(len(known)), key=lambda i: (known[i], -i))
    header, below = rows[index], rows[index + 1 :]
    n_even = sum(len(row) == len(header) for row in below)
    even = n_even >= _EVEN_SHARE * len(below) and all(len(cell) <= _MAX_NAME_CHARS for cell in header)
    return _Layout(separator, header, known[index], even)


def _csv_rows(text: TextIO, sample: str) -> Iterator[Record]:
    # Larger than the default 128 KiB: one cell may hold a whole description. The limit is global to the process.
    csv.field_size_limit(max(csv.field_size_limit(), limits.MAX_RECORD_CHARS))
    layout = _layout(sample)
    if layout is None:
        return
    rows = csv.reader((line.replace("\x00", "") for line in _lines(text)), delimiter=layout.separator)
    number, header = 0, None
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, SourceError(f"no table row: {error}; the file is read up to here")
            return
        if header is None:
            header = _header(row) if row == layout.header or _header(row) == _header(layout.header) else None
        elif any(cell.strip() for cell in row):
            yield number, _cells(header, row)


def _header(row: list[str]) -> list[str]:
    return [cell.strip("\ufeff \t\r\n") for cell in row[: limits.MAX_COLUMNS]]


def _cells(header: list[str], row: list[str]) -> dict[str, Any] | SourceError:
    extra = [cell for cell in row[len(header) :] if cell.strip()]
    if extra:
        return SourceError(
            f"the row has {len(row)} cells, the header {len(header)}", hint="quote cells that hold the separator"
        )
    cells: dict[str, Any] = {}
    for name, cell in zip(header, row, strict=False):
        if name and not cells.get(name):
            cells[name] = cell
    return cells
