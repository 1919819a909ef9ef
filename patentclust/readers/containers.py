"""Opens what holds documents: zip, gzip, tar, and files of many XML documents one after another. Knows no dialect.

Nothing is ever extracted to a path: members are streams, and their names are only shown. What is read out of one file
is metered as a whole, so that a bomb stops early however deep it lies.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from typing import BinaryIO, cast

from patentclust.errors import SourceError
from patentclust.readers import limits
from patentclust.readers.source import InMemory, OnDisk, Source, Span, file_state

_CHUNK_BYTES = 1024 * 1024
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)
_JUNK = re.compile(r"(?:^|/)(?:\.(?!\.?/)|__MACOSX(?:/|$)|Thumbs\.db$|desktop\.ini$|~\$)", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CLOSING_TAG = re.compile(rb"</[^<>]{1,100}>\s*\Z")
_BEGINNING = re.compile(rb"<(?:\?xml|!DOCTYPE)\s")
_BLANK = b"\xef\xbb\xbf \t\r\n"


class Budget:
    """Count what one file on disk expands to, and stop it at the limits."""

    def __init__(self, n_bytes_on_disk: int) -> None:
        ratio = n_bytes_on_disk * limits.MAX_EXPANSION_RATIO
        self._allowed = min(max(ratio, limits.FREE_EXPANDED_BYTES), limits.MAX_EXPANDED_BYTES)
        self._bytes = 0
        self._members = 0

    @property
    def spent(self) -> bool:
        """Tell whether a limit was met: nothing more is to be read from the file."""
        return self._bytes > self._allowed or self._members > limits.MAX_ARCHIVE_MEMBERS

    def charge(self, n_bytes: int) -> None:
        """Count expanded bytes.

        Raises:
            SourceError: there are too many.
        """
        self._bytes += n_bytes
        if self.spent:
            raise SourceError(
                f"the archive expands to more than {self._allowed:,} bytes, as no patents do",
                hint="if it is sound, unpack it yourself and give the folder",
            )

    def charge_member(self) -> None:
        """Count one member.

        Raises:
            SourceError: there are too many.
        """
        self._members += 1
        if self.spent:
            raise SourceError(f"the archive has more than {limits.MAX_ARCHIVE_MEMBERS:,} members", hint="split it")


class _Metered(io.RawIOBase):
    """Charge what is read from a stream, and speak of its damage in our words."""

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._stream.read(len(buffer))
        except (*_BROKEN, OSError) as error:
            raise SourceError(f"damaged: {error}") from error
        self._budget.charge(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _View(io.RawIOBase):
    """Read a shared temporary file from its start, without closing it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def shown_member(path: str, name: str) -> str:
    """Return how a member of an archive is shown: its name made printable, whatever it pretends to be."""
    return f"{path}!{_UNPRINTABLE.sub('?', name)}"


def expand(source: Source, budget: Budget, *, depth: int = 0) -> Iterator[Source | SourceError]:
    """Yield what is in a source, archives opened to the last; a source that is no archive is yielded itself.

    Members that cannot be read are yielded as errors.

    Raises:
        SourceError: the archive itself cannot be read, or is nested too deep.
    """
    opener = _opener(source.head)
    if opener is None:
        yield source
        return
    if depth >= limits.MAX_ARCHIVE_DEPTH:
        raise SourceError(f"archives nested deeper than {limits.MAX_ARCHIVE_DEPTH}", source_path=source.path)
    try:
        for found in opener(source, budget):
            if isinstance(found, SourceError):
                yield found
            else:
                yield from _expand_member(found, budget, depth + 1)
    except _BROKEN as error:
        raise SourceError(f"the archive is damaged: {error}", source_path=source.path) from error


def _expand_member(member: Source, budget: Budget, depth: int) -> Iterator[Source | SourceError]:
    try:
        yield from expand(member, budget, depth=depth)
    except SourceError as error:
        if budget.spent:
            raise
        error.source_path = error.source_path or member.path
        yield error


def is_archive(head: bytes) -> bool:
    """Tell whether what begins so is opened here."""
    return _opener(head) is not None


