"""Purity, links and languages on label arrays small enough to count by hand."""

import numpy as np
import pytest

from patentclust.analysis import scorecard

LABELS = np.array([0, 0, 0, 1, 1, -1])


@pytest.mark.parametrize(
    ("level", "cut"),
    [("section", "H"), ("class", "H01"), ("subclass", "H01M"), ("group", "H01M10"), ("subgroup", "H01M10/0525")],
)
def test_a_symbol_is_cut_at_its_level(level, cut):
    assert scorecard.at_level("H01M10/0525", level) == cut


def test_purities_count_the_commonest_class_and_the_fullest_cluster():
    found = scorecard.purity(LABELS, [{"a"}, {"a"}, {"b"}, {"b"}, {"b"}, {"b"}])
    assert found == scorecard.Purity(purity=4 / 5, inverse_purity=4 / 5, n=5)


def test_a_unit_of_several_classes_may_serve_any_of_them():
    found = scorecard.purity(LABELS, [{"a", "b"}, {"a"}, {"b", "a"}, {"b"}, {"b"}, set()])
    assert found.purity == 1
    assert found.inverse_purity == pytest.approx((3 + 2) / 7)


@pytest.mark.parametrize("classes", [[set()] * 6, [*[set()] * 5, {"a"}]])
def test_without_a_clustered_unit_of_a_class_purities_are_nothing(classes):
    assert scorecard.purity(LABELS, classes) == scorecard.Purity(0.0, 0.0, 0)


def test_links_inside_clusters_are_held_against_chance():
    found = scorecard.together(LABELS, [(0, 1), (1, 0), (0, 3), (3, 4), (4, 5), (2, 2)])
    assert found == scorecard.Together(share=2 / 4, expected=(3 * 2 + 2 * 1) / (6 * 5), n=4)


def test_two_units_of_noise_are_not_together():
    assert scorecard.together(np.array([-1, -1]), [(0, 1)]) == scorecard.Together(0.0, 0.0, 1)
    assert scorecard.together(np.array([0]), []) == scorecard.Together(0.0, 0.0, 0)


def test_clusters_that_are_languages_are_told_from_clusters_that_mix_them():
    labels = np.repeat([0, 1], 20)
    assert scorecard.language_ami(labels, ["en"] * 20 + ["zh"] * 20) == pytest.approx(1)
    assert scorecard.language_ami(labels, ["en", "zh"] * 20) == pytest.approx(0, abs=0.05)
    assert scorecard.language_ami(labels, ["en"] * 40) is None
    assert scorecard.language_ami(labels, [None] * 40) is None
