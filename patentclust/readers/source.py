"""One thing to read: a file, a member of an archive, or a part of a concatenated file. Knows no patent format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from patentclust.errors import SourceError
from patentclust.readers import limits


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

    @property
    def name(self) -> str:
        """Return the last part of the path without `.gz` and document number, in lower case: a hint, never proof."""
        last = self.path.replace("!", "/").rsplit("/", 1)[-1].lower()
        return last.rsplit("#", 1)[0].removesuffix(".gz")

    def read(self, limit: int | None = None) -> bytes:
        """Return all bytes.

        Raises:
            SourceError: there are more than `limit` (None: the limit of one document).
        """
        allowed = limits.MAX_DOCUMENT_BYTES if limit is None else limit
        with self.open() as stream:
            data = stream.read(allowed + 1)
        if len(data) > allowed:
            raise SourceError(
                f"one document of more than {allowed:,} bytes",
                source_path=self.path,
                hint="split it into smaller files",
            )
        return data