def is_office(head: bytes) -> bool:
    """Tell whether a zip archive is an Office or OpenDocument file, by the name of its first member."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return name in (b"[Content_Types].xml", b"mimetype") or name.startswith((b"_rels/", b"docProps/", b"xl/"))


def _opener(head: bytes) -> Callable[[Source, Budget], Iterator[Source | SourceError]] | None:
    if is_office(head):
        return None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK00PK\x03\x04")):
        return _zip_members
    if head.startswith(b"\x1f\x8b"):
        return _gzip_content
    if head[257:262] == b"ustar":
        return _tar_members
    return None


def _metered(stream: BinaryIO, budget: Budget) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Metered(stream, budget), _CHUNK_BYTES))


def _with_head(path: str, origin: Source, opener: Callable[[], BinaryIO], *, member: bool) -> Source:
    with opener() as stream:
        head = stream.read(limits.HEAD_BYTES)
    return Source(path, origin.sha256, head, opener, member=member)


def _zip_members(source: Source, budget: Budget) -> Iterator[Source | SourceError]:
    with _seekable(source) as file, zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if "[Content_Types].xml" in names or "mimetype" in names:
            raise SourceError(
                "an Office or e-book file, not an archive of patents", hint="export the table as CSV (UTF-8)"
            )
        for entry in entries:
            budget.charge_member()
            if entry.is_dir() or _JUNK.search(entry.filename):
                continue
            path = shown_member(source.path, entry.filename)
            if entry.flag_bits & 0x1:
                yield SourceError("encrypted", source_path=path, hint="unpack the archive with its password first")
                continue
            try:
                yield _with_head(path, source, _zip_opener(archive, entry, budget), member=True)
            except (SourceError, *_BROKEN, NotImplementedError, RuntimeError, ValueError) as error:
                if budget.spent:
                    raise
                yield SourceError(f"damaged: {error}", source_path=path)


def _zip_opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Callable[[], BinaryIO]:
    return lambda: _metered(cast(BinaryIO, archive.open(entry)), budget)


def _gzip_content(source: Source, budget: Budget) -> Iterator[Source | SourceError]:
    def opener() -> BinaryIO:
        return _metered(cast(BinaryIO, gzip.GzipFile(fileobj=source.open())), budget)

    budget.charge_member()
    yield _with_head(source.path, source, opener, member=source.member)


def _tar_members(source: Source, budget: Budget) -> Iterator[Source | SourceError]:
    # Streaming, because a tar inside gzip could only seek back by expanding everything again.
    with source.open() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for entry in archive:
            budget.charge_member()
            content = archive.extractfile(entry) if entry.isfile() and not _JUNK.search(entry.name) else None
            if content is None:
                continue
            with _spooled(_metered(cast(BinaryIO, content), budget)) as file:
                yield _with_head(shown_member(source.path, entry.name), source, _viewer(file), member=True)


def _viewer(file: BinaryIO) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, io.BufferedReader(_View(file)))


def _seekable(source: Source) -> BinaryIO:
    stream = source.open()
    return stream if stream.seekable() else _spooled(stream)


def _spooled(stream: BinaryIO) -> BinaryIO:
    file = tempfile.SpooledTemporaryFile(max_size=limits.SPOOL_BYTES)  # noqa: SIM115 - the caller closes it
    with closing(stream):
        while chunk := stream.read(_CHUNK_BYTES):
            file.write(chunk)
    file.seek(0)
    return cast(BinaryIO, file)


def split_xml(source: Source) -> Iterator[Source]:
    """Yield the documents of a file of many, numbered from 1 as `path#1`; a file of one is yielded under its own path.

    Raises:
        SourceError: one document is longer than the limit.
    """
    with source.open() as stream:
        state = file_state(stream) if isinstance(source.open, OnDisk) else None
        parts = _documents(stream)
        first = next(parts, (0, b""))
        second = next(parts, None)
        if second is None:
            yield _part(source, source.path, *first, state)
            return
        for number, (place, data) in enumerate(chain((first, second), parts), start=1):
            yield _part(source, f"{source.path}#{number}", place, data, state)


def _part(source: Source, path: str, place: int, data: bytes, state: tuple[int, int] | None) -> Source:
    origin = None
    if isinstance(source.open, OnDisk) and state is not None:
        origin = Span(source.open.path, place, len(data), state)
    return Source(path, source.sha256, data[: limits.HEAD_BYTES], InMemory(data, origin), member=source.member)


def _documents(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield where each document begins in the stream, and its bytes."""
    buffer = bytearray()
    passed, scanned = 0, 1
    while chunk := stream.read(_CHUNK_BYTES):
        buffer += chunk
        start = 0
        while (border := _next_border(buffer, start, scanned)) >= 0:
            if not _is_blank(document := bytes(memoryview(buffer)[start:border])):
                yield passed + start, document
            start, scanned = border, border + 1
        del buffer[:start]
        passed += start
        # A border may be cut by the end of the chunk.
        scanned = max(1, len(buffer) - 100)
        if len(buffer) > limits.MAX_DOCUMENT_BYTES:
            raise SourceError(f"one document of more than {limits.MAX_DOCUMENT_BYTES:,} bytes", hint="split the file")
    if not _is_blank(document := bytes(buffer)):
        yield passed, document


def _is_blank(document: bytes) -> bool:
    return not document[:100].strip(_BLANK) and not document.strip(_BLANK)


def _next_border(buffer: bytearray, start: int, scanned: int) -> int:
    """Return where the next document begins: at its declaration, or, without one, its DOCTYPE behind a closing tag."""
    for mark in _BEGINNING.finditer(buffer, scanned):
        place = mark.start()
        if mark[0].startswith(b"<?"):
            return place
        gap = len(buffer[max(start, place - 50) : place].rstrip(b" \t\r\n"))
        close = max(start, place - 50) + gap
        if _CLOSING_TAG.search(buffer[max(start, close - 200) : close]):
            return close
    return -1
