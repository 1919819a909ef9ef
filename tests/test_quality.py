import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from patentclust.analysis import quality

SILHOUETTES = [("cosine", quality.cosine_silhouette), ("euclidean", quality.euclidean_silhouette)]


def labelled(n=400, d=12, n_clusters=7, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_clusters, size=n)
    rows = (rng.normal(size=(n_clusters, d))[labels] + rng.normal(size=(n, d))).astype(np.float32)
    labels[rng.random(n) < noise] = -1
    labels[0] = n_clusters  # a cluster of one
    rows[20:30] = rows[20]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), labels


@pytest.mark.parametrize(("metric", "silhouette"), SILHOUETTES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_silhouettes_equal_those_of_scikit_learn(metric, silhouette, seed):
    rows, labels = labelled(n=1400, seed=seed)
    real = labels != -1
    values = silhouette(rows, labels)
    assert np.allclose(values[real], silhouette_samples(rows[real], labels[real], metric=metric), atol=1e-5)
    assert np.isnan(values[~real]).all()
    assert values.dtype == np.float32


def test_the_cosine_silhouette_brings_rows_to_unit_length():
    rows, labels = labelled()
    scales = np.random.default_rng(0).uniform(0.1, 5, size=(len(rows), 1)).astype(np.float32)
    assert np.allclose(
        quality.cosine_silhouette(rows * scales, labels), quality.cosine_silhouette(rows, labels), 0, 1e-5, True
    )


def test_the_euclidean_silhouette_keeps_its_digits_far_from_the_origin():
    rows, labels = labelled()
    moved = rows.astype(np.float64) + 1e6
    assert np.allclose(
        quality.euclidean_silhouette(moved, labels), quality.euclidean_silhouette(rows, labels), 0, 1e-5, True
    )


@pytest.mark.parametrize(("metric", "silhouette"), SILHOUETTES)
@pytest.mark.parametrize("labels", [[], [-1, -1, -1], [0, 0, 0], [0, -1, 0]])
def test_fewer_than_two_clusters_have_no_silhouette(metric, silhouette, labels):
    values = silhouette(np.eye(3, dtype=np.float32)[: len(labels)], np.array(labels, int))
    assert values.shape == (len(labels),)
    assert np.isnan(values).all()


@pytest.mark.parametrize(("metric", "silhouette"), SILHOUETTES)
def test_equal_rows_in_different_clusters_have_silhouette_0(metric, silhouette):
    rows = np.tile(np.array([[0.6, 0.8]], np.float32), (6, 1))
    assert silhouette(rows, np.array([0, 0, 0, 1, 1, 1])).tolist() == [0] * 6


def test_a_sample_of_the_euclidean_silhouette_is_scored_against_all_rows():
    rows, labels = labelled()
    whole = quality.euclidean_silhouette(rows, labels)
    some = quality.euclidean_silhouette(rows, labels, n_max=50)
    scored = np.isfinite(some)
    assert scored.sum() == 50
    assert np.array_equal(some[scored], whole[scored])


def test_equal_groupings_agree_fully_whatever_their_names():
    found = quality.agreement(np.array([0, 0, 1, 1, -1, -1]), ["b", "b", "a", "a", "c", "c"])
    assert (found.ari, found.ami, found.v_measure, found.n) == pytest.approx((1, 1, 1, 6))


def test_rows_without_a_class_are_left_out_of_the_agreement():
    found = quality.agreement(np.array([0, 0, 1, 1, 1]), ["a", "a", "b", "b", None])
    assert (found.ari, found.n) == (1, 4)


def test_no_class_at_all_is_no_agreement():
    assert quality.agreement(np.array([0, 1]), [None, None]) == quality.Agreement(0, 0, 0, 0)
    assert quality.agreement(np.array([], int), []).n == 0


def test_the_noise_share_counts_noise():
    assert quality.noise_share(np.array([0, -1, -1, 3])) == 0.5
    assert quality.noise_share(np.array([], int)) == 0
