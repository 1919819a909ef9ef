"""Count what stands on the clusters' cards, one document at a time, in memory bounded by what is shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from patentclust.render.content import Cluster, Count, Entry, Exemplar, Row, Topic, is_noise
from patentclust.render.text import clean, shorten

# Up to this many documents the page lists them all in HTML; beyond, its script makes the rows.
MOST_LISTED = 2_000
# Rows of the lists of what failed and what was left out; the tables have them all.
MOST_ROWS = 1_000
_TOP = 5
_MAX_OWNERS = 3
_MAX_TITLE = 300


class Tally:
    """Count applicants and classes per cluster, and keep the rows that the page lists."""

    def __init__(self, topics: list[Topic], *, listed: bool) -> None:
        self.listed = listed
        self.noise_rows: list[Row] = []
        self.left_out: list[Row] = []
        self.n_left_out = 0
        self.n_with_warnings = 0
        self._rows: defaultdict[int, list[Row]] = defaultdict(list)
        self._owners: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._ipc: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._cpc: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._spelling: dict[str, str] = {}
        self._wanted = {unit for topic in topics for unit in topic.exemplars}
        self._exemplars: dict[str, Exemplar] = {}

    def add(self, index: int, unit_id: str, entry: Entry) -> None:
        """Count one document."""
        self.n_with_warnings += bool(entry.warnings)
        if unit_id in self._wanted and (entry.representative or unit_id not in self._exemplars):
            title = shorten(clean(entry.title), _MAX_TITLE)
            self._exemplars[unit_id] = Exemplar(clean(entry.doc_id), title, index)
        if entry.place is None:
            self._leave_out(index, entry)
        elif is_noise(entry.place):
            if self.listed:
                self.noise_rows.append(_row(index, entry))
        else:
            self._count(index, entry, entry.place.cluster_id)

    def _leave_out(self, index: int, entry: Entry) -> None:
        self.n_left_out += 1
        if self.n_left_out <= MOST_ROWS:
            reason = "has no vector on this map" if entry.has_text else "has no title, abstract or claims"
            self.left_out.append(_row(index, entry, reason=reason))

    def _count(self, index: int, entry: Entry, cluster_id: int) -> None:
        names = {self._key(name) for name in entry.assignee_names or entry.owners}
        self._owners[cluster_id].update(sorted(name for name in names if name))
        self._ipc[cluster_id].update(_subclasses(entry.ipc))
        self._cpc[cluster_id].update(_subclasses(entry.cpc))
        if self.listed:
            self._rows[cluster_id].append(_row(index, entry))

    def _key(self, name: str) -> str:
        shown = clean(name)
        key = " ".join(shown.casefold().split())
        self._spelling.setdefault(key, shown)
        return key

    def cluster(self, topic: Topic, *, share: float, colour: int) -> Cluster:
        """Return what the card of one cluster shows."""
        known = self._exemplars
        return Cluster(
            topic=topic,
            share=share,
            colour=colour,
            exemplars=[known.get(unit) or Exemplar(clean(unit), "", None) for unit in topic.exemplars],
            applicants=_top(self._owners[topic.cluster_id], self._spelling),
            ipc=_top(self._ipc[topic.cluster_id]),
            cpc=_top(self._cpc[topic.cluster_id]),
            rows=sorted(self._rows[topic.cluster_id], key=lambda row: (-(row.probability or 0), row.doc_id)),
        )


def _subclasses(symbols: Iterable[str]) -> list[str]:
    # The first four characters of an IPC or CPC symbol are its subclass (WIPO ST.8).
    return sorted({clean(symbol)[:4] for symbol in symbols if symbol.strip()})


def _top(counter: Counter[str], spelling: dict[str, str] | None = None) -> list[Count]:
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
    return [Count((spelling or {}).get(key, key), n) for key, n in ranked]


def _row(index: int, entry: Entry, *, reason: str = "") -> Row:
    owners = [clean(name) for name in entry.owners[:_MAX_OWNERS]]
    more = len(entry.owners) - len(owners)
    return Row(
        index=index,
        doc_id=clean(entry.doc_id),
        title=shorten(clean(entry.title), _MAX_TITLE),
        owners="; ".join(owners) + (f" and {more} more" if more else ""),
        year=entry.year,
        probability=entry.place.probability if entry.place else None,
        reason=reason,
    )
