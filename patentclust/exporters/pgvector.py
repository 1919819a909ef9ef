"""PostgreSQL with pgvector: the table, and its rows for `COPY`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from patentclust.exporters import About, Files, Row

_COLUMNS = {
    "id": "text PRIMARY KEY",
    "doc_id": "text NOT NULL",
    "title": "text NOT NULL",
    "text": "text NOT NULL",
    "language": "text",
    "country": "text",
    "year": "integer",
    "assignees": "text[] NOT NULL",
    "classes": "text[] NOT NULL",
    "cluster_id": "integer NOT NULL",
    "cluster": "text NOT NULL",
    "probability": "real NOT NULL",
    "x": "real NOT NULL",
    "y": "real NOT NULL",
}
# COPY text format: these four are written with a backslash. NUL, which PostgreSQL does not store, goes.
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": None})


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield the statement that makes the table, then the rows; psql's `copy` loads them."""
    columns = [f"    {name} {kind}" for name, kind in _COLUMNS.items()] + [f"    vector vector({about.dim})"]
    body = ",\n".join(columns)
    yield (
        "schema.sql",
        [
            b"CREATE EXTENSION IF NOT EXISTS vector;\n",
            f"CREATE TABLE {about.name} (\n{body}\n);\n".encode(),
        ],
    )
    names = [*_COLUMNS, "vector"]
    for number, rows in enumerate(batches):
        lines = []
        for row in rows:
            fields: dict[str, Any] = row.fields() | {"vector": str(row.values()).replace(" ", "")}
            lines.append("\t".join(_cell(fields[name]) for name in names).encode("utf-8", "replace") + b"\n")
        yield f"rows-{number:05d}.copy", lines


def upsert(name: str) -> tuple[str, str, str]:
    """Return what comes before the rows of a batch, what takes them in, and what comes after: one transaction.

    A row whose id is in the table already takes its place.
    """
    names = [*_COLUMNS, "vector"]
    taken = ", ".join(f"{column} = EXCLUDED.{column}" for column in names if column != "id")
    return (
        f"CREATE TEMPORARY TABLE patentclust_batch (LIKE {name}) ON COMMIT DROP",
        f"COPY patentclust_batch ({', '.join(names)}) FROM STDIN",
        f"INSERT INTO {name} ({', '.join(names)}) SELECT {', '.join(names)} FROM patentclust_batch"
        f" ON CONFLICT (id) DO UPDATE SET {taken}",
    )


def _cell(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, list):
        value = "{" + ",".join(_quoted(item) for item in value) + "}"
    return str(value).translate(_ESCAPES)


def _quoted(item: str) -> str:
    escaped = item.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
