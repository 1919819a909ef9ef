"""PICK ONE: how points become clusters. Each entry of CLUSTERERS is a function of `Space` and the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from scipy.sparse import csr_matrix

from patentclust.analysis import communities, consensus, density
from patentclust.analysis.density import NOISE, Density, by_size
from patentclust.analysis.neighbours import Neighbours, one_thread
from patentclust.errors import MissingExtraError
from patentclust.params import ClusterParams

CLUSTERERS = {"hdbscan": "_hdbscan", "leiden": "_leiden", "kmeans": "_kmeans", "evoc": "_evoc"}
# The share of its walks with which a point belongs rather to one cluster than to all others.
_FITS = 0.5


@dataclass(frozen=True)
class Space:
    """What clusterers look at: vectors, shape (n, d); their neighbours; UMAP's graph; the reduced points.

    `layouts` are parts of the points, by columns, each to be clustered on its own; often there is one, the whole.
    """

    vectors: np.ndarray
    near: Neighbours
    ties: csr_matrix
    points: np.ndarray
    layouts: Sequence[np.ndarray]


def find(space: Space, params: ClusterParams) -> Density:
    """Cluster with the method that `params` names; fewer rows than `min_cluster_size` are all noise."""
    if len(space.vectors) < params.min_cluster_size:
        return density.find_clusters(space.points, min_cluster_size=params.min_cluster_size)
    found: Density = globals()[CLUSTERERS[params.method]](space, params)
    return found


def admit(found: Density, ties: csr_matrix, max_noise: float) -> Density:
    """Give noise to clusters, best first, until its share is `max_noise`; what fits none stays noise.

    A point fits where at least half of the walks along its ties meet one cluster first; that share becomes its
    probability.
    """
    best, strength = _best(communities.absorbed(ties, found.labels))
    noise = np.flatnonzero(found.labels == NOISE)
    n_over = len(noise) - int(max_noise * len(found.labels))
    ranked = noise[np.argsort(-strength[noise], kind="stable")][: max(n_over, 0)]
    taken = ranked[strength[ranked] >= _FITS]
    labels, probabilities = found.labels.copy(), found.probabilities.copy()
    labels[taken], probabilities[taken] = best[taken], strength[taken]
    renumbered, order = by_size(labels)
    return replace(found, labels=renumbered, probabilities=probabilities, persistence=found.persistence[order])


def runners_up(labels: np.ndarray, ties: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Return for each point the cluster other than its own that most of its ties go to, and their share; -1 for none.

    For noise it is the cluster that comes nearest to having it.
    """
    shares = communities.vote(ties, labels)
    rows = np.repeat(np.arange(len(labels)), np.diff(shares.indptr))
    shares.data[shares.indices == labels[rows]] = 0
    return _best(shares)


def _best(shares: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    best = np.full(shares.shape[0], NOISE, np.int32)
    strength = np.zeros(shares.shape[0], np.float32)
    for row in range(shares.shape[0]):
        own = slice(shares.indptr[row], shares.indptr[row + 1])
        if own.start < own.stop and shares.data[own].max() > 0:
            at = own.start + int(shares.data[own].argmax())
            best[row], strength[row] = shares.indices[at], shares.data[at]
    return best, strength


def _hdbscan(space: Space, params: ClusterParams) -> Density:
    runs = [
        density.find_clusters(
            points,
            min_cluster_size=params.min_cluster_size,
            min_samples=params.min_samples,
            selection=params.selection,
            guarded=params.recipe != "article",
        )
        for points in space.layouts
    ]
    return consensus.agree(runs, min_cluster_size=params.min_cluster_size)


def _leiden(space: Space, params: ClusterParams) -> Density:
    labels = communities.find_communities(
        space.ties, resolution=params.resolution, min_size=params.min_cluster_size, seed=params.seed
    )
    return _partition(labels, space)


def _kmeans(space: Space, params: ClusterParams) -> Density:
    from sklearn.cluster import KMeans

    n = len(space.vectors)
    # Without a number, as many as there would be if each were a few times the smallest that counts.
    k = params.n_clusters or max(2, round((n / params.min_cluster_size) ** 0.5 * 2))
    k = min(k, len(np.unique(space.vectors, axis=0)))
    with one_thread():
        labels = KMeans(k, n_init=10, random_state=params.seed).fit_predict(space.vectors)
    return _partition(labels, space)


def check_installed(params: ClusterParams) -> None:
    """Refuse a method whose library is not here.

    Raises:
        MissingExtraError: it is an extra that is not installed.
    """
    if params.method == "evoc" and find_spec("evoc") is None:
        raise MissingExtraError(
            "--method evoc needs the package evoc", hint='run: python -m pip install "patentclust[evoc]"'
        )


def _evoc(space: Space, params: ClusterParams) -> Density:
    check_installed(params)
    evoc = import_module("evoc")
    from numba import get_num_threads, set_num_threads

    before = get_num_threads()
    # Its sums are split over threads.
    set_num_threads(1)
    try:
        model = evoc.EVoC(
            base_min_cluster_size=params.min_cluster_size, n_neighbors=params.neighborhood, random_state=params.seed
        )
        labels = np.asarray(model.fit_predict(space.vectors))
    finally:
        set_num_threads(before)
    return _partition(labels, space)


def _partition(labels: np.ndarray, space: Space) -> Density:
    """Describe clusters of a method that knows no density: a member's probability is the share of its ties inside."""
    labels, order = by_size(labels)
    shares = communities.vote(space.ties, labels)
    members = np.flatnonzero(labels != NOISE)
    probabilities = np.zeros(len(labels), np.float32)
    probabilities[members] = np.asarray(shares[members, labels[members]]).ravel() if len(members) else 0
    return Density(
        labels=labels,
        # A member without a tie inside is still a member.
        probabilities=np.where(labels == NOISE, 0, np.maximum(probabilities, 1e-3)).astype(np.float32),
        outlier_scores=_outlier_scores(space.near),
        persistence=np.full(len(order), np.nan, np.float32),
    )


def _outlier_scores(near: Neighbours) -> np.ndarray:
    """Return how much sparser a point's place is than those of its neighbours: 0 = no sparser, near 1 = far out."""
    own = near.distances[:, 1:].mean(axis=1, dtype=np.float64) if near.distances.shape[1] > 1 else near.distances[:, 0]
    around = own[near.indices].mean(axis=1)
    scores = 1 - around / np.where(own > 0, own, 1)
    return np.where(own > 0, np.clip(scores, 0, 1), 0).astype(np.float32)
