"""Files of text lines that begin with a tag, documents one after another, in little memory. Knows no tags."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from patentclust.errors import SourceError
from patentclust.readers import limits
from patentclust.readers.source import Source

_FIELD = re.compile(r"([A-Z][A-Z0-9]{2,3})(?:\s+(\S.*))?\s*")
_MAX_LINE_BYTES = 1024 * 1024

Field = tuple[str, str]
Item = TypeVar("Item")


def records(source: Source, start: re.Pattern[bytes]) -> Iterator[list[Field]]:
    """Yield the fields of each document, (tag, text) with continued lines joined by a blank, from start line on.

    Raises:
        SourceError: one document is longer than the limit.
    """
    record: list[tuple[str, list[str]]] | None = None
    n_bytes = 0
    for line in _lines(source):
        if start.match(line):
            if record:
                yield _joined(record)
            record, n_bytes = [], 0
        n_bytes += len(line)
        if n_bytes > limits.MAX_DOCUMENT_BYTES:
            raise SourceError(f"one document of more than {limits.MAX_DOCUMENT_BYTES:,} bytes", hint="split the file")
        if record is not None:
            _add(record, line)
    if record:
        yield _joined(record)


def _lines(source: Source) -> Iterator[bytes]:
    with source.open() as stream:
        while line := stream.readline(_MAX_LINE_BYTES):
            yield line


def _add(record: list[tuple[str, list[str]]], line: bytes) -> None:
    text = _decoded(line).rstrip()
    field = _FIELD.fullmatch(text)
    if field:
        record.append((field[1], [field[2] or ""]))
    elif record and text:
        record[-1][1].append(text.strip())


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _joined(record: list[tuple[str, list[str]]]) -> list[Field]:
    return [(tag, " ".join(filter(None, lines))) for tag, lines in record]


def placed(items: Iterable[Item], path: str) -> Iterator[tuple[str, Item]]:
    """Yield each item with its path: `path#1`, `path#2` … where there are several, else the path itself."""
    iterator = iter(items)
    first = list(itertools.islice(iterator, 2))
    if len(first) == 1:
        yield path, first[0]
        return
    for number, item in enumerate(itertools.chain(first, iterator), start=1):
        yield f"{path}#{number}", item
