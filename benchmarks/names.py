"""How well the name of a cluster alone, embedded, is found by members that had no part in it.

    python benchmarks/names.py WORKSPACE [--labels terms model] [--splits 5]

WORKSPACE holds the corpus ingested and embedded by a local model (`embed --unit document`); nothing is written there.
Clusters are Leiden's. Names are made from 70 % of all members, drawn at random; for each other member the names are
ranked by the cosine of their vectors, by the same model, with its own: `first` is the share of members to whom the name
of their own cluster lies nearest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from seeds import ours

from patentclust import artifacts, models
from patentclust.analysis import segment, topics
from patentclust.analysis.topics import Nearness
from patentclust.embedders import Embedder, open_embedder
from patentclust.params import ClusterParams, EmbedParams, Resources
from patentclust.progress import Quiet
from patentclust.stages import matter
from patentclust.stages.matter import Units
from patentclust.workspace import Workspace

SHOWN = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--labels", choices=("terms", "model"), nargs="+", default=["terms", "model"])
    parser.add_argument("--splits", type=int, default=5)
    arguments = parser.parse_args()
    workspace, params = Workspace(arguments.workspace), ClusterParams(method="leiden", stability=1)
    embeddings = matter.read_embeddings(workspace, params)
    n_documents = artifacts.read_header(workspace.documents, kind="documents").n_rows
    units = matter.read_units(workspace, embeddings, n_documents, params, Quiet())
    (labels,), _ = ours(embeddings.vectors, params, 1, Resources().n_threads)
    made = EmbedParams(**embeddings.header.json("params"))
    spec = models.find(made.model)
    embedder = open_embedder(spec, models.require(spec), params=made, resources=Resources())
    print("| names by | clusters | first | mean reciprocal rank |\n|---|---|---|---|")
    for by in arguments.labels:
        languages = spec.languages if by == "model" else ("none",)
        splits = range(arguments.splits)
        ranks = np.concatenate(
            [ranked(units, labels, embeddings.vectors, embedder, languages, seed) for seed in splits]
        )
        print(f"| {by} | {labels.max() + 1} | {np.mean(ranks == 1):.3f} | {np.mean(1 / ranks):.3f} |", flush=True)


def ranked(
    units: Units,
    labels: np.ndarray,
    vectors: np.ndarray,
    embedder: Embedder,
    languages: tuple[str, ...],
    seed: int,
) -> np.ndarray:
    """Return, for each member that was held out, the rank of its cluster's name among all."""
    shown = np.random.default_rng(seed).random(len(labels)) < SHOWN
    known = np.where(shown, labels, topics.NOISE)

    def encode(terms: list[str]) -> np.ndarray:
        return embedder.encode_document(terms).vectors

    nearness = Nearness(topics.centroids(vectors, known), encode, languages)
    terms = topics.extract(units.texts, known, units.languages, segmenters=segment.segmenters(), nearness=nearness)
    cosines = vectors[~shown] @ encode(topics.distinct_labels(terms)).T
    own = cosines[np.arange(len(cosines)), labels[~shown]]
    return 1 + np.sum(cosines > own[:, None], axis=1)


if __name__ == "__main__":
    main()
