"""Clusters get names: by their terms, by the model that made their vectors, or by a chat server that was asked for.

Called by the stage that finds clusters; knows nothing of how they were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from patentclust import models
from patentclust.analysis import phrases, segment, topics
from patentclust.analysis.topics import Nearness, Term
from patentclust.artifacts import Header
from patentclust.embedders import Embedder, chat, open_embedder
from patentclust.embedders.cache import CachedEmbedder, Space, open_store
from patentclust.errors import ConfigError, ModelError
from patentclust.params import ClusterParams, Resources
from patentclust.progress import Progress
from patentclust.stages.atlas import embedded_as
from patentclust.workspace import Workspace

# Larger ones take minutes on a CPU for the terms of a few hundred clusters; `--labels model` takes that time.
_MOST_PARAMETERS = 1_000_000_000


@dataclass(frozen=True)
class Source:
    """Whose clusters are to be named, and who may name them: the header is that of the vectors."""

    workspace: Workspace
    header: Header
    params: ClusterParams
    resources: Resources


@dataclass(frozen=True)
class Members:
    """What is named: n texts, a title their first line; their languages, cluster ids and unit vectors, shape (n, d)."""

    texts: Sequence[str]
    languages: Sequence[str | None]
    labels: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True)
class Named:
    """One item a cluster: its terms, its name, who gave the name (terms, model, llm), its centre, its medoids.

    `problem` says why some names are not by whom they were asked of; empty where all are.
    """

    terms: list[list[Term]]
    names: list[str]
    named_by: list[str]
    centroids: np.ndarray
    exemplars: list[np.ndarray]
    problem: str = ""


def chosen(params: ClusterParams, header: Header) -> str:
    """Return who names clusters, `auto` decided: the model where it is at hand and not too large, else terms alone.

    Raises:
        ModelError: the model was asked for and is not here, or is not the one that made the vectors.
    """
    if params.labels in ("terms", "llm"):
        return params.labels
    problem = _missing(header)
    if params.labels == "model":
        if problem:
            pull = f"patentclust models pull {header.json('params')['model']}"
            raise ModelError(problem, hint=f"take --labels terms, or fetch the model: {pull}")
        return "model"
    spec = None if problem else models.find(embedded_as(header).model)
    small = spec is not None and spec.parameters is not None and spec.parameters <= _MOST_PARAMETERS
    return "model" if small else "terms"


def name_clusters(source: Source, members: Members, progress: Progress) -> Named:
    """Name every cluster; one call a map, or a layer of it."""
    made_by = chosen(source.params, source.header)
    centres = topics.centroids(members.vectors, members.labels)
    exemplars = topics.exemplars(members.vectors, members.labels)
    with ExitStack() as stack:
        # A chat server is sent the better terms, too.
        ranked_by = chosen(replace(source.params, labels="auto"), source.header) if made_by == "llm" else made_by
        nearness = _nearness(source, centres, stack) if ranked_by == "model" else None
        terms = topics.extract(
            members.texts, members.labels, members.languages, segmenters=segment.segmenters(), nearness=nearness
        )
    names = topics.distinct_labels(terms)
    named = Named(terms, names, _named_by(members, nearness, len(names)), centres, exemplars)
    return _asked(source, members, named, progress) if made_by == "llm" else named


def _missing(header: Header) -> str:
    """Say why the model that made the vectors cannot be used here; empty where it can."""
    embedded = embedded_as(header)
    if embedded.backend != "llama":
        return "the vectors were made by a server"
    try:
        spec = models.find(embedded.model)
    except ConfigError as error:
        return str(error)
    path = models.locate(spec)
    if path is None:
        return f"the file of {spec.name} is not here"
    same = models.file_sha256(path) == header.json("model").get("sha256")
    return "" if same else f"{path} is not the file that made the vectors"


def _named_by(members: Members, nearness: Nearness | None, n_clusters: int) -> list[str]:
    """Say for each cluster who ranked its terms: the model, where it reads the language of most members."""
    if nearness is None:
        return ["terms"] * n_clusters
    read = np.array(
        [
            nearness.reads(phrases.language_of(text, code))
            for text, code in zip(members.texts, members.languages, strict=True)
        ]
    )
    return ["model" if np.mean(read[members.labels == c]) >= 0.5 else "terms" for c in range(n_clusters)]


def _nearness(source: Source, centres: np.ndarray, stack: ExitStack) -> Nearness:
    params = embedded_as(source.header)
    spec = models.find(params.model)
    path = models.require(spec)

    def opened() -> Embedder:
        return open_embedder(spec, path, params=replace(params, dim=None), resources=source.resources)

    space = Space.of(source.header.json("model"), params)
    embedder = CachedEmbedder(
        opened, lambda: open_store(space, models.vectors_folder(), source.resources), dim=params.dim, full_dim=spec.dim
    )
    stack.callback(embedder.close)
    return Nearness(centres, lambda terms: embedder.encode_document(terms).vectors, spec.languages)


def _asked(source: Source, members: Members, named: Named, progress: Progress) -> Named:
    """Let a chat server name the clusters; where it fails, the names stay as they are."""
    questions = [
        chat.question(
            source.params.labels_prompt,
            terms=[term.term for term in terms],
            titles=[members.texts[row].split("\n", 1)[0] for row in rows],
        )
        for terms, rows in zip(named.terms, named.exemplars, strict=True)
    ]
    answers, problem = chat.names(questions, source.params, source.resources, source.workspace.names, progress)
    names, by, taken = list(named.names), list(named.named_by), set(named.names)
    for cluster, answer in enumerate(answers):
        if answer:
            name = answer if answer not in taken else f"{answer} ({cluster})"
            names[cluster], by[cluster] = name, "llm"
            taken.add(name)
    return replace(named, names=names, named_by=by, problem=problem)
