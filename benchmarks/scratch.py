"""What a context's speed owes to where its memory lies: llama.cpp's scratch, and huge pages (Linux, glibc).

    python benchmarks/scratch.py MODEL.gguf [--tokens 3000] [--rounds 3] [--threads 1]

Contexts run the same tokens in turn, forwards and backwards, each with its scratch so many bytes past a page: 0 is
ours, `new[]` gives 16 for a block of its own and any of the four on the heap. The last two have their scratch at a
page, and what else was allocated for the context, then for the weights too, moved into huge pages. Vectors must be the
same bits.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from patentclust.embedders import alignment
from patentclust.embedders.context import CallSize, LlamaContext
from patentclust.embedders.llama import LlamaModel
from patentclust.params import Resources

PAGE, HUGE = 4096, 2 << 20
MADV_HUGEPAGE, MADV_COLLAPSE = 14, 25
Allocator, Release = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t), ctypes.CFUNCTYPE(None, ctypes.c_void_p)
libc = ctypes.CDLL(None, use_errno=True)
libc.aligned_alloc.restype, libc.aligned_alloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t, ctypes.c_size_t]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

past_page = 0


@Allocator
def allocate(size: int) -> int:
    return libc.aligned_alloc(PAGE, (size // PAGE + 2) * PAGE) + past_page


@Release
def keep(_block: int) -> None:
    """Free nothing: a block that begins past its page is none to the C library."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    resources = Resources(threads=arguments.threads)
    model = LlamaModel(arguments.model, resources)
    steer()

    def made(owner: LlamaModel) -> LlamaContext:
        size = CallSize.for_device(on_gpu=False)
        return LlamaContext(owner, longest=arguments.tokens, calls=size, resources=resources, kv_type="f16")

    contexts = {f"scratch {past} bytes past a page": (past, made(model), 0) for past in (0, 16, 32, 48)}
    context, moved = in_huge_pages(lambda: made(model))
    contexts["context in huge pages"] = (0, context, moved)
    dressed, weights = in_huge_pages(lambda: LlamaModel(arguments.model, resources))
    context, moved = in_huge_pages(lambda: made(dressed))
    contexts["context and weights in huge pages"] = (0, context, moved + weights)
    show(contexts, run(contexts, arguments), arguments.tokens)


def steer() -> None:
    """Lead llama.cpp's `new[]` and `delete[]` to ours."""
    (library,) = alignment.loaded("libggml-cpu")
    for symbol, function in ((b"_Znam", allocate), (b"_ZdaPv", keep)):
        assert alignment.redirect(library, symbol, ctypes.cast(function, ctypes.c_void_p).value or 0)


def run(contexts: dict[str, tuple[int, LlamaContext, int]], arguments: argparse.Namespace) -> dict[str, list[float]]:
    global past_page
    tokens = np.random.default_rng(0).integers(1000, 20_000, arguments.tokens).astype(np.int32)
    seconds: dict[str, list[float]] = {name: [] for name in contexts}
    first: np.ndarray | None = None
    for turn in range(arguments.rounds):
        for name in list(contexts)[:: -1 if turn % 2 else 1]:
            past_page, context, _ = contexts[name]
            if turn == 0:
                context.run([tokens[:256]])
            start = time.process_time()
            vector = context.run([tokens])
            seconds[name].append(time.process_time() - start)
            first = vector if first is None else first
            assert np.array_equal(vector, first), name
    return seconds


def show(contexts: dict[str, tuple[int, LlamaContext, int]], seconds: dict[str, list[float]], n: int) -> None:
    ours = np.array(seconds["scratch 0 bytes past a page"])
    print(f"load {os.getloadavg()[0]:.1f}\n| | huge pages MiB | tokens/CPU-s | of ours |\n|---|---|---|---|")
    for name, (_, _, moved) in contexts.items():
        taken = np.array(seconds[name])
        ratio = float(np.median(ours / taken))
        print(f"| {name} | {moved >> 20 or ''} | {n / np.median(taken):,.0f} | {ratio:.3f} |")


def in_huge_pages(make: Callable[[], Any]) -> tuple[Any, int]:
    """Return what is made, and how many bytes of the memory taken for it the kernel moved into huge pages."""
    before = anonymous()
    thing = make()
    moved = 0
    for start in sorted(anonymous() - before):
        libc.madvise(start, HUGE, MADV_HUGEPAGE)
        moved += HUGE if libc.madvise(start, HUGE, MADV_COLLAPSE) == 0 else 0
    return thing, moved


def anonymous() -> set[int]:
    """Return the whole stretches of 2 MiB of this process's own writable memory."""
    found: set[int] = set()
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights.startswith("rw") and inode == "0" and (not name or name[0] == "[heap]"):
            start, stop = (int(part, 16) for part in span.split("-"))
            found |= set(range(-(-start // HUGE) * HUGE, stop // HUGE * HUGE, HUGE))
    return found


if __name__ == "__main__":
    main()
