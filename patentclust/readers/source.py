"""One thing to read: a file, a member of an archive, or a part of a concatenated file. Knows no patent format."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from patentclust.errors import SourceChangedError, SourceError
from patentclust.readers import limits


@dataclass(frozen=True)
class Span:
    """Where in a file on disk some bytes are, and the file's size and time of change when they were found."""

    path: Path
    start: int
    n_bytes: int
    state: tuple[int, int]

    def read(self) -> bytes | None:
        """Return the bytes; None where the file has changed since, or is there no more."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.start)
                data = stream.read(self.n_bytes)
                return data if file_state(stream) == self.state else None
        except OSError:
            return None


def file_state(stream: BinaryIO) -> tuple[int, int]:
    """Return size and time of change of an open file on disk."""
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class InMemory:
    """Opens bytes that are held; `origin` is where they can be read again, when they lie on disk as they are."""

    data: bytes
    origin: Span | None = None

    def __call__(self) -> BinaryIO:
        """Return a stream from the start."""
        return io.BytesIO(self.data)


@dataclass(frozen=True)
class OnDisk:
    """Opens a file."""

    path: Path

    def __call__(self) -> BinaryIO:
        """Return a stream from the start."""
        return self.path.open("rb")


@dataclass(frozen=True)
class Source:
    """Offer the bytes of one thing, as often as asked.

    Attributes:
        path: as shown to the user, posix: `week.zip!member.xml#3` is the third document of a member of an archive.
        sha256: of the file on disk, whatever is read from inside it.
        head: the first bytes, enough to sniff what it is.
        open: gives a fresh binary stream from the start.
        member: True when it lies in an archive, where companions such as drawings are no surprise.
    """

    path: str
    sha256: str
    head: bytes
    open: Callable[[], BinaryIO]
    member: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        # The head is read again where it arrives, rather than sent twice; so are bytes that lie on disk.
        origin = self.open.origin if isinstance(self.open, InMemory) else None
        return _reopened, (self.path, self.sha256, origin or self.open, self.member)

    @property
    def name(self) -> str:
        """Return the last part of the path without `.gz` and document number, in lower case: a hint, never proof."""
        last = self.path.replace("!", "/").rsplit("/", 1)[-1].lower()
        return last.rsplit("#", 1)[0].removesuffix(".gz")

    @property
    def portable(self) -> bool:
        """Tell whether it can be sent to another process."""
        return isinstance(self.open, InMemory | OnDisk)

    @property
    def n_bytes_held(self) -> int:
        """Return how much of it is in memory."""
        return len(self.open.data) if isinstance(self.open, InMemory) else 0

    def held(self, limit: int) -> Source:
        """Return it with its bytes in memory; itself where it is on disk, or has more bytes than the limit.

        Raises:
            SourceError: its archive is damaged or a bomb.
        """
        if self.portable:
            return self
        with self.open() as stream:
            data = stream.read(limit + 1)
        return self if len(data) > limit else Source(self.path, self.sha256, self.head, InMemory(data), self.member)

    def read(self, limit: int | None = None) -> bytes:
        """Return all bytes.

        Raises:
            SourceError: there are more than `limit` (None: the limit of one document).
        """
        allowed = limits.MAX_DOCUMENT_BYTES if limit is None else limit
        if isinstance(self.open, InMemory):
            data = self.open.data
        else:
            with self.open() as stream:
                data = stream.read(allowed + 1)
        if len(data) > allowed:
            raise SourceError(
                f"one document of more than {allowed:,} bytes",
                source_path=self.path,
                hint="split it into smaller files",
            )
        return data


def _reopened(
    path: str, sha256: str, found: Span | Callable[[], BinaryIO], member: bool
) -> Source | SourceChangedError:
    if isinstance(found, Span):
        data = found.read()
        if data is None:
            return SourceChangedError("changed while it was read", source_path=path, hint="run it again")
        return Source(path, sha256, data[: limits.HEAD_BYTES], InMemory(data, found), member)
    with found() as stream:
        return Source(path, sha256, stream.read(limits.HEAD_BYTES), found, member)
