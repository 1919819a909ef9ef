"""What became of clusters, on label arrays small enough to see."""

import numpy as np

from patentclust.analysis import matching
from patentclust.analysis.matching import Change


def changes(before: str, after: str) -> list[Change]:
    """Read each letter as a cluster id (a = 0), a dot as noise."""
    first, second = (np.array([ord(c) - ord("a") if c != "." else -1 for c in text]) for text in (before, after))
    return matching.changes(
        first, second, n_before=int(first.max(initial=-1)) + 1, n_after=int(second.max(initial=-1)) + 1
    )


def test_a_cluster_is_kept_whatever_its_new_number() -> None:
    assert changes("aaaabbbb", "bbbbaaaa") == [Change("kept", (0,), (1,), 4), Change("kept", (1,), (0,), 4)]


def test_a_cluster_that_lost_some_to_noise_is_kept() -> None:
    assert changes("aaaa", "aaa.") == [Change("kept", (0,), (0,), 3)]


def test_halves_are_a_split() -> None:
    assert changes("aaaaaa", "abcabc") == [Change("split", (0,), (0, 1, 2), 6)]


def test_of_two_equal_halves_neither_is_kept_and_no_id_is_given_twice() -> None:
    assert changes("aaaa", "aabb") == [Change("split", (0,), (0, 1), 4)]
    assert changes("aabb", "aaaa") == [Change("merged", (0, 1), (0,), 4)]


def test_two_that_became_one_are_merged() -> None:
    assert changes("abcabc", "aaaaaa") == [Change("merged", (0, 1, 2), (0,), 6)]


def test_what_fell_to_noise_went_and_what_rose_from_it_came() -> None:
    assert changes("aaa...", "...aaa") == [Change("went", (0,), (), 0), Change("came", (), (0,), 0)]


def test_a_cluster_with_a_smaller_part_in_common_is_changed() -> None:
    assert changes("aaaaa.....", "aa...aaaaa") == [Change("changed", (0,), (0,), 2)]


def test_clusters_without_common_units_came_and_went() -> None:
    empty = np.array([], int)
    found = matching.changes(empty, empty, n_before=1, n_after=2)
    assert [change.kind for change in found] == ["went", "came", "came"]


def test_every_cluster_of_both_maps_is_spoken_of() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        before, after = rng.integers(-1, 6, 60), rng.integers(-1, 4, 60)
        found = matching.changes(before, after, n_before=6, n_after=4)
        assert {a for change in found for a in change.before} == set(range(6))
        assert {b for change in found for b in change.after} == set(range(4))
