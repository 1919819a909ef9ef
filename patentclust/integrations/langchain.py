"""LangChain's `Embeddings` over a model in this process. Needs the extra `langchain`."""

from __future__ import annotations

from patentclust.errors import MissingExtraError
from patentclust.integrations import LocalModel
from patentclust.params import EmbedParams, Resources

try:
    from langchain_core.embeddings import Embeddings
except ImportError as error:
    raise MissingExtraError(
        "patentclust.integrations.langchain needs the package langchain-core",
        hint='run: python -m pip install "patentclust[langchain]"',
    ) from error


class PatentEmbeddings(Embeddings):
    """Embed with a model of `patentclust models list`; no server, nothing leaves the machine."""

    def __init__(
        self,
        model: str = EmbedParams.model,
        *,
        task: str = "retrieve",
        dimensions: int | None = None,
        resources: Resources = Resources(),
    ) -> None:
        """Load the model; `task` is the prompt of documents, queries have their own."""
        self._model = LocalModel(EmbedParams(model=model, task=task, dim=dimensions), resources)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one unit vector a text, in order."""
        return self._model.documents(texts)

    def embed_query(self, text: str) -> list[float]:
        """Return the unit vector of a query."""
        return self._model.query(text)
