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
from typing import Protocol, cast

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import dialects, forms, limits
from patentclust.readers.containers import Budget, expand, is_archive, split_xml
from patentclust.readers.files import InputFile, find_files
from patentclust.readers.source import OnDisk, Source
from patentclust.records import Document

__all__ = [
    "REGISTRY",
    "REVISION",
    "InputFile",
    "Source",
    "find_files",
    "is_divisible",
    "is_plain",
    "nothing_read",
    "open_file",
    "read_facts",
    "read_file",
    "read_source",
]

# In the order of asking: the first that accepts a file reads it.
REGISTRY = {
    "us-st36": "patentclust.readers.us_st36",
    "us-patdoc": "patentclust.readers.us_patdoc",
    "us-pap": "patentclust.readers.us_pap",
    "us-aps": "patentclust.readers.us_aps",
    "us-brs": "patentclust.readers.us_brs",
    "us-ppubs": "patentclust.readers.us_ppubs",
    "us-st96-parts": "patentclust.readers.us_st96_parts",
    "ep-st36": "patentclust.readers.ep_st36",
    "epo-docdb": "patentclust.readers.epo_docdb",
    "epo-ops": "patentclust.readers.epo_ops",
    "wo-st36": "patentclust.readers.wo_st36",
    "st96": "patentclust.readers.st96",
    "cn-st36": "patentclust.readers.cn_st36",
    "cn-st96": "patentclust.readers.cn_st96",
    "tw-st36": "patentclust.readers.tw_st36",
    "jp-st36": "patentclust.readers.jp_st36",
    "jp-st96": "patentclust.readers.jp_st96",
    "kipris-xml": "patentclust.readers.kipris_xml",
    "kipris-json": "patentclust.readers.kipris_json",
    "google-html": "patentclust.readers.google_html",
    "google-json": "patentclust.readers.google_json",
    "pdf": "patentclust.readers.pdf",
    "workbook": "patentclust.readers.workbook",
    "parquet": "patentclust.readers.parquet",
    "table": "patentclust.readers.table",
}
# Those whose rows may also be mere facts of publications: their `read` takes `need_text`.
TABLES = ("workbook", "parquet", "table")
# Raise it when a reader comes to read the same file differently, or files are cut, or readings kept, differently, so
# that what older versions read is read again.
REVISION = 12


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
    for found in open_file(file, sha256=sha256):
        for item in read_source(found, params):
            empty = False
            yield item
    if empty and (error := nothing_read(file)):
        yield error


def read_facts(file: InputFile, params: IngestParams, *, sha256: str) -> Iterator[Document | SourceError]:
    """Read what the rows of tables state of publications, whether or not they hold text; other files are errors."""
    for found in open_file(file, sha256=sha256):
        if isinstance(found, SourceError):
            yield found
            continue
        name = _reader_of(found)
        if name is None or name not in TABLES:
            yield SourceError(
                f"no table: expected CSV, TSV, Excel, JSON or Parquet, got {dialects.describe(found.head)}",
                source_path=found.path,
            )
        else:
            yield from _read_with(name, found, import_module(REGISTRY[name]).read(found, params, need_text=False))


def open_file(file: InputFile, *, sha256: str) -> Iterator[Source | SourceError]:
    """Yield what is to be read in a file, archives opened and weekly files cut; never raises SourceError.

    What is yielded must be read, or held, before the next is asked for: members of a tar pass by.
    """
    try:
        top = Source(file.shown, sha256, _head(file), OnDisk(file.path))
        for found in expand(top, Budget(file.n_bytes)):
            if isinstance(found, SourceError):
                yield _placed(found, file.shown)
            elif not (dialects.is_companion(found.head) and (found.member or not file.named)):
                yield from _split(found)
    except SourceError as error:
        yield _placed(error, file.shown)
    except OSError as error:
        yield SourceError(f"cannot be read: {error.strerror or error}", source_path=file.shown)


def is_divisible(file: InputFile) -> bool:
    """Tell whether a file is an archive or a weekly file, which can be opened here and read elsewhere."""
    try:
        head = _head(file)
    except OSError:
        return False
    return is_archive(head) or dialects.must_be_split(head)


def is_plain(file: InputFile) -> bool:
    """Tell whether a file is no archive; one that cannot be opened is none."""
    try:
        return not is_archive(_head(file))
    except OSError:
        return True


def nothing_read(file: InputFile) -> SourceError | None:
    """Return what is wrong with a file that gave neither document nor error; None for a companion met in a folder."""
    if _is_companion(file) and not file.named:
        return None
    return SourceError(
        "nothing in it is a document that can be read", source_path=file.shown, hint=f"read are: {dialects.READ}"
    )


def _head(file: InputFile) -> bytes:
    with file.path.open("rb") as stream:
        return stream.read(limits.HEAD_BYTES)


def _is_companion(file: InputFile) -> bool:
    try:
        return dialects.is_companion(_head(file))
    except OSError:
        return False


def _split(source: Source) -> Iterator[Source | SourceError]:
    if not dialects.must_be_split(source.head):
        yield source
        return
    try:
        yield from split_xml(source)
    except SourceError as error:
        yield _placed(error, source.path)


def read_source(source: Source | SourceError, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read what `open_file` found; never raises SourceError."""
    if isinstance(source, SourceError):
        yield source
        return
    try:
        yield from _read_part(source, params)
    except OSError as error:
        yield SourceError(f"cannot be read: {error.strerror or error}", source_path=source.path)


def _read_part(part: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    if not part.head:
        if not part.member:
            yield SourceError("the file is empty", source_path=part.path)
        return
    name = _reader_of(part)
    # Tables may look like much; a reader of one dialect knows what it accepts.
    dialect = dialects.unread(part.head) if name in (None, "table") else None
    if dialect:
        yield SourceError(
            f"this version does not read it: {dialect}", source_path=part.path, hint=f"read are: {dialects.READ}"
        )
        return
    if name is None:
        if not part.member or dialects.must_be_named(part.head):
            yield SourceError(
                f"no reader accepts it: expected a patent, got {dialects.describe(part.head)}",
                source_path=part.path,
                hint=f"read are: {dialects.READ}",
            )
        return
    yield from _read_with(name, part, _load(name).read(part, params))


def _reader_of(part: Source) -> str | None:
    return next((name for name in REGISTRY if _load(name).accepts(part.head, part.name)), None)


def _read_with(name: str, part: Source, items: Iterator[Document | SourceError]) -> Iterator[Document | SourceError]:
    try:
        for item in items:
            if isinstance(item, SourceError):
                yield _placed(item, part.path, reader=name)
            else:
                path = item.source_path or part.path
                warnings = (*item.warnings, *forms.doubts(item.doc_id))
                yield replace(item, source_path=path, source_sha256=part.sha256, source_format=name, warnings=warnings)
    except SourceError as error:
        yield _placed(error, part.path, reader=name)


def _placed(error: SourceError, path: str, *, reader: str = "") -> SourceError:
    error.source_path = error.source_path or path
    error.reader = error.reader or reader
    return error
