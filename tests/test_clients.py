"""Clients that people already use, unchanged, against the running server; each skips where it is not installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from patentclust.embedders import open_embedder
from patentclust.models import find
from patentclust.params import EmbedParams, Resources

pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
from tests.serving import serving

TEXTS = ["A battery cell with a solid electrolyte.", "An antenna of a base station.", "A guide RNA that edits a gene."]


@pytest.fixture(scope="module")
def url(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("clients"), "minilm") as (address, _):
        yield f"{address}/v1"


@pytest.fixture(scope="module")
def expected(minilm: Path) -> np.ndarray:
    embedder = open_embedder(find("minilm"), minilm, params=EmbedParams(model="minilm"), resources=Resources(threads=1))
    rows = embedder.encode_document(TEXTS).vectors
    embedder.close()
    return rows


def same(rows: object, expected: np.ndarray) -> bool:
    return bool(((np.array(rows) * expected).sum(axis=1) > 0.9999).all())


def test_openai(url: str, expected: np.ndarray) -> None:
    openai = pytest.importorskip("openai", reason="openai is not installed")
    client = openai.OpenAI(base_url=url, api_key="none")
    for more in ({}, {"encoding_format": "float"}):
        answer = client.embeddings.create(model="minilm:cluster", input=TEXTS, **more)
        assert same([row.embedding for row in answer.data], expected)
    assert answer.usage.prompt_tokens > len(TEXTS)
    assert "minilm:query" in [model.id for model in client.models.list()]
    with pytest.raises(openai.NotFoundError, match="is not served"):
        client.embeddings.create(model="other", input="a")
    with pytest.raises(openai.BadRequestError, match="cannot be cut"):
        client.embeddings.create(model="minilm", input="a", dimensions=64)


def test_langchain_openai(url: str, expected: np.ndarray) -> None:
    client = pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")
    # Its default sends ids of OpenAI's own vocabulary, which no other model has.
    model = client.OpenAIEmbeddings(model="minilm", base_url=url, api_key="none", check_embedding_ctx_length=False)
    assert same(model.embed_documents(TEXTS), expected)
    assert same([model.embed_query(TEXTS[0])], expected[:1])


def test_llama_index_openai_like(url: str, expected: np.ndarray) -> None:
    client = pytest.importorskip("llama_index.embeddings.openai_like", reason="the LlamaIndex client is not installed")
    model = client.OpenAILikeEmbedding(model_name="minilm", api_base=url, api_key="none")
    assert same(model.get_text_embedding_batch(TEXTS), expected)
    assert same([model.get_query_embedding(TEXTS[0])], expected[:1])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(url: str, expected: np.ndarray) -> None:
    body = json.dumps({"model": "minilm", "input": TEXTS})
    command = ["curl", "-sf", f"{url}/embeddings", "-H", "content-type: application/json", "-d", body]
    answer = json.loads(subprocess.check_output(command, timeout=60))
    assert same([row["embedding"] for row in answer["data"]], expected)
