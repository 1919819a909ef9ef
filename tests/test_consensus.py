"""What several clusterings agree on."""

from __future__ import annotations

import numpy as np
import pytest

from patentclust.analysis import compiled, consensus, fuzzy
from patentclust.analysis.density import Density


def run(labels: list[int], persistence: float = 0.5) -> Density:
    n_clusters = max(labels) + 1
    return Density(
        labels=np.array(labels, np.int32),
        probabilities=np.ones(len(labels), np.float32),
        outlier_scores=np.full(len(labels), 0.1, np.float32),
        persistence=np.full(max(n_clusters, 0), persistence, np.float32),
    )


def test_one_clustering_is_its_own_consensus():
    only = run([0, 0, 1, 1, -1])
    assert consensus.agree([only], min_cluster_size=2) is only


def test_the_majority_decides_and_the_names_of_clusters_do_not_matter():
    runs = [run([0, 0, 0, 1, 1]), run([1, 1, 1, 0, 0]), run([0, 0, 1, 1, 1])]
    found = consensus.agree(runs, min_cluster_size=2)
    assert found.labels.tolist() == [0, 0, 0, 1, 1]
    # The third point was with the first two in two runs of three, the fourth and fifth always together.
    np.testing.assert_allclose(found.probabilities, [5 / 6, 5 / 6, 2 / 3, 1, 1])
    np.testing.assert_allclose(found.persistence, 0.5)


def test_noise_is_what_three_runs_of_four_call_so_and_what_fewer_do_is_a_member_of_low_probability():
    seen = run([0, 0, 0, 0, 0])
    runs = [seen, run([0, 0, 0, 0, -1]), run([0, 0, 0, 0, -1]), run([0, 0, 0, 0, -1]), run([0, 0, 0, -1, -1])]
    found = consensus.agree(runs, min_cluster_size=2)
    assert found.labels.tolist() == [0, 0, 0, 0, -1]
    np.testing.assert_allclose(found.probabilities, [1, 1, 1, 0.8, 0])
    twice = consensus.agree([seen, seen, *runs[2:]], min_cluster_size=2)
    assert twice.labels.tolist() == [0, 0, 0, 0, 0]
    np.testing.assert_allclose(twice.probabilities, [1, 1, 1, 0.8, 0.4])


def test_groups_below_the_least_size_are_noise_and_so_is_everything_where_nothing_was_found():
    assert consensus.agree([run([0, 0, 0, 1, 1])] * 3, min_cluster_size=3).labels.tolist() == [0, 0, 0, -1, -1]
    nothing = consensus.agree([run([-1] * 5)] * 3, min_cluster_size=2)
    assert nothing.labels.tolist() == [-1] * 5
    assert len(nothing.persistence) == 0


@pytest.mark.parametrize("min_dist", [0, 0.1, 0.4, 1])
def test_forces_from_the_table_are_umaps_to_a_ten_thousandth(min_dist):
    a, b = fuzzy.curve(min_dist)
    pull, push = fuzzy._forces(a, b)
    squares = np.exp(np.random.default_rng(0).uniform(np.log(1e-6), np.log(1e6), 2000)).astype(np.float32)
    x = squares.astype(np.float64)
    wanted_pull = -4 * a * b * x ** (b - 1) / (1 + a * x**b)
    wanted_push = 2 * b / ((0.001 + x) * (1 + a * x**b))
    for table, wanted in ((pull, wanted_pull), (push, wanted_push)):
        found = [compiled._between(table, np.float32(square)) for square in squares]
        np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_the_smallest_of_a_row_are_those_that_sorting_finds():
    values = np.random.default_rng(3).standard_normal((50, 400)).astype(np.float32)
    values[7] = 1  # all alike: the first ones
    found = compiled.smallest(values, 20)
    assert np.array_equal(found, np.sort(np.argsort(values, axis=1, kind="stable")[:, :20], axis=1))
    assert np.array_equal(compiled.smallest(values[:2, :5], 5), np.tile(np.arange(5), (2, 1)))
