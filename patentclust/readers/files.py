"""Finds the files that the user means. Reads none of them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from patentclust.errors import SourceError

_CHUNK_BYTES = 1024 * 1024
_JUNK_NAMES = frozenset(("thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "system volume information"))


@dataclass(frozen=True)
class InputFile:
    """One file on disk.

    Attributes:
        path: where it is.
        shown: the path as the user gave it, posix.
        n_bytes: its size.
        named: True when the user named the file itself, False when it was met in a folder.
    """

    path: Path
    shown: str
    n_bytes: int
    named: bool

    def sha256(self) -> str:
        """Return the sha256 (hex) of the content.

        Raises:
            SourceError: it cannot be read.
        """
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise SourceError(f"cannot be read: {error.strerror or error}", source_path=self.shown) from error


def find_files(paths: Sequence[str | Path]) -> list[InputFile | SourceError]:
    """Return the files at the paths, folders walked, sorted by the path shown, each file once.

    What cannot be used (missing, empty, unreadable, a link out of its folder) is in the list as an error. Hidden files
    and the droppings of operating systems are passed over, unless named themselves.
    """
    found: dict[str, InputFile | SourceError] = {}
    for path in map(Path, paths):
        for item in _walk(path) if path.is_dir() else [_check(path, named=True)]:
            shown = item.source_path if isinstance(item, SourceError) else item.shown
            found.setdefault(shown, item)
    kept: dict[str, InputFile | SourceError] = {}
    # A file wins over the links to it, whichever comes first.
    for shown in sorted(found, key=lambda shown: (Path(shown).is_symlink(), shown)):
        item = found[shown]
        kept.setdefault(os.path.realpath(item.path) if isinstance(item, InputFile) else f"\0{shown}", item)
    order = {id(item): shown for shown, item in found.items()}
    return sorted(kept.values(), key=lambda item: order[id(item)].split("/"))


def _walk(root: Path) -> Iterator[InputFile | SourceError]:
    unreadable: list[OSError] = []
    home = os.path.realpath(root)
    for folder, subfolders, names in os.walk(root, onerror=unreadable.append):
        subfolders[:] = [name for name in subfolders if not _is_junk(name)]
        for name in [*names, *(name for name in subfolders if Path(folder, name).is_symlink())]:
            if not _is_junk(name):
                yield from _met(Path(folder, name), home)
    for error in unreadable:
        shown = Path(str(error.filename)).as_posix()
        yield SourceError(f"cannot be read: {error.strerror or error}", source_path=shown, hint="check its permissions")


def _met(path: Path, home: str) -> Iterator[InputFile | SourceError]:
    if path.is_symlink():
        target = os.path.realpath(path)
        if target != home and not target.startswith(home.rstrip(os.sep) + os.sep):
            yield SourceError(
                "a symbolic link that leads out of its folder",
                source_path=path.as_posix(),
                hint="give the place it leads to as a path of its own",
            )
            return
        if path.is_dir():
            # What it leads to lies in the folder and is met there.
            return
    yield _check(path, named=False)


def _check(path: Path, *, named: bool) -> InputFile | SourceError:
    shown = path.as_posix()
    try:
        status = path.stat()
    except FileNotFoundError:
        reason = "a symbolic link to nothing" if path.is_symlink() else "there is no such file or folder"
        return SourceError(reason, source_path=shown, hint="check the path")
    except (OSError, ValueError) as error:
        return SourceError(f"cannot be read: {error}", source_path=shown)
    if not stat.S_ISREG(status.st_mode):
        return SourceError("neither a file nor a folder", source_path=shown)
    if status.st_size == 0:
        return SourceError("the file is empty", source_path=shown)
    return InputFile(path, shown, status.st_size, named)


def _is_junk(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in _JUNK_NAMES
