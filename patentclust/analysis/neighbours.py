"""The nearest rows of each row by cosine, found once for everything that follows. Knows nothing of UMAP or clusters.

Deterministic: every block is computed whole by one thread, so the number of threads changes no bit of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# Above this an exact search (n^2 d) costs more than one among candidates.
MAX_ROWS_EXACT = 8_192
# A fixed block keeps the bits of the products independent of the number of threads.
_BLOCK_ROWS = 1024
# Candidates come from this many principal components: enough for them, a twentieth of the work of all dimensions.
_CANDIDATE_DIMS = 96
_N_CANDIDATES = 64
_PCA_ROWS = 20_000
# Rows of one cell search the cells nearest to it: a cell holds about n / n_cells rows.
_ROWS_PER_CELL = 200
_CELLS_SEARCHED = 128
_CELL_ROUNDS = 8


@dataclass(frozen=True)
class Neighbours:
    """The k nearest rows of each row, itself first.

    Attributes:
        indices: shape (n, k), int64.
        distances: shape (n, k), float32, cosine distances from 0 to 2, ascending; the first column is 0.
    """

    indices: np.ndarray
    distances: np.ndarray

    def first(self, k: int) -> Neighbours:
        """Return the nearest k of each row, itself counted."""
        return Neighbours(self.indices[:, :k], self.distances[:, :k])


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS and OpenMP to one thread: how a sum is split over threads changes its last bits, and then clusters."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


def over(items: list[Item], work: Callable[[Item], Answer], threads: int) -> list[Answer]:
    """Do each item's work whole in one of `threads` threads; answers in the order of the items."""
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def nearest(vectors: np.ndarray, *, n_neighbors: int, seed: int, threads: int = 1) -> Neighbours:
    """Find the nearest rows by cosine.

    Exact up to MAX_ROWS_EXACT rows. Above that the distances are exact and the neighbours are the best of _N_CANDIDATES
    candidates, which come from the principal components of the rows in the nearest cells of a k-means; recall about
    .98. Ties go to the lower index among the neighbours found.

    Args:
        vectors: shape (n, d), float32, rows of unit length.
        n_neighbors: k, each row itself counted; at most n - 1 are returned (one for n = 1).
        seed: of the rows that the components and cells are learned from.
        threads: over blocks of rows; does not change the answer.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    check_finite(vectors)
    n = len(vectors)
    k = min(n_neighbors, max(n - 1, 1))
    if n == 0:
        return Neighbours(np.empty((0, 0), np.int64), np.empty((0, 0), np.float32))
    if n > MAX_ROWS_EXACT:
        return _among_candidates(vectors, k, seed, threads)
    blocks = over(list(range(0, n, _BLOCK_ROWS)), lambda start: _nearest_block(vectors, start, k), threads)
    return Neighbours(np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks]))


def check_finite(vectors: np.ndarray) -> None:
    """Raise ValueError where a value is NaN or infinite; by blocks, so that it costs no second matrix."""
    for start in range(0, len(vectors), _BLOCK_ROWS):
        if not np.isfinite(vectors[start : start + _BLOCK_ROWS]).all():
            raise ValueError("vectors hold NaN or infinity")


def principal(vectors: np.ndarray, width: int, seed: int, threads: int = 1) -> tuple[np.ndarray, float]:
    """Return the principal components of the rows, shape (n, width), float32, and the share of variance they keep.

    Above _PCA_ROWS rows the axes are learned from a sample of that many. Signs are fixed by the largest loading.
    """
    n = len(vectors)
    rows = np.arange(n)
    if n > _PCA_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(n, _PCA_ROWS, replace=False))
    mean, covariance = _covariance(vectors, rows, threads)
    with one_thread():
        axes, variances = _axes(covariance, width, seed)
        shift = mean @ axes
    scores = np.empty((n, axes.shape[1]), np.float32)

    def project(start: int) -> None:
        scores[start : start + _BLOCK_ROWS] = vectors[start : start + _BLOCK_ROWS] @ axes - shift

    over(list(range(0, n, _BLOCK_ROWS)), project, threads)
    total = float(np.trace(covariance))
    return scores, float(variances.sum() / total) if total > 0 else 1.0


def _covariance(vectors: np.ndarray, rows: np.ndarray, threads: int) -> tuple[np.ndarray, np.ndarray]:
    starts = list(range(0, len(rows), _BLOCK_ROWS))
    sums = over(starts, lambda s: vectors[rows[s : s + _BLOCK_ROWS]].sum(axis=0, dtype=np.float64), threads)
    mean = (np.sum(sums, axis=0) / len(rows)).astype(np.float32)

    def product(start: int) -> np.ndarray:
        block = vectors[rows[start : start + _BLOCK_ROWS]] - mean
        return block.T @ block

    covariance = np.zeros((vectors.shape[1],) * 2, np.float32)
    # A few blocks at a time: each product is d x d, and all of them at once would outgrow the vectors.
    for first in range(0, len(starts), 4):
        for one in over(starts[first : first + 4], product, threads):
            covariance += one
    return mean, covariance / len(rows)


def _axes(covariance: np.ndarray, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading eigenvectors, shape (d, width), and their eigenvalues, by subspace iteration."""
    d = len(covariance)
    if d <= 4 * width:
        values, axes = np.linalg.eigh(covariance.astype(np.float64))
    else:
        basis = np.random.default_rng(seed).standard_normal((d, min(d, width + 32))).astype(np.float32)
        for _ in range(10):
            basis = np.linalg.qr(covariance @ basis)[0]
        values, inner = np.linalg.eigh((basis.T @ (covariance @ basis)).astype(np.float64))
        axes = basis @ inner
    values, axes = values[::-1][:width], axes[:, ::-1][:, :width]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return (axes * signs).astype(np.float32), np.maximum(values, 0)


