"""How groups of patents grow, who is new in them, and where less is than expected. Counts in, figures out.

Knows nothing of documents: years are columns, groups are rows. Nothing here looks at a clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

# Applications are published 18 months after their earliest priority (EPC Art. 93, PCT Art. 21, 35 USC 122).
SECRET_MONTHS = 18
CAGR_YEARS = 5
RECENT_YEARS = 3
# Below this many expected families an empty cell says nothing.
LEAST_EXPECTED = 3.0
MOST_CHANCE = 0.01


def last_complete_year(latest: date) -> int:
    """Return the last year whose priorities are all published in a corpus whose latest publication is of that day."""
    months = latest.year * 12 + latest.month - 1 - SECRET_MONTHS
    year, month = divmod(months, 12)
    return year if month == 11 else year - 1


def cagr(counts: Sequence[int], *, years: int = CAGR_YEARS) -> float | None:
    """Return the compound growth a year over the last `years`; None where either end holds nothing, or is no year.

    Args:
        counts: one figure a complete year, oldest first.
        years: intervals between the first and the last figure compared.
    """
    if len(counts) <= years or counts[-1 - years] <= 0 or counts[-1] <= 0:
        return None
    return float((counts[-1] / counts[-1 - years]) ** (1 / years) - 1)


def growth(counts: Sequence[int], *, years: int = RECENT_YEARS) -> float:
    """Return log2 of the last `years` against the `years` before, each plus one: 0 is level, 1 doubled, -1 halved."""
    recent, before = sum(counts[-years:]), sum(counts[-2 * years : -years])
    return math.log2((recent + 1) / (before + 1))


def hhi(counts: Sequence[int]) -> float | None:
    """Return the Herfindahl-Hirschman index, 0 to 10,000 (one owner of all); None for nothing."""
    total = sum(counts)
    return sum((100 * count / total) ** 2 for count in counts) if total else None


def expected(observed: np.ndarray, row_totals: np.ndarray, column_totals: np.ndarray, total: float) -> np.ndarray:
    """Return what each cell would hold if rows and columns had nothing to do with each other, shape of `observed`."""
    if total <= 0:
        return np.zeros(observed.shape)
    return np.outer(row_totals, column_totals) / total


def lift(observed: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Return observed over expected, NaN where nothing is expected."""
    out = np.full(observed.shape, np.nan)
    np.divide(observed, chance, out=out, where=chance > 0)
    return out


@dataclass(frozen=True)
class Gap:
    """A cell that holds far less than expected: its place, what it holds, and how likely so little is by chance."""

    row: int
    column: int
    observed: int
    expected: float
    chance: float


def white_space(observed: np.ndarray, chance: np.ndarray) -> list[Gap]:
    """Return the cells far under what is expected, least likely first.

    A cell counts where at least LEAST_EXPECTED were expected and so few would come by chance (Poisson) less often than
    MOST_CHANCE, divided by the number of cells looked at (Bonferroni).
    """
    looked_at = np.argwhere(chance >= LEAST_EXPECTED)
    gaps = []
    for row, column in looked_at.tolist():
        count, mean = int(observed[row, column]), float(chance[row, column])
        tail = poisson_at_most(count, mean) if count < mean else 1.0
        if tail < MOST_CHANCE / len(looked_at):
            gaps.append(Gap(row, column, count, mean, tail))
    return sorted(gaps, key=lambda gap: (gap.chance, gap.row, gap.column))


def poisson_at_most(count: int, mean: float) -> float:
    """Return the probability of `count` or fewer where `mean` are expected."""
    logs = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(count + 1)] if mean > 0 else [0.0]
    return min(1.0, sum(math.exp(value) for value in logs))


def emergence(novelty: Sequence[float], growths: Sequence[float], entrants: Sequence[float]) -> list[float]:
    """Return a score from 0 to 1 for each group: the mean of its three ranks among the groups.

    Novelty, fast growth and new actors are attributes of emergence that counts can show (Rotolo, Hicks and Martin,
    Research Policy 44 (2015) 1827-1843); coherence, impact and uncertainty are not in it.
    """
    ranks = [_ranks(np.asarray(values, float)) for values in (novelty, growths, entrants)]
    return [float(value) for value in np.mean(ranks, axis=0)] if len(novelty) else []


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return each value's share of others that it passes, ties by half, 0 to 1."""
    if len(values) < 2:
        return np.full(len(values), 0.5)
    lower = (values[:, None] > values[None, :]).sum(axis=1)
    equal = (values[:, None] == values[None, :]).sum(axis=1) - 1
    return (lower + equal / 2) / (len(values) - 1)


def changed_terms(recent: np.ndarray, before: np.ndarray, n_recent: int, n_before: int) -> np.ndarray:
    """Return for each term the log2 of its share in recent documents against earlier ones, smoothed by half a document.

    Args:
        recent: documents with the term among `n_recent`.
        before: documents with the term among `n_before`.
        n_recent: recent documents.
        n_before: earlier documents.
    """
    return np.log2((recent + 0.5) / (n_recent + 1)) - np.log2((before + 0.5) / (n_before + 1))


def periods(first: int, last: int, *, most: int = 4) -> list[tuple[int, int]]:
    """Split the years `first` to `last` into at most `most` spans of near equal length, oldest first."""
    n_years = last - first + 1
    if n_years < 1:
        return []
    n = min(most, n_years)
    bounds = [first + round(k * n_years / n) for k in range(n + 1)]
    return [(low, high - 1) for low, high in pairwise(bounds)]


@dataclass(frozen=True)
class Path:
    """A link from a group in one period to a group in the next, with the cosine of their middles."""

    period: int
    source: int
    target: int
    similarity: float


def paths(centres: np.ndarray, present: np.ndarray, *, least: float = 0.5, most: int = 2) -> list[Path]:
    """Link each group of a period to the groups before it that it resembles most.

    Args:
        centres: shape (n periods, n groups, dim), unit length; rows that are not present are not looked at.
        present: shape (n periods, n groups), the group has members in the period.
        least: cosine from which a link counts.
        most: links into one group.
    """
    links = []
    for period in range(1, len(centres)):
        before, now = np.flatnonzero(present[period - 1]), np.flatnonzero(present[period])
        cosines = centres[period][now] @ centres[period - 1][before].T
        for target, row in zip(now.tolist(), np.round(cosines, 5), strict=True):
            for place in np.argsort(-row, kind="stable")[:most].tolist():
                if row[place] >= least:
                    links.append(Path(period - 1, int(before[place]), target, float(row[place])))
    return links
