"""The model in a child process: a crash of its library costs the text it died of, and nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patentclust import models
from patentclust.embedders import Encoded, OnDone, isolated, open_embedder
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.embedders.isolated import IsolatedEmbedder
from patentclust.errors import ModelError, StoppedError
from patentclust.params import EmbedParams, Resources
from tests.tiny_model import SAMPLE

TEXTS = [f"{i} {SAMPLE[: 30 * i]}" for i in range(1, 9)]


class Fragile(InProcessEmbedder):
    """The real embedder, but the library aborts, as llama.cpp does, on a text that says so."""

    def encode_document(
        self, texts: Sequence[str], *, on_done: OnDone | None = None, upcoming: Sequence[str] = ()
    ) -> Encoded:
        if any("ABORT" in text for text in texts):
            os.abort()
        return super().encode_document(texts, on_done=on_done, upcoming=upcoming)


def fragile_child(pipe: Any, path: Path, spec: Any, params: EmbedParams, resources: Resources) -> None:
    isolated.serve(pipe, lambda: Fragile(path, spec, params=params, resources=resources))


class FragileIsolated(IsolatedEmbedder):
    child = staticmethod(fragile_child)


def opened(kind: Callable[..., Any], path: Path) -> Any:
    resources = Resources(threads=1, isolate=True)
    return kind(path, models.find(str(path)), params=EmbedParams(model=str(path)), resources=resources)


@pytest.fixture
def embedder(tiny_q8: Path) -> Iterator[IsolatedEmbedder]:
    mine = opened(IsolatedEmbedder, tiny_q8)
    yield mine
    mine.close()
    assert not mine.process.is_alive()


def test_a_child_gives_the_bytes_of_this_process(embedder: IsolatedEmbedder, tiny_q8: Path) -> None:
    here = open_embedder(
        models.find(str(tiny_q8)), tiny_q8, params=EmbedParams(model=str(tiny_q8)), resources=Resources(threads=1)
    )
    there, expected = embedder.encode_document(TEXTS), here.encode_document(TEXTS)
    assert there.vectors.tobytes() == expected.vectors.tobytes()
    assert there.n_tokens.tolist() == expected.n_tokens.tolist()
    assert embedder.encode_query(TEXTS).vectors.tobytes() == here.encode_query(TEXTS).vectors.tobytes()
    assert (embedder.dim, embedder.packing) == (here.dim, here.packing)


def test_a_text_that_aborts_the_library_fails_alone(tiny_q8: Path) -> None:
    mine = opened(FragileIsolated, tiny_q8)
    texts = [*TEXTS[:4], "ABORT here", *TEXTS[4:], "ABORT there"]
    encoded = mine.encode_document(texts)
    mine.close()
    assert sorted(encoded.failures) == [4, 9]
    assert "SIGABRT" in encoded.failures[4]
    norms = np.linalg.norm(encoded.vectors, axis=1)
    assert np.allclose(np.delete(norms, [4, 9]), 1, atol=1e-5)
    assert not norms[[4, 9]].any()


def test_a_library_that_dies_of_every_text_is_given_up(tiny_q8: Path) -> None:
    mine = opened(FragileIsolated, tiny_q8)
    encoded = mine.encode_document([f"ABORT {i}" for i in range(50)])
    mine.close()
    assert len(encoded.failures) == 50


def test_a_killed_child_is_replaced_and_every_text_done(embedder: IsolatedEmbedder) -> None:
    killed: list[int] = []

    def once(_indices: Sequence[int], _part: Encoded) -> None:
        if not killed:
            killed.append(embedder.process.pid)
            os.kill(embedder.process.pid, signal.SIGKILL)

    encoded = embedder.encode_document([text + SAMPLE for text in TEXTS], on_done=once)
    assert embedder.process.pid != killed[0]
    assert len(encoded.failures) <= 1
    assert np.count_nonzero(np.linalg.norm(encoded.vectors, axis=1)) >= len(TEXTS) - 1


def test_errors_of_the_child_are_errors_here(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUF nothing")
    with pytest.raises(ModelError, match="cannot load"):
        opened(IsolatedEmbedder, path)


def test_a_stop_leaves_no_child_behind(embedder: IsolatedEmbedder) -> None:
    def stop(_indices: Sequence[int], _part: Encoded) -> None:
        raise StoppedError("enough")

    with pytest.raises(StoppedError):
        embedder.encode_document(TEXTS, on_done=stop)
    assert not embedder.process.is_alive()
