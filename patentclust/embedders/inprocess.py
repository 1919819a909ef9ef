"""Texts to unit vectors with a GGUF in this process: template, tokens, windows, calls, average, cut, normalise.

Which calls are made is `analysis/packing.py`; how a call is made is `context.py`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from patentclust.analysis.packing import pack, split_windows
from patentclust.analysis.vectors import cut
from patentclust.embedders import Encoded, OnDone, memory
from patentclust.embedders.context import CallSize, LlamaContext, run_in_turn
from patentclust.embedders.llama import LlamaModel, check_gpu, gpu_devices
from patentclust.embedders.memory import available_bytes
from patentclust.errors import ConfigError, ModelError
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources

_ESTIMATE_MARGIN = 1.3
_NO_VECTOR = "the model gave a vector that is not finite, or all zero"


@dataclass(frozen=True)
class _Window:
    tokens: np.ndarray
    weight: int


@dataclass(frozen=True)
class _Cut:
    """A text as the model will read it; `n_tokens` counts the whole of it."""

    n_tokens: int
    truncated: bool
    windows: list[_Window]


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
        self._template = spec.prompt(params.task, params.instruction)
        self._query_template = spec.templates.get("query", self._template)
        self._params, self._resources = params, resources
        check_gpu(resources)
        n_gpu_layers = _gpu_layers(path, spec, params, resources)
        self.model = LlamaModel(path, resources, n_gpu_layers=n_gpu_layers)
        self._on_gpu = n_gpu_layers != 0
        self._calls = CallSize.for_device(on_gpu=self._on_gpu)
        self._contexts: list[LlamaContext] = []
        self._context_length = 0
        self._beside = ThreadPoolExecutor(1)
        self._ahead: dict[tuple[str, str], Future[_Cut]] = {}
        _check_spec(self.model, spec)
        self.dim = params.dim or self.model.dim
        if self.dim > self.model.dim:
            raise ConfigError(f"dim is {self.dim}; {spec.name} gives {self.model.dim}", hint="lower --dim")
        self.window_tokens = window_tokens(self.model, spec, params)
        self.packing: dict[str, int | str] = self._calls.record() | {"window_tokens": self.window_tokens}

    def encode_document(
        self, texts: Sequence[str], *, on_done: OnDone | None = None, upcoming: Sequence[str] = ()
    ) -> Encoded:
        """Return one unit-length row per text, in order, under the task's template."""
        return self._encode(texts, [self._template] * len(texts), on_done, upcoming)

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Return one unit-length row per text, in order, under the query template."""
        return self.encode_under(texts, [self._query_template] * len(texts))

    def encode_bare(self, texts: Sequence[str]) -> Encoded:
        """Return one unit-length row per text, in order, under no template."""
        return self.encode_under(texts, ["{text}"] * len(texts))

    def encode_under(self, texts: Sequence[str], templates: Sequence[str]) -> Encoded:
        """Return one unit-length row per text, in order, each under the template of its own."""
        return self._encode(texts, templates)

    def _encode(
        self,
        texts: Sequence[str],
        templates: Sequence[str],
        on_done: OnDone | None = None,
        upcoming: Sequence[str] = (),
    ) -> Encoded:
        out = Encoded.empty(len(texts), self.dim)
        windows: list[_Window] = []
        for index, text in enumerate(texts):
            if not text.strip():
                raise ModelError(f"text {index} is empty: it has no vector")
            ready = self._ahead.pop((text, templates[index]), None)
            cut_up = ready.result() if ready else self._cut_up(text, templates[index])
            out.n_tokens[index], out.truncated[index] = cut_up.n_tokens, cut_up.truncated
            out.n_windows[index] = len(cut_up.windows)
            out.n_tokens_used[index] = sum(len(window.tokens) for window in cut_up.windows)
            windows += cut_up.windows
        self._look_ahead(upcoming)
        with closing(self._run(windows, out.n_windows)) as finished:
            for done, sums in finished:
                self._finish(out, done, sums)
                if on_done:
                    on_done(done, out.take(done))
        return out

    def _look_ahead(self, texts: Sequence[str]) -> None:
        """Tokenise what comes next beside the calls in hand: llama.cpp does both without Python's lock.

        An error waits there for its text's own turn.
        """
        for unasked in self._ahead.values():
            unasked.cancel()
        keys = [(text, self._template) for text in texts]
        self._ahead = {key: self._beside.submit(self._cut_up, *key) for key in keys}

    def _run(
        self, windows: list[_Window], n_windows: np.ndarray
    ) -> Generator[tuple[list[int], np.ndarray], None, None]:
        """Make the calls; yield texts with the weighted sum of their windows' unit vectors once no text is half done.

        The calls left over are then those that a run over the texts left over would make.
        """
        lengths = [len(window.tokens) for window in windows]
        owners = np.repeat(np.arange(len(n_windows)), n_windows).tolist()
        contexts = self._ready(max(lengths, default=1))
        sums = np.zeros((len(n_windows), self.model.dim))
        pending, ready = n_windows.copy(), []
        sizes = {"max_tokens": self._calls.tokens, "alone_from": self._calls.alone_from}
        calls = pack(lengths, max_sequences=contexts[0].max_sequences, **sizes)
        sequences = [[windows[i].tokens for i in call] for call in calls]
        with closing(run_in_turn(contexts, sequences)) as results:
            for call, vectors in zip(calls, results, strict=True):
                for index, raw in zip(call, vectors, strict=True):
                    text = owners[index]
                    sums[text] += windows[index].weight * _unit(raw.astype(np.float64))
                    pending[text] -= 1
                    if pending[text] == 0:
                        ready.append(text)
                if not ((pending > 0) & (pending < n_windows)).any():
                    yield ready, sums[ready]
                    ready = []

    def _finish(self, out: Encoded, done: Sequence[int], sums: np.ndarray) -> None:
        for text, total in zip(done, sums, strict=True):
            vector = _unit(total).astype(np.float32)
            if np.isfinite(vector).all():
                out.vectors[text] = cut(vector[None], self.dim)[0]
            else:
                out.failures[text] = _NO_VECTOR

    def n_tokens(self, text: str) -> int:
        """Return the tokens of a text in the task's template, special tokens included."""
        tokens = self.model.tokenize(self._template.replace("{text}", text))
        return len(self.model.head) + len(tokens) + len(self.model.tail)

    def _cut_up(self, text: str, template: str) -> _Cut:
        """Return a text's windows, each dressed as a full prompt."""
        head, tail = self.model.head, self.model.tail
        tokens = self.model.tokenize(template.replace("{text}", text))
        n_tokens = len(head) + len(tokens) + len(tail)
        capacity = self.window_tokens - len(head) - len(tail)
        if len(tokens) <= capacity:
            return _Cut(n_tokens, False, [_Window(np.concatenate([head, tokens, tail]), len(tokens))])
        if self._params.long == "truncate":
            return _Cut(n_tokens, True, [_Window(np.concatenate([head, tokens[:capacity], tail]), capacity)])
        # The prompt's own tokens lead every window. Its last blank fuses with the text's first word, so it is left out.
        prompt = self.model.tokenize(template.removesuffix("{text}").rstrip())
        body = tokens[len(prompt) :] if np.array_equal(tokens[: len(prompt)], prompt) else tokens
        room = capacity - len(prompt)
        if room < 1:
            raise ConfigError(
                f"the prompt takes all {self.window_tokens} tokens of a window", hint="raise --max-tokens"
            )
        windows = [
            _Window(np.concatenate([head, prompt, body[start:stop], tail]), stop - start)
            for start, stop in split_windows(len(body), room)
        ]
        return _Cut(n_tokens, False, windows)

    def _ready(self, longest: int) -> list[LlamaContext]:
        """Return contexts for the longest sequence at hand: the cache of a full window would cost gigabytes."""
        if longest > self._context_length:
            self._free_contexts()
            n_threads = self._resources.n_threads
            n_contexts = 1 if self._on_gpu else memory.n_side_by_side(self.model.geometry, longest, n_threads)
            resources = replace(self._resources, threads=n_threads // n_contexts)
            for _ in range(n_contexts):
                self._contexts.append(
                    LlamaContext(
                        self.model,
                        longest=longest,
                        calls=self._calls,
                        resources=resources,
                        kv_type=self._params.kv_type,
                    )
                )
            self._context_length = longest
        return self._contexts

    def _free_contexts(self) -> None:
        while self._contexts:
            self._contexts.pop().close()

    def close(self) -> None:
        """Free the model's memory."""
        self._beside.shutdown(cancel_futures=True)  # waits for the text in hand: it reads the vocabulary
        self._free_contexts()
        self.model.close()


def window_tokens(model: LlamaModel, spec: ModelSpec, params: EmbedParams) -> int:
    """Return the longest sequence in tokens: the user's choice within what the model reads.

    Raises:
        ConfigError: the choice is longer than the model reads.
    """
    limit = min(model.n_ctx_train, spec.context_tokens or model.n_ctx_train)
    if params.max_tokens is not None and params.max_tokens > limit:
        raise ConfigError(f"max-tokens is {params.max_tokens}; {spec.name} reads {limit}", hint=f"give {limit} or less")
    return params.max_tokens or limit


def memory_for(path: Path, spec: ModelSpec, params: EmbedParams, *, n_tokens: float, n_threads: int) -> memory.Memory:
    """Return what the model will take for texts of about so many tokens, by the file's facts, before it is loaded.

    Raises:
        ModelError: more than the machine has free, and no GPU to take it.
    """
    facts = LlamaModel(path, vocabulary_only=True)
    try:
        longest = min(int(n_tokens * _ESTIMATE_MARGIN), window_tokens(facts, spec, params))
        free = available_bytes() + sum(device.free_bytes for device in gpu_devices())
        return memory.check(
            spec.name, facts.geometry, longest, kv_type=params.kv_type, free_bytes=free, n_threads=n_threads
        )
    finally:
        facts.close()


def _gpu_layers(path: Path, spec: ModelSpec, params: EmbedParams, resources: Resources) -> int:
    """Turn `auto`, `all` or a number into llama.cpp's count; auto looks at the model's and the cards' figures."""
    if resources.gpu_layers != "auto":
        return -1 if resources.gpu_layers == "all" else int(resources.gpu_layers)
    devices = gpu_devices()
    if not devices:
        return 0
    if resources.main_gpu is not None:
        if resources.main_gpu >= len(devices):
            named = ", ".join(f"{i} {device.name}" for i, device in enumerate(devices))
            raise ModelError(
                f"--main-gpu is {resources.main_gpu}; there are: {named}", hint="give one of these numbers"
            )
        devices = devices[resources.main_gpu : resources.main_gpu + 1]
    facts = LlamaModel(path, resources, vocabulary_only=True)
    free = sum(device.free_bytes for device in devices)
    try:
        return memory.layers_that_fit(facts.geometry, free, window_tokens(facts, spec, params), kv_type=params.kv_type)
    finally:
        facts.close()


def _check_spec(model: LlamaModel, spec: ModelSpec) -> None:
    """Refuse a file whose own facts differ from models.toml: its vectors would not be what the user thinks."""
    for key, expected, got in (("dim", spec.dim, model.dim), ("pooling", spec.pooling, model.pooling)):
        if expected is not None and expected != got:
            raise ModelError(
                f"{model.path.name}: models.toml says {key} {expected}, the file says {got}",
                hint=f"correct the entry [{spec.name}] or the file",
            )


def _unit(vector: np.ndarray) -> np.ndarray:
    """Return the vector at length one, or NaN where it has no direction."""
    norm = np.linalg.norm(vector)
    return vector / norm if norm > 0 else np.full_like(vector, np.nan)
