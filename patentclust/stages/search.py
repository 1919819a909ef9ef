"""A question -> the documents that answer it: passages by meaning and by words, fused. Leaves documents as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from patentclust import artifacts, models
from patentclust.analysis.retrieval import best, first_of_each, fuse
from patentclust.embedders import open_embedder
from patentclust.errors import ArtifactError, ConfigError
from patentclust.params import PASSAGE_TASK, Resources
from patentclust.progress import Progress, Quiet
from patentclust.schemas import NOISE
from patentclust.stages.atlas import MAKE_MAP, NOISE_LABEL, located, unit_documents
from patentclust.stages.embed import model_facts, resolve
from patentclust.stages.passages import Coverage, Passages, open_passages
from patentclust.stages.similar import SHOWN, Where, year_of
from patentclust.workspace import Workspace

# Passages that each ranking brings to the fusion; a document has many, so more than are shown.
_DEPTH = 1000
_NOWHERE = (NOISE, NOISE_LABEL)


@dataclass(frozen=True)
class Found:
    """One document that was found.

    Attributes:
        doc_id: its key.
        title: its title.
        score: of the fused ranks; compares hits of one search only.
        similarity: cosine of the question and the passage shown.
        rank_by_meaning: its place among the nearest vectors, None where it is far down.
        rank_by_words: its place by BM25, None where no word is shared, or far down.
        snippet: the passage.
        start: its first character in the embedded text.
        stop: the character after its last.
        cluster_id: -1 = noise, None where there is no map.
        cluster: the cluster's name.
        assignees: normalised names.
        year: of the earliest known date.
    """

    doc_id: str
    title: str
    score: float
    similarity: float
    rank_by_meaning: int | None
    rank_by_words: int | None
    snippet: str
    start: int
    stop: int
    cluster_id: int | None
    cluster: str
    assignees: tuple[str, ...]
    year: int | None


@dataclass(frozen=True)
class Answer:
    """What a question found.

    Attributes:
        hits: documents, best first.
        coverage: how much of the documents was searched.
    """

    hits: list[Found]
    coverage: Coverage


@dataclass(frozen=True)
class _Ranked:
    """One document of the fused ranking: its place in `parents`, the row shown, and where it stood."""

    parent: int
    row: int
    score: float
    by_meaning: int | None
    by_words: int | None


@dataclass(frozen=True)
class Library:
    """All that questions are asked of, read once.

    Attributes:
        passages: what is ranked.
        documents: what is shown and asked of the document that stands for each unit.
        clusters: cluster and its name by unit; empty where there is no map of these units.
    """

    passages: Passages
    documents: dict[str, dict[str, Any]]
    clusters: dict[str, tuple[int, str]]


def run(
    workspace: Workspace,
    question: str,
    *,
    where: Where = Where(),
    exact: bool = False,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Answer:
    """Return the documents that answer a question best; `exact` looks at every vector, index or not.

    Raises:
        ConfigError: the question is empty.
        ArtifactError: no passages were embedded, the documents have changed since, or a cluster is asked for
            where there is no map of these units.
        ModelError: the model of the passages cannot be found or loaded, or is not the same any more.
    """
    check(question)
    library = open_library(workspace, progress)
    vector = encode(library.passages, question, resources=resources, progress=progress)
    hits = answer(workspace, library, question, vector, where=where, exact=exact)
    return Answer(hits, library.passages.coverage)


def check(question: str) -> None:
    """Refuse an empty question.

    Raises:
        ConfigError: it is empty.
    """
    if not question.strip():
        raise ConfigError("the question is empty", hint='for example: patentclust search "solid electrolyte"')


def open_library(workspace: Workspace, progress: Progress = Quiet()) -> Library:
    """Read what questions are asked of.

    Raises:
        ArtifactError: no passages were embedded, or the documents have changed since.
    """
    passages = open_passages(workspace, progress)
    unit = passages.header.metadata["unit"]
    return Library(passages, unit_documents(workspace, unit, SHOWN), _clusters(workspace, unit))


def answer(
    workspace: Workspace,
    library: Library,
    question: str,
    vector: np.ndarray,
    *,
    where: Where = Where(),
    exact: bool = False,
) -> list[Found]:
    """Return the documents that answer a question best, best first; `vector` is that of the question.

    Raises:
        ArtifactError: a cluster is asked for where there is no map of these units.
    """
    passages, documents, clusters = library.passages, library.documents, library.clusters
    if where.cluster is not None and not clusters:
        raise ArtifactError(f"{workspace.root} has no map of these units", hint=MAKE_MAP)
    asked_for = np.ones(len(passages.parents), bool)
    if not where.asks_nothing:
        inside = [where.holds(documents[parent], clusters.get(parent, _NOWHERE)[0]) for parent in passages.parents]
        asked_for = np.array(inside, bool)
    ranked = rank(passages, question, vector, among=asked_for, exact=exact)[: where.top]
    found = []
    for hit in ranked:
        parent = passages.parents[hit.parent]
        start, stop = passages.spans[hit.row].tolist()
        cluster_id, cluster = clusters.get(parent, (None, ""))
        found.append(
            Found(
                doc_id=documents[parent]["doc_id"],
                title=documents[parent]["title"],
                score=round(hit.score, 6),
                similarity=round(float(passages.vectors[hit.row] @ vector), 6),
                rank_by_meaning=hit.by_meaning,
                rank_by_words=hit.by_words,
                snippet=passages.text(hit.row),
                start=start,
                stop=stop,
                cluster_id=cluster_id,
                cluster=cluster,
                assignees=tuple(documents[parent]["assignee_names"]),
                year=year_of(documents[parent]),
            )
        )
    return found


def encode(passages: Passages, question: str, *, resources: Resources, progress: Progress = Quiet()) -> np.ndarray:
    """Return the vector of a question, by the passages' own model under its query template."""
    spec, params = resolve(located(passages.params, resources))
    path = models.ensure(spec, offline=resources.offline, progress=progress) if params.backend == "llama" else None
    if model_facts(spec, params, path) != passages.header.json("model"):
        raise ArtifactError(
            f"the passages were embedded by another {spec.name} than the one here",
            hint=f"run: patentclust embed --task {PASSAGE_TASK} --model {spec.name}",
        )
    embedder = open_embedder(spec, path, params=params, resources=resources)
    try:
        encoded = embedder.encode_query([question])
    finally:
        embedder.close()
    if encoded.failures:
        raise ConfigError(f"the question got no vector: {encoded.failures[0]}", hint="ask in other words")
    return encoded.vectors[0]


