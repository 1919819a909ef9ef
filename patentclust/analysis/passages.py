"""A long text -> overlapping passages, cut at the ends of sentences. A function of the text alone, of no model."""

from __future__ import annotations

import re
from itertools import pairwise

from patentclust.analysis.texts import estimate_tokens

# About what the smallest models were trained to read at once; a passage of this length also fits a screen.
MOST_TOKENS = 240
OVERLAP_TOKENS = 40
# A full stop ends a sentence only before white space: `0.7` is one number.
_SENTENCE = re.compile(r".+?(?:[.!?;](?=\s)\s*|[。！？；\n]+\s*|$)", re.DOTALL)


def spans(text: str) -> list[tuple[int, int]]:
    """Return the passages of a text as (start, stop), in order; the last sentences of one begin the next.

    All of the text lies in one passage or more, but for white space around them. An empty text has none.
    """
    pieces = _pieces(text)
    found: list[tuple[int, int]] = []
    first = 0
    while first < len(pieces):
        last, n_tokens = first, 0.0
        while last < len(pieces) and (last == first or n_tokens + pieces[last][2] <= MOST_TOKENS):
            n_tokens += pieces[last][2]
            last += 1
        found.append(_stripped(text, pieces[first][0], pieces[last - 1][1]))
        if last == len(pieces):
            break
        first = _step_back(pieces, first, last)
    return [(start, stop) for start, stop in found if start < stop]


def _step_back(pieces: list[tuple[int, int, float]], first: int, last: int) -> int:
    """Return where the next passage begins: some sentences before `last`, always after `first`."""
    start, n_tokens = last, 0.0
    while start - 1 > first and n_tokens + pieces[start - 1][2] <= OVERLAP_TOKENS:
        start -= 1
        n_tokens += pieces[start][2]
    return start


def _pieces(text: str) -> list[tuple[int, int, float]]:
    """Return sentences as (start, stop, tokens); one longer than a passage is cut into equal parts."""
    pieces = []
    for match in _SENTENCE.finditer(text):
        start, stop = match.span()
        n_parts = int(estimate_tokens(text[start:stop]) // MOST_TOKENS) + 1
        bounds = [start + (stop - start) * part // n_parts for part in range(n_parts + 1)]
        pieces += [(a, b, estimate_tokens(text[a:b])) for a, b in pairwise(bounds)]
    return pieces


def _stripped(text: str, start: int, stop: int) -> tuple[int, int]:
    passage = text[start:stop]
    return stop - len(passage.lstrip()), start + len(passage.rstrip())
