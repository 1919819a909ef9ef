"""The texts that come next are tokenised beside the calls in hand; nothing else changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from patentclust import models
from patentclust.analysis import packing
from patentclust.embedders import Encoded
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.errors import ConfigError, StoppedError
from patentclust.params import EmbedParams, Resources
from patentclust.stages import embed
from tests.corpora import workspace_with
from tests.tiny_model import SAMPLE

Spans = list[tuple[int, float, float]]
NOW, NEXT = [SAMPLE * 30, "short"], [f"{i} {SAMPLE}" for i in range(40)]


def opened(path: Path, **params: object) -> InProcessEmbedder:
    spec, chosen = models.find(str(path)), EmbedParams(model=str(path), **params)
    return InProcessEmbedder(path, spec, params=chosen, resources=Resources(threads=1))


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> dict[str, Spans]:
    """Note the thread, start and end of each call of llama.cpp's tokeniser and decoder."""
    noted: dict[str, Spans] = {"llama_tokenize": [], "llama_decode": []}

    def watched(name: str) -> Any:
        real = getattr(llama_cpp, name)

        def call(*args: Any) -> int:
            start = time.perf_counter()
            status: int = real(*args)
            noted[name].append((threading.get_ident(), start, time.perf_counter()))
            return status

        return call

    for name in noted:
        monkeypatch.setattr(llama_cpp, name, watched(name))
    return noted


def overlapping(spans: dict[str, Spans]) -> int:
    """Count tokeniser calls of other threads that lie, at least in part, within a decoder call of this one."""
    here = threading.get_ident()
    beside = [(start, end) for thread, start, end in spans["llama_tokenize"] if thread != here]
    decoding = [(start, end) for thread, start, end in spans["llama_decode"] if thread == here]
    return sum(any(start < b and a < end for a, b in decoding) for start, end in beside)


def test_what_comes_next_is_tokenised_while_this_is_decoded_and_once(tiny_q8: Path, spans: dict[str, Spans]) -> None:
    mine, following = opened(tiny_q8), [f"{i} {SAMPLE * 20}" for i in range(40)]
    mine.encode_document(NOW)
    spans["llama_tokenize"].clear()
    mine.encode_document(NOW, upcoming=following)
    mine.encode_document(following)
    assert overlapping(spans) > 0
    assert len(spans["llama_tokenize"]) == len(NOW) + len(following)
    assert sum(thread == threading.get_ident() for thread, _, _ in spans["llama_tokenize"]) == len(NOW)
    mine.close()


@pytest.mark.parametrize("changes", [{}, {"max_tokens": 64}, {"max_tokens": 64, "long": "truncate"}])
def test_it_changes_no_byte(changes: dict[str, object], tiny_q8: Path) -> None:
    one, other = opened(tiny_q8, **changes), opened(tiny_q8, **changes)
    one.encode_document(NOW, upcoming=NEXT)
    unasked = one.encode_document([NEXT[3], *NOW], upcoming=NEXT)  # what was made ready may be asked for in part
    other.encode_document(NOW)
    for a, b in ((one.encode_document(NEXT), other.encode_document(NEXT)),
                 (unasked, other.encode_document([NEXT[3], *NOW]))):  # fmt: skip
        assert a.vectors.tobytes() == b.vectors.tobytes()
        assert (a.n_tokens.tolist(), a.n_windows.tolist()) == (b.n_tokens.tolist(), b.n_windows.tolist())
        assert (a.n_tokens_used.tolist(), a.truncated.tolist()) == (b.n_tokens_used.tolist(), b.truncated.tolist())


def test_an_error_waits_for_its_own_text(tiny_q8: Path) -> None:
    mine = opened(tiny_q8, max_tokens=16, instruction="a sentence that alone is longer than the window: " * 4)
    assert not mine.encode_document([], upcoming=[SAMPLE]).failures
    with pytest.raises(ConfigError, match="the prompt takes all 16 tokens"):
        mine.encode_document([SAMPLE])


def test_a_queries_prompt_is_not_the_documents(tiny_q8: Path) -> None:
    one, other = opened(tiny_q8, task="retrieve"), opened(tiny_q8, task="retrieve")
    one.encode_document(["x"], upcoming=[SAMPLE])
    assert one.encode_query([SAMPLE]).vectors.tobytes() == other.encode_query([SAMPLE]).vectors.tobytes()


def test_a_stop_leaves_nothing_running(tiny_q8: Path) -> None:
    def stop(_indices: Sequence[int], _part: Encoded) -> None:
        raise StoppedError("enough")

    mine = opened(tiny_q8)
    before = set(threading.enumerate())
    with pytest.raises(StoppedError):
        mine.encode_document(["x"], on_done=stop, upcoming=[SAMPLE * 300] * 3 + NEXT)
    mine.close()
    mine.close()
    assert not set(threading.enumerate()) - before


def test_a_run_looks_one_shard_ahead(
    tiny_q8: Path, tmp_path: Path, spans: dict[str, Spans], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SHARD_UNITS", 4)
    resources = Resources(threads=1, cache="off")
    embed.run(workspace_with(tmp_path, 12), EmbedParams(model=str(tiny_q8), unit="document"), resources=resources)
    here = threading.get_ident()
    assert sum(thread != here for thread, _, _ in spans["llama_tokenize"]) == 8  # all but the first shard's
