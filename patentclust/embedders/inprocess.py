"""Texts to unit vectors with a GGUF in this process: template, tokens, windows, calls, average, cut, normalise.

Which calls are made is `analysis/packing.py`; how a call is made is `llama.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patentclust.analysis.packing import pack, split_windows
from patentclust.embedders import Encoded, OnText
from patentclust.embedders.llama import LlamaContext, LlamaModel
from patentclust.errors import ConfigError, ModelError
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources

# Measured best on CPUs: micro-batches of 512 are at the plateau; 2,048 tokens a call make its second phase cheap.
CALL_TOKENS = 2048
CALL_SEQUENCES = 64
MICRO_BATCH_TOKENS = 512


@dataclass(frozen=True)
class _Window:
    text: int
    tokens: np.ndarray
    weight: int


class InProcessEmbedder:
    """Embed texts with a GGUF model through llama.cpp.

    Attributes:
        model: the loaded GGUF and its facts.
        dim: length of a vector after the Matryoshka cut.
        window_tokens: longest sequence, special tokens included.
        packing: how texts are packed into model calls.
    """

    def __init__(self, path: Path, spec: ModelSpec, *, params: EmbedParams, resources: Resources) -> None:
        """Load the model.

        Raises:
            ModelError: the file cannot be loaded, or is not what models.toml says of it.
            ConfigError: no such task, or a dimension or window the model does not have.
        """
        self._template = spec.template(params.task)
        self._query_template = spec.templates.get("query", self._template)
        self._long = params.long
        self._threads = resources.n_threads
        self.model = LlamaModel(path, gpu_layers=resources.gpu_layers)
        self._context: LlamaContext | None = None
        self._context_length = 0
        _check_spec(self.model, spec)
        self.dim = params.dim or self.model.dim
        if self.dim > self.model.dim:
            raise ConfigError(f"dim is {self.dim}; {spec.name} gives {self.model.dim}", hint="lower --dim")
        self.window_tokens = self._window(spec, params.max_tokens)
        self.packing: dict[str, int | str] = {
            "call_tokens": CALL_TOKENS,
            "call_sequences": CALL_SEQUENCES,
            "micro_batch_tokens": MICRO_BATCH_TOKENS,
            "window_tokens": self.window_tokens,
        }

    def _window(self, spec: ModelSpec, max_tokens: int | None) -> int:
        limit = min(self.model.n_ctx_train, spec.context_tokens or self.model.n_ctx_train)
        if max_tokens is not None and max_tokens > limit:
            raise ConfigError(f"max-tokens is {max_tokens}; {spec.name} reads {limit}", hint=f"give {limit} or less")
        return max_tokens or limit

    def encode_document(self, texts: Sequence[str], *, on_text: OnText | None = None) -> Encoded:
        """Return one unit-length row per text, in order, under the task's template."""
        return self._encode(texts, self._template, on_text)

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Return one unit-length row per text, in order, under the query template."""
        return self._encode(texts, self._query_template, None)

    def _encode(self, texts: Sequence[str], template: str, on_text: OnText | None) -> Encoded:
        n = len(texts)
        windows: list[_Window] = []
        n_tokens = np.zeros(n, np.int32)
        truncated = np.zeros(n, bool)
        for index, text in enumerate(texts):
            if not text.strip():
                raise ModelError(f"text {index} is empty: it has no vector")
            n_tokens[index], truncated[index], mine = self._windows(index, text, template)
            windows += mine
        lengths = [len(window.tokens) for window in windows]
        sums = np.zeros((n, self.model.dim))
        pending = np.bincount([window.text for window in windows], minlength=n)
        n_windows = pending.astype(np.int32)
        used = np.bincount([w.text for w in windows], weights=lengths, minlength=n).astype(np.int32)
        context = self._ready(max(lengths, default=1))
        limits = {"max_tokens": CALL_TOKENS, "max_sequences": context.max_sequences}
        for call in pack(lengths, **limits):
            for index, raw in zip(call, context.run([windows[i].tokens for i in call]), strict=True):
                window = windows[index]
                sums[window.text] += window.weight * _unit(raw.astype(np.float64))
                pending[window.text] -= 1
                if on_text and pending[window.text] == 0:
                    on_text(window.text, int(used[window.text]))
        vectors = np.stack([_unit(_unit(row)[: self.dim]) for row in sums]) if n else np.zeros((0, self.dim))
        return Encoded(vectors.astype(np.float32), n_tokens, used, n_windows, truncated)

    def _windows(self, index: int, text: str, template: str) -> tuple[int, bool, list[_Window]]:
        """Return the whole text's token count, whether it was cut, and its windows, each dressed as a full prompt."""
        head, tail = self.model.head, self.model.tail
        tokens = self.model.tokenize(template.replace("{text}", text))
        n_tokens = len(head) + len(tokens) + len(tail)
        capacity = self.window_tokens - len(head) - len(tail)
        if len(tokens) <= capacity:
            return n_tokens, False, [_Window(index, np.concatenate([head, tokens, tail]), len(tokens))]
        if self._long == "truncate":
            return n_tokens, True, [_Window(index, np.concatenate([head, tokens[:capacity], tail]), capacity)]
        # The prompt's own tokens lead every window. Its last blank fuses with the text's first word, so it is left out.
        prompt = self.model.tokenize(template.removesuffix("{text}").rstrip())
        body = tokens[len(prompt) :] if np.array_equal(tokens[: len(prompt)], prompt) else tokens
        room = capacity - len(prompt)
        if room < 1:
            raise ConfigError(
                f"the prompt takes all {self.window_tokens} tokens of a window", hint="raise --max-tokens"
            )
        return (
            n_tokens,
            False,
            [
                _Window(index, np.concatenate([head, prompt, body[start:stop], tail]), stop - start)
                for start, stop in split_windows(len(body), room)
            ],
        )

    def _ready(self, longest: int) -> LlamaContext:
        """Return a context for the longest sequence at hand: the cache of a full window would cost gigabytes."""
        if self._context is None or longest > self._context_length:
            if self._context is not None:
                self._context.close()
            self._context = LlamaContext(
                self.model,
                longest=longest,
                max_tokens=CALL_TOKENS,
                max_sequences=CALL_SEQUENCES,
                n_ubatch=MICRO_BATCH_TOKENS,
                threads=self._threads,
            )
            self._context_length = longest
        return self._context

    def close(self) -> None:
        """Free the model's memory."""
        if self._context is not None:
            self._context.close()
        self.model.close()


def _check_spec(model: LlamaModel, spec: ModelSpec) -> None:
    """Refuse a file whose own facts differ from models.toml: its vectors would not be what the user thinks."""
    for key, expected, got in (("dim", spec.dim, model.dim), ("pooling", spec.pooling, model.pooling)):
        if expected is not None and expected != got:
            raise ModelError(
                f"{model.path.name}: models.toml says {key} {expected}, the file says {got}",
                hint=f"correct the entry [{spec.name}] or the file",
            )


def _unit(vector: np.ndarray) -> np.ndarray:
    """Return the vector at length one; the engine has already refused zero vectors."""
    return vector / np.linalg.norm(vector)
