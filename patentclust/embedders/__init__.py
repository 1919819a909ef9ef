"""Texts in, unit vectors out. Pick one; all keep the same contract and pass the same tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from patentclust.errors import ConfigError
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources

BACKENDS = {
    "llama": "patentclust.embedders.inprocess:InProcessEmbedder",
    "openai": "patentclust.embedders.openai:ServerEmbedder",
}
ISOLATED = "patentclust.embedders.isolated:IsolatedEmbedder"


@dataclass(frozen=True)
class Encoded:
    """Vectors of some texts and how each came about; all arrays have one entry per text, in order.

    Attributes:
        vectors: shape (n, dim), float32, rows of unit length.
        n_tokens: tokens of the whole text in its template, special tokens included.
        n_tokens_used: tokens that shaped the vector, over all windows.
        n_windows: windows averaged.
        truncated: whether the tail was cut.
        failures: texts that got no vector, by index, and why; their rows are zero.
    """

    vectors: np.ndarray
    n_tokens: np.ndarray
    n_tokens_used: np.ndarray
    n_windows: np.ndarray
    truncated: np.ndarray
    failures: dict[int, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, n: int, dim: int) -> Encoded:
        """Return rows to be filled."""
        tokens, used, windows = (np.zeros(n, np.int32) for _ in range(3))
        return cls(np.zeros((n, dim), np.float32), tokens, used, windows, np.zeros(n, bool), {})

    def take(self, indices: Sequence[int]) -> Encoded:
        """Return the rows of some texts, renumbered."""
        i = list(indices)
        failures = {row: self.failures[index] for row, index in enumerate(i) if index in self.failures}
        counts = (self.n_tokens[i], self.n_tokens_used[i], self.n_windows[i])
        return Encoded(self.vectors[i], *counts, self.truncated[i], failures)

    def put(self, indices: Sequence[int], part: Encoded) -> None:
        """Write rows back in place."""
        i = list(indices)
        for name in ("vectors", "n_tokens", "n_tokens_used", "n_windows", "truncated"):
            getattr(self, name)[i] = getattr(part, name)
        self.failures.update({i[row]: reason for row, reason in part.failures.items()})


OnDone = Callable[[Sequence[int], Encoded], None]


class Embedder(Protocol):
    """Whatever turns texts into vectors."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def packing(self) -> dict[str, int | str]:
        """How texts are packed into model calls, for the record."""

    def encode_document(
        self, texts: Sequence[str], *, on_done: OnDone | None = None, upcoming: Sequence[str] = ()
    ) -> Encoded:
        """Return one unit-length row per text, in order.

        `on_done(indices, rows)` is called as texts are done, each text once, and only where a run that stopped there
        and took up the others would make the same calls. `upcoming` are texts that will be asked for next: what can be
        made ready beside these calls may be.
        """

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Return one unit-length row per text under the model's query template."""

    def close(self) -> None:
        """Free what it holds; a second call does nothing."""


def check_servers(params: EmbedParams, resources: Resources) -> None:
    """Refuse servers for a model that runs in this process: nothing would be sent to them.

    Raises:
        ConfigError: servers were named, and the backend is another.
    """
    if resources.base_urls and params.backend != "openai":
        raise ConfigError(
            f"--base-url was given, and {params.model} runs in this process (backend {params.backend})",
            hint="embed with --backend openai, or leave --base-url out",
        )


def open_embedder(spec: ModelSpec, path: Path | None, *, params: EmbedParams, resources: Resources) -> Embedder:
    """Return the embedder of the chosen backend, loaded or connected.

    Raises:
        ModelError: the model cannot be loaded, or the server not reached.
        ConfigError: a task, dimension or window the model does not have, or servers for a model of this process.
    """
    check_servers(params, resources)
    place = ISOLATED if resources.isolate and params.backend == "llama" else BACKENDS[params.backend]
    module, name = place.split(":")
    factory: Any = getattr(import_module(module), name)
    embedder: Embedder = factory(path, spec, params=params, resources=resources)
    return embedder
