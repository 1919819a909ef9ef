"""Loops that numpy has no fast form for, compiled by numba and kept on disk. The only door to numba.

Equal bits on any number of threads: what one thread does depends on nothing that another writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange, set_num_threads

# Points that one thread moves before it takes others.
BLOCK_ROWS = 256
# For each point pulled near, so many are pushed apart.
NEGATIVES = 5
# Of the 32 bits of a float, the upper 16 find its row in a table of forces and the lower its place between two rows.
DROPPED, _MASK, _STEP = 16, 0xFFFF, np.float32(2**-16)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let parallel loops use n threads, one at least, as many as numba has at most."""
    before = get_num_threads()
    set_num_threads(max(1, min(n, before)))
    try:
        yield
    finally:
        set_num_threads(before)


@njit(nogil=True, cache=True)
def smallest(values: Any, k: Any) -> Any:
    """Return the columns of the k smallest values of each row, ascending columns; k is at most the row's length.

    One pass with a heap of k, whose top is the value to beat: nearly all values cost one comparison, a tenth of what
    numpy's partition costs. Of equal values at the edge the earlier columns are kept.
    """
    n, width = values.shape
    found = np.empty((n, k), np.int64)
    heap = np.empty(k, values.dtype)
    for row in range(n):
        columns = found[row]
        for column in range(width):
            value = values[row, column]
            if column < k:
                at = column
                while at > 0 and heap[(at - 1) // 2] < value:
                    heap[at], columns[at] = heap[(at - 1) // 2], columns[(at - 1) // 2]
                    at = (at - 1) // 2
            elif value < heap[0]:
                at = 0
                while 2 * at + 1 < k:
                    child = 2 * at + 1
                    if child + 1 < k and heap[child + 1] > heap[child]:
                        child += 1
                    if heap[child] <= value:
                        break
                    heap[at], columns[at] = heap[child], columns[child]
                    at = child
            else:
                continue
            heap[at], columns[at] = value, column
        columns.sort()
    return found


@njit(nogil=True, fastmath=True, cache=True)
def cosine_distances(vectors: Any, rows: Any, others: Any) -> Any:
    """Return 1 - the dot products of unit vectors: each of `rows` with its own `others`; float32, shape of `others`."""
    out = np.empty(others.shape, np.float32)
    for i in range(len(rows)):
        own = vectors[rows[i]]
        for j in range(others.shape[1]):
            other = vectors[others[i, j]]
            product = np.float32(0)
            for d in range(vectors.shape[1]):
                product += own[d] * other[d]
            out[i, j] = np.float32(1) - product
    return out


@njit(fastmath=True, error_model="numpy", cache=True)
def _between(rows: Any, square: Any) -> Any:
    bits = np.float32(square).view(np.int32)
    row = bits >> DROPPED
    part = np.float32(bits & _MASK) * _STEP
    return rows[row] + part * (rows[row + 1] - rows[row])


@njit(parallel=True, fastmath=True, nogil=True, error_model="numpy", cache=True)
def move(old: Any, new: Any, shape: Any, edges: Any, forces: Any, clock: Any) -> None:  # noqa: C901 - one loop, compiled whole
    """Write to `new` where the points of `old` go in one epoch of UMAP; see `fuzzy.layout`."""
    # `shape` is a tuple whose length is known when this is compiled: loops over dimensions are unrolled.
    dim = len(shape)
    indptr, tails, period, pull, push = edges
    attract, repel, rate = forces
    seed, epoch = clock
    n = len(old)
    most, most_twice = np.float32(4) * rate, np.float32(8) * rate
    for block in prange((n + BLOCK_ROWS - 1) // BLOCK_ROWS):
        here = np.empty(dim, np.float32)
        for j in range(block * BLOCK_ROWS, min(n, (block + 1) * BLOCK_ROWS)):
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
                    force = rate * _between(attract, square)
                    for d in range(dim):
                        here[d] += min(most_twice, max(-most_twice, force * (here[d] - old[k, d])))
                pull[e] += period[e]
                n_push = int((epoch - push[e]) * NEGATIVES / period[e])
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
                        force = rate * _between(repel, square)
                        for d in range(dim):
                            here[d] += min(most, max(-most, force * (here[d] - old[k, d])))
                push[e] += n_push * period[e] / NEGATIVES
            for d in range(dim):
                new[j, d] = here[d]