def rank(
    passages: Passages, question: str, vector: np.ndarray, *, among: np.ndarray, exact: bool = False
) -> list[_Ranked]:
    """Rank the documents of `among` (one flag a parent) by meaning and by words, fused by reciprocal rank."""
    shown, shared = among[passages.owners], passages.by_words(question)
    shared = np.where(shown & (shared > 0), shared, -np.inf)
    near = first_of_each(passages.nearest(vector, _DEPTH, shown=shown, exact=exact), passages.owners)
    worded = first_of_each(best(shared, _DEPTH), passages.owners)
    near_rank = {parent: i for i, parent in enumerate(near, 1)}
    word_rank = {parent: i for i, parent in enumerate(worded, 1)}
    return [
        _Ranked(parent, near.get(parent, worded.get(parent, 0)), score, near_rank.get(parent), word_rank.get(parent))
        for parent, score in fuse(list(near), list(worded))
    ]


def _clusters(workspace: Workspace, unit: str) -> dict[str, tuple[int, str]]:
    """Return the finest cluster of every unit of the map and its name; none where there is no map of such units."""
    if not workspace.topics.exists() or artifacts.read_header(workspace.topics, kind="topics").metadata["unit"] != unit:
        return {}
    rows = artifacts.read_table(workspace.clusters, kind="clusters", columns=["unit_id", "layer", "cluster_id"])
    names = artifacts.read_table(workspace.topics, kind="topics", columns=["layer", "cluster_id", "label"])
    labels = {row["cluster_id"]: row["label"] for row in names.to_pylist() if row["layer"] == 0} | {NOISE: NOISE_LABEL}
    finest = (row for row in rows.to_pylist() if row["layer"] == 0)
    return {row["unit_id"]: (row["cluster_id"], labels[row["cluster_id"]]) for row in finest}
