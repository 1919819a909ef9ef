"""What the counts say of each cluster and of the whole map, as plain data for the page and the tables."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from patentclust.analysis import trends
from patentclust.analysis.nearness import centroids
from patentclust.render.content import Topic
from patentclust.render.crosses import DIMENSIONS, Cross, Crosses
from patentclust.render.titles import class_title
from patentclust.schemas import NOISE

_TOP = 5
_TOP_OWNERS = 12
_MOST_GAPS = 30
_LEAST_CHANGE = 0.5


@dataclass(frozen=True)
class Lifted:
    """One name of a cluster with its families, and how many times the expected number that is."""

    name: str
    n_families: int
    lift: float
    title: str = ""


@dataclass(frozen=True)
class Profile:
    """What the card of a cluster shows beyond its topic; `cagr` and `hhi` are None where they cannot be said."""

    n_families: int
    n_publications: int
    counts: list[int]
    cagr: float | None
    growth: float
    recent_share: float
    hhi: float | None
    n_entrants: int
    n_owners: int
    entrants: list[str]
    emergence: float
    assignees: list[Lifted]
    ipc: list[Lifted]
    cpc: list[Lifted]
    offices: list[Lifted]
    rising: list[str]
    falling: list[str]
    near: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True)
class WhiteCell:
    """A cell of cluster by name with far less than expected, and the sentence to read beside it."""

    cluster_id: int
    kind: str
    name: str
    observed: int
    expected: float
    title: str = ""


@dataclass(frozen=True)
class Track:
    """An assignee's families by period, and the cluster that led in each: noise only where all are, None for none."""

    name: str
    n_families: int
    steps: list[tuple[int, int | None]]


@dataclass(frozen=True)
class Flow:
    """Clusters over periods: node sizes by period and cluster, and the links between them."""

    sizes: np.ndarray
    links: list[trends.Path]


@dataclass(frozen=True)
class Evolution:
    """What the whole map shows over time, by name and by place.

    Attributes:
        years: columns of the counts; those after `last_complete` are not all published yet.
        profiles: one a cluster, in their order.
        assignee: clusters by leading assignees.
        office: clusters by offices.
        inventor_country: clusters by the countries where inventors live.
        white: cells far under expectation, least likely by chance first.
        periods: spans of complete years.
        tracks: leading assignees over the periods.
        flow: clusters over the periods; None without vectors.
    """

    years: list[int]
    last_complete: int
    profiles: list[Profile]
    assignee: Cross
    office: Cross
    inventor_country: Cross
    white: list[WhiteCell]
    periods: list[tuple[int, int]]
    tracks: list[Track]
    flow: Flow | None = None

    @property
    def recent(self) -> tuple[int, int]:
        """Return the first and last of the years that count as recent."""
        return self.last_complete - trends.RECENT_YEARS + 1, self.last_complete


def evolve(crosses: Crosses, topics: list[Topic], vectors: np.ndarray, numbers: np.ndarray) -> Evolution:
    """Return all figures.

    Args:
        crosses: the counts.
        topics: the clusters.
        vectors: shape (n units, dim), unit length; no columns where vectors are not there.
        numbers: shape (n units,), each unit's position in `topics`, -1 for noise.
    """
    years, counts = crosses.by_year()
    last = crosses.last_complete()
    owners = crosses.owners_by_cluster()
    lifted = {name: crosses.cross(name) for name in DIMENSIONS}
    sizes = crosses.families().tolist()
    profiles = [
        _profile(crosses, topic, row, n_families=sizes[row], counts=_complete(years, counts[row], last), lifted=lifted)
        for row, topic in enumerate(topics)
    ]
    profiles = _with_owners(profiles, topics, owners, last)
    dated = crosses.years()
    spans = trends.periods(max(dated[0], dated[1] - 19), min(last, dated[1])) if dated else []
    near = _nearest(topics, centroids(vectors, numbers, len(topics)))
    return Evolution(
        years=years,
        last_complete=last,
        profiles=[_replace(profile, near=near[row]) for row, profile in enumerate(profiles)],
        assignee=crosses.cross("assignee", most=_TOP_OWNERS),
        office=lifted["office"],
        inventor_country=lifted["inventor_country"],
        white=_white(crosses, topics),
        periods=spans,
        tracks=_tracks(owners, spans),
        flow=_flow(crosses, vectors, numbers, spans) if vectors.shape[1] and topics else None,
    )


def _flow(crosses: Crosses, vectors: np.ndarray, numbers: np.ndarray, spans: list[tuple[int, int]]) -> Flow:
    n = len(crosses.topics)
    years = np.array([crosses.unit_years.get(row, 0) for row in range(len(vectors))])
    inside = [np.where((years >= low) & (years <= high), numbers, -1) for low, high in spans]
    sizes = np.array([np.bincount(group[group >= 0], minlength=n) for group in inside]).reshape(-1, n)
    centres = np.array([centroids(vectors, group, n) for group in inside]).reshape(-1, n, vectors.shape[1])
    return Flow(sizes, trends.paths(centres, sizes > 0))


def _replace(profile: Profile, **changes: object) -> Profile:
    return Profile(**{**vars(profile), **changes})


