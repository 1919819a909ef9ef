"""The smallest group that counts as a cluster, taken from the vectors. Knows nothing of classes or of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from patentclust.analysis import density, grouping
from patentclust.analysis.grouping import Grouping
from patentclust.analysis.neighbours import Neighbours
from patentclust.params import ClusterParams

# Each about the square root of two times the one before: what lies between two of them differs by little.
LADDER = (5, 7, 10, 14, 20, 28, 40, 56)
# Below this agreement between seeds a map is not relied on.
STEADY = 0.8
# Fewer clusters of the smallest size than this would fit: such a size asks for one group or none.
FIT = 5


def ladder(n: int) -> list[int]:
    """Return the minimum sizes that are worth a try among n units, rising; at least one."""
    return [size for size in LADDER if size * FIT <= n] or [LADDER[0]]


def group(
    vectors: np.ndarray, near: Neighbours, params: ClusterParams, *, threads: int, done: Callable[[], None]
) -> tuple[Grouping, int]:
    """Cluster as `grouping.group`, at the size in `params` or at the one chosen; return that size too."""
    if not params.auto_size:
        return grouping.group(vectors, near, params, threads=threads, done=done), params.min_cluster_size
    tried = ladder(len(vectors))
    found = grouping.over_sizes(vectors, near, params, tried, threads=threads, done=done)
    best = choose([worth(one, near) for one in found])
    return found[best], tried[best]


def worth(grouped: Grouping, near: Neighbours) -> float:
    """Return what the map says about neighbours, as far as other seeds say the same; NaN for fewer than two clusters.

    That is the information that the cluster of a unit gives of its neighbour's, times the agreement between seeds.
    Parting a group tells more only where neighbours stay together; noise tells nothing; what is too fine to be found
    again counts for less.
    """
    if len(grouped.found.persistence) < 2:
        return np.nan
    return grouped.stability * information(grouped.found.labels, near)


def information(labels: np.ndarray, near: Neighbours) -> float:
    """Return the mutual information (nats) of the clusters of neighbours, times the share of neighbours in clusters."""
    from sklearn.metrics import mutual_info_score

    one, other = np.repeat(labels, near.indices.shape[1] - 1), labels[near.indices[:, 1:]].ravel()
    known = (one >= 0) & (other >= 0)
    return float(mutual_info_score(one[known], other[known]) * known.mean()) if known.any() else 0.0


def validity(grouped: Grouping) -> float:
    """Return the DBCV of what was found; NaN where no layout was clustered."""
    return density.validity(grouped.layout, grouped.found.labels) if grouped.layout is not None else np.nan


def choose(worths: Sequence[float]) -> int:
    """Return which of several sizes, rising, to take: the one worth most; of equal ones the smallest."""
    return int(np.argmax(np.nan_to_num(worths, nan=-1)))
