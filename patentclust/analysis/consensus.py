"""Several clusterings of the same points become the one that they agree on (Fred & Jain 2005).

One layout of UMAP decides by chance which groups are one cluster and which point is noise; what most layouts decide
alike is no chance. Knows nothing of how the clusterings were found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from patentclust.analysis.density import NOISE, Density, by_size

# Pairs are compared: n^2 of them, 8 + 4 bytes each.
MAX_ROWS = 5_000
# Together rather than apart, on average over the pairs of a cluster.
_HALF = 0.5
# A point that one layout calls noise lies, in another, within a cluster: noise is what three layouts of four call so.
_HELD = 0.25


def agree(runs: Sequence[Density], *, min_cluster_size: int) -> Density:
    """Return what runs agree on: average linkage of how seldom they keep two points together, cut at one half.

    Two points are as far apart as the share of runs that part them, of those runs in which neither is noise; where that
    is fewer than a quarter of the runs they are apart.

    Args:
        runs: one or more clusterings of the same n points, n up to MAX_ROWS.
        min_cluster_size: smaller groups are noise.

    Returns:
        A point's probability is the share of runs in which it is not noise, times the mean share of them that keep it
        with the other members: below a half, most runs call it noise or put it elsewhere. Outlier scores and the
        persistence of the clusters that members were in are means over runs.
    """
    if len(runs) == 1:
        return runs[0]
    by_run = np.stack([run.labels for run in runs])
    held, apart = (by_run != NOISE).mean(axis=0), _apart(by_run)
    groups = fcluster(linkage(squareform(apart, checks=False), "average"), _HALF, "distance")
    large = np.bincount(groups)[groups] >= min_cluster_size
    labels, _ = by_size(np.where(large, groups, NOISE))
    lasting = np.mean([_of_members(run) for run in runs], axis=0)
    probabilities = np.zeros(len(labels), np.float32)
    persistence = np.zeros(int(labels.max(initial=NOISE)) + 1, np.float32)
    for cluster in range(len(persistence)):
        members = np.flatnonzero(labels == cluster)
        persistence[cluster] = lasting[members].mean()
        # A point is not apart from itself: the sum needs no correction, the count does.
        kept = 1 - apart[np.ix_(members, members)].sum(axis=1) / (len(members) - 1)
        probabilities[members] = held[members] * kept
    return Density(
        labels=labels,
        probabilities=probabilities,
        outlier_scores=np.stack([run.outlier_scores for run in runs]).mean(axis=0),
        persistence=persistence,
    )


def _apart(labels: np.ndarray) -> np.ndarray:
    """Return how seldom runs keep two points together, shape (n, n), 0 to 1, from labels of shape (runs, n)."""
    n_runs, n = labels.shape
    known, same = np.zeros((n, n), np.int16), np.zeros((n, n), np.int16)
    for run in labels:
        real = run != NOISE
        known += real[:, None] & real
        same += (run[:, None] == run) & real
    apart = np.where(known >= _HELD * n_runs, 1 - same / np.maximum(known, 1, dtype=np.float32), np.float32(1))
    np.fill_diagonal(apart, 0)
    return apart


def _of_members(run: Density) -> np.ndarray:
    """Return the persistence of each point's cluster, 0 for noise."""
    return np.append(run.persistence, 0)[run.labels]