def _nearest_block(vectors: np.ndarray, start: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    block = vectors[start : start + _BLOCK_ROWS]
    rows = np.arange(len(block))
    distances = 1 - block @ vectors.T
    np.clip(distances, 0, 2, out=distances)
    # UMAP wants each point first in its own list, also among duplicates that are as near.
    distances[rows, start + rows] = -1
    return _smallest(distances, np.arange(len(vectors)), k)


def _smallest(distances: np.ndarray, ids: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of the k smallest of each row and their distances, ties by the lower column."""
    found = np.sort(np.argpartition(distances, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(np.take_along_axis(distances, found, axis=1), axis=1, kind="stable")
    columns = np.take_along_axis(found, order, axis=1)
    chosen = ids[columns] if ids.ndim == 1 else np.take_along_axis(ids, columns, axis=1)
    return chosen.astype(np.int64), np.maximum(np.take_along_axis(distances, columns, axis=1), 0)


def _among_candidates(vectors: np.ndarray, k: int, seed: int, threads: int) -> Neighbours:
    from patentclust.analysis import compiled

    n = len(vectors)
    scores, _ = principal(vectors, min(_CANDIDATE_DIMS, vectors.shape[1]), seed, threads)
    centres, cell_of = _cells(scores, seed, threads)
    members = np.split(np.argsort(cell_of, kind="stable"), np.cumsum(np.bincount(cell_of, minlength=len(centres)))[:-1])
    gaps = _gaps(centres)
    reach = np.argsort(gaps, axis=1, kind="stable")[:, :_CELLS_SEARCHED]
    indices = np.empty((n, k), np.int64)
    distances = np.empty((n, k), np.float32)
    squares = np.einsum("ij,ij->i", scores, scores)

    def search(cell: int) -> None:
        around = np.sort(np.concatenate([members[c] for c in reach[cell]]))
        for start in range(0, len(members[cell]), _BLOCK_ROWS):
            rows = members[cell][start : start + _BLOCK_ROWS]
            rough = squares[around] - 2 * (scores[rows] @ scores[around].T)
            n_candidates = min(max(_N_CANDIDATES, 2 * k), len(around))
            candidates = around[compiled.smallest(rough, n_candidates)]
            exact = compiled.cosine_distances(vectors, rows, candidates)
            np.clip(exact, 0, 2, out=exact)
            exact[candidates == rows[:, None]] = -1
            indices[rows], distances[rows] = _smallest(exact, candidates, k)

    over([cell for cell in range(len(centres)) if len(members[cell])], search, threads)
    return Neighbours(indices, distances)


def _gaps(points: np.ndarray) -> np.ndarray:
    squares = np.einsum("ij,ij->i", points, points)
    with one_thread():
        return squares[:, None] + squares[None] - 2 * points @ points.T


def _cells(scores: np.ndarray, seed: int, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Split rows into cells by a short k-means on a sample; return the centres and each row's cell."""
    n = len(scores)
    n_cells = max(_CELLS_SEARCHED, n // _ROWS_PER_CELL)
    rng = np.random.default_rng(seed)
    sample = scores[np.sort(rng.choice(n, min(n, 50 * n_cells), replace=False))]
    centres = sample[np.sort(rng.choice(len(sample), n_cells, replace=False))]
    for _ in range(_CELL_ROUNDS):
        cell_of = _nearest_centre(sample, centres, threads)
        counts = np.bincount(cell_of, minlength=n_cells)
        order = np.argsort(cell_of, kind="stable")
        filled = np.flatnonzero(counts)
        sums = np.add.reduceat(sample[order], (np.cumsum(counts) - counts)[filled], axis=0)
        centres[filled] = sums / counts[filled, None]
    return centres, _nearest_centre(scores, centres, threads)


def _nearest_centre(rows: np.ndarray, centres: np.ndarray, threads: int) -> np.ndarray:
    squares = np.einsum("ij,ij->i", centres, centres)

    def assign(start: int) -> np.ndarray:
        return np.argmin(squares - 2 * (rows[start : start + _BLOCK_ROWS] @ centres.T), axis=1)

    return np.concatenate(over(list(range(0, len(rows), _BLOCK_ROWS)), assign, threads))
