"""Commands that are named to the user, completed so that they can be pasted. Does not know where they are printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

# Where a line names a command that works on a workspace; "another patentclust run" is none.
_COMMAND = re.compile(
    r"(?:(?<=: )|(?<=`)|(?<=& )|(?<=\| ))patentclust (?:ingest|embed|cluster|report|run|status|sweep|update|score"
    r"|explain|assign|similar|search|graph|export|serve|(?:assignees|keys) \w+)\b"
)
_workspaces: set[Path] = set()


def forget_workspaces() -> None:
    """Begin a command that named none yet."""
    _workspaces.clear()


def name_workspace(folder: Path) -> None:
    """Let each command that is named from now on name this workspace too."""
    _workspaces.add(folder)


def pasteable(text: str) -> str:
    """Return a text whose commands name the workspace, where there is one that must be named."""
    if len(_workspaces) != 1:  # of two, nothing here tells which is meant
        return text
    (folder,) = _workspaces
    return _COMMAND.sub(lambda found: f"{found[0]} -w {shlex.quote(str(folder))}", text)
