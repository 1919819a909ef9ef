from __future__ import annotations

import random
from datetime import date

import pytest

from patentclust.analysis.families import Member, find_families, find_representatives


def member(doc_id: str, application: str | None = None, *priorities: str, **more: object) -> Member:
    return Member(doc_id, more.pop("stated", None), application, tuple(priorities), **more)


def test_nothing_gives_nothing() -> None:
    assert find_families([]) == []
    assert find_representatives([], []) == []


def test_application_and_grant_of_one_application_are_one_family() -> None:
    members = [
        member("US-1-A1", "US-10", "JP-5"),
        member("US-2-B2", "US-10", "JP-5", "JP-6"),
        member("US-3-B2", "US-11"),
    ]
    families = find_families(members)
    assert families[0] == families[1] != families[2]


def test_equal_sets_of_priorities_are_a_simple_family_and_overlapping_ones_are_not() -> None:
    members = [
        member("EP-1-A1", "EP-1", "DE-7", "DE-8"),
        member("US-1-A1", "US-1", "DE-8", "DE-7"),
        member("CN-1-A", "CN-1", "DE-7"),
    ]
    simple = find_families(members)
    assert simple[0] == simple[1] != simple[2] == "simple:DE-7"
    assert len(set(find_families(members, mode="extended"))) == 1


def test_a_first_filing_joins_those_that_claim_it() -> None:
    families = find_families([member("DE-1-A1", "DE-7"), member("EP-1-A1", "EP-1", "DE-7")])
    assert len(set(families)) == 1


def test_a_stated_family_wins_and_draws_in_the_rest() -> None:
    members = [
        member("EP-1-A1", "EP-1", "DE-7", stated="docdb:123"),
        member("US-1-A1", "US-1", "DE-7"),
        member("WO-1-A1", None, stated="docdb:123"),
    ]
    assert find_families(members) == ["docdb:123"] * 3


def test_documents_that_state_nothing_stay_alone() -> None:
    families = find_families([member("sha256:aa"), member("sha256:bb")])
    assert families == ["simple:sha256:aa", "simple:sha256:bb"]


@pytest.mark.parametrize("mode", ["simple", "extended"])
def test_the_order_of_the_documents_changes_nothing(mode: str) -> None:
    rng = random.Random(3)
    numbers = [f"DE-{i}" for i in range(12)]
    members = [
        member(
            f"US-{i}-A1",
            f"US-{i // 2}",
            *rng.sample(numbers, rng.randint(0, 2)),
            stated=rng.choice([None, None, "f:1"]),
        )
        for i in range(60)
    ]
    names = dict(zip([m.doc_id for m in members], find_families(members, mode=mode), strict=True))
    shuffled = rng.sample(members, len(members))
    assert names == dict(zip([m.doc_id for m in shuffled], find_families(shuffled, mode=mode), strict=True))


def test_one_member_of_each_family_stands_for_it_by_the_stated_rule() -> None:
    texts = [
        member("CN-1-A", n_texts=4, language="zh", published=date(2019, 1, 1)),
        member("EP-1-B1", n_texts=3, language="en", published=date(2018, 1, 1)),
        member("US-2-B2", n_texts=4, language="en", published=date(2021, 1, 1)),
        member("US-1-A1", n_texts=4, language="en", published=date(2020, 1, 1)),
        member("US-9-A1", n_texts=0),
    ]
    assert find_representatives(texts, ["f", "f", "f", "f", "g"]) == [False, False, False, True, True]
