"""What gets a vector: units, their texts, and the shards they fall into: a function of the documents alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from patentclust import artifacts
from patentclust.analysis.packing import split_shards
from patentclust.analysis.passages import spans
from patentclust.analysis.texts import compose, estimate_tokens, text_fields, text_sha256
from patentclust.artifacts import Stamp, canonical_json
from patentclust.params import PASSAGE_TASK, EmbedParams
from patentclust.progress import Progress
from patentclust.schemas import UNIT_KEYS
from patentclust.workspace import Workspace

LIBRARIES = ("llama-cpp-python", "numpy")


@dataclass(frozen=True)
class Unit:
    """What is embedded as one vector; the text itself is read again when its shard is made.

    Attributes:
        passage: whose text it is a passage of, and the first character and the one after its last; None for a whole.
    """

    unit_id: str
    text_sha256: str
    n_chars: int
    n_tokens: float
    passage: tuple[str, int, int] | None = None


@dataclass(frozen=True)
class Shard:
    """One file to make: where, of which units, and what it will say of itself."""

    path: Path
    units: tuple[Unit, ...]
    stamp: Stamp


def read_units(workspace: Workspace, params: EmbedParams, progress: Progress) -> tuple[list[Unit], int]:
    """Return the units with text, in document order, and how many documents have none."""
    units: list[Unit] = []
    n_empty = 0
    n_rows = artifacts.read_header(workspace.documents, kind="documents").n_rows
    with progress.task("reading texts", total=n_rows, unit="documents") as task:
        for whole_id, whole in read_wholes(workspace, params):
            for unit_id, text, passage in _texts_of(whole_id, whole, params.task):
                units.append(Unit(unit_id, text_sha256(text), len(text), estimate_tokens(text), passage))
            n_empty += not whole
            task.advance()
    return units, n_empty


def read_texts(workspace: Workspace, params: EmbedParams) -> Iterator[tuple[str, str]]:
    """Yield what is embedded, by unit id, in order: whole texts or, for `retrieve`, their passages."""
    for whole_id, whole in read_wholes(workspace, params):
        for unit_id, text, _ in _texts_of(whole_id, whole, params.task):
            yield unit_id, text


def _texts_of(whole_id: str, text: str, task: str) -> Iterator[tuple[str, str, tuple[str, int, int] | None]]:
    if task != PASSAGE_TASK:
        yield from [(whole_id, text, None)] if text else []
        return
    for start, stop in spans(text):
        yield f"{whole_id}#{start}-{stop}", text[start:stop], (whole_id, start, stop)


def read_wholes(workspace: Workspace, params: EmbedParams) -> Iterator[tuple[str, str]]:
    """Yield each family, by its representative, or every document, and its whole text."""
    fields = text_fields(str(params.text))
    key = UNIT_KEYS[params.unit]
    columns = ["representative", key, *fields]
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=columns):
        for row in batch.to_pylist():
            if row["representative"] or params.unit == "document":
                yield row[key], compose([row[name] for name in fields])


def shards_of(workspace: Workspace, units: Sequence[Unit], params: EmbedParams, model: dict[str, Any]) -> list[Shard]:
    """Cut the units into shards, each stamped with all that shapes its vectors; `model` is what the files say of it."""
    shards = []
    for index, (start, stop) in enumerate(split_shards([unit.n_chars for unit in units])):
        mine = tuple(units[start:stop])
        texts = canonical_json([[unit.unit_id, unit.text_sha256] for unit in mine])
        stamp = Stamp(
            kind="embeddings",
            params=asdict(params),
            inputs={"texts": hashlib.sha256(texts.encode()).hexdigest()},
            model=model,
            libraries=LIBRARIES,
            unit=params.unit,
        )
        shards.append(Shard(workspace.shard(params.task, index), mine, stamp))
    return shards
