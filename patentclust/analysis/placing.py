"""Where a vector falls on a finished map: its neighbours vote. Nothing on the map moves.

Every vector is placed by itself, so that a batch gives what its rows give alone. Knows nothing of documents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

NOISE = -1
N_NEIGHBOURS = 15


@dataclass(frozen=True)
class Place:
    """Where one vector falls.

    Attributes:
        cluster_id: of the most weighty neighbours; -1 where noise outweighs every cluster, or the vector is farther
            from that cluster's centre than every member of any cluster is from its own.
        probability: that cluster's share of the neighbours' weight, 0 to 1; 0 for noise.
        runner_up: the next cluster by weight, -1 where there is none.
        x: weighted mean of the places of the neighbours that decided.
        y: the same.
        neighbours: rows of the map, nearest first.
        similarities: their cosines.
    """

    cluster_id: int
    probability: float
    runner_up: int
    x: float
    y: float
    neighbours: tuple[int, ...]
    similarities: tuple[float, ...]


def nearest(vector: np.ndarray, vectors: np.ndarray, *, n: int, without: Collection[int] = ()) -> list[int]:
    """Return the rows nearest to a unit vector by cosine, nearest first, ties by row; never those of `without`."""
    similarities = _similarities(vector, vectors)
    similarities[list(without)] = -np.inf
    n = min(n, len(similarities) - len(set(without)))
    # A partial sort would order ties by chance; the few best and all their equals are sorted in full.
    least = np.partition(similarities, -n)[-n] if n else np.inf
    best = np.flatnonzero(similarities >= least)
    return best[np.argsort(-similarities[best], kind="stable")][:n].tolist()


@dataclass(frozen=True)
class Reach:
    """How far clusters reach: the centre of each, and the cosine to it of the member that is farthest from its own.

    One limit for all: a cluster's own farthest member lies, of few members, by chance near, and new ones beyond it.
    """

    centres: Mapping[int, np.ndarray]
    least: float


def place(
    new: np.ndarray,
    vectors: np.ndarray,
    labels: np.ndarray,
    places: np.ndarray,
    *,
    n: int = N_NEIGHBOURS,
    reach: Reach | None = None,
) -> Iterator[Place]:
    """Place each new unit vector among those of a map.

    Args:
        new: shape (m, d).
        vectors: shape (n, d), the map's; at least one.
        labels: n cluster ids, -1 = noise.
        places: shape (n, 2).
        n: how many neighbours vote, each with the weight of its cosine (none below 0).
        reach: `reaches` of these vectors and labels, where it is at hand.
    """
    reach = reaches(vectors, labels) if reach is None else reach
    for vector in new:
        rows = nearest(vector, vectors, n=n)
        similarities = _similarities(vector, vectors[rows])
        weights = np.maximum(similarities, 0)
        if not weights.any():
            weights = np.ones(len(rows))
        shares = {
            int(cluster): float(weights[labels[rows] == cluster].sum() / weights.sum())
            for cluster in np.unique(labels[rows])
        }
        ranked = sorted(shares, key=lambda cluster: (-shares[cluster], cluster == NOISE, cluster))
        winner = ranked[0]
        if winner != NOISE and _similarities(vector, reach.centres[winner][None])[0] < reach.least:
            winner, ranked = NOISE, [NOISE, *ranked]
        voters = labels[rows] == winner if winner in shares else np.ones(len(rows), bool)
        x, y = np.average(places[rows][voters], axis=0, weights=weights[voters] + 1e-9)
        yield Place(
            cluster_id=winner,
            probability=shares[winner] if winner != NOISE else 0.0,
            runner_up=next((cluster for cluster in ranked[1:] if cluster != NOISE), NOISE),
            x=float(x),
            y=float(y),
            neighbours=tuple(rows),
            similarities=tuple(float(value) for value in similarities),
        )


def reaches(vectors: np.ndarray, labels: np.ndarray) -> Reach:
    """Return how far clusters reach."""
    centres, least = {}, 1.0
    for cluster in np.unique(labels[labels != NOISE]).tolist():
        members = vectors[labels == cluster]
        total = members.sum(axis=0, dtype=np.float64)
        centre = (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
        centres[cluster], least = centre, min(least, float(_similarities(centre, members).min()))
    return Reach(centres, least)


def _similarities(vector: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    # Rounded, so that equal vectors tie whatever the order of a sum was.
    return np.round(vectors.astype(np.float32, copy=False) @ vector.astype(np.float32), 6).astype(np.float64)
