"""Count families by cluster, year, name, class and office, one document at a time. Knows nothing of looks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from patentclust.analysis import trends
from patentclust.render.content import Entry, Topic
from patentclust.render.text import name_of

DIMENSIONS = ("assignee", "ipc", "cpc", "office", "inventor_country")
_LEAST_YEAR = 1790
_SHIFT = 40


@dataclass(frozen=True)
class Cross:
    """Families by cluster and name: `names` most frequent first, `observed` of shape (n clusters, n names)."""

    names: list[str]
    observed: np.ndarray
    expected: np.ndarray

    @property
    def lift(self) -> np.ndarray:
        """Return observed over expected, NaN where nothing is expected."""
        return trends.lift(self.observed, self.expected)


class Crosses:
    """Collect the counts; a family counts once in its cluster, and once for each name that any of its documents has."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.topics = topics
        self.publications: Counter[int] = Counter()
        self.latest = date.min
        self.unit_years: dict[int, int] = {}
        self._terms = {topic.cluster_id: [term.casefold() for term, _ in topic.terms[:12]] for topic in topics}
        self._term_docs: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        self._families: dict[str, int] = {}
        self._clusters: list[int] = []
        self._years: list[int] = []
        self._names: dict[str, dict[str, int]] = {name: {} for name in DIMENSIONS}
        self._shown: dict[str, dict[int, str]] = {name: {} for name in DIMENSIONS}
        # family << _SHIFT | name: plain integers in one set take a third of the memory of pairs.
        self._seen: dict[str, set[int]] = {name: set() for name in DIMENSIONS}

    def add(self, entry: Entry) -> None:
        """Count one document; one without a place counts nowhere."""
        if entry.publication_date:
            self.latest = max(self.latest, entry.publication_date)
        if entry.place is None:
            return
        cluster = entry.place.cluster_id
        year = entry.origin.year if entry.origin and entry.origin.year >= _LEAST_YEAR else 0
        self.publications[cluster] += 1
        if year:
            row = entry.place.row
            self.unit_years[row] = min(year, self.unit_years.get(row, year))
        family = self._families.setdefault(entry.family_id or entry.doc_id, len(self._clusters))
        if family == len(self._clusters):
            self._clusters.append(cluster)
            self._years.append(year)
            self._count_terms(entry, cluster, year)
        elif year and (not self._years[family] or year < self._years[family]):
            self._years[family] = year
        self._note(family, entry)

    def _count_terms(self, entry: Entry, cluster: int, year: int) -> None:
        text = f"{entry.title} {entry.abstract}".casefold()
        for number, term in enumerate(self._terms.get(cluster, ())):
            if term in text:
                self._term_docs[cluster, number][year] += 1

    def _note(self, family: int, entry: Entry) -> None:
        found = {
            "assignee": entry.owners,
            "ipc": [symbol[:4] for symbol in entry.ipc],
            "cpc": [symbol[:4] for symbol in entry.cpc],
            "office": [entry.country or ""],
            "inventor_country": entry.inventor_countries,
        }
        for dimension, names in found.items():
            numbers, shown = self._names[dimension], self._shown[dimension]
            for name in names:
                text = name_of(name)
                if text:
                    number = numbers.setdefault(text.casefold(), len(numbers))
                    shown.setdefault(number, text)
                    self._seen[dimension].add(family << _SHIFT | number)

    @property
    def cluster_ids(self) -> list[int]:
        """Return the clusters in order, without noise."""
        return [topic.cluster_id for topic in self.topics]

    def families(self) -> np.ndarray:
        """Return the number of families of each cluster."""
        counts = Counter(self._clusters)
        return np.array([counts[cluster] for cluster in self.cluster_ids], int)

    @property
    def n_families(self) -> int:
        """Return the number of families on the map, noise included."""
        return len(self._clusters)

    def years(self) -> tuple[int, int] | None:
        """Return the first and last year of origin, None where no family has one."""
        dated = [year for year in self._years if year]
        return (min(dated), max(dated)) if dated else None

    def last_complete(self) -> int:
        """Return the last year whose priorities are all published."""
        dated = self.years()
        if self.latest == date.min:
            return dated[1] if dated else 0
        return trends.last_complete_year(self.latest)

    def by_year(self, *, most: int = 40) -> tuple[list[int], np.ndarray]:
        """Return the last `most` years up to the latest, and families by cluster and year."""
        dated = self.years()
        if dated is None:
            return [], np.zeros((len(self.topics), 0), int)
        years = list(range(max(dated[0], dated[1] - most + 1), dated[1] + 1))
        observed = np.zeros((len(self.topics), len(years)), int)
        row_of = {cluster: row for row, cluster in enumerate(self.cluster_ids)}
        for cluster, year in zip(self._clusters, self._years, strict=True):
            if cluster in row_of and year >= years[0]:
                observed[row_of[cluster], year - years[0]] += 1
        return years, observed

    def cross(self, dimension: str, *, most: int | None = None) -> Cross:
        """Return families by cluster and name, the `most` frequent of the map; noise counts in what is expected."""
        totals = Counter(key & ((1 << _SHIFT) - 1) for key in self._seen[dimension])
        shown = self._shown[dimension]
        ranked = sorted(totals, key=lambda number: (-totals[number], shown[number]))[:most]
        column_of = {number: column for column, number in enumerate(ranked)}
        row_of = {cluster: row for row, cluster in enumerate(self.cluster_ids)}
        observed = np.zeros((len(self.topics), len(ranked)), int)
        for key in self._seen[dimension]:
            column = column_of.get(key & ((1 << _SHIFT) - 1))
            row = row_of.get(self._clusters[key >> _SHIFT])
            if column is not None and row is not None:
                observed[row, column] += 1
        margins = np.array([totals[number] for number in ranked], float)
        chance = trends.expected(observed, self.families(), margins, self.n_families)
        return Cross([shown[number] for number in ranked], observed, chance)

    def owners_by_cluster(self) -> dict[int, dict[str, Counter[int]]]:
        """Return for each cluster its assignees' families by year; noise included."""
        found: defaultdict[int, defaultdict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
        for name, cluster, year in self._owned():
            found[cluster][name][year] += 1
        return {cluster: dict(names) for cluster, names in found.items()}

    def _owned(self) -> list[tuple[str, int, int]]:
        shown = self._shown["assignee"]
        keys = sorted(self._seen["assignee"])
        parts = ((key >> _SHIFT, shown[key & ((1 << _SHIFT) - 1)]) for key in keys)
        return [(name, self._clusters[family], self._years[family]) for family, name in parts]

    def _dates_of(self, cluster: int) -> np.ndarray:
        years = np.array(self._years, int)
        return years[(np.array(self._clusters, int) == cluster) & (years > 0)]

    def term_changes(self, cluster: int, since: int, until: int) -> list[tuple[str, float]]:
        """Return a cluster's terms with their change (log2 of shares): `since` to `until` against all years before."""
        terms = next(topic.terms for topic in self.topics if topic.cluster_id == cluster)[:12]
        years = self._dates_of(cluster)
        n_recent, n_before = int(((years >= since) & (years <= until)).sum()), int((years < since).sum())
        if not n_recent or not n_before:
            return []
        counts = [self._term_docs[cluster, number] for number in range(len(terms))]
        recent = np.array([sum(n for year, n in c.items() if since <= year <= until) for c in counts])
        before = np.array([sum(n for year, n in c.items() if 0 < year < since) for c in counts])
        changes = trends.changed_terms(recent, before, n_recent, n_before)
        return sorted(zip([term for term, _ in terms], changes.tolist(), strict=True), key=lambda pair: -pair[1])
