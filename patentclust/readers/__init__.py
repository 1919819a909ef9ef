"""A file -> Document records. Containers are opened, contents are sniffed, and one reader a dialect does the rest.

A reader is a module with `accepts(head, name) -> bool`, which looks at content and never trusts a name, and
`read(source, params)`, which yields documents, and a SourceError for each part that fails while the rest goes on;
raising one ends the source. To add a dialect, write its module and name it in REGISTRY.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import BinaryIO, Protocol, cast

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import dialects, limits
from patentclust.readers.containers import Budget, expand, split_xml
from patentclust.readers.files import InputFile, find_files
from patentclust.readers.source import Source
from patentclust.records import Document

__all__ = ["REGISTRY", "REVISION", "InputFile", "find_files", "read_file"]

# In the order of asking: the first that accepts a file reads it.
REGISTRY = {
    "us-st36": "patentclust.readers.us_st36",
    "ep-st36": "patentclust.readers.ep_st36",
    "epo-docdb": "patentclust.readers.epo_docdb",
    "epo-ops": "patentclust.readers.epo_ops",
    "wo-st36": "patentclust.readers.wo_st36",
    "st96": "patentclust.readers.st96",
    "pdf": "patentclust.readers.pdf",
    "table": "patentclust.readers.table",
}
# Raise it when a reader comes to read the same file differently, so that what older versions read is read again.
REVISION = 2


class Reader(Protocol):
    """What a module of REGISTRY offers."""

    def accepts(self, head: bytes, name: str) -> bool:
        """Tell whether it reads what begins so."""

    def read(self, source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
        """Yield the documents, and an error for each part that fails."""


@cache
def _load(name: str) -> Reader:
    return cast(Reader, import_module(REGISTRY[name]))


def read_file(file: InputFile, params: IngestParams, *, sha256: str) -> Iterator[Document | SourceError]:
    """Read all documents of a file, and an error for every part of it that cannot be read; never raises SourceError.

    A file that yields no document yields at least one error, unless it is a mere companion (an image, a DTD) met in a
    folder.
    """
    empty = True
    try:
        for item in _read_expanded(file, params, sha256):
            empty = False
            yield item
    except SourceError as error:
        empty = False
        yield _placed(error, file.shown)
    except OSError as error:
        empty = False
        yield SourceError(f"cannot be read: {error.strerror or error}", source_path=file.shown)
    if empty and not (_is_companion(file) and not file.named):
        yield SourceError(
            "nothing in it is a document that can be read", source_path=file.shown, hint=f"read are: {dialects.READ}"
        )


def _read_expanded(file: InputFile, params: IngestParams, sha256: str) -> Iterator[Document | SourceError]:
    def opener() -> BinaryIO:
        return file.path.open("rb")

    top = Source(file.shown, sha256, _head(file), opener)
    for found in expand(top, Budget(file.n_bytes)):
        if isinstance(found, SourceError):
            yield _placed(found, file.shown)
        elif not (dialects.is_companion(found.head) and (found.member or not file.named)):
            yield from _read_source(found, params)


def _head(file: InputFile) -> bytes:
    with file.path.open("rb") as stream:
        return stream.read(limits.HEAD_BYTES)


def _is_companion(file: InputFile) -> bool:
    try:
        return dialects.is_companion(_head(file))
    except OSError:
        return False


def _read_source(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    try:
        for part in split_xml(source) if dialects.must_be_split(source.head) else (source,):
            yield from _read_part(part, params)
    except SourceError as error:
        yield _placed(error, source.path)


def _read_part(part: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    if not part.head:
        if not part.member:
            yield SourceError("the file is empty", source_path=part.path)
        return
    dialect = dialects.unread(part.head)
    if dialect:
        yield SourceError(
            f"this version does not read it: {dialect}", source_path=part.path, hint=f"read are: {dialects.READ}"
        )
        return
    name = next((name for name in REGISTRY if _load(name).accepts(part.head, part.name)), None)
    if name is None:
        if not part.member or dialects.must_be_named(part.head):
            yield SourceError(
                f"no reader accepts it: expected a patent, got {dialects.describe(part.head)}",
                source_path=part.path,
                hint=f"read are: {dialects.READ}",
            )
        return
    yield from _read_with(name, part, params)


def _read_with(name: str, part: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    try:
        for item in _load(name).read(part, params):
            if isinstance(item, SourceError):
                yield _placed(item, part.path, reader=name)
            else:
                path = item.source_path or part.path
                yield replace(item, source_path=path, source_sha256=part.sha256, source_format=name)
    except SourceError as error:
        yield _placed(error, part.path, reader=name)


def _placed(error: SourceError, path: str, *, reader: str = "") -> SourceError:
    error.source_path = error.source_path or path
    error.reader = error.reader or reader
    return error
