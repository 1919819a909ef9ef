"""Which clusters of one map are which of another, by the units that both hold. Noise is no cluster.

Knows nothing of names or of how clusters were found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOISE = -1
# A part counts when it is at least this share of the cluster that it came from or went to.
PART = 0.2
# Two clusters are one and the same from this share of common members on (Jaccard).
SAME = 0.5


@dataclass(frozen=True)
class Change:
    """What became of clusters, over the units that both maps hold.

    Attributes:
        kind: `kept`, `split`, `merged`, `changed`, `went` or `came`.
        before: cluster ids of the first map; empty for `came`.
        after: cluster ids of the second map; empty for `went`.
        n_common: units that lie in both.
    """

    kind: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    n_common: int


def overlap(before: np.ndarray, after: np.ndarray, n_before: int, n_after: int) -> np.ndarray:
    """Return how many units each of the clusters before shares with each after, shape (n_before, n_after)."""
    counts = np.zeros((n_before, n_after), np.int64)
    both = (before != NOISE) & (after != NOISE)
    np.add.at(counts, (before[both], after[both]), 1)
    return counts


def changes(before: np.ndarray, after: np.ndarray, *, n_before: int, n_after: int) -> list[Change]:
    """Tell what became of every cluster.

    A cluster is `kept` when one partner has at least half of their members in common; it `split` when two or more
    clusters hold a fifth of it each, and clusters `merged` when a fifth or more of each lies in one; `changed` when its
    only partner has less in common; it `went` or `came` when no partner has a fifth, or the other map holds none of its
    units.

    Args:
        before: cluster ids of the units that both maps hold, -1 = noise, by the first map.
        after: the same units by the second.
        n_before: clusters of the first map.
        n_after: clusters of the second.
    """
    counts = overlap(before, after, n_before, n_after)
    sizes_before = np.bincount(before[before != NOISE], minlength=n_before)
    sizes_after = np.bincount(after[after != NOISE], minlength=n_after)
    union = sizes_before[:, None] + sizes_after[None, :] - counts
    jaccard = counts / np.maximum(union, 1)
    found: list[Change] = []
    done_before: set[int] = set()
    done_after: set[int] = set()
    same = jaccard >= SAME
    # Two halves are both half of what they were: neither is the one that stayed.
    alone = same & (same.sum(axis=1, keepdims=True) == 1) & (same.sum(axis=0, keepdims=True) == 1)
    for a, b in np.argwhere(alone).tolist():
        found.append(Change("kept", (a,), (b,), int(counts[a, b])))
        done_before.add(a)
        done_after.add(b)
    found += _parts(counts, sizes_before, done_before, done_after, kind="split")
    found += [
        Change("merged", change.after, change.before, change.n_common)
        for change in _parts(counts.T, sizes_after, done_after, done_before, kind="merged")
    ]
    for a in range(counts.shape[0]):
        if a not in done_before:
            found.append(_lone(counts[a], sizes_before[a], a))
            done_after.update(found[-1].after)
    found += [Change("came", (), (b,), 0) for b in range(counts.shape[1]) if b not in done_after]
    return found


def _parts(counts: np.ndarray, sizes: np.ndarray, done: set[int], done_parts: set[int], *, kind: str) -> list[Change]:
    found = []
    for whole in range(counts.shape[0]):
        parts = np.flatnonzero(counts[whole] >= np.maximum(PART * sizes[whole], 1)).tolist()
        free = [part for part in parts if part not in done_parts]
        if whole not in done and len(free) > 1:
            found.append(Change(kind, (whole,), tuple(free), int(counts[whole, free].sum())))
            done.add(whole)
            done_parts.update(free)
    return found


def _lone(counts: np.ndarray, size: int, cluster: int) -> Change:
    best = int(np.argmax(counts)) if len(counts) else NOISE
    if best == NOISE or counts[best] < max(PART * size, 1):
        return Change("went", (cluster,), (), 0)
    return Change("changed", (cluster,), (best,), int(counts[best]))
