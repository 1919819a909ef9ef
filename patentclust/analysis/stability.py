"""How far clusterings of the same points agree with each other. Knows nothing of how they were made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

NOISE = -1


def agreement(runs: Sequence[np.ndarray]) -> float:
    """Return the mean adjusted Rand index over all pairs of runs; noise counts as one class; 1 for a single run."""
    from sklearn.metrics import adjusted_rand_score

    values = [adjusted_rand_score(one, other) for one, other in combinations(runs, 2)]
    return float(np.mean(values)) if values else 1.0


def kept_together(labels: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """Return for each cluster the share of its pairs of members that other runs also put into one cluster.

    Args:
        labels: n cluster ids from 0, -1 = noise.
        others: other clusterings of the same points; noise is no cluster.

    Returns:
        One value a cluster, 0 to 1, mean over the runs; NaN without other runs; 1 for a cluster of one.
    """
    k = int(labels.max(initial=NOISE)) + 1
    if not others:
        return np.full(k, np.nan)
    values = np.ones((len(others), k))
    for number, other in enumerate(others):
        for cluster in range(k):
            there = other[labels == cluster]
            n_pairs = len(there) * (len(there) - 1) / 2
            counts = np.bincount(there[there != NOISE])
            if n_pairs:
                values[number, cluster] = (counts * (counts - 1) / 2).sum() / n_pairs
    shares: np.ndarray = values.mean(axis=0)
    return shares
