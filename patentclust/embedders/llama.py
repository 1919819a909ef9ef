"""The one door to llama.cpp: load a GGUF, tokenise, run token sequences, read pooled vectors.

Uses llama_cpp's low-level interface, never `Llama.embed`, which runs the output head over every token, cuts silently
and drops the closing token. llama.cpp aborts the process on a call it does not like, so every call is validated first.
Knows nothing of texts' meaning, templates, windows or files of ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections import deque
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from patentclust.analysis.packing import split_windows
from patentclust.errors import ModelError

POOLING_NAMES = {1: "mean", 2: "cls", 3: "last"}
# llama.cpp's CPU attention sums in 32 bits only for 64 queries or more; below that it sums in 16 bits (cosine 0.9998 at
# 20,000 tokens) and, for a single query, in an order that depends on the number of threads. So no call is that small.
CLOSING_TOKENS = 64
_ROUND_TO = 256  # llama.cpp pads the attention cache to this many cells
_LOG_WARN, _LOG_ERROR = 3, 4
_GPU_HINT = (
    "use --gpu-layers 0 (or auto), or reinstall with a GPU backend: "
    'CMAKE_ARGS="-DGGML_CUDA=on" pip install --force-reinstall --no-cache-dir llama-cpp-python'
)


@cache
def _library() -> ModuleType:
    """Import llama_cpp once and keep its talk off the terminal; its last warnings and errors end up in our messages."""
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # an abort would start a debugger where one is installed
    try:
        import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"llama-cpp-python cannot be loaded: {error}", hint="pip install --force-reinstall llama-cpp-python"
        ) from error
    llama_cpp.llama_log_set(_log_callback(llama_cpp), ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    return llama_cpp


_recent_log: deque[str] = deque(maxlen=20)


@cache
def _log_callback(llama_cpp: ModuleType) -> Any:
    # Cached: the C side keeps the pointer for the life of the process.
    @llama_cpp.llama_log_callback
    def keep(level: int, text: bytes, _user_data: Any) -> None:
        if level in (_LOG_WARN, _LOG_ERROR) and text.strip():
            _recent_log.append(text.decode("utf-8", "replace").strip())

    return keep


def _said() -> str:
    """Return what llama.cpp last complained of, for an error message."""
    return "; ".join(list(_recent_log)[-3:]) or "it gave no reason"


def gpu_layer_count(requested: str) -> int:
    """Turn `auto`, `all` or a number into llama.cpp's count; -1 means all.

    Raises:
        ModelError: layers were asked for and this build or machine has no GPU backend (llama.cpp would ignore it).
    """
    has_gpu = bool(_library().llama_supports_gpu_offload())
    if requested == "auto":
        return -1 if has_gpu else 0
    layers = -1 if requested == "all" else int(requested)
    if layers != 0 and not has_gpu:
        raise ModelError(
            f"--gpu-layers {requested}: this llama-cpp-python build, or this machine, has no GPU backend",
            hint=_GPU_HINT,
        )
    return layers


class LlamaModel:
    """A loaded GGUF: its vocabulary and its facts.

    Attributes:
        dim: length of a vector.
        n_ctx_train: longest sequence the model was trained for, in tokens.
        pooling: `last`, `mean` or `cls`.
        causal: whether tokens see only what came before.
    """

    def __init__(self, path: Path, *, gpu_layers: str = "auto") -> None:
        """Load the file.

        Raises:
            ModelError: not a GGUF, damaged, not an embedding model, or GPU layers without a GPU.
        """
        self._lib = _library()
        self.path = path
        _check_magic(path)
        params = self._lib.llama_model_default_params()
        params.n_gpu_layers = gpu_layer_count(gpu_layers)
        _recent_log.clear()
        self._handle = self._lib.llama_model_load_from_file(str(path).encode(), params)
        if not self._handle:
            raise ModelError(
                f"llama.cpp cannot load {path}: {_said()}",
                hint="the file may be damaged or cut short; delete it and pull the model again",
            )
        self._vocab = self._lib.llama_model_get_vocab(self._handle)
        self.architecture = self.metadata("general.architecture") or "unknown"
        self.dim = int(self._lib.llama_model_n_embd_out(self._handle))
        self.n_ctx_train = int(self._lib.llama_model_n_ctx_train(self._handle))
        self.n_vocab = int(self._lib.llama_vocab_n_tokens(self._vocab))
        self.causal = self.metadata(f"{self.architecture}.attention.causal") != "false"
        self.pooling = self._pooling()
        self.head, self.tail = self._special_tokens()

    def metadata(self, key: str) -> str | None:
        """Return a metadata value of the GGUF as text, or None."""
        buffer = ctypes.create_string_buffer(256)
        found = self._lib.llama_model_meta_val_str(self._handle, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if found >= 0 else None

    def _pooling(self) -> str:
        stated = self.metadata(f"{self.architecture}.pooling_type")
        name = POOLING_NAMES.get(int(stated)) if stated and stated.isdecimal() else None
        if name is None or (name == "cls" and self.causal):
            raise ModelError(
                f"{self.path.name} is not an embedding model: its {self.architecture}.pooling_type is "
                f"{stated or 'absent'}; expected one of {', '.join(POOLING_NAMES.values())}",
                hint="take a GGUF made for embeddings (patentclust models list); a chat model gives no usable vectors",
            )
        return name

    def _special_tokens(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what the tokeniser puts before and after a text; last-token pooling gets its EOS in any case."""
        bare = self._tokenize(b"a", special=False)
        dressed = self._tokenize(b"a", special=True)
        starts = [i for i in range(len(dressed) - len(bare) + 1) if np.array_equal(dressed[i : i + len(bare)], bare)]
        if not starts:
            raise ModelError(f"{self.path.name}: its tokeniser changes a text when it adds special tokens")
        head, tail = dressed[: starts[0]], dressed[starts[0] + len(bare) :]
        if self.pooling == "last":
            eos = int(self._lib.llama_vocab_eos(self._vocab))
            if eos < 0:
                raise ModelError(f"{self.path.name} pools the last token but names no end-of-text token")
            if len(tail) == 0 or tail[-1] != eos:
                tail = np.append(tail, np.int32(eos))
        return head, tail

    def tokenize(self, text: str) -> np.ndarray:
        """Return the text's token ids, int32, without special tokens; control words in the text stay plain text."""
        return self._tokenize(text.encode("utf-8", "replace"), special=False)

    def _tokenize(self, data: bytes, *, special: bool) -> np.ndarray:
        capacity = len(data) + 16
        while True:
            buffer = np.empty(capacity, np.int32)
            pointer = buffer.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
            n = self._lib.llama_tokenize(self._vocab, data, len(data), pointer, capacity, special, False)
            if n >= 0:
                return buffer[:n].copy()
            if -n <= capacity:
                raise ModelError(f"{self.path.name}: a text of {len(data)} bytes is too long for its tokeniser")
            capacity = -n

    def close(self) -> None:
        """Free the weights; a second call does nothing."""
        if self._handle:
            self._lib.llama_model_free(self._handle)
            self._handle = None


