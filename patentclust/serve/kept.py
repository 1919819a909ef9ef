"""What is read from a workspace once and asked many times, and read again when its files have changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from patentclust.params import PASSAGE_TASK
from patentclust.stages.search import Library, open_library
from patentclust.stages.similar import Shelf, open_shelf
from patentclust.workspace import Workspace

_T = TypeVar("_T")
_Stamp = list[tuple[str, int, int, int]]


class Kept(Generic[_T]):
    """One thing made of files."""

    def __init__(
        self, read: Callable[[], _T], files: Callable[[], Iterable[Path]], saw: Callable[[bool], None]
    ) -> None:
        """Read nothing yet; `saw` hears of each look whether it was there."""
        self._read, self._files, self._saw = read, files, saw
        self._lock = threading.Lock()
        self._known: tuple[_Stamp, _T] | None = None

    def get(self) -> _T:
        """Return it as the files now are.

        Raises:
            ArtifactError: a file is missing or damaged.
        """
        with self._lock:
            stamp = [_stamp(path) for path in self._files()]  # before reading: what changes meanwhile is read again
            hit = self._known is not None and self._known[0] == stamp
            self._saw(hit)
            if self._known is None or not hit:
                self._known = None  # two of them need not fit into memory
                self._known = (stamp, self._read())
            return self._known[1]


def _stamp(path: Path) -> tuple[str, int, int, int]:
    # Artifacts are written beside and renamed, so another content is another file.
    try:
        status = path.stat()
    except FileNotFoundError:
        return path.name, 0, 0, 0
    return path.name, status.st_ino, status.st_mtime_ns, status.st_size


def kept_map(workspace: Workspace, saw: Callable[[bool], None] = lambda _: None) -> Kept[Shelf]:
    """Return the map of a workspace."""
    return Kept(lambda: open_shelf(workspace), lambda: _map_files(workspace), saw)


def kept_passages(workspace: Workspace, saw: Callable[[bool], None] = lambda _: None) -> Kept[Library]:
    """Return the passages of a workspace, with the map that they are shown on."""
    return Kept(lambda: open_library(workspace), lambda: _library_files(workspace), saw)


def _library_files(workspace: Workspace) -> list[Path]:
    return [*_map_files(workspace), *workspace.shards(PASSAGE_TASK)]


def _map_files(workspace: Workspace) -> list[Path]:
    return [workspace.documents, workspace.clusters, workspace.topics]
