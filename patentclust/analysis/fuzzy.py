"""Neighbours become UMAP's graph (McInnes, Healy & Melville 2018), and the graph a layout: equal bits on any threads.

umap-learn's optimiser moves points one after another, so a seed holds it to one thread. Here every epoch reads the
positions of the last one and writes new ones, and random numbers are counted from (seed, point, epoch) instead of
drawn in turn: points can be moved in any order, on any number of threads. Same graph and same forces as umap-learn;
other coordinates. Knows nothing of vectors or clusters.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import curve_fit
from scipy.sparse import csr_matrix

from patentclust.analysis import compiled
from patentclust.analysis.neighbours import Neighbours

_BISECTIONS = 64
_MIN_SCALE = 1e-3
# Fewer than umap-learn: later epochs hardly move a point, and what they cost grows with the corpus.
EPOCHS_SMALL, EPOCHS_LARGE, LARGE = 200, 100, 10_000
# The bits of the highest finite float32.
_HIGHEST = 0x7F7FFFFF


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
    pull, push = period.copy(), period / np.float32(compiled.NEGATIVES)
    edges = (indptr, ties.indices[kept].astype(np.int32), period, pull, push)
    forces = _forces(*curve(min_dist))
    old, new = np.ascontiguousarray(start, np.float32), np.empty(start.shape, np.float32)
    # Waiting for each other at every epoch would cost more than a few blocks of work.
    with compiled.threads(min(threads, len(start) // (8 * compiled.BLOCK_ROWS))):
        for epoch in range(n_epochs):
            rate = np.float32(1 - epoch / n_epochs)
            compiled.move(old, new, (0,) * start.shape[1], edges, (*forces, rate), (seed, epoch))
            old, new = new, old
    return old


def _forces(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Tabulate the pull and the push between two points over the square of their distance, as UMAP defines them.

    A row for each float32 whose lower bits are zero, which is 128 steps to each doubling; what lies between two rows is
    interpolated, off by less than a ten-thousandth of the force. It replaces a power and a division for each pair.
    """
    bits = np.arange((_HIGHEST >> compiled.DROPPED) + 2, dtype=np.int32) << compiled.DROPPED
    square = bits.view(np.float32).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = square**b
        pull = -4 * a * b * power / (square * (1 + a * power))
        push = 2 * b / ((0.001 + square) * (1 + a * power))
    pull[0], push[0] = pull[1], push[1]
    return pull.astype(np.float32), push.astype(np.float32)
