"""documents.parquet -> embeddings/<task>/part-NNNNN.parquet, shard by shard; shards that are current are kept.

A killed run loses at most the shard in flight, and a re-run ends with the same bytes: shards, windows and model calls
are pure functions of the texts.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from patentclust import artifacts, models
from patentclust.analysis.packing import split_shards
from patentclust.analysis.texts import compose, text_fields, text_sha256
from patentclust.artifacts import Stamp, canonical_json
from patentclust.embedders import Embedder, Encoded
from patentclust.errors import ArtifactError, ModelError
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources
from patentclust.progress import Progress, Quiet, Task
from patentclust.schemas import UNIT_KEYS, embeddings
from patentclust.stages import Outcome
from patentclust.workspace import Workspace

LIBRARIES = ("llama-cpp-python", "numpy")


@dataclass(frozen=True)
class Unit:
    """What is embedded as one vector; the text itself is read again when its shard is made."""

    unit_id: str
    text_sha256: str
    n_chars: int


@dataclass(frozen=True)
class Shard:
    """One file to make: where, of which units, and what it will say of itself."""

    path: Path
    units: tuple[Unit, ...]
    stamp: Stamp


def run(
    workspace: Workspace,
    params: EmbedParams = EmbedParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Embed all documents of a workspace.

    Raises:
        ArtifactError: no documents, or the disk is full.
        ModelError: the model cannot be found, fetched, verified or loaded.
        ConfigError: a task, dimension or window the model does not have.
    """
    spec, params = resolve(params)
    model_path = models.ensure(spec, offline=resources.offline, progress=progress)
    units, n_empty = _read_units(workspace, params, progress)
    if not units:
        raise ArtifactError(
            f"none of the {n_empty} units in {workspace.documents} has text in its {params.text}",
            hint="try --text full, or ingest files that carry text",
        )
    shards = _plan(workspace, units, params, _model_facts(spec, params, model_path))
    missing = [shard for shard in shards if not artifacts.current(shard.path, shard.stamp)]
    if missing:
        _embed_missing(workspace, missing, (spec, model_path), params, resources, progress)
    _drop_surplus(workspace, params.task, keep=len(shards))
    return _outcome(workspace, params, n_empty=n_empty, n_made=sum(len(s.units) for s in missing))


def is_current(workspace: Workspace, task: str) -> bool:
    """Tell whether the shards of a task are those of the documents as they now are, by the parameters they state."""
    paths = workspace.shards(task)
    if not paths:
        return False
    header = artifacts.read_header(paths[0], kind="embeddings")
    params = EmbedParams(**header.json("params"))
    units, _ = _read_units(workspace, params, Quiet())
    shards = _plan(workspace, units, params, header.json("model"))
    return len(shards) == len(paths) and all(artifacts.current(shard.path, shard.stamp) for shard in shards)


def resolve(params: EmbedParams) -> tuple[ModelSpec, EmbedParams]:
    """Return the model's spec, and the parameters with the model's defaults filled in.

    Raises:
        ConfigError: unknown model or task, or a dimension outside the model's range.
    """
    spec = models.find(params.model)
    spec.check_dim(params.dim)
    spec.template(params.task)
    dim = params.dim if params.dim != spec.dim else None
    return spec, replace(params, model=spec.name, text=params.text or spec.text, dim=dim)


def _model_facts(spec: ModelSpec, params: EmbedParams, path: Path) -> dict[str, Any]:
    return {
        "name": spec.name,
        "sha256": models.file_sha256(path),
        "template": spec.template(params.task),
        "context_tokens": spec.context_tokens,
    }


def _read_units(workspace: Workspace, params: EmbedParams, progress: Progress) -> tuple[list[Unit], int]:
    """Return the units with text, in document order, and how many documents have none."""
    units: list[Unit] = []
    n_empty = 0
    n_rows = artifacts.read_header(workspace.documents, kind="documents").n_rows
    with progress.task("reading texts", total=n_rows, unit="documents") as task:
        for unit_id, text in _texts(workspace, params):
            if text:
                units.append(Unit(unit_id, text_sha256(text), len(text)))
            else:
                n_empty += 1
            task.advance()
    return units, n_empty


def _texts(workspace: Workspace, params: EmbedParams) -> Iterator[tuple[str, str]]:
    """Yield each unit and its text: a family by its representative, or every document."""
    fields = text_fields(str(params.text))
    key = UNIT_KEYS[params.unit]
    columns = ["representative", key, *fields]
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=columns):
        for row in batch.to_pylist():
            if row["representative"] or params.unit == "document":
                yield row[key], compose([row[name] for name in fields])


def _plan(workspace: Workspace, units: Sequence[Unit], params: EmbedParams, model: dict[str, Any]) -> list[Shard]:
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