def _complete(years: list[int], counts: np.ndarray, last: int) -> tuple[list[int], list[int]]:
    """Return all counts of a cluster, and those of complete years."""
    whole = counts.tolist()
    return whole, [count for year, count in zip(years, whole, strict=True) if year <= last]


def _profile(
    crosses: Crosses,
    topic: Topic,
    row: int,
    *,
    n_families: int,
    counts: tuple[list[int], list[int]],
    lifted: dict[str, Cross],
) -> Profile:
    whole, complete = counts
    last = crosses.last_complete()
    changes = crosses.term_changes(topic.cluster_id, last - trends.RECENT_YEARS + 1, last)
    total = sum(complete)
    return Profile(
        n_families=n_families,
        n_publications=crosses.publications[topic.cluster_id],
        counts=whole,
        cagr=trends.cagr(complete),
        growth=trends.growth(complete),
        recent_share=sum(complete[-trends.RECENT_YEARS :]) / total if total else 0.0,
        hhi=None,
        n_entrants=0,
        n_owners=0,
        entrants=[],
        emergence=0.0,
        assignees=_top(lifted["assignee"], row),
        ipc=_top(lifted["ipc"], row, titled=True),
        cpc=_top(lifted["cpc"], row, titled=True),
        offices=_top(lifted["office"], row),
        rising=[term for term, change in changes if change >= _LEAST_CHANGE][:4],
        falling=[term for term, change in reversed(changes) if change <= -_LEAST_CHANGE][:4],
    )


def _top(cross: Cross, row: int, *, titled: bool = False) -> list[Lifted]:
    counts, lifts = cross.observed[row], cross.lift[row]
    columns = sorted(np.flatnonzero(counts).tolist(), key=lambda column: (-counts[column], cross.names[column]))[:_TOP]
    titles = {column: class_title(cross.names[column]) if titled else "" for column in columns}
    return [Lifted(cross.names[c], int(counts[c]), float(lifts[c]), titles[c]) for c in columns]


def _with_owners(
    profiles: list[Profile], topics: list[Topic], owners: dict[int, dict[str, Counter[int]]], last: int
) -> list[Profile]:
    since = last - trends.RECENT_YEARS + 1
    found = []
    for profile, topic in zip(profiles, topics, strict=True):
        names = owners.get(topic.cluster_id, {})
        new = [name for name, years in names.items() if any(years) and since <= min(y for y in years if y) <= last]
        new.sort(key=lambda name: (-sum(names[name].values()), name))
        concentration = trends.hhi([sum(years.values()) for years in names.values()])
        found.append(
            _replace(profile, hhi=concentration, n_entrants=len(new), n_owners=len(names), entrants=new[:_TOP])
        )
    scores = trends.emergence(
        [profile.recent_share for profile in found],
        [profile.growth for profile in found],
        [profile.n_entrants / max(1, profile.n_owners) for profile in found],
    )
    # What has no recent family may rank above what shrinks, but does not emerge.
    return [_replace(p, emergence=score if p.recent_share else 0.0) for p, score in zip(found, scores, strict=True)]


def _nearest(topics: list[Topic], centres: np.ndarray) -> list[list[tuple[int, float]]]:
    if not centres.shape[1]:
        return [[] for _ in topics]
    cosines = np.round(centres @ centres.T, 5)
    np.fill_diagonal(cosines, -math.inf)
    n = min(3, len(topics) - 1)
    ranked = np.argsort(-cosines, axis=1, kind="stable")[:, :n]
    return [
        [(topics[other].cluster_id, float(row[other])) for other in order]
        for row, order in zip(cosines, ranked.tolist(), strict=True)
    ]


def _white(crosses: Crosses, topics: list[Topic]) -> list[WhiteCell]:
    cells = []
    for dimension, kind in (("assignee", "assignee"), ("cpc", "CPC"), ("ipc", "IPC")):
        cross = crosses.cross(dimension, most=100)
        for gap in trends.white_space(cross.observed, cross.expected):
            cluster, name = topics[gap.row].cluster_id, cross.names[gap.column]
            title = "" if dimension == "assignee" else class_title(name)
            cells.append((gap.chance, WhiteCell(cluster, kind, name, gap.observed, gap.expected, title)))
    return [cell for _, cell in sorted(cells, key=lambda pair: (pair[0], pair[1].kind, pair[1].name))][:_MOST_GAPS]


def _tracks(owners: dict[int, dict[str, Counter[int]]], spans: list[tuple[int, int]]) -> list[Track]:
    totals: Counter[str] = Counter()
    for names in owners.values():
        for name, years in names.items():
            totals[name] += sum(years.values())
    leading = sorted(totals, key=lambda name: (-totals[name], name))[:_TOP_OWNERS]
    return [Track(name, totals[name], [_step(owners, name, span) for span in spans]) for name in leading]


def _step(owners: dict[int, dict[str, Counter[int]]], name: str, span: tuple[int, int]) -> tuple[int, int | None]:
    counts = {
        cluster: sum(n for year, n in names[name].items() if span[0] <= year <= span[1])
        for cluster, names in owners.items()
        if name in names
    }
    total = sum(counts.values())
    return total, min(counts, key=lambda c: (c == NOISE or not counts[c], -counts[c], c)) if total else None
