"""What an embedding run will cost on this machine, from a short calibration, and what would make it shorter."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from patentclust.analysis.texts import estimate_tokens
from patentclust.embedders import Embedder, Encoded
from patentclust.embedders.memory import Memory, describe, gib
from patentclust.schemas import counted

# Long enough to be worth a calibration, by what CPUs were measured to do: 5e10 weights a second and thread.
LONG_SECONDS = 30.0
MOST_CALIBRATION_SECONDS = 10.0
_WEIGHTS_PER_SECOND = 5e10
_UNKNOWN_PARAMETERS = 5e8
_LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)
# Where attention takes as long as all the rest; used where only short texts could be tried in the time.
_USUAL_DOUBLING_TOKENS = 12_000
_CHARS_PER_TOKEN = 4.5
_BUFFERS_WEIGH_SECONDS = 2.0


@dataclass(frozen=True)
class Speed:
    """Seconds a text takes: `n * (a + b * min(n, window))`; `tokens_per_estimate` corrects estimated counts."""

    a: float
    b: float
    window: int
    tokens_per_estimate: float

    def seconds(self, estimates: Sequence[float]) -> float:
        """Return the seconds for texts of so many estimated tokens."""
        n = np.asarray(estimates) * self.tokens_per_estimate
        return float((n * (self.a + self.b * np.minimum(n, self.window))).sum())


@dataclass(frozen=True)
class Cost:
    """A run before it starts.

    Attributes:
        documents: texts to be embedded.
        cached: texts whose vectors the cache holds; they cost nothing.
        unchanged: texts whose vectors the workspace holds already.
        tokens: about how many tokens the others have.
        seconds: about how long they take here.
        memory: what the model takes, where it runs in this process.
        free_bytes: what the machine has.
        shorter: what would make the run shorter, and the seconds it would then take; None where nobody measured.
    """

    documents: int
    cached: int
    unchanged: int
    tokens: int
    seconds: float
    memory: Memory | None = None
    free_bytes: int = 0
    shorter: Mapping[str, float | None] = field(default_factory=dict)


def rough_seconds(n_tokens: float, parameters: int | None, n_threads: int) -> float:
    """Return about how long, without trying: good enough to tell seconds from hours."""
    return n_tokens * (parameters or _UNKNOWN_PARAMETERS) / _WEIGHTS_PER_SECOND / n_threads


def with_weights(seconds: float, own: int, other: int) -> float:
    """Return how long a model of other size would take for what this one does in `seconds`.

    The power is measured: from 4B to 0.6B to the starter, small models give back a part of what they save.
    """
    return seconds * (other / own) ** 0.85


def calibrate(
    embedder: Embedder, texts: Sequence[str], *, longest: float, budget_seconds: float, at_a_time: int = 1
) -> Speed:
    """Time texts of doubling lengths until the budget is spent, and fit the time a token takes at a length.

    As many are given at a time as the embedder runs side by side.
    """
    window = int(embedder.packing.get("window_tokens", max(_LENGTHS)))
    stock = "\n".join(texts)
    tried: list[tuple[int, float]] = []
    n_real = n_estimated = spent = 0.0
    for i, length in enumerate(_LENGTHS):
        n_chars = int(length * _CHARS_PER_TOKEN)
        start_char = max(0, len(stock) - n_chars) * i // len(_LENGTHS)  # other texts each time, to count their tokens
        text = stock[start_char : start_char + n_chars]
        if tried and (spent * 2 > budget_seconds or length > max(longest, _LENGTHS[1]) or length > window):
            break
        encoded, elapsed = _timed(embedder, [text] * at_a_time)
        spent += elapsed
        if elapsed < _BUFFERS_WEIGH_SECONDS:  # the first call of a length makes its buffers
            encoded, elapsed = _timed(embedder, [text] * at_a_time)
        tried.append((int(encoded.n_tokens_used[0]), elapsed / at_a_time))
        n_real += encoded.n_tokens_used[0]
        n_estimated += estimate_tokens(text)
    a, b = _fit(tried)
    return Speed(a, b, window, n_real / n_estimated)


def _timed(embedder: Embedder, texts: Sequence[str]) -> tuple[Encoded, float]:
    start = time.perf_counter()
    return embedder.encode_document(texts), time.perf_counter() - start


def _fit(tried: Sequence[tuple[int, float]]) -> tuple[float, float]:
    n, seconds = (np.array(column, float) for column in zip(*tried, strict=True))
    rates = seconds / n
    if n[-1] < 1000:
        # Too short to see attention: the longest of them is the least blurred by what a call costs in itself.
        return float(rates[-1]), float(rates[-1]) / _USUAL_DOUBLING_TOKENS
    b, a = np.polyfit(n, rates, 1, w=np.sqrt(n))
    return (float(a), float(b)) if a > 0 and b > 0 else (float(rates[-1]), 0.0)


def sentences(cost: Cost) -> Iterator[str]:
    """Yield a cost as lines to read."""
    places = ((cost.cached, "in the cache"), (cost.unchanged, "in the workspace"))
    there = " and ".join(f"{n:,} {place}" for n, place in places if n)
    if not cost.documents:
        yield f"nothing to embed: all vectors are there, {there}"
        return
    yield (
        f"to embed: {counted(cost.documents, 'document')}, about {cost.tokens:,} tokens, about {duration(cost.seconds)}"
        f" on this machine" + (f"; vectors of others are there, {there}" if there else "")
    )
    if cost.memory:
        yield f"memory: {gib(cost.memory.total)} ({describe(cost.memory)}) of {gib(cost.free_bytes)} free"
    for what, seconds in cost.shorter.items():
        yield f"shorter with {what}" + ("" if seconds is None else f": about {duration(seconds)}")


def duration(seconds: float) -> str:
    """Return a length of time as a person says it, no finer than it is known."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}" if seconds < 10 * size else f"{seconds / size:,.0f} {unit}"
    return counted(max(1, round(seconds)), "second")
