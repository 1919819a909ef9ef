"""Embeddings become clusters, names for them, a map and scores. Knows the order of the steps, not their mathematics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from patentclust import artifacts, models
from patentclust.analysis import grouping, layers, neighbours, quality, reduction, segment, sizes
from patentclust.analysis.grouping import Grouping
from patentclust.artifacts import Embeddings, Header, Stamp
from patentclust.errors import ArtifactError
from patentclust.params import ClusterParams, Resources
from patentclust.progress import Progress, Quiet
from patentclust.schemas import CLUSTERS, NOISE, counted
from patentclust.schemas import topics as topics_contract
from patentclust.scores import SCORES
from patentclust.stages import Outcome, keeping, naming, score
from patentclust.stages.map_rows import FINEST, Found, Layer, cluster_table, mean, topic_rows
from patentclust.stages.matter import Units, embed_hint, read_embeddings, read_units
from patentclust.workspace import Workspace

_LIBRARIES = ("umap-learn", "hdbscan", "graspologic-native", "evoc", "numba", "scikit-learn", "scipy", "numpy")
# What the user chose at embedding and a reader of the map wants to know.
_EMBEDDED = ("text", "dim", "long", "max_tokens")
# The Euclidean silhouette takes O(n^2); beyond this many units it scores an even sample, each against all.
_MAX_SCORED = 20_000
_MUCH_NOISE = 0.4


def run(
    workspace: Workspace,
    params: ClusterParams = ClusterParams(),
    *,
    keep: bool = False,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Write clusters.parquet, topics.parquet and scores.json; do nothing when they are there and current.

    With `keep`, clusters of the map that is there keep their ids and names where they are still there. Such a map is
    current as long as its documents and embeddings are the same, also for a run without `keep`.

    Raises:
        ArtifactError: documents or embeddings are missing, damaged or empty, or were not made from each other.
    """
    documents = artifacts.read_header(workspace.documents, kind="documents")
    stamps = _stamps(workspace, params, documents, made_from=_made_from(workspace))
    scores = _current_scores(workspace, *stamps)
    current, changes = scores is not None, list[str]()
    if scores is None:
        before = keeping.read_before(workspace) if keep else None
        clusters_stamp, topics_stamp = stamps = _stamps(
            workspace, params, documents, made_from=before.header.fingerprint if before else None
        )
        embeddings = read_embeddings(workspace, params)
        units = read_units(workspace, embeddings, documents.n_rows, params, progress)
        with neighbours.one_thread():
            source = naming.Source(workspace, embeddings.header, params, resources)
            found, scores = _compute(embeddings, units, source, progress)
        if before:
            found, changes = keeping.keep(found, before)
        scores["n_ids"] = found.n_ids
        artifacts.write_table(workspace.clusters, CLUSTERS, clusters_stamp, cluster_table(found))
        scores = score.complete(workspace, scores, clusters_stamp.unit)
        contract = topics_contract(embeddings.vectors.shape[1])
        artifacts.write_rows(workspace.topics, contract, topics_stamp, topic_rows(found), scores=scores)
        how_to_read = {key: SCORES[key].sentence for key in sorted(_names(scores)) if key in SCORES}
        page = {**scores, "how_to_read": how_to_read, "fingerprint": topics_stamp.fingerprint}
        artifacts.write_text(workspace.scores, artifacts.canonical_json(page) + "\n")
    return Outcome(
        "cluster",
        current=current,
        facts=_facts(scores),
        warnings=(*_warnings(scores, params, stamps[0].unit), *changes),
        outputs=(workspace.clusters, workspace.topics, workspace.scores),
        unit=stamps[0].unit,
    )


def _made_from(workspace: Workspace) -> str | None:
    """Return the fingerprint of the map that the one there took its ids from, None where it took none."""
    if not workspace.topics.exists():
        return None
    inputs: dict[str, str] = artifacts.read_header(workspace.topics, kind="topics").json("inputs")
    return inputs.get("before")


def _stamps(
    workspace: Workspace, params: ClusterParams, documents: Header, *, made_from: str | None
) -> tuple[Stamp, Stamp]:
    paths = workspace.shards(params.task)
    if not paths:
        raise ArtifactError(
            f"there are no embeddings of task {params.task!r} in {workspace.root}", hint=embed_hint(params.task)
        )
    first = artifacts.read_header(paths[0], kind="embeddings")
    embedded = first.json("params")
    inputs = {"documents": documents.fingerprint, "embeddings": artifacts.embeddings_fingerprint(paths)}
    inputs |= {"before": made_from} if made_from else {}
    clusters, topics_ = (
        Stamp(
            kind=kind,
            params={**asdict(params), "labels": naming.chosen(params, first), "segmenters": segment.installed()},
            inputs=inputs,
            model=first.json("model") | {key: embedded.get(key) for key in _EMBEDDED},
            libraries=_LIBRARIES,
            unit=first.metadata.get("unit", "document"),
        )
        for kind in ("clusters", "topics")
    )
    return clusters, topics_


