"""How texts are cut into windows, windows packed into model calls, and units into shards.

All of it is a pure function of lengths, so that a re-run makes the same calls and therefore the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

# A killed run loses at most one shard. A shard closes at whichever comes first; characters stand for work.
SHARD_UNITS = 256
SHARD_CHARS = 1_000_000
# llama.cpp's CPU attention takes queries and keys by tiles of so many, and a part of a tile costs a whole one.
CALL_TILE = 64


def split_windows(n_tokens: int, capacity: int) -> list[tuple[int, int]]:
    """Cut `n_tokens` into the fewest windows of at most `capacity`, of equal length but for one token.

    Equal windows keep a short last one from weighing on the average with little text. Returns `(start, stop)` pairs;
    one empty window for zero tokens.
    """
    if capacity < 1:
        raise ValueError(f"capacity must be positive, got {capacity}")
    n_windows = max(1, -(-n_tokens // capacity))
    base, longer = divmod(n_tokens, n_windows)
    bounds = [0]
    for index in range(n_windows):
        bounds.append(bounds[-1] + base + (index < longer))
    return list(pairwise(bounds))


def split_calls(n_tokens: int, most: int) -> list[tuple[int, int]]:
    """Cut a sequence into calls of `most` tokens, the last of them shorter but, among several, of no less than a tile.

    All begin at a tile's edge; `most` is a multiple of the tile, at least two of them. Returns `(start, stop)` pairs.
    """
    if most < 2 * CALL_TILE or most % CALL_TILE:
        raise ValueError(f"calls must be of a multiple of {CALL_TILE} tokens from {2 * CALL_TILE} on, got {most}")
    bounds = list(range(0, n_tokens, most))
    if len(bounds) > 1 and n_tokens - bounds[-1] < CALL_TILE:
        bounds[-1] -= CALL_TILE
    return list(pairwise([*bounds, n_tokens]))


def pack(lengths: Sequence[int], *, max_tokens: int, max_sequences: int, alone_from: int) -> list[list[int]]:
    """Group sequences into calls of at most `max_tokens` in all and `max_sequences`, longest first.

    A sequence of `alone_from` tokens or more gets a call of its own. Ties keep their order. Returns indices by call.
    A call depends only on sequences no longer than its own: without those of the first calls, the others stay the same.
    """
    calls: list[list[int]] = []
    filled = max_tokens
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        fits = calls and filled + lengths[index] <= max_tokens and len(calls[-1]) < max_sequences
        if not fits:
            calls.append([])
            filled = 0
        calls[-1].append(index)
        filled += max_tokens if lengths[index] >= alone_from else lengths[index]
    return calls


def split_shards(n_chars: Sequence[int]) -> list[tuple[int, int]]:
    """Cut units, given their text lengths in characters, into consecutive shards; returns `(start, stop)` pairs."""
    bounds: list[tuple[int, int]] = []
    start = chars = 0
    for index, length in enumerate(n_chars):
        if index > start and (index - start >= SHARD_UNITS or chars + length > SHARD_CHARS):
            bounds.append((start, index))
            start, chars = index, 0
        chars += length
    if len(n_chars) > start:
        bounds.append((start, len(n_chars)))
    return bounds
