"""Neighbours become UMAP's graph (McInnes, Healy & Melville 2018), and the graph a layout: equal bits on any threads.

umap-learn's optimiser moves points one after another, so a seed holds it to one thread. Here every epoch reads the
positions of the last one and writes new ones, and random numbers are counted from (seed, point, epoch) instead of
drawn in turn: points can be moved in any order, on any number of threads. Same graph and same forces as umap-learn;
other coordinates. Knows nothing of vectors or clusters.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange, set_num_threads
from scipy.optimize import curve_fit
from scipy.sparse import csr_matrix

from patentclust.analysis.neighbours import Neighbours

_BISECTIONS = 64
_MIN_SCALE = 1e-3
_NEGATIVES = 5
# Fewer than umap-learn: later epochs hardly move a point, and what they cost grows with the corpus.
EPOCHS_SMALL, EPOCHS_LARGE, LARGE = 200, 100, 10_000
_BLOCK_ROWS = 256


def graph(near: Neighbours) -> csr_matrix:
    """Return UMAP's fuzzy simplicial set: symmetric weights from 0 to 1, shape (n, n), sorted, no row to itself.

    Args:
        near: the neighbours, each row itself first.
    """
    n, k = near.indices.shape
    weights = _strengths(near.distances.astype(np.float64))
    rows = np.repeat(np.arange(n), k)
    keep = (near.indices.ravel() != rows) & (weights.ravel() > 0)
    one_way = csr_matrix((weights.ravel()[keep], (rows[keep], near.indices.ravel()[keep])), shape=(n, n))
    other_way = one_way.T.tocsr()
    both = (one_way + other_way - one_way.multiply(other_way)).tocsr()
    both.sort_indices()
    return both.astype(np.float32)


def _strengths(distances: np.ndarray) -> np.ndarray:
    """Return how strongly each row is tied to each of its neighbours: 1 to the nearest, log2(k) in sum."""
    k = distances.shape[1]
    if k < 2:
        return np.zeros_like(distances)
    positive = np.where(distances > 0, distances, np.inf)
    nearest = positive.min(axis=1)
    nearest[np.isinf(nearest)] = 0
    beyond = np.maximum(distances[:, 1:] - nearest[:, None], 0)
    target, low, high = math.log2(k), np.zeros(len(distances)), np.full(len(distances), np.inf)
    scale = np.ones(len(distances))
    for _ in range(_BISECTIONS):
        over = np.exp(-beyond / scale[:, None]).sum(axis=1) > target
        high, low = np.where(over, scale, high), np.where(over, low, scale)
        scale = np.where(np.isinf(high), 2 * low, (low + high) / 2)
    means = np.where(nearest > 0, distances.mean(axis=1), distances.mean())
    scale = np.maximum(scale, _MIN_SCALE * means)
    weights = np.zeros_like(distances)
    weights[:, 1:] = np.where(beyond > 0, np.exp(-beyond / np.where(scale > 0, scale, 1)[:, None]), 1)
    return weights


def curve(min_dist: float) -> tuple[float, float]:
    """Return a and b of 1 / (1 + a x^2b), fitted as UMAP does: 1 up to `min_dist`, then falling as exp."""
    x = np.linspace(0, 3, 300)
    y = np.where(x < min_dist, 1.0, np.exp(-(x - min_dist)))
    (a, b), _ = curve_fit(lambda x, a, b: 1 / (1 + a * x ** (2 * b)), x, y)
    return float(a), float(b)


def layout(ties: csr_matrix, start: np.ndarray, *, min_dist: float, seed: int, threads: int = 1) -> np.ndarray:
    """Move points until tied ones are near and others apart; shape of `start`, float32.

    Args:
        ties: of `graph`.
        start: shape (n, dim), where points begin.
        min_dist: how close points may come, 0 to 1.
        seed: of the random pairs that are pushed apart.
        threads: changes no bit of the answer.
    """
    n_epochs = EPOCHS_SMALL if len(start) <= LARGE else EPOCHS_LARGE
    weights = ties.data
    kept = weights >= weights.max(initial=0) / n_epochs
    row_of = np.repeat(np.arange(len(start)), np.diff(ties.indptr))[kept]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row_of, minlength=len(start)))])
    period = (weights.max(initial=1) / weights[kept]).astype(np.float32)
    pull, push = period.copy(), period / np.float32(_NEGATIVES)
    edges = (indptr, ties.indices[kept].astype(np.int32), period, pull, push)
    a, b = curve(min_dist)
    old, new = np.ascontiguousarray(start, np.float32), np.empty(start.shape, np.float32)
    before = get_num_threads()
    set_num_threads(min(threads, before))
    try:
        for epoch in range(n_epochs):
            rate = np.float32(1 - epoch / n_epochs)
            _epoch(old, new, (0,) * start.shape[1], edges, (np.float32(a), np.float32(b), rate), (seed, epoch))
            old, new = new, old
    finally:
        set_num_threads(before)
    return old


@njit(parallel=True, fastmath=True, nogil=True, error_model="numpy", cache=True)
def _epoch(old: Any, new: Any, shape: Any, edges: Any, forces: Any, clock: Any) -> None:  # noqa: C901
    # `shape` is a tuple whose length is known when this is compiled: loops over dimensions are unrolled.
    dim = len(shape)
    indptr, tails, period, pull, push = edges
    a, b, rate = forces
    seed, epoch = clock
    n = len(old)
    attract = np.float32(-4) * a * b * rate
    repel = np.float32(2) * b * rate
    most, most_twice = np.float32(4) * rate, np.float32(8) * rate
    one, tiny = np.float32(1), np.float32(0.001)
    for block in prange((n + _BLOCK_ROWS - 1) // _BLOCK_ROWS):
        here = np.empty(dim, np.float32)
        for j in range(block * _BLOCK_ROWS, min(n, (block + 1) * _BLOCK_ROWS)):
            for d in range(dim):
                here[d] = old[j, d]
            state = np.uint64(seed) + np.uint64(j) * np.uint64(0x9E3779B97F4A7C15)
            state += np.uint64(epoch) * np.uint64(0xD1B54A32D192ED03)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = (state ^ (state >> np.uint64(31))) | np.uint64(1)
            for e in range(indptr[j], indptr[j + 1]):
                if pull[e] > epoch:
                    continue
                k = tails[e]
                square = np.float32(0)
                for d in range(dim):
                    gap = here[d] - old[k, d]
                    square += gap * gap
                if square > 0:
                    power = math.exp(b * math.log(square))
                    force = attract * power / (square * (a * power + one))
                    for d in range(dim):
                        here[d] += min(most_twice, max(-most_twice, force * (here[d] - old[k, d])))
                pull[e] += period[e]
                n_push = int((epoch - push[e]) * _NEGATIVES / period[e])
                for _ in range(n_push):
                    state ^= state << np.uint64(13)
                    state ^= state >> np.uint64(7)
                    state ^= state << np.uint64(17)
                    k = np.int64(((state >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))
                    if k == j:
                        continue
                    square = np.float32(0)
                    for d in range(dim):
                        gap = here[d] - old[k, d]
                        square += gap * gap
                    if square > 0:
                        power = math.exp(b * math.log(square))
                        force = repel / ((tiny + square) * (a * power + one))
                        for d in range(dim):
                            here[d] += min(most, max(-most, force * (here[d] - old[k, d])))
                push[e] += n_push * period[e] / _NEGATIVES
            for d in range(dim):
                new[j, d] = here[d]
