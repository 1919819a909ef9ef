"""Our classes for LangChain and LlamaIndex; each skips where the framework is not installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patentclust.embedders import open_embedder
from patentclust.models import find
from patentclust.params import EmbedParams, Resources

langchain_tests = pytest.importorskip("langchain_tests.integration_tests", reason="langchain-tests is not installed")
pytest.importorskip("pytest_asyncio", reason="langchain-tests needs pytest-asyncio")
from patentclust.integrations.langchain import PatentEmbeddings  # noqa: E402

ONE = Resources(threads=1)


@pytest.mark.usefixtures("minilm")
class TestStandard(langchain_tests.EmbeddingsIntegrationTests):
    test_aembed_query = pytest.mark.asyncio(langchain_tests.EmbeddingsIntegrationTests.test_aembed_query)
    test_aembed_documents = pytest.mark.asyncio(langchain_tests.EmbeddingsIntegrationTests.test_aembed_documents)

    @property
    def embeddings_class(self) -> type:
        return PatentEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "minilm", "resources": ONE}


def test_documents_and_queries_take_their_own_templates(tiny_f32: Path) -> None:
    name = str(tiny_f32)
    params = EmbedParams(model=name, task="retrieve")
    embedder = open_embedder(find(name), tiny_f32, params=params, resources=ONE)
    model = PatentEmbeddings(name, resources=ONE)
    document, query = embedder.encode_document(["a cell"]).vectors[0], embedder.encode_query(["a cell"]).vectors[0]
    embedder.close()
    assert document @ model.embed_documents(["a cell"])[0] > 0.99999
    assert query @ model.embed_query("a cell") > 0.99999
    assert document @ query < 0.999


def test_llama_index_finds_what_is_like_the_question(minilm: Path) -> None:
    core = pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")
    from patentclust.integrations.llama_index import PatentEmbedding

    model = PatentEmbedding("minilm", resources=ONE)
    texts = ["A battery with a solid electrolyte.", "An antenna of a base station.", "A guide RNA edits a gene."]
    index = core.VectorStoreIndex.from_documents([core.Document(text=text) for text in texts], embed_model=model)
    assert index.as_retriever(similarity_top_k=1).retrieve("lithium cells")[0].text == texts[0]
    assert np.linalg.norm(model.get_query_embedding("x")) == pytest.approx(1, abs=1e-5)
