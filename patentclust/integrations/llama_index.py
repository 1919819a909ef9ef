"""LlamaIndex's `BaseEmbedding` over a model in this process. Needs the extra `llama-index`."""

from __future__ import annotations

import asyncio
from typing import Any

from patentclust.errors import MissingExtraError
from patentclust.integrations import LocalModel
from patentclust.params import EmbedParams, Resources

try:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from pydantic import PrivateAttr
except ImportError as error:
    raise MissingExtraError(
        "patentclust.integrations.llama_index needs the package llama-index-core",
        hint='run: python -m pip install "patentclust[llama-index]"',
    ) from error


class PatentEmbedding(BaseEmbedding):
    """Embed with a model of `patentclust models list`; no server, nothing leaves the machine."""

    _model: LocalModel = PrivateAttr()

    def __init__(
        self,
        model: str = EmbedParams.model,
        *,
        task: str = "retrieve",
        dimensions: int | None = None,
        resources: Resources = Resources(),
        **base: Any,
    ) -> None:
        """Load the model; `task` is the prompt of documents, queries have their own; `base` is LlamaIndex's."""
        loaded = LocalModel(EmbedParams(model=model, task=task, dim=dimensions), resources)
        super().__init__(model_name=loaded.name, **base)
        self._model = loaded

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex knows the class by."""
        return "PatentEmbedding"

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._model.documents([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._model.documents(texts)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._model.query(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._model.query, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await asyncio.to_thread(self._model.documents, [text]))[0]
