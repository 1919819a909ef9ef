"""Run token sequences through a loaded model and read pooled vectors: whole sequences, nothing cut.

llama.cpp aborts the process on a call it does not like, so every call is validated first. Knows nothing of texts.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np

from patentclust.analysis.packing import split_calls
from patentclust.embedders.llama import POOLING_NAMES, LlamaModel, forget_log, node_name, node_rows, said
from patentclust.errors import ModelError
from patentclust.params import Resources

# llama.cpp pads the attention cache to this many cells.
_ROUND_TO = 256
# The node of a causal model's graph that is the hidden state after the last norm: what `llama_get_embeddings` gives.
_HIDDEN_STATE = b"result_norm"


@dataclass(frozen=True)
class CallSize:
    """How much goes into one call.

    No call of a longer text is below 64 tokens: llama.cpp's CPU attention sums in 32 bits only for 64 queries or more.
    Below that it sums in 16 bits (cosine 0.9998 at 20,000 tokens) and, for a single query, in an order that depends on
    the number of threads.

    Attributes:
        tokens: most tokens of one call of a causal model, which is also its micro-batch.
        sequences: most texts of one call.
        alone_from: texts of so many tokens get a call of their own. On a CPU packing speeds up only the shortest (by a
            third at 25 tokens, by 2 % at 150), and with quantised weights a neighbour changes a vector (cosine 0.999).
    """

    tokens: int = 512
    sequences: int = 64
    alone_from: int = 64

    @classmethod
    def for_device(cls, *, on_gpu: bool) -> CallSize:
        """Return the sizes for a CPU (measured), or for a GPU, whose kernels want more at a time (not measured)."""
        return cls(tokens=2048, alone_from=1024) if on_gpu else cls()

    def record(self) -> dict[str, int | str]:
        """Return the sizes for an artifact's metadata."""
        return {"call_tokens": self.tokens, "call_sequences": self.sequences, "alone_from_tokens": self.alone_from}


