"""Ranking: words of a text for BM25, the best rows of some scores, and two rankings fused. Knows nothing of files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

from patentclust.analysis.phrases import language_of
from patentclust.analysis.segment import Words

# Cormack, Clarke and Buettcher 2009: the constant that keeps the first ranks from outvoting everything.
_RRF = 60
_TOKEN = re.compile(
    r"(?P<han>[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+)|(?P<hangul>[\uac00-\ud7a3]+)"
    r"|(?:[^\W_\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]|[\u0300-\u036f\u0900-\u109f\u1780-\u17ff])+"
)


def words(text: str, code: str | None, segmenters: Mapping[str, Words]) -> list[str]:
    """Return the words of a text as BM25 counts them: folded, plurals cut, East Asian runs segmented.

    Where no segmenter is at hand a run gives its pairs of neighbouring characters.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    language = language_of(text, code)
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        if match["han"]:
            found += _segmented(match["han"], segmenters.get("ja" if language == "ja" else "zh"))
        elif match["hangul"]:
            found += _segmented(match["hangul"], segmenters.get("ko"))
        else:
            found.append(_singular(match[0]))
    return found


def _segmented(run: str, segment: Words | None) -> list[str]:
    if segment is not None:
        return segment(run)
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def _singular(word: str) -> str:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural else word


def best(scores: np.ndarray, n: int) -> np.ndarray:
    """Return the rows of the `n` highest finite scores, highest first, ties by row."""
    n = min(n, len(scores))
    if not n:
        return np.empty(0, np.intp)
    # A partial sort would order ties by chance; the few best and all their equals are sorted in full.
    least = np.partition(scores, -n)[-n]
    rows = np.flatnonzero((scores >= least) & np.isfinite(scores))
    return rows[np.argsort(-scores[rows], kind="stable")][:n]


def first_of_each(rows: Sequence[int] | np.ndarray, owners: np.ndarray) -> dict[int, int]:
    """Return, for ranked rows, each owner's first row, in order of rank."""
    found: dict[int, int] = {}
    for row in rows:
        found.setdefault(int(owners[row]), int(row))
    return found


def fuse(*rankings: Sequence[int]) -> list[tuple[int, float]]:
    """Fuse rankings by reciprocal rank: (item, score), best first, ties by item."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (_RRF + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
