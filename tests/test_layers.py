"""Coarser layers of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from patentclust.analysis import layers

EACH = 5


def _labels(k: int) -> np.ndarray:
    return np.repeat(np.arange(k), EACH).astype(np.int32)


def _tied(pairs: dict[tuple[int, int], float], n: int) -> csr_matrix:
    """Tie the first members of clusters to each other."""
    dense = np.zeros((n, n))
    for (a, b), weight in pairs.items():
        dense[a * EACH, b * EACH] = dense[b * EACH, a * EACH] = weight
    return csr_matrix(dense)


def _three_of_three() -> tuple[np.ndarray, csr_matrix]:
    """Return nine clusters in three groups of strong ties, with weak ones between all groups."""
    labels = _labels(9)
    ties = {(a, b): 5.0 if a // 3 == b // 3 else 0.1 for a in range(9) for b in range(a + 1, 9)}
    return labels, _tied(ties, len(labels))


def test_clusters_with_strong_ties_share_a_parent() -> None:
    labels, ties = _three_of_three()
    (above,) = layers.coarser(labels, ties)
    assert layers.parents(labels, above).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("k", [0, 1, 2, 7])
def test_few_clusters_have_no_coarser_layer(k: int) -> None:
    labels = _labels(k)
    ties = {(a, b): 1.0 for a in range(k) for b in range(a + 1, k)}
    assert layers.coarser(labels, _tied(ties, len(labels))) == []


def test_noise_alone_has_no_coarser_layer_and_no_parents() -> None:
    labels = np.full(12, -1, np.int32)
    assert layers.coarser(labels, csr_matrix((12, 12))) == []
    assert layers.parents(labels, labels).shape == (0,)


def test_noise_stays_noise() -> None:
    labels, ties = _three_of_three()
    labels[1] = -1
    (above,) = layers.coarser(labels, ties)
    assert np.array_equal(above == -1, labels == -1)


def test_clusters_without_ties_have_no_coarser_layer() -> None:
    labels = _labels(9)
    assert layers.coarser(labels, csr_matrix((len(labels), len(labels)))) == []


def test_disconnected_parts_never_share_a_parent() -> None:
    labels = _labels(10)
    ties = {(a, b): 1.0 for a in range(10) for b in range(a + 1, 10) if (a < 5) == (b < 5)}
    for above in layers.coarser(labels, _tied(ties, len(labels))):
        assert not set(above[labels < 5]) & set(above[labels >= 5])


def test_a_cluster_tied_to_nothing_stays_alone() -> None:
    labels = _labels(10)
    ties = {(a, b): 1.0 for a in range(9) for b in range(a + 1, 9)}
    (above,) = layers.coarser(labels, _tied(ties, len(labels)))
    found = layers.parents(labels, above)
    assert np.sum(found == found[9]) == 1


def _random(k: int) -> tuple[np.ndarray, csr_matrix]:
    random = np.random.default_rng(3)
    labels = np.sort(np.concatenate([np.arange(k), random.integers(-1, k, 9 * k)])).astype(np.int32)
    weights = random.random((len(labels), len(labels))) * (random.random((len(labels), len(labels))) < 0.05)
    return labels, csr_matrix(weights + weights.T)


def test_layers_are_nested_shrink_and_are_numbered_by_size() -> None:
    labels, ties = _random(60)
    found = layers.coarser(labels, ties)
    assert [above.max() + 1 for above in found] == [20, 7]
    for below, above in zip([labels, *found], found, strict=False):
        held = layers.parents(below, above)
        assert np.array_equal(above[below >= 0], held[below[below >= 0]])
        sizes = np.bincount(above[above >= 0])
        assert np.all(np.diff(sizes) <= 0) and sizes.min() > 0


def _modularity(between: np.ndarray, group: np.ndarray, resolution: float) -> float:
    """Return the modularity of groups of clusters on the graph of the clusters."""
    belongs = np.eye(group.max() + 1)[group]
    inside, sizes = belongs.T @ between @ belongs, between.sum(axis=1) @ belongs
    return float(np.trace(inside) / between.sum() - resolution * np.sum((sizes / between.sum()) ** 2))


def test_each_layer_is_what_one_lower_resolution_asks_for() -> None:
    labels, ties = _random(60)
    between = layers._between(labels, ties)
    group, asked = np.arange(60), []
    for below, above in zip([labels, *layers.coarser(labels, ties)], layers.coarser(labels, ties), strict=False):
        group = layers.parents(below, above)[group]
        belongs = np.eye(group.max() + 1)[group]
        joint, sizes = belongs.T @ between @ belongs, between.sum(axis=1) @ belongs
        np.fill_diagonal(joint, 0)
        # Just above what the two clusters that are tied most would join at.
        resolution = 1.0001 * (joint / np.outer(sizes, sizes)).max() * between.sum()
        best = _modularity(between, group, resolution)
        finer = _modularity(between, np.arange(60), resolution)
        pairs = [(a, b) for a in range(group.max() + 1) for b in range(a)]
        joined = [_modularity(between, np.where(group == a, b, group), resolution) for a, b in pairs]
        assert best > finer and best > max(joined)
        asked.append(resolution)
    assert asked == sorted(asked, reverse=True) and len(asked) == 2


def test_the_order_of_units_does_not_matter() -> None:
    labels, ties = _random(30)
    order = np.random.default_rng(1).permutation(len(labels))
    straight = layers.coarser(labels, ties)
    shuffled = layers.coarser(labels[order], ties[order][:, order])
    for one, other in zip(straight, shuffled, strict=True):
        pairs = set(zip(one[order].tolist(), other.tolist(), strict=True))
        assert len(pairs) == len(set(one.tolist()))
