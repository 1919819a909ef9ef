"""How much memory a model takes before it is loaded, whether the machine has it, and how many layers a card holds.

Pure arithmetic over a model's stated geometry, but for `available_bytes`, which asks the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from patentclust.errors import ModelError

KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}  # q8_0: blocks of 32 bytes and a float16 scale
# Measured: 58 to 112 MiB of compute buffers at 32,768 tokens, and the output rows of the closing tokens.
BUFFER_BYTES = 150 << 20
OUTPUT_ROWS = 128
# What the output rows of an encoder's texts side by side may take in all.
_SIDE_BY_SIDE_BYTES = 1 << 30
# A card also holds its driver's context, and llama.cpp's graphs are larger there.
_CARD_RESERVE_BYTES = 1 << 30
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Geometry:
    """What of a model's shape decides its memory; `weights_bytes` is the size of its file."""

    layers: int
    hidden: int
    kv_heads: int
    key_length: int
    value_length: int
    n_vocab: int
    causal: bool
    weights_bytes: int


@dataclass(frozen=True)
class Memory:
    """What a model will take, by part, in bytes, to run so many texts at a time."""

    weights: int
    cache: int
    buffers: int
    side_by_side: int = 1

    @property
    def total(self) -> int:
        """Return the sum."""
        return self.weights + self.cache + self.buffers


def needed(geometry: Geometry, n_tokens: int, *, kv_type: str = "f16", n_threads: int = 1) -> Memory:
    """Return the memory for sequences of up to `n_tokens`; an encoder keeps no attention cache."""
    if not geometry.causal:
        n = n_side_by_side(geometry, n_tokens, n_threads)
        return Memory(geometry.weights_bytes, 0, BUFFER_BYTES + n * _encoder_rows(geometry, n_tokens), n)
    per_token = geometry.layers * geometry.kv_heads * (geometry.key_length + geometry.value_length) * KV_BYTES[kv_type]
    return Memory(geometry.weights_bytes, int(per_token * n_tokens), BUFFER_BYTES + OUTPUT_ROWS * geometry.n_vocab * 4)


def n_side_by_side(geometry: Geometry, longest: int, n_threads: int) -> int:
    """Return how many texts of up to `longest` tokens to run at a time, each on a share of the threads.

    Threads that share a short text of an encoder wait for each other a third of their time (two of them, 512 tokens).
    """
    if geometry.causal:
        return 1
    return max(1, min(n_threads, _SIDE_BY_SIDE_BYTES // _encoder_rows(geometry, max(1, longest))))


def _encoder_rows(geometry: Geometry, n_tokens: int) -> int:
    """Return the bytes that llama.cpp sets aside for an encoder's outputs: a row of the vocabulary for every token."""
    return n_tokens * geometry.n_vocab * 4


def longest_that_fits(geometry: Geometry, free_bytes: int, *, kv_type: str = "f16") -> int:
    """Return the longest sequence for which `free_bytes` are enough; 0 where not even the weights fit."""
    none, one = (needed(geometry, n, kv_type=kv_type) for n in (0, 1024))
    room = free_bytes - none.total
    return max(0, int(room / max(1, one.total - none.total) * 1024))


def available_bytes() -> int:
    """Return the memory this process may still take: the machine's, or less where a container is limited."""
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return min(free, max(0, int(limit) - used)) if limit.isdecimal() else free


def check(name: str, geometry: Geometry, n_tokens: int, *, kv_type: str, free_bytes: int, n_threads: int = 1) -> Memory:
    """Return what the model will take.

    Raises:
        ModelError: more than there is; the hint says what to lower, and to what.
    """
    need = needed(geometry, n_tokens, kv_type=kv_type, n_threads=n_threads)
    if need.total <= free_bytes:
        return need
    fits = longest_that_fits(geometry, free_bytes, kv_type=kv_type) // 256 * 256
    hints = [f"--max-tokens {fits}"] if fits >= 256 else []
    hints += ["--threads 1"] if n_side_by_side(geometry, n_tokens, n_threads) > 1 else []
    hints += ["--kv-type q8_0 (halves the cache)"] if kv_type == "f16" and geometry.causal else []
    hints += ["a smaller model (patentclust models list)", "or a server: --backend openai --base-url URL"]
    raise ModelError(
        f"{name} needs {gib(need.total)} for texts of {n_tokens:,} tokens ({describe(need)}); "
        f"this machine has {gib(free_bytes)} free",
        hint="lower it with " + ", ".join(hints),
    )


def describe(need: Memory) -> str:
    """Return the parts as a person reads them."""
    return f"weights {gib(need.weights)}, attention cache {gib(need.cache)}, buffers {gib(need.buffers)}"


def gib(n_bytes: int) -> str:
    """Return a size in GiB, or MiB below one."""
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 1 << 30 else f"{n_bytes / 2**20:.0f} MiB"


def layers_that_fit(geometry: Geometry, free_bytes: int, n_tokens: int, *, kv_type: str = "f16") -> int:
    """Return how many layers, with their part of the attention cache, a card with `free_bytes` holds; -1 means all."""
    need = needed(geometry, n_tokens, kv_type=kv_type)
    room = free_bytes - _CARD_RESERVE_BYTES - need.buffers
    if room >= need.weights + need.cache:
        return -1
    return max(0, min(geometry.layers, int(room / ((need.weights + need.cache) / geometry.layers))))
