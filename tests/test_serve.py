"""The server's embeddings: OpenAI's shapes, the vectors of `embed`, many clients at once, and what is refused."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patentclust.embedders import Embedder, open_embedder
from patentclust.models import find
from patentclust.params import EmbedParams, Resources
from tests.tiny_model import HIDDEN, SAMPLE

httpx = pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
from tests.serving import serving  # noqa: E402

TEXTS = [f"text {i} " + SAMPLE[: 37 * i % 390 + 5] for i in range(40)]


@pytest.fixture(scope="module")
def server(tiny_f32: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    with serving(tmp_path_factory.mktemp("served"), str(tiny_f32)) as found:
        yield found


@pytest.fixture(scope="module")
def offline(tiny_f32: Path) -> Iterator[Embedder]:
    params = EmbedParams(model=str(tiny_f32))
    embedder = open_embedder(find(str(tiny_f32)), tiny_f32, params=params, resources=Resources(threads=1))
    yield embedder
    embedder.close()


def post(url: str, body: Any, path: str = "/v1/embeddings", **more: Any) -> Any:
    return httpx.post(url + path, json=body, timeout=60, **more)


def vectors(answer: Any) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.array([row["embedding"] for row in answer.json()["data"]])


@pytest.mark.parametrize("path", ["/v1/embeddings", "/embeddings"])
def test_vectors_are_those_of_embed_in_order(server: Any, offline: Embedder, path: str) -> None:
    answer = post(server[0], {"input": TEXTS, "model": "tiny-F32.gguf:cluster"}, path)
    expected = offline.encode_document(TEXTS)
    assert [row["index"] for row in answer.json()["data"]] == list(range(len(TEXTS)))
    assert ((vectors(answer) * expected.vectors).sum(axis=1) > 0.9999).all()
    assert answer.json()["usage"]["prompt_tokens"] == expected.n_tokens.sum()


def test_a_text_a_list_tokens_and_base64_give_one_vector(server: Any) -> None:
    url, engine = server
    tokens = engine.embedder.model.tokenize(TEXTS[5]).tolist()
    (plain,) = vectors(post(url, {"input": TEXTS[5]}))
    for given in ([TEXTS[5]], tokens, [tokens]):
        (same,) = vectors(post(url, {"input": given}))
        assert same @ plain > 0.99999
    answer = post(url, {"input": TEXTS[5], "encoding_format": "base64"}).json()
    assert np.frombuffer(base64.b64decode(answer["data"][0]["embedding"]), "<f4") @ plain > 0.99999


def test_tasks_and_instructions_are_other_prompts(server: Any, offline: Embedder) -> None:
    name = "tiny-F32.gguf"
    (cluster,) = vectors(post(server[0], {"input": TEXTS[3], "model": name}))
    (query,) = vectors(post(server[0], {"input": TEXTS[3], "model": f"{name}:query"}))
    (told,) = vectors(post(server[0], {"input": TEXTS[3], "model": name, "instruction": "medical"}))
    assert query @ offline.encode_query([TEXTS[3]]).vectors[0] > 0.9999
    assert max(cluster @ query, cluster @ told, query @ told) < 0.999


def test_dimensions_are_cut_to_unit_length(server: Any) -> None:
    (whole,), (short,) = (vectors(post(server[0], {"input": "a cell", "dimensions": n})) for n in (None, 16))
    assert (len(whole), len(short)) == (HIDDEN, 16)
    assert short @ whole[:16] / np.linalg.norm(whole[:16]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"input": []}, 400),
        ({"input": ""}, 400),
        ({"input": ["a", " "]}, 400),
        ({"input": [1.5]}, 400),
        ({"input": [10**9]}, 400),
        ({"input": [[-1]]}, 400),
        ({"input": [10**30]}, 400),
        ({"input": [[]]}, 400),
        ({"input": ["a"] * 2049}, 400),
        ({"input": "a", "dimensions": 0}, 400),
        ({"input": "a", "dimensions": HIDDEN + 1}, 400),
        ({"input": "a", "model": "gpt"}, 404),
        ({"input": "a", "model": "tiny-F32.gguf:nothing"}, 404),
        ({"input": "a", "encoding_format": "hex"}, 400),
        ([], 400),
    ],
)
def test_what_is_wrong_is_told_in_openais_shape(server: Any, body: Any, status: int) -> None:
    answer = post(server[0], body)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_many_clients_at_once_get_their_own_vectors(server: Any, offline: Embedder) -> None:
    expected = offline.encode_document(TEXTS).vectors

    def ask(i: int) -> float:
        chosen = [(i * 7 + k) % len(TEXTS) for k in range(1 + i % 5)]
        rows = vectors(post(server[0], {"input": [TEXTS[j] for j in chosen]}))
        return float((rows * expected[chosen]).sum(axis=1).min())

    with ThreadPoolExecutor(16) as pool:
        assert min(pool.map(ask, range(80))) > 0.9999
    figures = httpx.get(server[0] + "/metrics").text
    assert "patentclust_batch_texts_bucket" in figures
    together = float(next(x for x in figures.splitlines() if x.startswith("patentclust_batch_texts_count")).split()[1])
    assert together < float(next(x for x in figures.splitlines() if x.startswith("patentclust_texts_total")).split()[1])


def test_a_single_text_does_not_wait_for_a_large_request(server: Any) -> None:
    done = {}

    def large() -> None:
        post(server[0], {"input": [SAMPLE * 4] * 400})
        done["large"] = time.monotonic()

    thread = threading.Thread(target=large)
    thread.start()
    time.sleep(0.3)
    vectors(post(server[0], {"input": "a single text"}))
    done["single"] = time.monotonic()
    thread.join()
    assert done["single"] < done["large"]


def test_a_full_queue_says_when_to_come_again(tiny_f32: Path, tmp_path: Path) -> None:
    with serving(tmp_path, str(tiny_f32), most_queued_tokens=1) as (url, _), ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: post(url, {"input": [SAMPLE * 4] * 60}), range(6)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and any(answer.status_code == 200 for answer in answers)
    assert int(refused[0].headers["retry-after"]) >= 1
    assert refused[0].json()["error"]["type"] == "rate_limit_error"


def test_what_a_client_no_longer_waits_for_is_not_embedded(tiny_f32: Path, tmp_path: Path) -> None:
    with serving(tmp_path, str(tiny_f32)) as (url, engine):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url + "/v1/embeddings", json={"input": [SAMPLE * 4] * 2000}, timeout=0.5)
        vectors(post(url, {"input": "next"}))
        lines = httpx.get(url + "/metrics").text.splitlines()
    cancelled = float(next(x for x in lines if x.startswith("patentclust_cancelled_texts_total")).split()[1])
    assert 0 < cancelled <= 2000
    assert not engine.batcher.alive


def test_a_stopping_server_finishes_what_is_in_flight(tiny_f32: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with serving(tmp_path, str(tiny_f32)) as (url, _):
            asked = pool.submit(post, url, {"input": [SAMPLE * 4] * 100})
            time.sleep(0.5)
        assert len(vectors(asked.result())) == 100
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + "/health")


def test_models_and_health(server: Any) -> None:
    names = [row["id"] for row in httpx.get(server[0] + "/v1/models").json()["data"]]
    assert names[:2] == ["tiny-F32.gguf", "tiny-F32.gguf:cluster"]
    assert httpx.get(server[0] + "/v1/models/tiny-F32.gguf:query").json()["object"] == "model"
    assert httpx.get(server[0] + "/v1/models/other").status_code == 404
    for path in ("/health", "/health/live", "/health/ready"):
        assert httpx.get(server[0] + path).status_code == 200
