"""documents.parquet -> embeddings/<task>/part-NNNNN.parquet, shard by shard; shards that are current are kept.

A killed run loses at most the model call in flight, for the cache keeps what a shard already has, and a re-run ends
with the same bytes: shards, windows and model calls are pure functions of the texts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from patentclust import artifacts, interrupts, models
from patentclust.analysis.texts import estimate_tokens
from patentclust.embedders import Embedder, Encoded, check_servers, open_embedder
from patentclust.embedders.cache import CachedEmbedder, Space, open_store
from patentclust.embedders.inprocess import memory_for
from patentclust.embedders.memory import Memory, available_bytes, gib
from patentclust.errors import ArtifactError, ModelError
from patentclust.models import ModelSpec
from patentclust.params import PASSAGE_TASK, EmbedParams, Resources
from patentclust.progress import Progress, Quiet, Task
from patentclust.schemas import counted, embeddings
from patentclust.stages import Outcome, cost
from patentclust.stages.atlas import embedded_as
from patentclust.stages.units import Shard, Unit, read_texts, read_units, shards_of
from patentclust.workspace import Workspace

_SHOWN_FAILURES, _SAMPLE_TEXTS = 3, 24


@dataclass(frozen=True)
class _Plan:
    """All that is known before the model is opened."""

    spec: ModelSpec
    model_path: Path | None
    params: EmbedParams
    facts: dict[str, Any]
    units: Sequence[Unit]
    n_empty: int
    shards: Sequence[Shard]

    @property
    def missing(self) -> list[Shard]:
        """Return the shards that are to be made."""
        return [shard for shard in self.shards if not artifacts.current(shard.path, shard.stamp)]


def embedded_with(workspace: Workspace) -> dict[str, str]:
    """Return `model` and `backend` of the vectors that a workspace holds; {} where it holds none."""
    for task in (EmbedParams().task, PASSAGE_TASK):
        for path in workspace.shards(task)[:1]:
            try:
                params = embedded_as(artifacts.read_header(path, kind="embeddings"))
            except ArtifactError:
                continue
            return {"model": params.model, "backend": params.backend}
    return {}


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
        ModelError: the model cannot be found, fetched, verified or loaded, or the machine lacks the memory for it.
        ConfigError: a task, dimension or window the model does not have.
        StoppedError: Ctrl-C, after the model call in flight.
    """
    plan = _prepare(workspace, params, resources, progress)
    missing = plan.missing
    warnings, n_cached = [], 0
    if missing:
        embedder = _open(plan, resources)
        try:
            _tell_cost(workspace, plan, embedder, resources, progress)
            _embed_missing(workspace, plan, missing, embedder, progress)
            if isinstance(embedder, CachedEmbedder):
                n_cached = embedder.n_found
                warnings += [embedder.problem] if embedder.problem else []
        finally:
            embedder.close()
    _drop_surplus(workspace, plan.params.task, keep=len(plan.shards))
    return _outcome(workspace, plan, missing, n_cached, warnings)


