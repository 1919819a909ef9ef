"""What gets a vector: units, their texts, and the shards they fall into: a function of the documents alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from patentclust import artifacts
from patentclust.analysis.packing import split_shards
from patentclust.analysis.passages import spans
from patentclust.analysis.texts import compose, estimate_tokens, may_open, opening, text_fields, text_sha256
from patentclust.artifacts import Stamp, canonical_json
from patentclust.params import PASSAGE_TASK, EmbedParams
from patentclust.progress import Progress
from patentclust.schemas import UNIT_KEYS
from patentclust.workspace import Workspace

LIBRARIES = ("llama-cpp-python", "numpy")
_ROWS_AT_ONCE = 32


@dataclass(frozen=True)
class Unit:
    """What is embedded as one vector; the text itself is read again when its shard is made.

    Attributes:
        passage: whose text it is a passage of, and the first character and the one after its last; None for a whole.
        from_description: the opening of the description stands for what the document lacks.
    """

    unit_id: str
    text_sha256: str
    n_chars: int
    n_tokens: float
    passage: tuple[str, int, int] | None = None
    from_description: bool = False


@dataclass(frozen=True)
class Whole:
    """The text of a family, by its representative, or of a document; empty where it has none."""

    unit_id: str
    text: str
    from_description: bool


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
        for whole in read_wholes(workspace, params):
            for unit_id, text, passage in _texts_of(whole, params.task):
                size = estimate_tokens(text)
                units.append(Unit(unit_id, text_sha256(text), len(text), size, passage, whole.from_description))
            n_empty += not whole.text
            task.advance()
    return units, n_empty


def read_texts(workspace: Workspace, params: EmbedParams) -> Iterator[tuple[str, str]]:
    """Yield what is embedded, by unit id, in order: whole texts or, for `retrieve`, their passages."""
    for whole in read_wholes(workspace, params):
        for unit_id, text, _ in _texts_of(whole, params.task):
            yield unit_id, text


def _texts_of(whole: Whole, task: str) -> Iterator[tuple[str, str, tuple[str, int, int] | None]]:
    whole_id, text = whole.unit_id, whole.text
    if task != PASSAGE_TASK:
        yield from [(whole_id, text, None)] if text else []
        return
    for start, stop in spans(text):
        yield f"{whole_id}#{start}-{stop}", text[start:stop], (whole_id, start, stop)


def read_wholes(workspace: Workspace, params: EmbedParams) -> Iterator[Whole]:
    """Yield the whole text of each family, or of every document."""
    key = UNIT_KEYS[params.unit]
    for row, text, from_description in read_documents(workspace, str(params.text), ["representative", key]):
        if row["representative"] or params.unit == "document":
            yield Whole(row[key], text, from_description)


def read_documents(
    workspace: Workspace, selection: str, columns: Sequence[str]
) -> Iterator[tuple[dict[str, Any], str, bool]]:
    """Yield every document: the columns, the selected text, and whether that is the opening of the description.

    The opening stands for what a document lacks that has nothing of `tac` or `ta`; descriptions of others are not read.
    """
    fields = text_fields(selection)
    wanted = list(dict.fromkeys([*columns, *fields]))
    with artifacts.cells(workspace.documents, kind="documents", column="description") as description:
        batches = artifacts.read_batches(workspace.documents, kind="documents", columns=wanted)
        for number, row in enumerate(_rows(batches)):
            text = compose([row[name] for name in fields])
            opened = "" if text or not may_open(selection) else opening(description(number))
            yield row, text or opened, bool(opened)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    # Some rows at a time, because whole descriptions as Python objects would be twice the batch.
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield from batch.slice(start, _ROWS_AT_ONCE).to_pylist()


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
