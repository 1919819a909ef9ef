"""How good a clustering is: silhouettes, agreement with known classes, noise. Knows nothing of how it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NOISE = -1
_BLOCK_ROWS = 1024
# Distances below this are rounding: among duplicates both sides of a silhouette are 0, and so is the silhouette.
_ZERO = 1e-9


@dataclass(frozen=True)
class Agreement:
    """How far clusters agree with known classes; 1 is full agreement, 0 is chance for ari and ami.

    Attributes:
        ari: adjusted Rand index (Hubert & Arabie 1985).
        ami: adjusted mutual information, arithmetic mean (Vinh, Epps & Bailey 2010).
        v_measure: harmonic mean of homogeneity and completeness (Rosenberg & Hirschberg 2007); not adjusted for chance.
        n: rows that carry a class.
    """

    ari: float
    ami: float
    v_measure: float
    n: int


def cosine_silhouette(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the silhouette (Rousseeuw 1987) of every row by cosine distance: exact, in O(n k d) rather than O(n^2 d).

    The mean cosine distance of a unit row x to a cluster is 1 - x·m, m the mean of its members, so sums of vectors are
    all that it takes. Equals scikit-learn's `silhouette_samples(metric="cosine")` on the rows that are not noise.

    Args:
        vectors: shape (n, d); rows are brought to unit length.
        labels: n cluster ids, -1 = noise.

    Returns:
        n values, float32, -1 to 1. Noise is NaN and left out of the others' distances; the only member of a cluster
        has 0; all are NaN when there are fewer than two clusters.
    """
    labels = np.asarray(labels)
    values = np.full(len(labels), np.nan, np.float32)
    rows = np.flatnonzero(labels != NOISE)
    rows = rows[np.argsort(labels[rows], kind="stable")]
    ids, own = np.unique(labels[rows], return_inverse=True)
    if len(ids) < 2:
        return values
    counts = np.bincount(own).astype(np.float64)
    sums = np.zeros((len(ids), vectors.shape[1]))
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        clusters, first = np.unique(own[block], return_index=True)
        sums[clusters] += np.add.reduceat(_unit(vectors[rows[block]]), first, axis=0)
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        unit = _unit(vectors[rows[block]])
        totals = counts - unit @ sums.T
        # The distance of a row to itself is no part of the sum; rounding, or a zero row, would leave one.
        totals[np.arange(len(unit)), own[block]] -= 1 - np.einsum("ij,ij->i", unit, unit)
        values[rows[block]] = _silhouette(totals, own[block], counts)
    return values


def euclidean_silhouette(points: np.ndarray, labels: np.ndarray, *, n_max: int | None = None) -> np.ndarray:
    """Return the silhouette of every row by Euclidean distance: exact, by blocks, in O(n^2 d) time and O(n) memory.

    Args:
        points: shape (n, d).
        labels: n cluster ids, -1 = noise.
        n_max: score at most this many rows, evenly spaced, each against all rows, so that their mean is unbiased; the
            rest is NaN. None scores all.

    Returns:
        n values, float32, with the same edges as `cosine_silhouette`.
    """
    labels = np.asarray(labels)
    values = np.full(len(labels), np.nan, np.float32)
    rows = np.flatnonzero(labels != NOISE)
    rows = rows[np.argsort(labels[rows], kind="stable")]
    ids, starts, own = np.unique(labels[rows], return_index=True, return_inverse=True)
    if len(ids) < 2:
        return values
    counts = np.bincount(own).astype(np.float64)
    # Centred, so that |x|^2 + |y|^2 - 2xy loses no digits to a far origin.
    centred = points[rows].astype(np.float64)
    centred -= centred.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    scored = np.arange(len(rows))
    if n_max is not None and n_max < len(rows):
        scored = np.linspace(0, len(rows) - 1, n_max).astype(np.int64)
    for start in range(0, len(scored), _BLOCK_ROWS):
        block = scored[start : start + _BLOCK_ROWS]
        distances = centred[block] @ centred.T
        distances *= -2
        distances += squares
        distances += squares[block, None]
        distances[np.arange(len(block)), block] = 0
        np.sqrt(np.maximum(distances, 0, out=distances), out=distances)
        totals = np.add.reduceat(distances, starts, axis=1)
        values[rows[block]] = _silhouette(totals, own[block], counts)
    return values


def agreement(labels: np.ndarray, truth: Sequence[str | None]) -> Agreement:
    """Compare clusters with known classes; noise counts as one class, rows whose truth is None are left out.

    Args:
        labels: n cluster ids, -1 = noise.
        truth: n classes.

    Returns:
        The indices; all 0 when no row carries a class.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, v_measure_score

    known = [i for i, value in enumerate(truth) if value is not None]
    if not known:
        return Agreement(0.0, 0.0, 0.0, 0)
    found = np.asarray(labels)[known]
    classes = [truth[i] for i in known]
    return Agreement(
        ari=float(adjusted_rand_score(classes, found)),
        ami=float(adjusted_mutual_info_score(classes, found)),
        v_measure=float(v_measure_score(classes, found)),
        n=len(known),
    )


def noise_share(labels: np.ndarray) -> float:
    """Return the share of rows that are noise, 0 to 1; 0 for no rows."""
    return float(np.mean(np.asarray(labels) == NOISE)) if len(labels) else 0.0


def _unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def _silhouette(totals: np.ndarray, own: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Turn summed distances to every cluster, shape (b, k), own cluster `own`, into b silhouettes."""
    rows = np.arange(len(own))
    inside = totals[rows, own] / np.maximum(counts[own] - 1, 1)
    means = totals / counts
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    widest = np.maximum(inside, outside)
    values = np.where(widest > _ZERO, (outside - inside) / np.where(widest > _ZERO, widest, 1), 0)
    return np.where(counts[own] > 1, values, 0).astype(np.float32)
