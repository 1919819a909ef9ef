import numpy as np
import pytest

from patentclust.analysis import nearness


def unit_vectors(n, dim=16, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 1500])
def test_nearest_are_others_and_nearest_first(n):
    vectors = unit_vectors(n)
    rows, cosines = nearness.nearest(vectors, np.zeros((n, 2)))
    k = max(0, min(5, n - 1))
    assert rows.shape == cosines.shape == (n, k)
    for row in range(0, n, 97):
        expected = vectors @ vectors[row]
        expected[row] = -2
        assert cosines[row] == pytest.approx(np.sort(expected)[::-1][:k], abs=1e-4)
        assert row not in rows[row]
        assert (np.diff(cosines[row]) <= 0).all()


def test_beyond_the_exact_limit_the_map_gives_the_candidates(monkeypatch):
    monkeypatch.setattr(nearness, "MOST_EXACT", 200)
    centres = unit_vectors(3)
    group = np.arange(300) % 3
    vectors = centres[group] + 0.1 * unit_vectors(300, seed=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    points = np.eye(3)[group][:, :2] * 50 + np.random.default_rng(2).normal(size=(300, 2))
    rows, _ = nearness.nearest(vectors.astype(np.float32), points)
    assert (group[rows] == group[:, None]).all()


def test_the_runner_up_is_the_next_cluster_and_noise_has_a_nearest_one():
    centroids = np.eye(3, dtype=np.float32)
    vectors = np.array([[0.8, 0.6, 0], [0, 0.6, 0.8]], np.float32)
    stands = nearness.standing(vectors, np.array([0, -1]), centroids)
    assert stands.runner_up.tolist() == [1, 2]
    assert stands.similarity[0] == pytest.approx(0.8)
    assert np.isnan(stands.similarity[1])


def test_a_single_cluster_has_no_runner_up():
    stands = nearness.standing(unit_vectors(2), np.array([0, 0]), unit_vectors(1))
    assert stands.runner_up.tolist() == [-1, -1]
    assert nearness.standing(unit_vectors(2), np.array([-1, -1]), unit_vectors(0)).runner_up.tolist() == [-1, -1]
