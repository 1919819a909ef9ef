"""Clusters of the finest layer become few coarser ones: nested resolutions of modularity on the graph of the clusters.

Two clusters gain modularity by joining where their ties, for their sizes, exceed the resolution. The pair that is tied
most is thus the first to join as the resolution falls, and merging pairs in that order goes through all resolutions
(Bonald, Charpentier, Galland & Hollocou 2018). Knows labels and ties, not how clusters were found.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from patentclust.analysis.density import NOISE, by_size

# A coarser layer has about a third of the clusters below it: less would repeat them, more would skip a level.
_FANOUT = 3
# Two groups of everything say little that the map does not show.
_FEWEST = 3


def coarser(labels: np.ndarray, ties: csr_matrix) -> list[np.ndarray]:
    """Return the labels of each coarser layer, finer ones first; empty where there are too few clusters for one.

    The two clusters with most ties for their size become one, again and again: average linkage, where a cluster's size
    is the sum of its ties to all others. Clusters without ties to each other never meet, so a layer may keep more than
    a third of the clusters below; it is the last one when it keeps more than half.

    Args:
        labels: n cluster ids from 0, -1 = noise; noise stays noise.
        ties: symmetric weights, shape (n, n).

    Returns:
        Arrays like `labels`, ids from 0 by falling size. Each cluster lies whole in one cluster of the next array.
    """
    between = _between(labels, ties)
    group = np.arange(len(between))
    layers: list[np.ndarray] = []
    n_below = len(between)
    while (wanted := round(n_below / _FANOUT)) >= _FEWEST:
        group, between = _merged(group, between, wanted)
        n_groups = len(np.unique(group))
        if n_groups == n_below:
            break
        layers.append(by_size(np.where(labels == NOISE, NOISE, group[labels]))[0])
        if 2 * n_groups > n_below:
            break
        n_below = n_groups
    return layers


def parents(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return for each cluster of a layer the cluster of the next coarser one that holds it."""
    found = np.empty(int(below.max(initial=NOISE)) + 1, np.int32)
    members = below != NOISE
    found[below[members]] = above[members]
    return found


def _between(labels: np.ndarray, ties: csr_matrix) -> np.ndarray:
    """Return the sums of ties between clusters, shape (k, k); nothing on the diagonal."""
    k = int(labels.max(initial=NOISE)) + 1
    members = np.flatnonzero(labels != NOISE)
    belongs = csr_matrix((np.ones(len(members)), (members, labels[members])), shape=(len(labels), k))
    sums: np.ndarray = (belongs.T @ ties.astype(np.float64) @ belongs).toarray()
    np.fill_diagonal(sums, 0)
    return (sums + sums.T) / 2


def _merged(group: np.ndarray, between: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Merge until `wanted` groups are left, or no two of them are tied; a group is named by one of its clusters.

    `between` keeps its shape: the diagonal holds what lies inside, a group that is gone has zeros.
    """
    group, between = group.copy(), between.copy()
    sizes = between.sum(axis=1)
    affinity = between / np.maximum(np.outer(sizes, sizes), np.finfo(np.float64).tiny)
    np.fill_diagonal(affinity, 0)
    for _ in range(len(np.unique(group)) - wanted):
        kept, gone = sorted(np.unravel_index(affinity.argmax(), affinity.shape))
        if affinity[kept, gone] <= 0:
            break
        between[kept] += between[gone]
        between[:, kept] += between[:, gone]
        between[gone] = between[:, gone] = affinity[gone] = affinity[:, gone] = 0
        sizes[kept] += sizes[gone]
        sizes[gone] = 0
        row = between[kept] / np.maximum(sizes[kept] * sizes, np.finfo(np.float64).tiny)
        row[kept] = 0
        affinity[kept] = affinity[:, kept] = row
        group[group == gone] = kept
    return group, between
