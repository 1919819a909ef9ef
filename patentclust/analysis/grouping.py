"""The way from vectors to clusters: graph, reduction, clusterer, outliers let in, and again for other seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from patentclust.analysis import clusterers, consensus, reduction, stability
from patentclust.analysis.clusterers import Space
from patentclust.analysis.density import NOISE, Density
from patentclust.analysis.neighbours import Neighbours
from patentclust.params import ClusterParams

# What a second run for another seed may cost without being asked for.
_MAX_ROWS_STABILITY, _RUNS = 2_500, 3
# How many times the layouts of a large corpus a small one gets: 30 clusterings agree on what 10 still dispute.
_ROUNDS = 3


@dataclass(frozen=True)
class Grouping:
    """What was found among n points.

    Attributes:
        found: clusters, after outliers were let in.
        points: shape (n, r), the reduced points that were clustered.
        n_noise_before: noise before outliers were let in.
        runner_up: n cluster ids, the one that comes after a point's own; -1 for none.
        runner_up_share: n shares of a point's ties that go to it, 0 to 1.
        stability: mean agreement (ARI) between seeds; NaN where it was not measured.
        kept_together: for each cluster the share of its pairs that other seeds keep together; NaN likewise.
        variance: share of the variance that principal components keep; NaN for other reductions.
        ties: UMAP's graph, shape (n, n).
    """

    found: Density
    points: np.ndarray
    n_noise_before: int
    runner_up: np.ndarray
    runner_up_share: np.ndarray
    stability: float
    kept_together: np.ndarray
    variance: float
    ties: csr_matrix


def group(
    vectors: np.ndarray, near: Neighbours, params: ClusterParams, *, threads: int, done: Callable[[], None]
) -> Grouping:
    """Cluster unit vectors, shape (n, d), as `params` say; `done` is called after each run, `n_runs` times."""
    ties = reduction.ties(near)

    def one(own: ClusterParams) -> tuple[Density, int, np.ndarray, float]:
        points, layouts, variance = _reduced(vectors, near, own, threads)
        found = clusterers.find(Space(vectors, near, ties, points, layouts), own)
        n_noise = int(np.sum(found.labels == NOISE))
        if own.max_noise is not None and len(found.persistence):
            found = clusterers.admit(found, ties, own.max_noise)
        done()
        return found, n_noise, points, variance

    found, n_noise, points, variance = one(params)
    others = [
        one(replace(params, seed=(params.seed + 1 + number) % 2**32))[0].labels
        for number in range(n_runs(len(vectors), params) - 1)
    ]
    runner_up, share = clusterers.runners_up(found.labels, ties)
    return Grouping(
        found=found,
        points=points,
        n_noise_before=n_noise,
        runner_up=runner_up,
        runner_up_share=share,
        stability=stability.agreement([found.labels, *others]) if others else np.nan,
        kept_together=stability.kept_together(found.labels, others),
        variance=variance,
        ties=ties,
    )


def n_runs(n: int, params: ClusterParams) -> int:
    """Return how many seeds are run: what was asked for, else a few where that is cheap."""
    if params.stability is not None:
        return max(1, params.stability)
    return _RUNS if reduction.MIN_ROWS_UMAP <= n <= _MAX_ROWS_STABILITY else 1


def _reduced(
    vectors: np.ndarray, near: Neighbours, params: ClusterParams, threads: int
) -> tuple[np.ndarray, list[np.ndarray], float]:
    """Return the points that are clustered, their parts that are clustered one by one, and the variance they keep."""
    if params.reduce == "none" or params.method in ("leiden", "kmeans", "evoc"):
        return vectors, [vectors], np.nan
    if params.reduce == "pca":
        points, variance = reduction.pca(vectors, n_components=params.n_components, seed=params.seed, threads=threads)
        return points, [points], variance
    article = params.recipe == "article"
    min_dist = params.min_dist if params.min_dist is not None else (0.1 if article else 0.0)
    if article or params.exact_umap:
        points = reduction.reduce_exactly(
            vectors, n_components=params.n_components, min_dist=min_dist, seed=params.seed, neighbours=near
        )
        return points, [points], np.nan
    by_consensus = len(vectors) <= consensus.MAX_ROWS
    points = reduction.reduce(
        vectors,
        n_components=params.n_components * (_ROUNDS if by_consensus else 1),
        min_dist=min_dist,
        seed=params.seed,
        neighbours=near,
        threads=threads,
    )
    return points, reduction.layouts(points) if by_consensus else [points], np.nan