def _current_scores(workspace: Workspace, clusters: Stamp, topics_: Stamp) -> dict[str, Any] | None:
    """Return the scores of an earlier run when all its files are there and current, else None."""
    if not (artifacts.current(workspace.clusters, clusters) and artifacts.current(workspace.topics, topics_)):
        return None
    try:
        page = json.loads(workspace.scores.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(page, dict) or page.get("fingerprint") != topics_.fingerprint:
        return None
    scores: dict[str, Any] = artifacts.read_header(workspace.topics, kind="topics").json("scores")
    return scores


def _compute(
    embeddings: Embeddings, units: Units, source: naming.Source, progress: Progress
) -> tuple[Found, dict[str, Any]]:
    vectors, n = embeddings.vectors, len(embeddings.unit_ids)
    params, resources = source.params, source.resources
    wide, threads = params.neighborhood * reduction.MAP_NEIGHBOURS, resources.n_threads
    with progress.task("finding neighbours", total=n, unit="units") as task:
        near = neighbours.nearest(vectors, n_neighbors=wide, seed=params.seed, threads=threads)
        task.advance(n)
    with progress.task("finding clusters", total=grouping.n_runs(n, params), unit="runs") as task:
        grouped, size = sizes.group(
            vectors, near.first(params.neighborhood), params, threads=threads, done=lambda: task.advance(1)
        )
    found = grouped.found
    with progress.task("drawing the map", total=n, unit="units") as task:
        places = reduction.layout(vectors, seed=params.seed, neighbours=near, threads=threads)
        task.advance(n)
    with progress.task("naming clusters", total=n, unit="units") as task:
        layers_ = _layers(source, units, vectors, grouped, progress)
        task.advance(n)
    with progress.task("scoring", total=n, unit="units") as task:
        reduced = quality.euclidean_silhouette(grouped.points, found.labels, n_max=_MAX_SCORED)
        scores = _scores(embeddings, units, grouped, layers_, reduced) | {"min_cluster_size": size}
        task.advance(n)
    n_clusters = len(found.persistence)
    return Found(embeddings.unit_ids, grouped, places, layers_, np.arange(n_clusters), n_clusters), scores


def _layers(
    source: naming.Source, units: Units, vectors: np.ndarray, grouped: Grouping, progress: Progress
) -> list[Layer]:
    """Name and score each layer, the finest first."""
    labels = [grouped.found.labels, *layers.coarser(grouped.found.labels, grouped.ties)]
    return [
        Layer(
            labels=own,
            silhouettes=quality.cosine_silhouette(vectors, own),
            named=naming.name_clusters(source, naming.Members(units.texts, units.languages, own, vectors), progress),
            parents=layers.parents(own, above[0]) if above else np.empty(0, np.int32),
        )
        for own, above in ((own, labels[number + 1 : number + 2]) for number, own in enumerate(labels))
    ]


def _scores(
    embeddings: Embeddings, units: Units, grouped: Grouping, layers_: list[Layer], reduced: np.ndarray
) -> dict[str, Any]:
    found = grouped.found
    problems = [layer.named.problem for layer in layers_ if layer.named.problem]
    return {
        "n_units": len(found.labels),
        "n_clusters": len(found.persistence),
        "n_noise": int(np.sum(found.labels == NOISE)),
        "noise_share": quality.noise_share(found.labels),
        "n_noise_before": grouped.n_noise_before,
        "stability": _rounded(grouped.stability),
        "variance": _rounded(grouped.variance),
        "silhouette_cosine": mean(layers_[FINEST].silhouettes),
        "silhouette_reduced": mean(reduced),
        "dbcv": _rounded(sizes.validity(grouped)),
        "persistence": mean(found.persistence),
        "n_left_out": units.n_left_out,
        "n_from_description": units.n_from_description,
        "n_unread": _n_unread(embeddings.header, units.languages),
        "n_truncated": embeddings.n_truncated,
        "n_windowed": embeddings.n_windowed,
        "layers": {str(number): _layer_scores(layer) for number, layer in enumerate(layers_) if number != FINEST},
    } | ({"naming_problem": problems[0]} if problems else {})


def _n_unread(header: Header, languages: Sequence[str | None]) -> int:
    """Count the units in languages that the model was not trained on, where the registry says on which it was."""
    spec = models.registry().get(header.json("params")["model"])
    read = (None, *spec.languages) if spec and spec.languages else languages
    return sum(language not in read for language in languages)


def _layer_scores(layer: Layer) -> dict[str, Any]:
    return {
        "n_clusters": len(layer.named.names),
        "silhouette_cosine": mean(layer.silhouettes),
    }


def _names(scores: Mapping[str, Any]) -> set[str]:
    """Return the names of the scores, of nested ones too."""
    nested = [_names(value) for value in scores.values() if isinstance(value, Mapping)]
    return set(scores).union(*nested)


def _rounded(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _facts(scores: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("n_units", "n_clusters", "n_noise", "noise_share", "silhouette_cosine", "silhouette_reduced")
    facts = {name.removeprefix("n_"): scores[name] for name in shown}
    facts |= {name: scores[name] for name in ("stability", "variance") if scores[name] is not None}
    if scores["n_noise_before"] != scores["n_noise"]:
        facts["noise_before"] = scores["n_noise_before"]
    return facts | ({"left_out": scores["n_left_out"]} if scores["n_left_out"] else {})


def _warnings(scores: Mapping[str, Any], params: ClusterParams, unit: str) -> Iterator[str]:
    yield from _content_warnings(scores, unit)
    n, n_clusters, size = scores["n_units"], scores["n_clusters"], scores["min_cluster_size"]
    if n < reduction.MIN_ROWS_UMAP:
        yield (
            f"too few for UMAP, which takes {reduction.MIN_ROWS_UMAP}: {counted(n, unit)}; the map shows principal"
            " components; add documents for a map of technologies"
        )
    # The usual size, where it is smaller and the corpus large enough for it.
    fitting = max(2, min(size // 2, n // sizes.FIT, ClusterParams().min_cluster_size))
    if n < size:
        yield (
            f"{counted(n, unit)} cannot form a cluster of {size:,}: all are noise, in place of any map before; "
            + (f"run: patentclust cluster --min-size {fitting}" if n >= fitting else "add documents")
        )
    elif not n_clusters:
        yield (
            f"no cluster was found: all {counted(n, unit)} are noise, because they form one group or none, in"
            f" place of any map before; run: patentclust cluster --min-size {fitting}, or with --min-samples 1"
        )
    elif n_clusters == 1:
        yield "only one cluster was found; try a smaller --min-size, or --selection leaf for finer clusters"
    if scores["stability"] is not None and scores["stability"] < sizes.STEADY:
        yield (
            f"other seeds give another map (agreement {scores['stability']:.2f} of 1): look at the stability of each"
            f" cluster before you rely on it; try a larger --min-size, or "
            + ("--resolution 1" if params.method == "leiden" else "--method leiden")
        )
    if n_clusters:
        yield from _noise_warnings(scores, params, unit)


def _content_warnings(scores: Mapping[str, Any], unit: str) -> Iterator[str]:
    if scores.get("naming_problem"):
        yield scores["naming_problem"]
    if scores["n_left_out"]:
        left_out = counted(scores["n_left_out"], unit)
        yield f"{left_out} left out of the map: no text in the embedded fields, or no vector"
    if scores.get("n_from_description"):
        placed = counted(scores["n_from_description"], unit)
        yield f"{placed} with nothing but a description, placed by its opening"
    if scores.get("n_unread"):
        yield (
            f"{counted(scores['n_unread'], unit)} in languages that the model was not trained on: they lie together by"
            " their language, not by what they say; `patentclust models list` names models that read more"
        )


def _noise_warnings(scores: Mapping[str, Any], params: ClusterParams, unit: str) -> Iterator[str]:
    if params.max_noise is not None and scores["noise_share"] > params.max_noise:
        yield f"{scores['noise_share']:.0%} stay noise, more than --max-noise {params.max_noise:g}: they fit no cluster"
    if scores["noise_share"] > _MUCH_NOISE:
        fewer = max(1, (params.min_samples or scores["min_cluster_size"]) // 3)
        yield (
            f"{counted(scores['n_noise'], unit)} ({scores['noise_share']:.0%}) are noise; try --min-samples"
            f" {fewer} or a smaller --min-size"
        )
