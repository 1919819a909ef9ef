from __future__ import annotations

import pytest

from patentclust.analysis import packing
from patentclust.analysis.packing import pack, split_calls, split_shards, split_windows
from patentclust.analysis.texts import compose, text_fields, text_sha256


@pytest.mark.parametrize(("n", "capacity"), [(0, 5), (1, 5), (5, 5), (6, 5), (23, 7), (1000, 999), (10, 1)])
def test_windows_cover_all_tokens_once_and_are_even(n: int, capacity: int) -> None:
    windows = split_windows(n, capacity)
    assert [i for start, stop in windows for i in range(start, stop)] == list(range(n))
    lengths = [stop - start for start, stop in windows]
    assert max(lengths) <= capacity
    assert max(lengths) - min(lengths) <= 1
    assert len(windows) == max(1, -(-n // capacity))


def test_a_window_needs_room() -> None:
    with pytest.raises(ValueError, match="positive"):
        split_windows(3, 0)


@pytest.mark.parametrize("n", [1, 63, 64, 512, 513, 575, 576, 1024, 1087, 1816, 20_000])
def test_calls_cover_a_sequence_by_whole_tiles(n: int) -> None:
    calls = split_calls(n, 512)
    assert [i for start, stop in calls for i in range(start, stop)] == list(range(n))
    assert all(start % 64 == 0 and stop - start <= 512 for start, stop in calls)
    assert len(calls) == -(-n // 512)
    assert len(calls) == 1 or min(stop - start for start, stop in calls) >= 64


@pytest.mark.parametrize("most", [0, 64, 500])
def test_calls_are_of_whole_tiles(most: int) -> None:
    with pytest.raises(ValueError, match="multiple of 64"):
        split_calls(1000, most)


def test_packing_keeps_every_sequence_within_the_limits() -> None:
    lengths = [300, 5, 2048, 5000, 1, 700, 700, 700, 0, 64]
    calls = pack(lengths, max_tokens=2048, max_sequences=3, alone_from=600)
    assert sorted(i for call in calls for i in call) == list(range(len(lengths)))
    for call in calls:
        assert len(call) <= 3
        assert len(call) == 1 or sum(lengths[i] for i in call) <= 2048
        assert len(call) == 1 or max(lengths[i] for i in call) < 600


def test_a_run_taken_up_after_any_call_makes_the_calls_that_were_left() -> None:
    lengths = [(i * 7919) % 300 for i in range(60)]
    sizes = {"max_tokens": 512, "max_sequences": 8, "alone_from": 200}
    calls = pack(lengths, **sizes)
    for done in range(len(calls)):
        left = sorted(i for call in calls[done:] for i in call)
        again = [[left[i] for i in call] for call in pack([lengths[i] for i in left], **sizes)]
        assert again == calls[done:]


def test_packing_nothing_makes_no_call() -> None:
    assert pack([], max_tokens=10, max_sequences=2, alone_from=5) == []


def test_shards_close_by_count_or_by_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "SHARD_UNITS", 3)
    monkeypatch.setattr(packing, "SHARD_CHARS", 100)
    assert split_shards([]) == []
    assert split_shards([500]) == [(0, 1)]
    assert split_shards([1] * 7) == [(0, 3), (3, 6), (6, 7)]
    assert split_shards([60, 60, 30, 200, 1]) == [(0, 1), (1, 3), (3, 4), (4, 5)]


def test_appending_units_moves_no_earlier_boundary() -> None:
    lengths = [(i * 7919) % 20_000 for i in range(900)]
    before, after = split_shards(lengths[:800]), split_shards(lengths)
    assert after[: len(before) - 1] == before[:-1]


def test_claims_come_before_the_description() -> None:
    assert text_fields("full") == ("title", "abstract", "claims", "description")
    assert text_fields("claims") == ("claims",)
    assert compose(["T", " ", ["1. a", "2. b"], "D"]) == "T\n\n1. a\n2. b\n\nD"
    assert compose(["", [], ""]) == ""


def test_a_lone_surrogate_can_be_hashed() -> None:
    assert len(text_sha256("a\ud800")) == 64
