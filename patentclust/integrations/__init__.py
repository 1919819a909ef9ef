"""Thin classes for other people's frameworks, over the embedder in this process. Each needs an extra of its name."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from patentclust import models
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.params import EmbedParams, Resources
from patentclust.progress import Quiet
from patentclust.stages import embed


class LocalModel:
    """A model that frameworks may call from any thread: documents under a task's template, queries under the query's.

    Attributes:
        name: of the model, and what it is asked under.
    """

    def __init__(self, params: EmbedParams, resources: Resources) -> None:
        """Load the model.

        Raises:
            PatentclustError: it cannot be found, fetched or loaded, or has no such task or dimension.
        """
        spec, params = embed.resolve(params)
        path = models.ensure(spec, offline=resources.offline, progress=Quiet())
        self.name = f"{spec.name}:{params.task}"
        self._embedder = InProcessEmbedder(path, spec, params=params, resources=resources)
        self._turn = threading.Lock()  # llama.cpp takes one call at a time

    def documents(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text, in order."""
        with self._turn:
            return [row.tolist() for row in self._embedder.encode_document(texts).vectors]

    def query(self, text: str) -> list[float]:
        """Return the unit vector of a query."""
        with self._turn:
            vector: list[float] = self._embedder.encode_query([text]).vectors[0].tolist()
        return vector
