"""Vectors to fewer dimensions: nearest neighbours by cosine, then UMAP. The only door to umap-learn and pynndescent.

Deterministic: one seed and one input give the same bytes, whatever the number of threads (the bits of another CPU
model or library version may differ). `_umap` is the seam: a faster deterministic layout can take its place and nothing
else changes. Knows nothing of clusters.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from patentclust.errors import ConfigError

# Fewer points than one default neighbourhood have no local structure for UMAP to find: a projection shows them better.
MIN_ROWS_UMAP = 16
# Above this an exact search (n^2 d) costs more than pynndescent and its compilation.
MAX_ROWS_EXACT = 16_384
# A fixed block keeps the bits of the products independent of the number of threads.
_BLOCK_ROWS = 1024
# The map is for the eye: with a wider neighbourhood groups keep their relations instead of flying apart, and with
# more distance their members can be told from each other.
MAP_NEIGHBOURS = 2
_MAP_MIN_DIST = 0.4


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


def nearest(vectors: np.ndarray, *, n_neighbors: int, seed: int, threads: int = 1) -> Neighbours:
    """Find the nearest rows by cosine, once for every reduction that follows.

    Exact up to MAX_ROWS_EXACT rows; above that by NN-descent (Dong, Moses & Li 2011), seeded, in one thread, whose
    recall is about .96 to .99. Ties go to the lower index among the neighbours found.

    Args:
        vectors: shape (n, d), float32, rows of unit length.
        n_neighbors: k, each row itself counted; at most n - 1 are returned (one for n = 1).
        seed: of NN-descent.
        threads: over blocks of rows; does not change the answer.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    _check_finite(vectors)
    n = len(vectors)
    k = min(n_neighbors, max(n - 1, 1))
    if n == 0:
        return Neighbours(np.empty((0, 0), np.int64), np.empty((0, 0), np.float32))
    if n > MAX_ROWS_EXACT:
        return _nearest_approximate(vectors, k, seed)
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        starts = range(0, n, _BLOCK_ROWS)
        blocks = list(pool.map(lambda start: _nearest_block(vectors, start, k), starts))
    return Neighbours(np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks]))


def reduce(
    vectors: np.ndarray,
    *,
    n_components: int,
    n_neighbors: int,
    min_dist: float,
    seed: int,
    neighbours: Neighbours | None = None,
) -> np.ndarray:
    """Reduce with UMAP (McInnes, Healy & Melville 2018), metric cosine, started from principal components.

    The start is PCA and not the spectral one of umap-learn: as informative (Kobak & Linderman 2021), and it neither
    stalls nor fails on graphs of many pieces. Fewer than MIN_ROWS_UMAP rows get their principal components; rows that
    are all equal get zeros. UMAP runs in at most n - 2 and at most d dimensions; what is missing to `n_components` is
    filled with zero columns, which change no distance.

    Args:
        vectors: shape (n, d), float32, rows of unit length; n = 0 and duplicates are fine.
        n_components: columns of the answer.
        n_neighbors: more shows the global picture, fewer the local one; at most n - 1 take effect.
        min_dist: how close points may come, 0 to 1.
        seed: of the optimisation.
        neighbours: of `nearest` with the same `n_neighbors`; None computes them.

    Returns:
        Shape (n, n_components), float32, finite.

    Raises:
        ValueError: a value is NaN or infinite.
        ConfigError: numba finds no folder to keep compiled code in.
    """
    _check_finite(vectors)
    n, d = vectors.shape
    out = np.zeros((n, n_components), np.float32)
    if n < 2 or bool(np.all(np.ptp(vectors, axis=0) < 1e-6)):
        return out
    if n < MIN_ROWS_UMAP:
        start = _principal(vectors, min(n_components, n - 1, d), seed)
        out[:, : start.shape[1]] = start
        return out
    if neighbours is None:
        neighbours = nearest(vectors, n_neighbors=n_neighbors, seed=seed)
    width = min(n_components, n - 2, d)
    out[:, :width] = _umap(vectors, neighbours, width, min_dist, seed)
    return out


def layout(vectors: np.ndarray, *, n_neighbors: int, seed: int, neighbours: Neighbours | None = None) -> np.ndarray:
    """Place every row on a plane: `reduce` to two dimensions with min_dist 0.4; shape (n, 2), float32, finite.

    Takes `n_neighbors` as it is; MAP_NEIGHBOURS times those of the reduction read well.
    """
    return reduce(
        vectors,
        n_components=2,
        n_neighbors=n_neighbors,
        min_dist=_MAP_MIN_DIST,
        seed=seed,
        neighbours=neighbours,
    )


def _check_finite(vectors: np.ndarray) -> None:
    if not np.isfinite(vectors).all():
        raise ValueError("vectors hold NaN or infinity")


def _nearest_block(vectors: np.ndarray, start: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    block = vectors[start : start + _BLOCK_ROWS]
    rows = np.arange(len(block))
    distances = 1 - block @ vectors.T
    np.clip(distances, 0, 2, out=distances)
    # UMAP wants each point first in its own list, also among duplicates that are as near.
    distances[rows, start + rows] = -1
    found = np.sort(np.argpartition(distances, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(np.take_along_axis(distances, found, axis=1), axis=1, kind="stable")
    indices = np.take_along_axis(found, order, axis=1)
    return indices.astype(np.int64), np.maximum(np.take_along_axis(distances, indices, axis=1), 0)


def _nearest_approximate(vectors: np.ndarray, k: int, seed: int) -> Neighbours:
    with one_thread(), _foreign():
        from umap.umap_ import nearest_neighbors

        indices, distances, _ = nearest_neighbors(vectors, k, "cosine", {}, True, np.random.RandomState(seed), n_jobs=1)
    return Neighbours(indices.astype(np.int64), np.maximum(distances, 0).astype(np.float32))


def _principal(vectors: np.ndarray, width: int, seed: int) -> np.ndarray:
    from sklearn.decomposition import PCA

    with one_thread():
        scores = PCA(width, random_state=seed).fit_transform(vectors)
    return scores.astype(np.float32)


def _umap(vectors: np.ndarray, near: Neighbours, width: int, min_dist: float, seed: int) -> np.ndarray:
    start = _principal(vectors, width, seed)
    start *= 10 / np.abs(start).max()
    # Duplicates must not start on one spot, nor a component be constant: UMAP stretches each to the same range.
    start += np.random.default_rng(seed).normal(scale=1e-3, size=start.shape).astype(np.float32)
    with one_thread(), _foreign():
        from umap import UMAP

        model = UMAP(
            n_components=width,
            n_neighbors=near.indices.shape[1],
            min_dist=min_dist,
            metric="cosine",
            init=start,
            random_state=seed,
            n_jobs=1,
            # Copies, because UMAP writes into them; no cut at distance 2, because it gives points without edges NaN.
            precomputed_knn=(near.indices.copy(), near.distances.copy()),
            disconnection_distance=np.inf,
        )
        return model.fit_transform(vectors).astype(np.float32)


@contextmanager
def _foreign() -> Iterator[None]:
    """Silence what umap-learn says of features we do not use; map its one environment error to ours."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        # We never call transform().
        warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]", category=UserWarning)
        try:
            yield
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            raise ConfigError(
                "numba finds no writable folder for the code that it compiles",
                hint="set NUMBA_CACHE_DIR to a folder you can write to",
            ) from error