def _rounded(n_tokens: int) -> int:
    return -(-n_tokens // _ROUND_TO) * _ROUND_TO


def _check_magic(path: Path) -> None:
    try:
        with path.open("rb") as handle:
            magic = handle.read(4)
    except OSError as error:
        raise ModelError(f"cannot read the model file {path}: {error.strerror}") from error
    if magic != b"GGUF":
        raise ModelError(
            f"{path} is not a GGUF file: expected the magic bytes b'GGUF', got {magic!r}",
            hint="models are .gguf files (patentclust models list)",
        )


class LlamaContext:
    """A model made ready for sequences up to a given length.

    Three ways of running, chosen by what the model is:
    - causal, last token: bodies with the output head off, then the last few tokens of all packed sequences with it on;
    - causal, mean: token vectors chunk by chunk, averaged here (llama.cpp would pool each micro-batch for itself);
    - encoder: one sequence in one call, pooled by llama.cpp.

    Attributes:
        max_sequences: how many sequences one call of `run` takes.
        max_tokens: how many tokens they may have in all when there are several.
    """

    def __init__(
        self,
        model: LlamaModel,
        *,
        longest: int,
        max_tokens: int = 2048,
        max_sequences: int = 64,
        n_ubatch: int = 512,
        threads: int = 1,
    ) -> None:
        """Allocate caches and buffers for sequences of up to `longest` tokens.

        Raises:
            ModelError: longer than the model takes, or not enough memory.
        """
        if not 1 <= longest <= model.n_ctx_train:
            raise ModelError(f"{model.path.name} takes 1 to {model.n_ctx_train} tokens, asked for {longest}")
        self._lib = model._lib
        self.model = model
        self._two_phase = model.causal and model.pooling == "last"
        cells = _rounded(longest)
        params = self._lib.llama_context_default_params()
        if self._two_phase:
            self.max_sequences, self.max_tokens = max_sequences, max(max_tokens, longest)
        else:
            self.max_sequences, self.max_tokens = 1, longest
        params.n_ctx = max(cells, _rounded(self.max_tokens))
        # An encoder sees its whole text in one call. A causal model is fed by micro-batches, one a call.
        self._call_tokens = n_ubatch if model.causal else cells
        params.n_batch = params.n_ubatch = self._call_tokens
        params.n_seq_max = self.max_sequences
        # Caps the buffers of the output head, which would else be sized for every token of a batch.
        params.n_outputs_max = CLOSING_TOKENS + max_sequences if self._two_phase else self._call_tokens
        params.n_threads = params.n_threads_batch = threads
        params.embeddings = True
        params.kv_unified = True
        params.no_perf = True
        params.flash_attn_type = self._lib.LLAMA_FLASH_ATTN_TYPE_ENABLED
        params.pooling_type = self._pooling_type()
        _recent_log.clear()
        self._handle = self._lib.llama_init_from_model(model._handle, params)
        if not self._handle:
            raise ModelError(
                f"llama.cpp cannot make a context of {params.n_ctx} tokens for {model.path.name}: {_said()}",
                hint="lower --max-tokens, or take a smaller model: the attention cache grows with the longest text",
            )
        self._memory = self._lib.llama_get_memory(self._handle)
        self._make_batch()

    def _pooling_type(self) -> int:
        if self.model.causal and self.model.pooling == "mean":
            return int(self._lib.LLAMA_POOLING_TYPE_NONE)
        return {name: number for number, name in POOLING_NAMES.items()}[self.model.pooling]

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

        Raises:
            ModelError: too many, too long, empty, ids out of range, or a vector that is not finite or all zero.
        """
        self._validate(sequences)
        if self._memory:
            self._lib.llama_memory_clear(self._memory, False)  # True would overwrite gigabytes for nothing
        if self._two_phase:
            vectors = self._run_two_phase(sequences)
        elif self.model.causal:
            vectors = np.stack([self._run_mean(sequence) for sequence in sequences])
        else:
            vectors = np.stack([self._run_encoder(sequence) for sequence in sequences])
        if not np.isfinite(vectors).all() or (np.abs(vectors).max(axis=1) == 0).any():
            raise ModelError(
                f"{self.model.path.name} gave a vector that is not finite, or all zero",
                hint="the model file may be damaged; check it with: patentclust models check",
            )
        return vectors

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

    def _run_two_phase(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        n = len(sequences)
        # Each sequence keeps its last few tokens for the second phase, enough in all for the exact attention kernel.
        kept = [min(len(sequence), -(-CLOSING_TOKENS // n)) for sequence in sequences]
        bodies = [sequence[: len(sequence) - k] for sequence, k in zip(sequences, kept, strict=True)]
        self._lib.llama_set_embeddings(self._handle, False)
        self._feed(bodies, [0] * n, output=False)
        self._lib.llama_set_embeddings(self._handle, True)
        tails = [sequence[len(sequence) - k :] for sequence, k in zip(sequences, kept, strict=True)]
        self._feed(tails, [len(body) for body in bodies], output=True)
        return np.stack([self._pooled(index) for index in range(n)])

    def _feed(self, parts: Sequence[np.ndarray], starts: Sequence[int], *, output: bool) -> None:
        """Decode one stretch of each sequence, in calls of nearly equal size: a small last one would be inexact."""
        tokens = np.concatenate(parts)
        if len(tokens) == 0:
            return
        lengths = [len(part) for part in parts]
        positions = np.concatenate([np.arange(s, s + k, dtype=np.int32) for s, k in zip(starts, lengths, strict=True)])
        owners = np.repeat(np.arange(len(parts), dtype=np.int32), lengths)
        for start, stop in split_windows(len(tokens), self._call_tokens):
            self._decode(tokens[start:stop], positions[start:stop], owners[start:stop], output=output)

    def _run_mean(self, sequence: np.ndarray) -> np.ndarray:
        total = np.zeros(self.model.dim)
        for start, stop in split_windows(len(sequence), self._call_tokens):
            positions = np.arange(start, stop, dtype=np.int32)
            self._decode(sequence[start:stop], positions, np.zeros(stop - start, np.int32), output=True)
            pointer = self._lib.llama_get_embeddings(self._handle)
            total += np.ctypeslib.as_array(pointer, (stop - start, self.model.dim)).sum(axis=0, dtype=np.float64)
        return (total / len(sequence)).astype(np.float32)

    def _run_encoder(self, sequence: np.ndarray) -> np.ndarray:
        n = len(sequence)
        self._decode(sequence, np.arange(n, dtype=np.int32), np.zeros(n, np.int32), output=True)
        return self._pooled(0)

    def _decode(self, tokens: np.ndarray, positions: np.ndarray, owners: np.ndarray, *, output: bool) -> None:
        n = len(tokens)
        self._tokens[:n], self._positions[:n], self._sequences[:n] = tokens, positions, owners
        self._outputs[:n] = output
        self._batch.n_tokens = n
        _recent_log.clear()
        status = self._lib.llama_decode(self._handle, self._batch)
        if status != 0:
            raise ModelError(f"llama.cpp refused {n} tokens (code {status}): {_said()}")

    def _pooled(self, sequence: int) -> np.ndarray:
        pointer = self._lib.llama_get_embeddings_seq(self._handle, sequence)
        if not pointer:
            raise ModelError(f"llama.cpp gave no vector for sequence {sequence} of a call: {_said()}")
        return np.ctypeslib.as_array(pointer, (self.model.dim,)).astype(np.float32, copy=True)

    def close(self) -> None:
        """Free caches and buffers; a second call does nothing."""
        if self._handle:
            self._lib.llama_free(self._handle)
            self._handle = None

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, TypeError):  # interpreter shutdown
            self.close()
