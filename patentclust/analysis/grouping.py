"""The way from vectors to clusters: graph, reduction, clusterer, outliers let in, and again for other seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        layout: their first part that was clustered on its own; None where the vectors were clustered as they are.
        n_noise_before: noise before outliers were let in.
        runner_up: n cluster ids, the one that comes after a point's own; -1 for none.
        runner_up_share: n shares of a point's ties that go to it, 0 to 1.
        stability: mean agreement (ARI) between seeds; NaN where it was not measured, or no cluster was found.
        kept_together: for each cluster the share of its pairs that other seeds keep together; NaN likewise.
        variance: share of the variance that principal components keep; NaN for other reductions.
        ties: UMAP's graph, shape (n, n).
    """

    found: Density
    points: np.ndarray
    layout: np.ndarray | None
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
    return over_sizes(vectors, near, params, [params.min_cluster_size], threads=threads, done=done)[0]


def over_sizes(
    vectors: np.ndarray,
    near: Neighbours,
    params: ClusterParams,
    sizes: Sequence[int],
    *,
    threads: int,
    done: Callable[[], None],
) -> list[Grouping]:
    """Return what `group` finds at each minimum size; what does not depend on the size is made once for all."""
    ties = reduction.ties(near)
    runs: list[list[tuple[Density, int]]] = [[] for _ in sizes]
    first: tuple[np.ndarray, np.ndarray | None, float] | None = None
    for number in range(n_runs(len(vectors), params)):
        own = replace(params, seed=(params.seed + number) % 2**32)
        points, layouts, variance = _reduced(vectors, near, own, threads)
        first = first or (points, None if points is vectors else layouts[0], variance)
        space = Space(vectors, near, ties, points, layouts)
        for at_size, size in zip(runs, sizes, strict=True):
            at_size.append(_found(space, replace(own, min_cluster_size=size)))
        done()
    assert first is not None
    return [_grouping(at_size, ties, *first) for at_size in runs]


def _found(space: Space, params: ClusterParams) -> tuple[Density, int]:
    """Return the clusters, outliers let in, and the noise there was before."""
    found = clusterers.find(space, params)
    n_noise = int(np.sum(found.labels == NOISE))
    if params.max_noise is not None and len(found.persistence):
        found = clusterers.admit(found, space.ties, params.max_noise)
    return found, n_noise


def _grouping(
    runs: Sequence[tuple[Density, int]],
    ties: csr_matrix,
    points: np.ndarray,
    layout: np.ndarray | None,
    variance: float,
) -> Grouping:
    """Describe the first of the runs; the others say how stable it is."""
    found, n_noise = runs[0]
    others = [other.labels for other, _ in runs[1:]]
    runner_up, share = clusterers.runners_up(found.labels, ties)
    return Grouping(
        found=found,
        points=points,
        layout=layout,
        n_noise_before=n_noise,
        runner_up=runner_up,
        runner_up_share=share,
        # All noise is the same each time, and says nothing.
        stability=stability.agreement([found.labels, *others]) if others and len(found.persistence) else np.nan,
        kept_together=stability.kept_together(found.labels, others),
        variance=variance,
        ties=ties,
    )


def n_runs(n: int, params: ClusterParams) -> int:
    """Return how many seeds are run: what was asked for, else a few where that is cheap."""
    if params.stability is not None:
        return max(2 if params.auto_size else 1, params.stability)
    if reduction.MIN_ROWS_UMAP <= n <= _MAX_ROWS_STABILITY:
        return _RUNS
    # Between seeds is how a size is chosen.
    return 2 if params.auto_size else 1


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
