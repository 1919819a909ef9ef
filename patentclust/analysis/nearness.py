"""Who is near whom: nearest units, and the runner-up to a unit's cluster. Cosines over unit-length vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Up to this many units all pairs are compared; beyond, only each one's nearest on the map, to stay under a minute.
MOST_EXACT = 20_000
N_CANDIDATES = 100
_BLOCK = 1_024


@dataclass(frozen=True)
class Standing:
    """Say for each of n units how near it is to its cluster and to the next one; -1 and NaN where there is none."""

    similarity: np.ndarray
    runner_up: np.ndarray
    runner_up_similarity: np.ndarray


def nearest(vectors: np.ndarray, points: np.ndarray, *, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and cosines of the k nearest other units, each of shape (n, min(k, n - 1)), nearest first.

    Args:
        vectors: shape (n, dim), float32, unit length.
        points: shape (n, 2), map positions; above MOST_EXACT units only the N_CANDIDATES nearest there are compared.
        k: how many.
    """
    n = len(vectors)
    k = max(0, min(k, n - 1))
    rows, cosines = np.zeros((n, k), np.int64), np.zeros((n, k), np.float32)
    if not k:
        return rows, cosines
    candidates = _near_on_the_map(points) if n > MOST_EXACT else None
    for start in range(0, n, _BLOCK):
        block = np.arange(start, min(n, start + _BLOCK))
        if candidates is None:
            scores = vectors[block] @ vectors.T
            columns = np.broadcast_to(np.arange(n), scores.shape)
        else:
            columns = candidates[block]
            scores = np.einsum("bd,bcd->bc", vectors[block], vectors[columns])
        scores = np.where(columns == block[:, None], -np.inf, scores)
        # Rounded, so that sums taken in another order still give equal bytes.
        scores = np.round(scores, 5)
        top = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
        top = np.take_along_axis(top, order, axis=1)
        rows[block] = np.take_along_axis(columns, top, axis=1)
        cosines[block] = np.take_along_axis(scores, top, axis=1)
    return rows, cosines


def _near_on_the_map(points: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    sound = np.nan_to_num(points)
    near = NearestNeighbors(n_neighbors=N_CANDIDATES + 1).fit(sound).kneighbors(sound, return_distance=False)
    return np.sort(near, axis=1)


def standing(vectors: np.ndarray, clusters: np.ndarray, centroids: np.ndarray) -> Standing:
    """Return each unit's cosine to its own cluster's centroid, and the nearest other cluster with its cosine.

    Args:
        vectors: shape (n, dim), unit length.
        clusters: shape (n,), row of `centroids` that a unit belongs to, -1 for noise.
        centroids: shape (m, dim), unit length.
    """
    n, m = len(vectors), len(centroids)
    own, best = np.full(n, np.nan, np.float32), np.full(n, np.nan, np.float32)
    runner_up = np.full(n, -1, np.int64)
    for start in range(0, n if m else 0, _BLOCK):
        block = np.arange(start, min(n, start + _BLOCK))
        scores = vectors[block] @ centroids.T
        inside = clusters[block] >= 0
        own[block[inside]] = scores[inside, clusters[block[inside]]]
        scores[inside, clusters[block[inside]]] = -np.inf
        found = np.argmax(scores, axis=1)
        cosine = scores[np.arange(len(block)), found]
        there = np.isfinite(cosine)
        runner_up[block[there]], best[block[there]] = found[there], cosine[there]
    return Standing(own, runner_up, best)


def centroids(vectors: np.ndarray, numbers: np.ndarray, n: int) -> np.ndarray:
    """Return the mean direction of each group 0 to n - 1, shape (n, dim); zero for an empty one."""
    sums = np.zeros((n, vectors.shape[1]), np.float32)
    for number in range(n):
        sums[number] = vectors[numbers == number].sum(axis=0)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return sums / np.where(lengths > 0, lengths, 1)
