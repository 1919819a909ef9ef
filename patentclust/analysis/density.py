"""Points to clusters by density: HDBSCAN. The only door to hdbscan. Knows nothing of texts or of the map."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

NOISE = -1
# A technology that holds more than a fifth of a corpus is a field, if it splits: nobody reads a map of two colours.
_TOO_LARGE = 0.2
# Its parts are real when they last at least this fraction of what the whole lasts; lumps by chance last less. At a half
# the parts of a mixed corpus of 1,500 patents gave way, and one seed's map had 9 clusters, another's 3.
_REAL_SPLIT = 0.3

# DBCV compares all pairs of points, and takes some seconds for this many.
_MAX_VALIDITY = 3_000
# The sparsest link of a cluster of fewer points is chance.
_FEW_VALIDITY = 3


@dataclass(frozen=True)
class Density:
    """What HDBSCAN found among n points.

    Attributes:
        labels: n cluster ids, int32: 0 = largest (of equal ones, the one whose first member comes first), -1 = noise.
        probabilities: n strengths of membership, float32, 0 to 1; 0 for noise.
        outlier_scores: n GLOSH scores (Campello et al. 2015), float32, 0 to 1; NaN where there is nothing to compare
            with.
        persistence: one value per cluster, float32, 0 to 1: how long it lasts as the density threshold rises.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    outlier_scores: np.ndarray
    persistence: np.ndarray


def find_clusters(
    points: np.ndarray,
    *,
    min_cluster_size: int,
    min_samples: int | None = None,
    selection: str = "eom",
    guarded: bool = True,
) -> Density:
    """Cluster points with HDBSCAN (Campello, Moulavi & Sander 2013; McInnes & Healy 2017), Euclidean.

    Fewer points than `min_cluster_size` are all noise, and so are points that form one blob: HDBSCAN names a cluster
    only where the density splits.

    Args:
        points: shape (n, d); n = 0 and duplicates are fine.
        min_cluster_size: the smallest group that counts, 2 or more; raise it for fewer, broader clusters.
        min_samples: how many neighbours make a place dense; None takes `min_cluster_size`; at most n take effect.
            Lower it for less noise.
        selection: `eom` for the most persistent clusters, `leaf` for the finest.
        guarded: break a cluster that holds more than _TOO_LARGE of the points, and splits, into its parts. HDBSCAN
            never returns the whole corpus as one cluster, but without this it returns nearly the whole: one comparison
            of sums decides between 2 clusters and 18, and another seed decides it otherwise.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    if not np.isfinite(points).all():
        raise ValueError("points hold NaN or infinity")
    n = len(points)
    if n < min_cluster_size or bool(np.all(np.ptp(points, axis=0) == 0)):
        return _all_noise(n)
    with warnings.catch_warnings():
        # hdbscan calls scikit-learn by names that it renames; its files hold string escapes that Python deprecates.
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=SyntaxWarning)
        # GLOSH divides by the density of the points' cluster, infinite among duplicates; the NaN is ours to handle.
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        from hdbscan import HDBSCAN

        model = HDBSCAN(
            min_cluster_size=min_cluster_size,
            min_samples=min(min_samples or min_cluster_size, n),
            metric="euclidean",
            cluster_selection_method=selection,
            # The default starts four processes; the answer is the same.
            core_dist_n_jobs=1,
        ).fit(points.astype(np.float64))
        found = model.labels_, model.probabilities_, model.cluster_persistence_
        if guarded:
            found = _guarded(model.condensed_tree_.to_numpy(), selection)
        outlier_scores = model.outlier_scores_
    labels, order = by_size(found[0])
    probabilities = np.where(labels == NOISE, 0, np.nan_to_num(found[1]))
    return Density(
        labels=labels,
        probabilities=probabilities.astype(np.float32),
        outlier_scores=np.where(np.isfinite(outlier_scores), outlier_scores, np.nan).astype(np.float32),
        persistence=np.asarray(found[2], np.float32)[order],
    )


def validity(points: np.ndarray, labels: np.ndarray) -> float:
    """Return the density-based cluster validity (DBCV; Moulavi et al. 2014), -1 to 1; noise counts as 0.

    O(n^2): above _MAX_VALIDITY clustered points it scores an even sample of each cluster.

    Returns:
        NaN for fewer than two clusters, where the sample leaves a cluster few points, or distances say nothing.
    """
    from hdbscan.validity import validity_index

    rows = np.flatnonzero(labels != NOISE)
    rows = rows[np.argsort(labels[rows], kind="stable")]
    n_members = len(rows)
    if n_members > _MAX_VALIDITY:
        rows = rows[np.linspace(0, n_members - 1, _MAX_VALIDITY).astype(np.int64)]
    _, own, counts = np.unique(labels[rows], return_inverse=True, return_counts=True)
    if len(counts) < 2 or counts.min() < _FEW_VALIDITY:
        return float(np.nan)
    # Where a cluster lies on one point, 0 is divided by 0.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = validity_index(points[rows].astype(np.float64), own)
    return float(value) * n_members / len(labels)


def _guarded(tree: np.ndarray, selection: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Select clusters from a condensed tree; those too large lose their stability, so that their parts win."""
    from hdbscan._hdbscan_tree import compute_stability, get_clusters

    stability = compute_stability(tree)
    groups = tree[tree["child_size"] > 1]
    n = int(tree["parent"].min())
    best = dict(stability)
    # Children have higher numbers than their parents: from the leaves up.
    for child in sorted(groups["child"].tolist(), reverse=True):
        parts = sum(best[part] for part in groups["child"][groups["parent"] == child])
        size = int(groups["child_size"][groups["child"] == child][0])
        if size > _TOO_LARGE * n and parts >= _REAL_SPLIT * stability[child]:
            stability[child] = 0.0
        best[child] = max(parts, stability[child])
    found: tuple[np.ndarray, np.ndarray, np.ndarray] = get_clusters(tree, stability, selection)
    return found


def by_size(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Renumber clusters by falling size, ties by first member; return int32 labels and the old id of each new one."""
    ids, first, counts = np.unique(labels, return_index=True, return_counts=True)
    real = ids != NOISE
    ids, first, counts = ids[real], first[real], counts[real]
    old_ids = ids[np.lexsort((first, -counts))]
    renumbered = np.full(len(labels), NOISE, np.int32)
    for new, old in enumerate(old_ids):
        renumbered[labels == old] = new
    return renumbered, old_ids


def _all_noise(n: int) -> Density:
    return Density(
        labels=np.full(n, NOISE, np.int32),
        probabilities=np.zeros(n, np.float32),
        outlier_scores=np.full(n, np.nan, np.float32),
        persistence=np.empty(0, np.float32),
    )
