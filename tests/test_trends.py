from datetime import date

import numpy as np
import pytest

from patentclust.analysis import trends


@pytest.mark.parametrize(
    ("latest", "year"),
    [(date(2024, 6, 30), 2022), (date(2024, 5, 31), 2021), (date(2024, 12, 31), 2022), (date(2023, 1, 1), 2020)],
)
def test_a_year_is_complete_eighteen_months_after_its_end(latest, year):
    assert trends.last_complete_year(latest) == year


def test_cagr_compares_the_ends_of_five_years():
    assert trends.cagr([9, 1, 0, 0, 0, 0, 32]) == pytest.approx(1.0)
    assert trends.cagr([0, 1, 2, 3, 4, 5]) is None
    assert trends.cagr([1, 2]) is None
    assert trends.cagr([]) is None


def test_growth_is_in_doublings():
    assert trends.growth([1, 1, 1, 3, 2, 2]) == 1.0
    assert trends.growth([]) == 0.0


def test_hhi_runs_from_many_to_one():
    assert trends.hhi([7]) == 10_000
    assert trends.hhi([1] * 10) == pytest.approx(1000)
    assert trends.hhi([]) is None


def test_expected_and_lift_agree_with_the_margins():
    observed = np.array([[8, 2], [2, 8]])
    chance = trends.expected(observed, observed.sum(axis=1), observed.sum(axis=0), observed.sum())
    assert chance.tolist() == [[5, 5], [5, 5]]
    assert trends.lift(observed, chance)[0].tolist() == [1.6, 0.4]
    assert np.isnan(trends.lift(np.array([[0]]), np.array([[0.0]])))[0, 0]


def test_white_space_needs_both_expectation_and_absence():
    observed, chance = np.array([[0, 0, 19]]), np.array([[20.0, 1.0, 20.0]])
    (gap,) = trends.white_space(observed, chance)
    assert (gap.row, gap.column, gap.observed) == (0, 0, 0)
    assert gap.chance == pytest.approx(np.exp(-20))


def test_poisson_tail_is_the_textbook_one():
    assert trends.poisson_at_most(2, 3.0) == pytest.approx(0.42319, abs=1e-5)
    assert trends.poisson_at_most(0, 0.0) == 1.0


def test_emergence_ranks_the_new_the_growing_and_the_entered():
    assert trends.emergence([0.9, 0.1], [2, -1], [0.5, 0.1]) == [1.0, 0.0]
    assert trends.emergence([0.5], [0], [0]) == [0.5]
    assert trends.emergence([], [], []) == []


def test_terms_rise_and_fall_by_their_share():
    change = trends.changed_terms(np.array([10, 1]), np.array([1, 10]), 10, 10)
    assert change[0] > 2
    assert change[0] == pytest.approx(-change[1])


@pytest.mark.parametrize(("first", "last", "n"), [(2000, 2011, 4), (2000, 2001, 2), (2000, 2000, 1), (2001, 2000, 0)])
def test_periods_cover_all_years_once(first, last, n):
    spans = trends.periods(first, last)
    assert len(spans) == n
    assert [year for low, high in spans for year in range(low, high + 1)] == list(range(first, last + 1))


def test_paths_link_what_resembles():
    eye = np.eye(3)
    centres = np.stack([eye[[0, 1]], eye[[1, 0]]])
    found = trends.paths(centres, np.ones((2, 2), bool))
    assert [(path.source, path.target) for path in found] == [(1, 0), (0, 1)]
    assert trends.paths(centres, np.array([[True, False], [True, True]]))[0].source == 0
