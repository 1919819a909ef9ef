"""The one model that a server runs: which, under which names and prompts, and whether it is the map's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from patentclust import models
from patentclust.analysis.vectors import cut
from patentclust.artifacts import Header
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.errors import ArtifactError, ConfigError, ModelError
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources
from patentclust.progress import Progress
from patentclust.serve.batching import Batcher, encode
from patentclust.serve.metrics import Metrics
from patentclust.stages import assign, embed
from patentclust.workspace import Workspace


class UnknownModelError(ConfigError):
    """A request names a model or task that is not served."""


@dataclass(frozen=True)
class Engine:
    """A loaded model and the queue before it.

    Attributes:
        spec: what models.toml says of it.
        params: as `patentclust embed` would have them; a request may choose another task, dimension or instruction.
        sha256: of the model's file.
        embedder: the model; only the batcher runs it, any thread may use its tokeniser.
        batcher: the queue.
    """

    spec: ModelSpec
    params: EmbedParams
    sha256: str
    embedder: InProcessEmbedder
    batcher: Batcher

    @property
    def names(self) -> list[str]:
        """Return every name that a request may give: the model's own first, then one for each task."""
        return [self.spec.name, *(f"{self.spec.name}:{task}" for task in self.spec.templates)]

    def prompt(self, name: str, instruction: str | None) -> str:
        """Return the template that a request's model name means: `minilm`, `minilm:query`, or what servers call it.

        Raises:
            UnknownModelError: no such model or task is served.
            ConfigError: an instruction for a model that knows none.
        """
        known = {self.spec.name, self.spec.served_as} - {None}
        if name in known:
            return self.spec.prompt(self.params.task, instruction)
        base, _, task = name.rpartition(":")
        if base not in known or task not in self.spec.templates:
            raise UnknownModelError(f"model {name!r} is not served", hint=f"served: {', '.join(self.names)}")
        return self.spec.prompt(task, instruction)

    def check_dim(self, dim: int | None) -> None:
        """Refuse a length that the model was not trained for.

        Raises:
            ConfigError: it was not.
        """
        self.spec.check_dim(dim)
        if dim is not None and dim > self.embedder.dim:
            raise ConfigError(f"dimensions is {dim}; {self.spec.name} gives {self.embedder.dim}")

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text of ids of the model's own vocabulary.

        Raises:
            ConfigError: an id is out of range.
        """
        n_vocab = self.embedder.model.n_vocab
        if not all(0 <= token < n_vocab for token in tokens):
            raise ConfigError(f"token ids of {self.spec.name} lie in 0 to {n_vocab - 1}")
        return self.embedder.model.detokenize(np.array(tokens, np.int32))

    def on_map(self, made: Header, texts: Sequence[str]) -> np.ndarray:
        """Return vectors that may be compared with those of a map: its model, its prompt, its length.

        Raises:
            ArtifactError: the map was made by another model.
        """
        return self._as_in(made, texts, made.json("model")["template"], "the map was")

    def question(self, made: Header, text: str) -> np.ndarray:
        """Return the vector of a question to passages, by their model under its query prompt.

        Raises:
            ArtifactError: the passages were made by another model.
        """
        template = self.spec.templates.get("query", made.json("model")["template"])
        (vector,) = self._as_in(made, [text], template, "the passages were")
        return vector

    def _as_in(self, made: Header, texts: Sequence[str], template: str, what: str) -> np.ndarray:
        facts = made.json("model")
        if facts.get("sha256") != self.sha256:
            raise ArtifactError(
                f"{what} made with {facts['name']}, this server runs {self.spec.name}",
                hint=f"start it with --model {facts['name']}",
            )
        return cut(encode(self.batcher, texts, template), made.json("params")["dim"])

    def close(self) -> None:
        """Finish the batch in hand and free the model."""
        self.batcher.close()
        self.embedder.close()


def open_engine(
    workspace: Workspace,
    model: str | None,
    *,
    resources: Resources,
    metrics: Metrics,
    most_queued_tokens: int,
    progress: Progress,
) -> Engine:
    """Load the model of that name, else that of the map, or of other vectors.

    Raises:
        ArtifactError: there are none, and no model is named.
        ModelError: it cannot be found, fetched or loaded, or the map's runs on a server.
    """
    spec, params = embed.resolve(_params(workspace, model))
    if params.backend != "llama":
        raise ModelError(f"the map was made on a server, by {spec.name}", hint="name a model here: --model minilm")
    path = models.ensure(spec, offline=resources.offline, progress=progress)
    embedder = InProcessEmbedder(path, spec, params=replace(params, dim=None), resources=resources)
    batcher = Batcher(embedder, metrics, most_queued_tokens=most_queued_tokens)
    return Engine(spec, params, models.file_sha256(path), embedder, batcher)


def _params(workspace: Workspace, model: str | None) -> EmbedParams:
    if workspace.topics.is_file() and workspace.clusters.is_file():
        made = assign.embed_params(workspace)
        if model is None or Path(model).name == Path(made.model).name:
            return replace(made, model=model or made.model, instruction=None)
    known: dict[str, Any] = {"model": model} if model else embed.embedded_with(workspace)
    if not known:
        raise ArtifactError(
            f"{workspace.root} holds no vectors, so no model is known",
            hint="run: patentclust run PATHS; for embeddings alone name a model: patentclust serve --model minilm",
        )
    return EmbedParams(**known)
