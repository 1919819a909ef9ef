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
    best = choose([worth(one) for one in found])
    return found[best], tried[best]


def worth(grouped: Grouping) -> float:
    """Return the agreement between seeds; NaN for fewer than two clusters, which repeat well and say nothing."""
    return grouped.stability if len(grouped.found.persistence) > 1 else np.nan


def validity(grouped: Grouping) -> float:
    """Return the DBCV of what was found; NaN where no layout was clustered."""
    return density.validity(grouped.layout, grouped.found.labels) if grouped.layout is not None else np.nan


def choose(stabilities: Sequence[float]) -> int:
    """Return which of several sizes, rising, to take: the smallest whose map other seeds repeat.

    Coarser views are for layers; what is too fine shows in that other seeds part it otherwise. Repeated means an
    agreement of STEADY or more; where none is, the steadiest size is taken, and of equal ones the smallest.
    """
    steady = [number for number, value in enumerate(stabilities) if value >= STEADY]
    return steady[0] if steady else int(np.argmax(np.nan_to_num(stabilities, nan=-1)))
