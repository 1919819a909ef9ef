"""What commands save with --csv: the rows that they print, with more columns; `-` is stdout, in their place."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patentclust.errors import ConfigError

if TYPE_CHECKING:
    from patentclust.stages.assign import Assigned
    from patentclust.stages.search import Found
    from patentclust.stages.similar import Likeness

STDOUT = Path("-")
_IN_A_FOLDER = "give a file in a folder that is there"


def write_assigned(path: Path, rows: Sequence[Assigned]) -> None:
    """Write the same as CSV, with places and all neighbours."""
    columns = ["doc_id", "title", "cluster_id", "cluster", "probability", "runner_up", "x", "y", "nearest", "known"]
    near = ("; ".join(f"{unit_id} {similarity:.3f}" for unit_id, similarity in row.nearest) for row in rows)
    save(path, columns, (asdict(row) | {"nearest": text} for row, text in zip(rows, near, strict=True)))


def write_hits(path: Path, found: Sequence[Likeness]) -> None:
    """Write the hits of all documents asked about as CSV."""
    columns = ["asked", "doc_id", "similarity", "year", "cluster_id", "cluster", "assignees", "title"]
    hits = ((likeness.doc_id, hit) for likeness in found for hit in likeness.hits)
    save(path, columns, (asdict(hit) | {"asked": asked, "assignees": "; ".join(hit.assignees)} for asked, hit in hits))


def write_found(path: Path, found: Sequence[Found]) -> None:
    """Write what a search found as CSV."""
    columns = ["doc_id", "title", "score", "similarity", "rank_by_meaning", "rank_by_words", "year", "assignees"]
    columns += ["cluster_id", "cluster", "start", "stop", "snippet"]
    save(path, columns, (asdict(hit) | {"assignees": "; ".join(hit.assignees)} for hit in found))


def save(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write CSV whose cells are neutralised for spreadsheets."""
    from patentclust.render.tables import write_csv

    table = io.StringIO(newline="")
    write_csv(table, columns, ([row[name] for name in columns] for row in rows))
    put(path, table.getvalue())


def put(path: Path, text: str) -> None:
    """Write a file that a flag names, or to stdout."""
    from patentclust import console

    if path == STDOUT:
        console.print_line(text, end="")
        return
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}", hint=_IN_A_FOLDER) from error


def check(as_json: bool, *paths: Path | None) -> None:
    """Refuse files that could not be written in the end, before there is anything to write.

    Raises:
        ConfigError: more than one would go to stdout, or there is no folder for one.
    """
    if as_json + paths.count(STDOUT) > 1:
        raise ConfigError("two flags would write to stdout", hint="leave --json out, or give one of them a file")
    for path in filter(None, paths):
        if path.is_dir() or not path.parent.is_dir():
            raise ConfigError(f"cannot write {path}: it is a folder, or in none", hint=_IN_A_FOLDER)