def _embed_missing(
    workspace: Workspace,
    shards: Sequence[Shard],
    model: tuple[ModelSpec, Path],
    params: EmbedParams,
    resources: Resources,
    progress: Progress,
) -> None:
    from patentclust.embedders.inprocess import InProcessEmbedder

    spec, model_path = model
    progress.note(f"loading {spec.name}")
    embedder = InProcessEmbedder(model_path, spec, params=params, resources=resources)
    wanted = {unit.unit_id for shard in shards for unit in shard.units}
    total = sum(unit.n_chars for shard in shards for unit in shard.units)
    texts = ((unit_id, text) for unit_id, text in _texts(workspace, params) if unit_id in wanted)
    try:
        # Time follows the length of the texts, so the bar counts characters; its note counts documents and tokens.
        with progress.task("embedding", total=total, unit="characters") as task:
            watch = _Watch(task, n_units=len(wanted))
            for shard in shards:
                embed_shard(shard, [next(texts)[1] for _ in shard.units], embedder, watch)
    finally:
        embedder.close()


class _Watch:
    """Turn finished texts into progress: documents, tokens a second."""

    def __init__(self, task: Task, *, n_units: int) -> None:
        self._task, self._n_units = task, n_units
        self._done = self._tokens = 0
        self._start = time.monotonic()

    def saw(self, unit: Unit, n_tokens: int) -> None:
        self._done += 1
        self._tokens += n_tokens
        rate = self._tokens / max(time.monotonic() - self._start, 1e-3)
        self._task.advance(unit.n_chars, note=f"{self._done:,}/{self._n_units:,} documents, {rate:,.0f} tokens/s")


def embed_shard(shard: Shard, texts: Sequence[str], embedder: Embedder, watch: _Watch) -> Path:
    """Make one shard's file and return its path.

    Raises:
        ModelError: the model failed on these texts; the message names the first and last unit.
    """
    try:
        encoded = embedder.encode_document(texts, on_text=lambda i, n_tokens: watch.saw(shard.units[i], n_tokens))
    except ModelError as error:
        first, last = shard.units[0].unit_id, shard.units[-1].unit_id
        raise ModelError(f"embedding {first} to {last} failed: {error}", hint=error.hint) from error
    artifact = embeddings(embedder.dim)
    table = _table(shard, encoded, artifact.schema)
    artifacts.write_table(shard.path, artifact, shard.stamp, table, packing=embedder.packing)
    return shard.path


def _table(shard: Shard, encoded: Encoded, schema: pa.Schema) -> pa.Table:
    dim = encoded.vectors.shape[1]
    flat = pa.array(encoded.vectors.astype(np.float16).ravel())
    vector_type = schema.field("vector").type
    columns = {
        "unit_id": pa.array([unit.unit_id for unit in shard.units]),
        "text_sha256": pa.array([unit.text_sha256 for unit in shard.units]),
        "vector": pa.FixedSizeListArray.from_arrays(flat, dim).cast(vector_type),
        "n_tokens": pa.array(encoded.n_tokens),
        "n_tokens_used": pa.array(encoded.n_tokens_used),
        "n_windows": pa.array(encoded.n_windows),
        "truncated": pa.array(encoded.truncated),
    }
    return pa.table(columns, schema=schema)


def _drop_surplus(workspace: Workspace, task: str, *, keep: int) -> None:
    """Remove shards past the last one: they belong to a larger corpus of an earlier run."""
    for path in workspace.shards(task)[keep:]:
        path.unlink()


def _outcome(workspace: Workspace, params: EmbedParams, *, n_empty: int, n_made: int) -> Outcome:
    paths = workspace.shards(params.task)
    tables = [
        artifacts.read_table(path, kind="embeddings", columns=["n_tokens_used", "n_windows", "truncated"])
        for path in paths
    ]
    table = pa.concat_tables(tables)
    n_cut = int(sum(table["truncated"].to_pylist()))
    n_windowed = sum(n > 1 for n in table["n_windows"].to_pylist())
    facts = {
        "vectors": table.num_rows,
        "new": n_made,
        "tokens": sum(table["n_tokens_used"].to_pylist()),
        "in_several_windows": n_windowed,
        "cut": n_cut,
        "without_text": n_empty,
        "shards": len(paths),
    }
    warnings = []
    if n_cut:
        warnings.append(
            f"{n_cut:,} texts were longer than the model's window and were cut (--long window averages them)"
        )
    if n_empty:
        warnings.append(f"{n_empty:,} units have no text in their {params.text} and are left out of the map")
    return Outcome("embed", n_made == 0, facts, tuple(warnings), (workspace.embeddings(params.task),))