def estimate(
    workspace: Workspace,
    params: EmbedParams = EmbedParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> cost.Cost:
    """Say what `run` would cost on this machine, after a calibration of a few seconds, and embed nothing.

    Raises:
        PatentclustError: as `run`.
    """
    plan = _prepare(workspace, params, resources, progress)
    if not plan.missing:
        return cost.Cost(0, 0, len(plan.units), 0, 0.0)
    embedder = _open(plan, resources)
    try:
        return _estimate(workspace, plan, embedder, resources, budget_seconds=cost.MOST_CALIBRATION_SECONDS)
    finally:
        embedder.close()


def _prepare(workspace: Workspace, params: EmbedParams, resources: Resources, progress: Progress) -> _Plan:
    spec, params = resolve(params)
    check_servers(params, resources)
    units, n_empty = read_units(workspace, params, progress)
    if not units:
        raise ArtifactError(
            f"none of {counted(n_empty, 'unit')} in {workspace.documents} has text in its {params.text}",
            hint="try --text full, or ingest files that carry text",
        )

    def planned(path: Path | None, **known: str) -> _Plan:
        facts = model_facts(spec, params, path) | known
        return _Plan(spec, path, params, facts, units, n_empty, shards_of(workspace, units, params, facts))

    here = models.locate(spec) if spec.source["kind"] != "server" else None
    if params.backend != "llama":
        return planned(here)
    if here is None and not (plan := planned(None, **_stated(workspace, spec, params))).missing:
        return plan
    return planned(models.ensure(spec, offline=resources.offline, progress=progress))


def _stated(workspace: Workspace, spec: ModelSpec, params: EmbedParams) -> dict[str, str]:
    """Return the hash that the vectors state of a model whose file is not here: it is needed only for new ones."""
    try:
        model = artifacts.read_header(workspace.shard(params.task, 0), kind="embeddings").json("model")
    except ArtifactError:
        return {}
    return {"sha256": model["sha256"]} if model["name"] == spec.name and "sha256" in model else {}


def _open(plan: _Plan, resources: Resources) -> Embedder:
    if resources.cache == "off":
        return open_embedder(plan.spec, plan.model_path, params=plan.params, resources=resources)
    whole = replace(plan.params, dim=None)
    space = Space.of(plan.facts, plan.params)
    return CachedEmbedder(
        lambda: open_embedder(plan.spec, plan.model_path, params=whole, resources=resources),
        lambda: open_store(space, models.vectors_folder(), resources),
        dim=plan.params.dim,
        full_dim=plan.spec.dim,
    )


def _tell_cost(workspace: Workspace, plan: _Plan, embedder: Embedder, resources: Resources, progress: Progress) -> None:
    """Refuse a run that the machine has no memory for; say what it takes, and how long a long one, before it starts."""
    n_tokens = [unit.n_tokens for shard in plan.missing for unit in shard.units]
    need = _memory(plan, max(n_tokens), resources)
    progress.note(f"embedding with {plan.spec.name}" + (f": {gib(need.total)} of memory" if need else ""))
    rough = cost.rough_seconds(sum(n_tokens), plan.spec.parameters, resources.n_threads)
    if rough >= cost.LONG_SECONDS:
        budget = min(cost.MOST_CALIBRATION_SECONDS, rough / 20)
        for line in cost.sentences(_estimate(workspace, plan, embedder, resources, budget_seconds=budget)):
            progress.note(line)


def _memory(plan: _Plan, longest: float, resources: Resources) -> Memory | None:
    if plan.params.backend != "llama" or plan.model_path is None:
        return None
    return memory_for(plan.model_path, plan.spec, plan.params, n_tokens=longest, n_threads=resources.n_threads)


def _estimate(
    workspace: Workspace, plan: _Plan, embedder: Embedder, resources: Resources, *, budget_seconds: float
) -> cost.Cost:
    units = [unit for shard in plan.missing for unit in shard.units]
    unchanged = len(plan.units) - len(units)
    cached = embedder.known([unit.text_sha256 for unit in units]) if isinstance(embedder, CachedEmbedder) else set()
    todo = [unit for unit in units if unit.text_sha256 not in cached]
    if not todo:
        return cost.Cost(0, len(units), unchanged, 0, 0.0)
    n_tokens = [unit.n_tokens for unit in todo]
    need = _memory(plan, max(n_tokens), resources)
    speed = cost.calibrate(
        embedder.inner if isinstance(embedder, CachedEmbedder) else embedder,
        _sample(workspace, plan, todo),
        longest=max(n_tokens),
        budget_seconds=budget_seconds,
        at_a_time=need.side_by_side if need else 1,
    )
    return cost.Cost(
        documents=len(todo),
        cached=len(units) - len(todo),
        unchanged=unchanged,
        tokens=round(sum(n_tokens) * speed.tokens_per_estimate),
        seconds=speed.seconds(n_tokens),
        memory=need,
        free_bytes=available_bytes(),
        shorter=_shorter(workspace, plan, speed, n_tokens),
    )


def _sample(workspace: Workspace, plan: _Plan, units: Sequence[Unit]) -> list[str]:
    """Return some of the texts, evenly spread."""
    wanted = {unit.unit_id for unit in units[:: max(1, len(units) // _SAMPLE_TEXTS)]}
    return [text for unit_id, text in read_texts(workspace, plan.params) if unit_id in wanted]


def _shorter(
    workspace: Workspace, plan: _Plan, speed: cost.Speed, n_tokens: Sequence[float]
) -> dict[str, float | None]:
    """Return what would take less time, and how much it would take: scaled by weights where the model is another."""
    params, seconds = plan.params, speed.seconds(n_tokens)
    found: dict[str, float | None] = {}
    selections = ("full", "tac", "ta")
    narrower = selections[selections.index(params.text) + 1 :] if params.text in selections else ()
    for selection in narrower:
        texts = read_texts(workspace, replace(params, text=selection))
        less = speed.seconds([estimate_tokens(text) for _, text in texts if text])
        if less < 0.9 * seconds:
            found[f"--text {selection}"] = less
    own = plan.spec.parameters
    for spec in models.registry().values():
        if own and spec.parameters and spec.parameters < own / 2:
            found[f"--model {spec.name}"] = cost.with_weights(seconds, own, spec.parameters)
    if params.backend == "llama":
        found["a GPU, or a server that has one (--backend openai --base-url URL); not measured here"] = None
    return found


def is_current(workspace: Workspace, task: str) -> bool:
    """Tell whether the shards of a task are those of the documents as they now are, by the parameters they state."""
    paths = workspace.shards(task)
    if not paths:
        return False
    header = artifacts.read_header(paths[0], kind="embeddings")
    params = EmbedParams(**header.json("params"))
    units, _ = read_units(workspace, params, Quiet())
    shards = shards_of(workspace, units, params, header.json("model"))
    return len(shards) == len(paths) and all(artifacts.current(shard.path, shard.stamp) for shard in shards)


def resolve(params: EmbedParams) -> tuple[ModelSpec, EmbedParams]:
    """Return the model's spec, and the parameters with the model's defaults filled in.

    Raises:
        ConfigError: unknown model or task, or a dimension outside the model's range.
    """
    spec = models.find(params.model) if params.backend == "llama" else models.find_served(params.model)
    spec.check_dim(params.dim)
    spec.check_window(params.max_tokens)
    spec.prompt(params.task, params.instruction)
    dim = params.dim if params.dim != spec.dim else None
    text = params.text or ("full" if params.task == PASSAGE_TASK else spec.text)
    return spec, replace(params, model=spec.name, text=text, dim=dim)


def model_facts(spec: ModelSpec, params: EmbedParams, path: Path | None) -> dict[str, Any]:
    """Return what the shards say of their model; `path` is its file."""
    facts: dict[str, Any] = {
        "name": spec.name,
        "template": spec.prompt(params.task, params.instruction),
        "context_tokens": spec.context_tokens,
    }
    if params.backend == "llama":
        return facts | {"sha256": models.file_sha256(path) if path else ""}
    # What a server runs cannot be verified: its name for the model stands for the file.
    return facts | {"served_as": spec.served_as or spec.name, "backend": params.backend}


def _embed_missing(
    workspace: Workspace, plan: _Plan, shards: Sequence[Shard], embedder: Embedder, progress: Progress
) -> None:
    wanted = {unit.unit_id for shard in shards for unit in shard.units}
    total = sum(unit.n_tokens for shard in shards for unit in shard.units)
    texts = ((unit_id, text) for unit_id, text in read_texts(workspace, plan.params) if unit_id in wanted)
    cached = isinstance(embedder, CachedEmbedder)
    kept = "what was done is kept" if cached else "without the cache only whole shards of 256 texts are kept"
    with interrupts.held(kept) as stop, progress.task("embedding", total=total, unit="tokens") as task:
        watch = _Watch(task, n_units=len(wanted), stop=stop)
        by_shard = ([next(texts)[1] for _ in shard.units] for shard in shards)
        for shard, (mine, upcoming) in zip(shards, pairwise(chain(by_shard, [[]])), strict=True):
            embed_shard(shard, mine, embedder, watch, upcoming=upcoming)


class _Watch:
    """Turn finished texts into progress, documents and tokens a second, and stop where Ctrl-C was pressed."""

    def __init__(self, task: Task, *, n_units: int, stop: Callable[[], None]) -> None:
        self._task, self._n_units, self._stop = task, n_units, stop
        self._done = self._tokens = 0
        self._start = time.monotonic()

    def saw(self, units: Sequence[Unit], part: Encoded) -> None:
        self._done += len(units)
        self._tokens += int(part.n_tokens_used.sum())
        rate = self._tokens / max(time.monotonic() - self._start, 1e-3)
        note = f"{self._done:,}/{self._n_units:,} documents, {rate:,.0f} tokens/s"
        self._task.advance(sum(unit.n_tokens for unit in units), note=note)
        self._stop()


def embed_shard(
    shard: Shard, texts: Sequence[str], embedder: Embedder, watch: _Watch, *, upcoming: Sequence[str] = ()
) -> Path:
    """Make one shard's file; texts that get no vector are named in its metadata. `upcoming` are the next shard's.

    Raises:
        ModelError: the model failed on all of these texts.
    """

    def saw(indices: Sequence[int], part: Encoded) -> None:
        watch.saw([shard.units[i] for i in indices], part)

    encoded = embedder.encode_document(texts, on_done=saw, upcoming=upcoming)
    failed = {shard.units[i].unit_id: reason for i, reason in sorted(encoded.failures.items())}
    if len(failed) == len(texts):
        unit_id, reason = next(iter(failed.items()))
        raise ModelError(
            f"none of {counted(len(texts), 'text')} got a vector; the first, {unit_id}: {reason}",
            hint=f"the model file may be damaged; check it: patentclust models check {shard.stamp.params['model']}",
        )
    kept = [i for i in range(len(texts)) if i not in encoded.failures]
    artifact = embeddings(embedder.dim, passages=shard.units[0].passage is not None)
    table = _table([shard.units[i] for i in kept], encoded.take(kept), artifact.schema)
    extra = {"packing": embedder.packing} | ({"failed": failed} if failed else {})
    artifacts.write_table(shard.path, artifact, shard.stamp, table, **extra)
    return shard.path


def _table(units: Sequence[Unit], encoded: Encoded, schema: pa.Schema) -> pa.Table:
    dim = encoded.vectors.shape[1]
    flat, vector_type = pa.array(encoded.vectors.astype(np.float16).ravel()), schema.field("vector").type
    columns = {
        "unit_id": pa.array([unit.unit_id for unit in units]),
        "text_sha256": pa.array([unit.text_sha256 for unit in units]),
        "vector": pa.FixedSizeListArray.from_arrays(flat, dim).cast(vector_type),
        "n_tokens": pa.array(encoded.n_tokens),
        "n_tokens_used": pa.array(encoded.n_tokens_used),
        "n_windows": pa.array(encoded.n_windows),
        "truncated": pa.array(encoded.truncated),
        "from_description": pa.array([unit.from_description for unit in units]),
    }
    places = [unit.passage for unit in units if unit.passage is not None]
    if places:
        columns |= dict(zip(("parent_id", "start", "stop"), map(pa.array, zip(*places, strict=True)), strict=True))
    return pa.table(columns, schema=schema)


def _drop_surplus(workspace: Workspace, task: str, *, keep: int) -> None:
    """Remove shards past the last one: they belong to a larger corpus of an earlier run."""
    for path in workspace.shards(task)[keep:]:
        path.unlink()


def _outcome(
    workspace: Workspace, plan: _Plan, made: Sequence[Shard], n_cached: int, warnings: Sequence[str]
) -> Outcome:
    params = plan.params
    paths = workspace.shards(params.task)
    columns = ["n_tokens_used", "n_windows", "truncated"]
    table = pa.concat_tables([artifacts.read_table(path, kind="embeddings", columns=columns) for path in paths])
    headers = {path: artifacts.read_header(path, kind="embeddings") for path in paths}
    failed = artifacts.failed_units(headers.values())
    n_made = sum(headers[shard.path].n_rows for shard in made)
    n_cut = int(sum(table["truncated"].to_pylist()))
    facts = {
        "vectors": table.num_rows,
        "new": n_made - n_cached,
        "from_cache": n_cached,
        "unchanged": table.num_rows - n_made,
        "tokens": sum(table["n_tokens_used"].to_pylist()),
        "in_several_windows": sum(n > 1 for n in table["n_windows"].to_pylist()),
        "cut": n_cut,
        "without_text": plan.n_empty,
        "shards": len(paths),
    } | ({"failures": len(failed)} if failed else {})
    sentences = list(warnings)
    if n_cut:
        sentences.append(f"cut at the model's window: {counted(n_cut, 'text')} (--long window averages instead)")
    n_opened = sum(unit.from_description for unit in plan.units)
    if n_opened:
        sentences.append(f"{counted(n_opened, params.unit)} with nothing but a description: its opening is used")
    if plan.n_empty:
        sentences.append(f"{counted(plan.n_empty, params.unit)} left out of the map: no text in {params.text}")
    if failed:
        named = "; ".join(f"{unit}: {reason}" for unit, reason in list(failed.items())[:_SHOWN_FAILURES])
        sentences.append(f"{counted(len(failed), params.unit)} left out of the map: no vector: {named}")
    return Outcome("embed", not made, facts, tuple(sentences), (workspace.embeddings(params.task),), params.unit)
