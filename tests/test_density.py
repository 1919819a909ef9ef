import warnings

import numpy as np
import pytest

from patentclust.analysis import density


def blobs(*sizes, d=3, spread=0.05, seed=0):
    rng = np.random.default_rng(seed)
    groups = [rng.normal(size=(n, d), scale=spread) + 10 * i for i, n in enumerate(sizes)]
    return np.concatenate(groups).astype(np.float32)


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_fewer_points_than_a_cluster_are_all_noise(n):
    found = density.find_clusters(np.random.default_rng(0).normal(size=(n, 4)), min_cluster_size=10)
    assert found.labels.tolist() == [-1] * n
    assert found.probabilities.tolist() == [0] * n
    assert np.isnan(found.outlier_scores).all()
    assert found.persistence.shape == (0,)


@pytest.mark.parametrize("n", [2, 3, 10, 11])
@pytest.mark.parametrize("min_samples", [None, 1, 50])
@pytest.mark.parametrize("min_cluster_size", [2, 10])
def test_any_small_case_is_answered_without_a_warning(n, min_samples, min_cluster_size):
    points = np.random.default_rng(0).normal(size=(n, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = density.find_clusters(points, min_cluster_size=min_cluster_size, min_samples=min_samples)
    assert len(found.labels) == len(found.probabilities) == len(found.outlier_scores) == n
    assert len(found.persistence) == found.labels.max() + 1


def test_one_blob_is_noise():
    assert set(density.find_clusters(blobs(80), min_cluster_size=10).labels) == {-1}


def test_points_that_are_all_equal_are_noise():
    assert set(density.find_clusters(np.ones((50, 3)), min_cluster_size=10).labels) == {-1}


def test_groups_of_duplicates_are_clusters_without_a_nan():
    found = density.find_clusters(np.repeat(np.eye(3), 20, axis=0), min_cluster_size=10)
    assert found.labels.tolist() == [0] * 20 + [1] * 20 + [2] * 20
    assert np.isfinite(found.outlier_scores).all()
    assert (found.probabilities == 1).all()


def test_the_largest_cluster_is_0_and_ties_go_to_the_first_member():
    found = density.find_clusters(blobs(20, 40, 20), min_cluster_size=10, min_samples=3)
    assert [set(found.labels[s]) - {-1} for s in (slice(0, 20), slice(20, 60), slice(60, 80))] == [{1}, {0}, {2}]


def test_renumbering_says_which_id_was_which():
    labels, old_ids = density.by_size(np.array([2, 0, 0, -1, 1, 1, 1, 2]))
    assert labels.tolist() == [1, 2, 2, -1, 0, 0, 0, 1]
    assert old_ids.tolist() == [1, 2, 0]


def test_persistence_follows_the_new_ids():
    points = np.concatenate([blobs(20, spread=0.5), blobs(40, spread=0.05) + 10])
    found = density.find_clusters(points, min_cluster_size=10, min_samples=3)
    swapped = density.find_clusters(points[::-1], min_cluster_size=10, min_samples=3)
    assert len(found.persistence) == 2
    assert found.persistence[0] > found.persistence[1]
    assert np.allclose(found.persistence, swapped.persistence)


def test_noise_has_probability_0_and_a_far_point_a_high_outlier_score():
    points = np.concatenate([blobs(30, 30), [[200, -200, 50]]])
    found = density.find_clusters(points, min_cluster_size=10)
    assert found.labels[-1] == -1
    assert found.probabilities[-1] == 0
    assert found.outlier_scores[-1] == found.outlier_scores.max()
    assert (found.outlier_scores >= 0).all()
    assert (found.outlier_scores <= 1).all()


def test_leaf_finds_no_fewer_clusters_than_eom():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(30, 2)) + centre for centre in [(0, 0), (6, 0), (40, 0), (46, 0)]])
    n = {s: len(density.find_clusters(points, min_cluster_size=10, selection=s).persistence) for s in ("eom", "leaf")}
    assert n["leaf"] >= n["eom"] >= 2


def test_equal_input_gives_equal_bytes():
    points = np.random.default_rng(0).normal(size=(300, 5))
    first, second = (density.find_clusters(points, min_cluster_size=5) for _ in range(2))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(vars(first).values(), vars(second).values(), strict=True))


def test_not_a_number_is_refused():
    points = blobs(20)
    points[0, 0] = np.inf
    with pytest.raises(ValueError, match="NaN"):
        density.find_clusters(points, min_cluster_size=5)
