"""The one door to llama.cpp: its log, its devices, a GGUF's facts, its tokeniser. How sequences run is `context.py`.

Uses llama_cpp's low-level interface, never `Llama.embed`, which runs the output head over every token, cuts silently
and drops the closing token. Knows nothing of texts' meaning, templates, windows or files of ours.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections import deque
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from patentclust.embedders.alignment import align_scratch
from patentclust.embedders.memory import Geometry
from patentclust.errors import ModelError
from patentclust.params import Resources

POOLING_NAMES = {1: "mean", 2: "cls", 3: "last"}
_LOG_WARN, _LOG_ERROR, _LOG_CONTINUED = 3, 4, 5
_GPU_DEVICE_TYPES = (1, 2)  # a card; a GPU that shares the machine's memory
_GPU_HINT = (
    "use --gpu-layers 0 (or auto), or reinstall with a GPU backend: "
    'CMAKE_ARGS="-DGGML_CUDA=on" pip install --force-reinstall --no-cache-dir llama-cpp-python'
)


@cache
def _library() -> ModuleType:
    """Import llama_cpp once and keep its talk off the terminal; its last warnings and errors end up in our messages."""
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # an abort would start a debugger where one is installed
    # OpenMP's threads would spin at every node of the graph: on a machine with other work, several times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelError(
            f"llama-cpp-python cannot be loaded: {error}", hint="pip install --force-reinstall llama-cpp-python"
        ) from error
    llama_cpp.llama_log_set(_log_callback(llama_cpp), ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    align_scratch()
    return llama_cpp


_recent_log: deque[str] = deque(maxlen=20)
_talk = {"verbose": False, "level": 0}


def let_talk(verbose: bool) -> None:
    """Choose whether llama.cpp's own log goes to stderr as it comes."""
    _talk["verbose"] = verbose


@cache
def _log_callback(llama_cpp: ModuleType) -> Any:
    # Cached: the C side keeps the pointer for the life of the process.
    @llama_cpp.llama_log_callback
    def keep(level: int, text: bytes, _user_data: Any) -> None:
        line = text.decode("utf-8", "replace")
        if level != _LOG_CONTINUED:
            _talk["level"] = level
        if _talk["verbose"]:
            sys.stderr.write(line)
        if _talk["level"] in (_LOG_WARN, _LOG_ERROR) and line.strip():
            _recent_log.append(line.strip())

    return keep


def forget_log() -> None:
    """Start afresh before a call, so that `said` tells of that call alone."""
    _recent_log.clear()


def said() -> str:
    """Return what llama.cpp last complained of, for an error message."""
    return "; ".join(list(_recent_log)[-3:]) or "it gave no reason"


@dataclass(frozen=True)
class Device:
    """A GPU as llama.cpp sees it."""

    name: str
    free_bytes: int
    total_bytes: int


def gpu_devices() -> list[Device]:
    """Return the GPUs that this build of llama.cpp can use on this machine, in llama.cpp's order."""
    if not _library().llama_supports_gpu_offload():
        return []
    registry, base = _ggml_library("ggml"), _base_library()
    pointer = ctypes.c_void_p
    registry.ggml_backend_dev_count.restype = ctypes.c_size_t
    registry.ggml_backend_dev_get.argtypes, registry.ggml_backend_dev_get.restype = [ctypes.c_size_t], pointer
    base.ggml_backend_dev_type.argtypes, base.ggml_backend_dev_type.restype = [pointer], ctypes.c_int
    base.ggml_backend_dev_description.argtypes = [pointer]
    base.ggml_backend_dev_description.restype = ctypes.c_char_p
    base.ggml_backend_dev_memory.argtypes = [pointer, ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_size_t)]
    found = []
    for index in range(registry.ggml_backend_dev_count()):
        device = registry.ggml_backend_dev_get(index)
        if base.ggml_backend_dev_type(device) in _GPU_DEVICE_TYPES:
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            base.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
            name = base.ggml_backend_dev_description(device).decode("utf-8", "replace")
            found.append(Device(name, free.value, total.value))
    return found


def node_name(tensor: int) -> bytes:
    """Return the name that a model's graph gives a node."""
    name: bytes = _base_library().ggml_get_name(tensor)
    return name


