"""Vectors from servers: the same as in process, in order, with the server's own words when it refuses."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from patentclust import models
from patentclust.cli import app
from patentclust.embedders import open_embedder
from patentclust.embedders import openai as server_embedder
from patentclust.errors import ConfigError, ModelError
from patentclust.params import EmbedParams, Resources
from patentclust.stages import embed
from tests.corpora import file_bytes, workspace_with
from tests.tiny_model import SAMPLE

pytest.importorskip("httpx", reason="the extra `openai` is not installed")
DIM = 8
TEXTS = [f"text {i} " + SAMPLE[: 40 * i] for i in range(60)]
Answer = tuple[int, Any]


def vector_of(text: str) -> list[float]:
    return np.random.default_rng(len(text)).standard_normal(DIM).tolist()


def embeddings(request: dict[str, Any]) -> Answer:
    rows = [{"index": i, "embedding": vector_of(text)} for i, text in enumerate(request["input"])]
    return 200, {"data": rows[::-1], "usage": {"prompt_tokens": 0}}


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Answer]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A real server on loopback; yields its address and the requests it got."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append(request | {"key": self.headers.get("authorization")})
            status, body = answer(request)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_embedder, "_FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(server_embedder, "_LONGEST_WAIT_SECONDS", 0.002)
    for name in (*server_embedder.KEY_VARIABLES, server_embedder.URL_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def remote(*urls: str, model: str = "some/model", **changes: Any) -> server_embedder.ServerEmbedder:
    params = replace(EmbedParams(model=model, backend="openai"), **changes)
    resources = Resources(base_urls=urls)
    return server_embedder.ServerEmbedder(None, models.find_served(model), params=params, resources=resources)


def expected(texts: list[str]) -> np.ndarray:
    rows = np.array([vector_of(text) for text in texts])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_rows_come_back_in_the_order_of_the_texts_whatever_the_server_does() -> None:
    with serving(embeddings) as (url, seen):
        encoded = remote(url).encode_document(TEXTS)
    assert np.allclose(encoded.vectors, expected(TEXTS), atol=1e-6)
    assert max(len(request["input"]) for request in seen) <= server_embedder.BATCH_TEXTS
    assert all("dimensions" not in request for request in seen)


def test_base64_and_floats_are_the_same() -> None:
    def packed(request: dict[str, Any]) -> Answer:
        assert request["encoding_format"] == "base64"
        rows = embeddings(request)[1]["data"]
        for row in rows:
            row["embedding"] = base64.b64encode(np.array(row["embedding"], "<f4").tobytes()).decode()
        return 200, {"data": rows}

    def floats_only(request: dict[str, Any]) -> Answer:
        if request["encoding_format"] == "base64":
            return 422, {"error": "encoding_format must be float"}
        return embeddings(request)

    with serving(packed) as (one, _), serving(floats_only) as (two, _):
        a, b = (remote(url).encode_document(TEXTS[:5]).vectors for url in (one, two))
    assert np.allclose(a, b, atol=1e-6)


def test_half_a_character_is_sent_as_the_question_mark_that_it_is_in_process() -> None:
    with serving(embeddings) as (url, seen):
        remote(url).encode_document(["a battery \ud800 cell"])
    assert seen[-1]["input"] == ["a battery ? cell"]


@pytest.mark.parametrize("n_servers", [1, 2])
def test_a_server_that_cuts_and_counts_what_it_cut_is_found_out(n_servers: int) -> None:
    def cutting(request: dict[str, Any]) -> Answer:
        rows = [{"index": i, "embedding": vector_of(text[:1200])} for i, text in enumerate(request["input"])]
        return 200, {"data": rows, "usage": {"prompt_tokens": sum(map(len, request["input"]))}}

    with serving(embeddings) as (whole, _), serving(cutting) as (url, _):
        there = remote(*[whole][: n_servers - 1], url)
        assert not there.encode_document(["battery cell " * 60]).failures
        with pytest.raises(ModelError, match=r"cuts long texts in silence: one of \d+ tokens"):
            there.encode_document(["short", "battery cell " * 200])


def test_the_end_of_a_text_is_tried_once_for_a_length() -> None:
    with serving(embeddings) as (url, seen):
        there = remote(url)
        for n in (200, 200, 150, 200):
            there.encode_document(["battery cell " * n])
    assert [len(request["input"]) for request in seen] == [1, 2, 1, 1, 1, 1]


def test_a_cut_is_made_here() -> None:
    with serving(embeddings) as (url, _):
        cut = remote(url, dim=4).encode_document(TEXTS[:3]).vectors
    whole = expected(TEXTS[:3])[:, :4]
    assert np.allclose(cut, whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_stumbles_is_asked_again(status: int) -> None:
    calls = iter(range(1000))

    def stumbling(request: dict[str, Any]) -> Answer:
        return (status, {"error": {"message": "busy"}}) if next(calls) % 2 else embeddings(request)

    with serving(stumbling) as (url, _):
        assert np.allclose(remote(url).encode_document(TEXTS).vectors, expected(TEXTS), atol=1e-6)


def test_several_servers_share_the_work_and_cover_for_one_that_fails() -> None:
    healthy = [True]

    def failing(request: dict[str, Any]) -> Answer:
        return embeddings(request) if healthy[0] else (503, b"gone")

    with serving(embeddings) as (one, seen_one), serving(failing) as (two, seen_two):
        both = remote(one, two)
        both.encode_document(TEXTS)
        assert len(seen_one) > 1
        assert len(seen_two) > 1
        healthy[0] = False
        assert np.allclose(both.encode_document(TEXTS).vectors, expected(TEXTS), atol=1e-6)


def test_servers_with_different_models_are_refused() -> None:
    def other(request: dict[str, Any]) -> Answer:
        status, body = embeddings(request)
        return status, {"data": [row | {"embedding": row["embedding"][::-1]} for row in body["data"]]}

    with serving(embeddings) as (one, _), serving(other) as (two, _), pytest.raises(ModelError, match="other vectors"):
        remote(one, two)


def test_a_text_that_a_server_refuses_fails_alone_with_the_servers_words() -> None:
    def picky(request: dict[str, Any]) -> Answer:
        if any("text 7 " in text for text in request["input"]):
            return 400, {"error": {"message": "input 7 is in bad taste"}}
        return embeddings(request)

    with serving(picky) as (url, _):
        encoded = remote(url).encode_document(TEXTS)
    assert list(encoded.failures) == [7]
    assert "bad taste" in encoded.failures[7]
    assert not encoded.vectors[7].any()
    assert np.allclose(encoded.vectors[8:], expected(TEXTS)[8:], atol=1e-6)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((401, {"error": {"message": "no key"}}), "no key"),
        ((404, b"<h1>nothing here</h1>"), "nothing here"),
        ((200, b"hello"), "no embeddings but: hello"),
        ((200, {"data": []}), "0 vectors"),
        ((200, {"data": [{"index": 0, "embedding": [0.0] * DIM}]}), "all zero"),
        ((200, {"data": [{"index": 0, "embedding": [float("nan")] * DIM}]}), "not finite"),
        ((200, {"data": [{"index": 0, "embedding": [[1.0], [2.0]]}]}), "not flat"),
        ((503, b"warming up"), "warming up"),
    ],
)
def test_what_is_no_vector_is_told_in_the_servers_words(answer: Answer, complaint: str) -> None:
    with serving(lambda _: answer) as (url, _), pytest.raises(ModelError, match=complaint):
        remote(url)


def test_nobody_at_the_address_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        remote(f"http://127.0.0.1:{port}/v1")
    assert "--base-url" in caught.value.hint
    with pytest.raises(ConfigError, match="needs a server"):
        remote()


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATENTCLUST_API_KEY", "secret")
    with serving(embeddings) as (url, seen):
        remote(url)
    assert seen[0]["key"] == "Bearer secret"


def test_the_address_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(embeddings) as (url, seen):
        monkeypatch.setenv("PATENTCLUST_BASE_URL", url)
        assert remote().dim == DIM
    assert seen


def test_offline_allows_this_machine_only() -> None:
    with pytest.raises(ConfigError, match="another machine"):
        server_embedder.checked_urls(Resources(offline=True, base_urls=("http://example.org/v1",)))
    assert server_embedder.checked_urls(Resources(offline=True, base_urls=("http://127.0.0.1:1/v1/",)))


def test_the_stage_records_what_a_server_refused(tmp_path: Path) -> None:
    def picky(request: dict[str, Any]) -> Answer:
        refused = any("Wireless 1\n" in text for text in request["input"])
        return (400, {"error": "no"}) if refused else embeddings(request)

    workspace = workspace_with(tmp_path, 6)
    params = EmbedParams(model="some/model", backend="openai", unit="document")
    with serving(picky) as (url, _):
        outcome = embed.run(workspace, params, resources=Resources(base_urls=(url,)))
        whole = file_bytes(workspace.root)
        assert embed.run(workspace, params, resources=Resources(base_urls=(url,))).current
    assert (outcome.facts["vectors"], outcome.facts["failures"]) == (5, 1)
    assert any("US-10000001-B2" in warning for warning in outcome.warnings)
    assert b"secret" not in b"".join(whole.values())


@pytest.fixture(scope="module")
def llama_server(minilm: Path) -> Iterator[str]:
    """The server of llama-cpp-python itself, with the starter model."""
    pytest.importorskip("fastapi", reason="llama-cpp-python[server] is not installed")
    pytest.importorskip("sse_starlette", reason="llama-cpp-python[server] is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(minilm), "--embedding", "true"]
    command += ["--n_ctx", "512", "--n_batch", "512", "--n_ubatch", "512", "--n_threads", "1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models").close()
                break
            except urllib.error.URLError:
                assert process.poll() is None, "llama_cpp.server ended at once"
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def test_llama_cpp_server_gives_the_vectors_of_this_process(llama_server: str, minilm: Path) -> None:
    spec = models.find_served("minilm")
    params = EmbedParams(model="minilm", backend="openai")
    there = open_embedder(spec, minilm, params=params, resources=Resources(base_urls=(llama_server,)))
    here = open_embedder(spec, minilm, params=replace(params, backend="llama"), resources=Resources(threads=1))
    texts = ["A battery cell.", SAMPLE, "电池的固体电解质", *TEXTS[:20]]
    a, b = there.encode_document(texts), here.encode_document(texts)
    assert (a.vectors * b.vectors).sum(axis=1).min() > 0.9999
    assert a.n_tokens.tolist() == b.n_tokens.tolist()
    long = SAMPLE * 12
    a, b = there.encode_document([long]), here.encode_document([long])
    assert a.n_windows[0] > 1
    assert float(a.vectors[0] @ b.vectors[0]) > 0.99  # windows end at blanks there, at tokens here


def test_a_server_that_cuts_in_silence_is_found_out(llama_server: str, minilm: Path) -> None:
    params = EmbedParams(model="minilm", backend="openai")
    spec = replace(models.find_served("minilm"), context_tokens=4096)
    there = open_embedder(spec, minilm, params=params, resources=Resources(base_urls=(llama_server,)))
    with pytest.raises(ModelError, match="cuts long texts in silence"):
        there.encode_document([SAMPLE * 12])


def test_a_server_that_counts_too_few_tokens_is_found_out(minilm: Path) -> None:
    def short(request: dict[str, Any]) -> Answer:
        status, body = embeddings(request)
        return status, body | {"usage": {"prompt_tokens": 5}}

    params, spec = EmbedParams(model="minilm", backend="openai"), replace(models.find_served("minilm"), dim=None)
    with serving(short) as (url, _):
        there = open_embedder(spec, minilm, params=params, resources=Resources(base_urls=(url,)))
        with pytest.raises(ModelError, match=r"read 5 of \d+ tokens"):
            there.encode_document(["A battery cell with a solid electrolyte and a silicon anode."])


def test_every_command_that_embeds_takes_the_servers_address(tmp_path: Path) -> None:
    folder, query, other = tmp_path / "out", tmp_path / "new.jsonl", tmp_path / "other.jsonl"
    workspace_with(folder, 60)
    query.write_text(json.dumps({"title": "Battery", "abstract": "A lithium cell."}))
    other.write_text(json.dumps({"title": "Antenna", "abstract": "A base station."}))  # the cache would know the first
    with serving(embeddings) as (url, seen):
        asked = []
        for words in (
            ["run", other, "-w", tmp_path / "one", "-m", "some/model", "--backend", "openai"],
            ["embed", "-w", folder, "-m", "some/model", "--backend", "openai"],
            ["assign", query, "-w", folder],
            ["similar", query, "-w", folder],
            ["embed", "-w", folder, "-m", "some/model", "--backend", "openai", "--task", "retrieve"],
            ["search", "solid electrolyte", "-w", folder],
        ):
            n_before = len(seen)
            command([*map(str, words), "--base-url", url])
            asked.append((words[0], len(seen) > n_before))
            if words[0] == "embed" and "retrieve" not in words:
                command(["cluster", "-w", str(folder)])
    assert asked == [(name, True) for name in ("run", "embed", "assign", "similar", "embed", "search")]


@pytest.mark.parametrize("stage", ["run", "embed"])
def test_a_servers_address_without_its_backend_is_refused(stage: str, tmp_path: Path, tiny_q8: Path) -> None:
    workspace_with(tmp_path / "out", 3)
    words = [stage, *([str(tmp_path)] if stage == "run" else []), "-w", str(tmp_path / "out")]
    result = CliRunner().invoke(app, [*words, "-m", str(tiny_q8), "--base-url", "http://127.0.0.1:1/v1"])
    assert isinstance(result.exception, ConfigError)
    assert "runs in this process" in str(result.exception)


def command(words: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.exception
