"""Vectors to fewer dimensions: UMAP, as several independent layouts side by side, or principal components.

The only door to umap-learn. Deterministic: one seed and one input give the same bytes, whatever the number of threads
(the bits of another CPU model or library version may differ). Knows nothing of clusters.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy.sparse import csr_matrix

from patentclust.analysis.neighbours import Neighbours, check_finite, one_thread, principal
from patentclust.errors import ConfigError

# Fewer points than one default neighbourhood have no local structure for UMAP to find: a projection shows them better.
MIN_ROWS_UMAP = 16
# UMAP draws at random which points it pushes apart, and a density threshold turns that into other clusters. The
# distance in k layouts side by side is the root mean square over k draws: what differs between draws averages out.
# Five dimensions each: layouts of more are no truer and their seeds agree less (benchmarks/cluster.md).
LAYOUT_DIMS = 5
# A large corpus averages over its own points, and layouts, and clustering in many dimensions, are what takes the time.
_MOST_LAYOUTS = ((50_000, 2), (10_000, 4))
# The map is for the eye: with a wider neighbourhood groups keep their relations instead of flying apart, and with
# more distance their members can be told from each other.
MAP_NEIGHBOURS = 2
_MAP_MIN_DIST = 0.4


def reduce(
    vectors: np.ndarray,
    *,
    n_components: int,
    min_dist: float,
    seed: int,
    neighbours: Neighbours,
    threads: int = 1,
) -> np.ndarray:
    """Reduce with UMAP (McInnes, Healy & Melville 2018): layouts of LAYOUT_DIMS dimensions, side by side.

    Each layout starts from the principal components (as informative as a spectral start, Kobak & Linderman 2021, and it
    neither stalls nor fails on graphs of many pieces) and draws other random pairs. Fewer than MIN_ROWS_UMAP rows get
    their principal components; rows that are all equal get zeros. What is missing to `n_components` is filled with zero
    columns, which change no distance.

    Args:
        vectors: shape (n, d), float32, rows of unit length; n = 0 and duplicates are fine.
        n_components: columns of the answer: as many layouts as fit, few above 10,000 rows.
        min_dist: how close points may come, 0 to 1.
        seed: of the optimisation.
        neighbours: of `nearest`; more show the global picture, fewer the local one.
        threads: changes no bit of the answer.

    Returns:
        Shape (n, n_components), float32, finite.

    Raises:
        ValueError: a value is NaN or infinite.
        ConfigError: numba finds no folder to keep compiled code in.
    """
    check_finite(vectors)
    n, d = vectors.shape
    out = np.zeros((n, n_components), np.float32)
    if _all_equal(vectors):
        return out
    if n < MIN_ROWS_UMAP:
        start, _ = principal(vectors, min(n_components, n - 1, d), seed)
        out[:, : start.shape[1]] = start
        return out
    with _foreign():
        from patentclust.analysis import fuzzy

        graph = fuzzy.graph(neighbours)
        width = min(n_components, LAYOUT_DIMS, n - 2, d)
        n_layouts = max(1, n_components // LAYOUT_DIMS)
        n_layouts = min([n_layouts, *(most for rows, most in _MOST_LAYOUTS if n > rows)])
        scores, _ = principal(vectors, width, seed, threads)
        for number in range(n_layouts):
            own_seed = int(np.random.default_rng([seed, number]).integers(2**32))
            place = fuzzy.layout(graph, _start(scores, own_seed), min_dist=min_dist, seed=own_seed, threads=threads)
            out[:, number * width : (number + 1) * width] = place / np.sqrt(n_layouts)
    return out


def layouts(points: np.ndarray) -> list[np.ndarray]:
    """Return the single layouts that `reduce` set side by side."""
    width = min(LAYOUT_DIMS, points.shape[1])
    parts = [points[:, start : start + width] for start in range(0, points.shape[1], width)]
    return [part for part in parts if part.shape[1] == width and part.any()] or [points]


def reduce_exactly(
    vectors: np.ndarray, *, n_components: int, min_dist: float, seed: int, neighbours: Neighbours
) -> np.ndarray:
    """Reduce with umap-learn as it stands, in one thread; arguments and edges as those of `reduce`."""
    check_finite(vectors)
    n, d = vectors.shape
    if n < MIN_ROWS_UMAP or _all_equal(vectors):
        return reduce(vectors, n_components=n_components, min_dist=min_dist, seed=seed, neighbours=neighbours)
    out = np.zeros((n, n_components), np.float32)
    width = min(n_components, n - 2, d)
    out[:, :width] = _umap(vectors, neighbours, width, min_dist, seed)
    return out


def ties(neighbours: Neighbours) -> csr_matrix:
    """Return UMAP's graph of the neighbours: symmetric weights from 0 to 1, shape (n, n).

    Raises:
        ConfigError: numba finds no folder to keep compiled code in.
    """
    with _foreign():
        from patentclust.analysis import fuzzy
    return fuzzy.graph(neighbours)


def pca(vectors: np.ndarray, *, n_components: int, seed: int, threads: int = 1) -> tuple[np.ndarray, float]:
    """Return principal components brought to unit length, and the share of the variance they keep, 0 to 1.

    Rows at the very centre stay zero. At most min(n - 1, d) columns.
    """
    check_finite(vectors)
    n, d = vectors.shape
    if _all_equal(vectors):
        return np.zeros((n, 1), np.float32), 1.0
    scores, share = principal(vectors, min(n_components, n - 1, d), seed, threads)
    lengths = np.linalg.norm(scores, axis=1, keepdims=True)
    return scores / np.where(lengths > 0, lengths, 1), share


def layout(vectors: np.ndarray, *, seed: int, neighbours: Neighbours, threads: int = 1) -> np.ndarray:
    """Place every row on a plane: `reduce` to two dimensions with min_dist 0.4; shape (n, 2), float32, finite.

    MAP_NEIGHBOURS times the neighbours of the reduction read well.
    """
    return reduce(vectors, n_components=2, min_dist=_MAP_MIN_DIST, seed=seed, neighbours=neighbours, threads=threads)


def _all_equal(vectors: np.ndarray) -> bool:
    return len(vectors) < 2 or bool(np.all(np.ptp(vectors, axis=0) < 1e-6))


def _start(scores: np.ndarray, seed: int) -> np.ndarray:
    start = scores * np.float32(10 / np.abs(scores).max())
    # Duplicates must not start on one spot, nor a component be constant: UMAP stretches each to the same range.
    return start + np.random.default_rng(seed).normal(scale=1e-3, size=start.shape).astype(np.float32)


def _umap(vectors: np.ndarray, near: Neighbours, width: int, min_dist: float, seed: int) -> np.ndarray:
    start = _start(principal(vectors, width, seed)[0], seed)
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