def node_rows(tensor: int, dim: int) -> np.ndarray:
    """Copy a computed float32 node of rows of `dim`, wherever it lies, shape (n, dim)."""
    base = _base_library()
    rows = np.empty((base.ggml_nbytes(tensor) // (4 * dim), dim), np.float32)
    if rows.size:
        base.ggml_backend_tensor_get(tensor, rows.ctypes.data, 0, rows.nbytes)
    return rows


@cache
def _base_library() -> ctypes.CDLL:
    base, pointer = _ggml_library("ggml-base"), ctypes.c_void_p
    base.ggml_get_name.argtypes, base.ggml_get_name.restype = [pointer], ctypes.c_char_p
    base.ggml_nbytes.argtypes, base.ggml_nbytes.restype = [pointer], ctypes.c_size_t
    base.ggml_backend_tensor_get.argtypes = [pointer, pointer, ctypes.c_size_t, ctypes.c_size_t]
    base.ggml_backend_tensor_get.restype = None
    return base


def _ggml_library(name: str) -> ctypes.CDLL:
    """Open one of the libraries beside llama.cpp's own: llama_cpp binds no function that tells of devices."""
    folder = Path(str(_library().__file__)).parent / "lib"
    names = (f"lib{name}.so", f"lib{name}.dylib", f"{name}.dll")
    path = next((folder / candidate for candidate in names if (folder / candidate).exists()), None)
    if path is None:
        raise ModelError(f"llama-cpp-python has no {names[0]} in {folder}", hint="give --gpu-layers all, or a number")
    return ctypes.CDLL(str(path))


def check_gpu(resources: Resources) -> None:
    """Refuse GPU layers where there is no GPU: llama.cpp would ignore the wish in silence.

    Raises:
        ModelError: layers were asked for and this build or machine has no GPU backend.
    """
    wishes = {"--gpu-layers": resources.gpu_layers not in ("auto", "0")}
    wishes |= {"--main-gpu": resources.main_gpu is not None, "--tensor-split": bool(resources.tensor_split)}
    if any(wishes.values()) and not _library().llama_supports_gpu_offload():
        named = ", ".join(flag for flag, wanted in wishes.items() if wanted)
        raise ModelError(
            f"{named} was given, and this llama-cpp-python build, or this machine, has no GPU backend",
            hint=_GPU_HINT,
        )


class LlamaModel:
    """A loaded GGUF: its vocabulary and its facts.

    Attributes:
        dim: length of a vector.
        n_ctx_train: longest sequence the model was trained for, in tokens.
        pooling: `last`, `mean` or `cls`.
        causal: whether tokens see only what came before.
        geometry: what decides its memory.
        head: tokens that open a text.
        tail: tokens that close it.
        states_closing: whether the file itself asks for the closing token that last-token pooling reads.
    """

    def __init__(
        self,
        path: Path,
        resources: Resources = Resources(),
        *,
        n_gpu_layers: int = 0,
        vocabulary_only: bool = False,
    ) -> None:
        """Load the file, or its vocabulary and facts alone; `n_gpu_layers` of -1 puts all layers on the GPU.

        Raises:
            ModelError: not a GGUF, damaged, not an embedding model, or GPU layers without a GPU.
        """
        self._lib = _library()
        let_talk(resources.verbose)
        check_gpu(resources)
        self.path = path
        _check_magic(path)
        params = self._lib.llama_model_default_params()
        params.vocab_only = vocabulary_only
        # A mapped file would stay in memory beside the copy that llama.cpp rearranges for the CPU.
        params.load_mode = self._lib.LLAMA_LOAD_MODE_NONE
        params.n_gpu_layers = n_gpu_layers
        if n_gpu_layers and resources.main_gpu is not None:
            params.main_gpu, params.split_mode = resources.main_gpu, self._lib.LLAMA_SPLIT_MODE_NONE
        if n_gpu_layers and resources.tensor_split:
            self._shares = (ctypes.c_float * self._lib.llama_max_devices())(*resources.tensor_split)
            params.tensor_split = self._shares
        forget_log()
        self._handle = self._lib.llama_model_load_from_file(str(path).encode(), params)
        if not self._handle:
            raise ModelError(
                f"llama.cpp cannot load {path}: {said()}",
                hint="the file may be damaged or cut short; delete it and pull the model again",
            )
        self._vocab = self._lib.llama_model_get_vocab(self._handle)
        self.architecture = self.metadata("general.architecture") or "unknown"
        self.geometry = self._geometry()
        self.dim = int(self._lib.llama_model_n_embd_out(self._handle)) or self.geometry.hidden
        self.n_ctx_train = self._number("context_length")
        self.n_vocab = int(self._lib.llama_vocab_n_tokens(self._vocab))
        self.causal = self.metadata(f"{self.architecture}.attention.causal") != "false"
        self.pooling = self._pooling()
        self.states_closing = True
        self.head, self.tail = self._special_tokens()

    def _geometry(self) -> Geometry:
        hidden, heads = self._number("embedding_length"), self._number("attention.head_count", 1)
        return Geometry(
            layers=self._number("block_count"),
            hidden=hidden,
            kv_heads=self._number("attention.head_count_kv", heads),
            key_length=self._number("attention.key_length", hidden // heads),
            value_length=self._number("attention.value_length", hidden // heads),
            n_vocab=int(self._lib.llama_vocab_n_tokens(self._vocab)),
            causal=self.metadata(f"{self.architecture}.attention.causal") != "false",
            weights_bytes=self.path.stat().st_size,
        )

    def _number(self, key: str, default: int | None = None) -> int:
        stated = self.metadata(f"{self.architecture}.{key}")
        if stated is not None and stated.isdecimal():
            return int(stated)
        if default is None:
            raise ModelError(f"{self.path.name} states no {self.architecture}.{key}", hint="is it a whole GGUF?")
        return default

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
                tail, self.states_closing = np.append(tail, np.int32(eos)), False
        return head, tail

    def tokenize(self, text: str) -> np.ndarray:
        """Return the text's token ids, int32, without special tokens; control words in the text stay plain text."""
        return self._tokenize(text.encode("utf-8", "replace"), special=False)

    def detokenize(self, tokens: np.ndarray) -> str:
        """Return the text of ids of the vocabulary, without the special tokens among them."""
        ids = np.ascontiguousarray(tokens, np.int32)
        pointer, capacity = ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)), 8 * len(ids) + 16
        while True:
            buffer = ctypes.create_string_buffer(capacity)
            n = self._lib.llama_detokenize(self._vocab, pointer, len(ids), buffer, capacity, True, False)
            if n >= 0:
                return buffer.raw[:n].decode("utf-8", "replace")
            capacity = -n

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
