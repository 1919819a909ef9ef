"""Points to clusters by community detection on UMAP's graph: Leiden. The only door to graspologic-native.

No layout and no density: every point gets a cluster, and seeds agree because the best of many partitions agree.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags

from patentclust.analysis.density import NOISE

# Seeds agree the better the more runs they average over; a large corpus averages over its own points.
# A run takes 0.04 s at 1,000 points.
_RUNS = ((10_000, 12), (2_500, 30), (0, 100))
_TRIALS = 5
_STEPS = 8


def find_communities(ties: csr_matrix, *, resolution: float, min_size: int, seed: int) -> np.ndarray:
    """Cluster a graph with Leiden (Traag, Waltman & van Eck 2019), by modularity, as the consensus of several runs.

    An edge of the consensus weighs its own weight times the share of runs that keep its ends together (after
    Lancichinetti & Fortunato 2012). Communities below `min_size` join the one that they have most ties to; those
    without ties to another are noise.

    Args:
        ties: symmetric weights, shape (n, n), sorted.
        resolution: above 0; raise it for more, smaller communities.
        min_size: of a cluster.
        seed: of the order in which points move.

    Returns:
        n cluster ids, -1 = noise.
    """
    n = ties.shape[0]
    if n < min_size or not ties.nnz:
        return np.full(n, NOISE, np.int64)
    rows = np.repeat(np.arange(n), np.diff(ties.indptr))
    together = np.zeros(ties.nnz)
    n_runs = next(runs for rows, runs in _RUNS if n > rows)
    for own_seed in np.random.default_rng(seed).integers(2**32, size=n_runs):
        labels = _leiden(ties, resolution, int(own_seed))
        together += labels[rows] == labels[ties.indices]
    agreed = ties.astype(np.float64)
    agreed.data *= together / n_runs
    agreed.eliminate_zeros()
    return _merged(_leiden(agreed, resolution, seed), ties, min_size)


def vote(ties: csr_matrix, labels: np.ndarray) -> csr_matrix:
    """Return how each point's ties are shared out over clusters, shape (n, k), rows sum to at most 1; noise is none."""
    n, k = len(labels), int(labels.max(initial=NOISE)) + 1
    members = np.flatnonzero(labels != NOISE)
    belongs = csr_matrix((np.ones(len(members)), (members, labels[members])), shape=(n, k))
    totals = np.asarray(ties.sum(axis=1)).ravel()
    shares = (diags(1 / np.where(totals > 0, totals, 1)) @ ties @ belongs).tocsr()
    shares.sort_indices()
    return shares


def absorbed(ties: csr_matrix, labels: np.ndarray) -> csr_matrix:
    """Return where a walk along ties from each noise point first meets a cluster, shape (n, k); others as `vote`.

    Walks of up to _STEPS steps (the harmonic labels of Zhu, Ghahramani & Lafferty 2003); what has met none by then is
    lost from the row's sum.
    """
    once = vote(ties, labels)
    noise = np.flatnonzero(labels == NOISE)
    totals = np.asarray(ties.sum(axis=1)).ravel()[noise]
    inside = diags(1 / np.where(totals > 0, totals, 1)) @ ties[noise][:, noise]
    met = once[noise]
    for _ in range(_STEPS):
        met = (once[noise] + inside @ met).tocsr()
    spread = csr_matrix((np.ones(len(noise)), (noise, np.arange(len(noise)))), shape=(len(labels), len(noise)))
    answer = (diags((labels != NOISE).astype(float)) @ once + spread @ met).tocsr()
    answer.sort_indices()
    return answer


def _leiden(ties: csr_matrix, resolution: float, seed: int) -> np.ndarray:
    from graspologic_native import leiden_csr

    _, found = leiden_csr(
        ties.indptr.astype(np.int64),
        ties.indices.astype(np.int32),
        ties.data.astype(np.float64),
        ties.shape[0],
        resolution=resolution,
        seed=seed,
        trials=_TRIALS,
    )
    return np.fromiter((found.get(row, NOISE) for row in range(ties.shape[0])), np.int64, ties.shape[0])


def _merged(labels: np.ndarray, ties: csr_matrix, min_size: int) -> np.ndarray:
    """Let the smallest community below `min_size` join its nearest, again and again, until none is left."""
    labels = labels.copy()
    while True:
        ids, counts = np.unique(labels[labels != NOISE], return_counts=True)
        small = ids[counts < min_size]
        if not len(small):
            return labels
        smallest = small[np.argmin(counts[counts < min_size])]
        members = labels == smallest
        strength = np.bincount(labels + 1, weights=np.asarray(ties[members].sum(axis=0)).ravel())[1:]
        strength[smallest] = 0
        labels[members] = strength.argmax() if strength.max() > 0 else NOISE
