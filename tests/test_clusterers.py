from dataclasses import replace

import numpy as np
import pytest

from patentclust.analysis import clusterers, communities, grouping, neighbours, reduction, stability
from patentclust.analysis.density import Density
from patentclust.errors import ConfigError
from patentclust.params import ClusterParams

METHODS = ("hdbscan", "leiden", "kmeans", "evoc")


def blobs(*sizes, d=24, spread=0.05, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.concatenate([np.tile(np.eye(d)[i], (n, 1)) for i, n in enumerate(sizes)])
    rows = rows + rng.normal(size=rows.shape, scale=spread)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def grouped(rows, **changes):
    params = replace(ClusterParams(n_components=10, stability=1), **changes)
    near = neighbours.nearest(rows, n_neighbors=15, seed=1)
    return grouping.group(rows, near, params, threads=1, done=lambda: None)


def near_of(rows, k=15):
    return neighbours.nearest(rows, n_neighbors=k, seed=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 9, 12, 20])
def test_every_method_answers_for_few_rows(method, n):
    if method == "evoc":
        pytest.importorskip("evoc")
        if n >= 10:
            pytest.skip("evoc needs more rows than neighbours")
    found = grouped(blobs(n), method=method).found
    assert len(found.labels) == n
    assert n >= 10 or set(found.labels) == {-1}
    assert len(found.persistence) == found.labels.max() + 1


@pytest.mark.parametrize("method", ["leiden", "kmeans"])
def test_rows_that_are_all_equal_are_no_accident(method):
    found = grouped(np.tile(blobs(1), (30, 1)), method=method).found
    assert np.isfinite(found.probabilities).all()
    assert found.labels.max() <= 1


@pytest.mark.parametrize(
    "changes", [{"method": "leiden", "resolution": 0.5}, {"method": "kmeans", "n_clusters": 3}, {}]
)
def test_three_blobs_are_three_clusters(changes):
    labels = grouped(blobs(60, 50, 40), **changes).found.labels
    assert [set(labels[part]) - {-1} for part in (slice(0, 60), slice(60, 110), slice(110, 150))] == [{0}, {1}, {2}]


@pytest.mark.parametrize("method", ["hdbscan", "leiden", "kmeans"])
def test_a_graph_in_parts_gives_clusters_that_no_part_shares(method):
    rows = blobs(40, 35, 30, spread=0.01)
    result = grouped(rows, method=method, max_noise=0.0, **({"n_clusters": 3} if method == "kmeans" else {}))
    part = np.repeat([0, 1, 2], [40, 35, 30])
    assert all(result.ties[part == own][:, part != own].nnz == 0 for own in range(3))
    labels = result.found.labels
    assert all(len(set(part[labels == cluster])) == 1 for cluster in range(labels.max() + 1))
    assert set(labels[labels >= 0]) >= {0, 1, 2} and np.isfinite(result.points).all()


def test_one_group_is_one_cluster_where_the_method_gives_everything_a_place():
    for changes in ({"method": "kmeans", "n_clusters": 1}, {"method": "leiden", "resolution": 1e-3}):
        result = grouped(blobs(50), **changes)
        assert set(result.found.labels) == {0} and set(result.runner_up) == {-1}


@pytest.mark.parametrize("reduce", ["pca", "none"])
def test_hdbscan_works_on_other_reductions_and_says_what_variance_is_kept(reduce):
    result = grouped(blobs(60, 50, 40), reduce=reduce)
    assert result.found.labels.max() == 2
    assert np.isfinite(result.variance) == (reduce == "pca")


def test_communities_are_never_smaller_than_asked():
    rows = blobs(60, 50, 6)
    ties = reduction.ties(near_of(rows))
    labels = communities.find_communities(ties, resolution=2.0, min_size=10, seed=3)
    assert np.unique(labels[labels >= 0], return_counts=True)[1].min() >= 10
    again = communities.find_communities(ties, resolution=2.0, min_size=10, seed=3)
    assert (labels == again).all()


def test_the_graph_is_that_of_umap_learn():
    from umap.umap_ import fuzzy_simplicial_set

    rows = blobs(60, 50, 40, spread=0.2)
    near = near_of(rows)
    expected, _, _ = fuzzy_simplicial_set(
        rows, 15, np.random.RandomState(0), "cosine", knn_indices=near.indices.copy(), knn_dists=near.distances.copy()
    )
    ours = reduction.ties(near)
    assert ours.nnz == expected.nnz
    assert abs(ours - expected).max() < 1e-4


def test_outliers_that_fit_are_let_in_until_the_share_is_reached():
    rows = blobs(40, 40)
    labels = np.repeat([0, 1], 40).astype(np.int32)
    labels[[0, 1, 2, 50]] = -1
    found = Density(labels, (labels >= 0).astype(np.float32), np.zeros(80, np.float32), np.ones(2, np.float32))
    ties = reduction.ties(near_of(rows))
    let_in = clusterers.admit(found, ties, 0.0)
    assert set(let_in.labels[:40]) == {0}
    assert set(let_in.labels[40:]) == {1}
    assert (let_in.probabilities[[0, 1, 2, 50]] >= 0.5).all()
    half = clusterers.admit(found, ties, 2 / 80)
    assert np.sum(half.labels == -1) == 2


def test_runner_up_is_another_cluster_than_the_own():
    rows = blobs(40, 40, spread=0.4)
    labels = np.repeat([0, 1], 40).astype(np.int32)
    second, share = clusterers.runners_up(labels, reduction.ties(near_of(rows)))
    has = second >= 0
    assert has.any()
    assert (second[has] != labels[has]).all()
    assert ((share > 0) == has).all()


def test_stability_is_agreement_and_pairs_kept():
    one, other = np.array([0, 0, 1, 1, -1]), np.array([1, 1, 0, -1, -1])
    assert stability.agreement([one, one]) == 1
    assert stability.agreement([one, other]) < 1
    assert stability.kept_together(one, [other]).tolist() == [1.0, 0.0]
    assert np.isnan(stability.kept_together(one, [])).all()


def test_stability_is_measured_over_as_many_seeds_as_asked():
    runs = []
    rows = blobs(40, 40)
    near = near_of(rows)
    params = ClusterParams(method="leiden", resolution=1.0, stability=4)
    result = grouping.group(rows, near, params, threads=1, done=lambda: runs.append(1))
    assert len(runs) == 4
    assert result.stability == pytest.approx(1)
    assert result.kept_together.tolist() == [1] * len(result.kept_together)


@pytest.mark.parametrize(
    "bad", [{"method": "x"}, {"recipe": "x"}, {"max_noise": 2.0}, {"stability": 0}, {"resolution": 0.0}]
)
def test_wrong_choices_are_refused(bad):
    with pytest.raises(ConfigError):
        ClusterParams(**bad)


def test_candidates_are_the_same_on_any_threads_and_nearly_all_right(monkeypatch):
    rows = blobs(*[150] * 20, d=48, spread=0.1)
    exact = neighbours.nearest(rows, n_neighbors=15, seed=1)
    monkeypatch.setattr(neighbours, "MAX_ROWS_EXACT", 100)
    one, two = (neighbours.nearest(rows, n_neighbors=15, seed=1, threads=t) for t in (1, 4))
    assert one.indices.tobytes() == two.indices.tobytes()
    assert one.distances.tobytes() == two.distances.tobytes()
    recall = np.mean([len(set(a) & set(b)) / 15 for a, b in zip(exact.indices, one.indices, strict=True)])
    assert recall > 0.95
