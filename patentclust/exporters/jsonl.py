"""JSON lines: a unit a line, one file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from patentclust.exporters import About, Files, Row
from patentclust.exporters.encoding import json_line


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield one file, the field `vector` last."""
    rows = chain.from_iterable(batches)
    yield f"{about.name}.jsonl", (json_line(row.fields() | {"vector": row.values()}) for row in rows)