class LlamaContext:
    """A model made ready for sequences up to a given length.

    A causal model runs with embeddings off, which would put the output head on every token, and one output a text. Its
    hidden state is read from the graph as it is computed, and the output head is never run. An encoder takes one text a
    call, pooled by llama.cpp.

    Attributes:
        max_sequences: how many sequences one call of `run` takes.
        max_tokens: how many tokens they may have in all when there are several.
    """

    def __init__(
        self,
        model: LlamaModel,
        *,
        longest: int,
        calls: CallSize = CallSize(),
        resources: Resources = Resources(threads=1),
        kv_type: str = "f16",
    ) -> None:
        """Allocate caches and buffers for sequences of up to `longest` tokens.

        Raises:
            ModelError: longer than the model takes, or not enough memory.
        """
        if not 1 <= longest <= model.n_ctx_train:
            raise ModelError(f"{model.path.name} takes 1 to {model.n_ctx_train} tokens, asked for {longest}")
        self._lib = model._lib
        self.model = model
        self.max_sequences = calls.sequences if model.causal and model.pooling == "last" else 1
        self.max_tokens = max(calls.tokens, longest)
        # An encoder sees its whole text in one call. A causal model is fed by micro-batches, one a call.
        self._call_tokens = calls.tokens if model.causal else _rounded(longest)
        self._hidden: list[np.ndarray] = []
        self._overwrite = False
        self._handle = self._open(resources, kv_type)
        self._memory = self._lib.llama_get_memory(self._handle)
        self._make_batch()

    def _open(self, resources: Resources, kv_type: str) -> Any:
        params = self._lib.llama_context_default_params()
        params.n_ctx = _rounded(self.max_tokens)
        params.n_batch = params.n_ubatch = self._call_tokens
        params.n_seq_max = self.max_sequences
        # Caps the buffers of the output head, which would else be sized for every token of a batch.
        params.n_outputs_max = self.max_sequences if self.model.pooling == "last" else self._call_tokens
        params.n_threads = params.n_threads_batch = resources.n_threads
        params.type_k = params.type_v = {"f16": self._lib.GGML_TYPE_F16, "q8_0": self._lib.GGML_TYPE_Q8_0}[kv_type]
        params.kv_unified = True
        params.no_perf = True
        params.flash_attn_type = self._lib.LLAMA_FLASH_ATTN_TYPE_ENABLED
        if self.model.causal:
            params.embeddings, params.pooling_type = False, self._lib.LLAMA_POOLING_TYPE_NONE
            self._callback = self._lib.ggml_backend_sched_eval_callback(self._watch)
            params.cb_eval = self._callback
        else:
            params.embeddings = True
            params.pooling_type = {name: number for number, name in POOLING_NAMES.items()}[self.model.pooling]
        forget_log()
        handle = self._lib.llama_init_from_model(self.model._handle, params)
        if not handle:
            raise ModelError(
                f"llama.cpp cannot make a context of {params.n_ctx} tokens for {self.model.path.name}: {said()}",
                hint="lower --max-tokens, give --kv-type q8_0, or take a smaller model",
            )
        return handle

    def _watch(self, tensor: int, ask: bool, _user_data: Any) -> bool:
        """Be asked of each node of the graph whether we want it; then, once it is computed, take its rows.

        Saying no to the computed node ends the graph there, before the output head.
        """
        if ask:
            return node_name(tensor) == _HIDDEN_STATE
        self._hidden.append(node_rows(tensor, self.model.dim))
        return False

    def _make_batch(self) -> None:
        # llama_batch_init would allocate n_batch * n_seq_max ids; arrays of our own cost nothing and are refilled fast.
        n = self._call_tokens
        self._tokens, self._positions = np.zeros(n, np.int32), np.zeros(n, np.int32)
        self._sequence_counts, self._sequences = np.ones(n, np.int32), np.zeros(n, np.int32)
        self._outputs = np.zeros(n, np.int8)
        self._sequence_pointers = (self._sequences.ctypes.data + 4 * np.arange(n)).astype(np.uint64)
        int32 = ctypes.POINTER(ctypes.c_int32)
        self._batch = self._lib.llama_batch()
        self._batch.token = self._tokens.ctypes.data_as(int32)
        self._batch.pos = self._positions.ctypes.data_as(int32)
        self._batch.n_seq_id = self._sequence_counts.ctypes.data_as(int32)
        self._batch.seq_id = self._sequence_pointers.ctypes.data_as(ctypes.POINTER(int32))
        self._batch.logits = self._outputs.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))

    def run(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        """Run whole sequences, special tokens included, and return their pooled vectors, shape (n, dim), float32, raw.

        A vector may hold anything the model gave, NaN included: whoever knows the texts refuses it by name.

        Raises:
            ModelError: too many, too long, empty, or ids out of range.
        """
        self._validate(sequences)
        vectors = self._run(sequences)
        if np.isfinite(vectors).all():
            return vectors
        # A NaN spreads: to neighbours in the call, and through the cache, where masked cells count, to later calls.
        self._overwrite = True
        if len(sequences) > 1:
            return np.concatenate([self.run([sequence]) for sequence in sequences])
        return vectors

    def _run(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        if self._memory:
            # Overwriting is dear: a memset of the whole cache, gigabytes for a long text.
            self._lib.llama_memory_clear(self._memory, self._overwrite)
            self._overwrite = False
        if not self.model.causal:
            return np.stack([self._run_encoder(sequence) for sequence in sequences])
        states = self._run_causal(sequences)
        return states if self.model.pooling == "last" else states.mean(axis=0, dtype=np.float64, keepdims=True)

    def _validate(self, sequences: Sequence[np.ndarray]) -> None:
        total = sum(len(sequence) for sequence in sequences)
        if not 1 <= len(sequences) <= self.max_sequences or total > self.max_tokens:
            raise ModelError(
                f"a call takes 1 to {self.max_sequences} sequences of {self.max_tokens} tokens in all, "
                f"got {len(sequences)} of {total}"
            )
        for sequence in sequences:
            if len(sequence) == 0:
                raise ModelError("a sequence without tokens has no vector")
            if sequence.min() < 0 or sequence.max() >= self.model.n_vocab:
                raise ModelError(f"token ids must lie in 0 to {self.model.n_vocab - 1}")

    def _run_causal(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        """Return the hidden states of the last token of each sequence, or of all tokens where they are averaged."""
        lengths = [len(sequence) for sequence in sequences]
        tokens = np.concatenate(sequences)
        positions = np.concatenate([np.arange(n, dtype=np.int32) for n in lengths])
        owners = np.repeat(np.arange(len(sequences), dtype=np.int32), lengths)
        outputs = np.full(len(tokens), self.model.pooling != "last", np.int8)
        outputs[np.cumsum(lengths) - 1] = 1
        self._hidden = []
        for start, stop in split_calls(len(tokens), self._call_tokens):
            part = slice(start, stop)
            self._decode(tokens[part], positions[part], owners[part], outputs[part])
        states = np.concatenate([np.empty((0, self.model.dim), np.float32), *self._hidden])
        if len(states) != outputs.sum():
            raise ModelError(
                f"{self.model.path.name}: no hidden states to be read from the architecture {self.model.architecture}",
                hint="take another model (patentclust models list)",
            )
        return states

    def _run_encoder(self, sequence: np.ndarray) -> np.ndarray:
        n = len(sequence)
        self._decode(sequence, np.arange(n, dtype=np.int32), np.zeros(n, np.int32), np.ones(n, np.int8))
        pointer = self._lib.llama_get_embeddings_seq(self._handle, 0)
        if not pointer:
            raise ModelError(f"llama.cpp gave no vector for a text of {n} tokens: {said()}")
        return np.ctypeslib.as_array(pointer, (self.model.dim,)).astype(np.float32, copy=True)

    def _decode(self, tokens: np.ndarray, positions: np.ndarray, owners: np.ndarray, outputs: np.ndarray) -> None:
        n = len(tokens)
        self._tokens[:n], self._positions[:n], self._sequences[:n] = tokens, positions, owners
        self._outputs[:n] = outputs
        self._batch.n_tokens = n
        forget_log()
        status = self._lib.llama_decode(self._handle, self._batch)
        if status != 0:
            raise ModelError(f"llama.cpp refused {n} tokens (code {status}): {said()}")

    def close(self) -> None:
        """Free caches and buffers; a second call does nothing."""
        if self._handle:
            self._lib.llama_free(self._handle)
            self._handle = None

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, TypeError):  # interpreter shutdown
            self.close()


def run_in_turn(
    contexts: Sequence[LlamaContext], calls: Sequence[Sequence[np.ndarray]]
) -> Generator[np.ndarray, None, None]:
    """Yield the vectors of each call, in order, with as many calls at a time as there are contexts."""
    if len(contexts) == 1:
        yield from map(contexts[0].run, calls)
        return
    free: SimpleQueue[LlamaContext] = SimpleQueue()
    for context in contexts:
        free.put(context)

    def run(call: Sequence[np.ndarray]) -> np.ndarray:
        context = free.get()
        try:
            return context.run(call)
        finally:
            free.put(context)

    with ThreadPoolExecutor(len(contexts)) as pool:
        waiting: deque[Future[np.ndarray]] = deque()
        try:
            for call in calls:
                waiting.append(pool.submit(run, call))
                if len(waiting) > 2 * len(contexts):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _rounded(n_tokens: int) -> int:
    return -(-n_tokens // _ROUND_TO) * _ROUND_TO
