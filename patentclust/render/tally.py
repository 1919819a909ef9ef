"""Keep the documents that stand in the page's lists, one at a time, in memory bounded by what is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from patentclust.render.content import Cluster, Entry, Exemplar, Row, Topic, is_noise
from patentclust.render.text import clean, shorten
from patentclust.render.words import Words, words_of

# Up to this many documents the page lists them all in HTML; beyond, its script makes the rows.
MOST_LISTED = 2_000
# Rows of the lists of what failed and what was left out; the tables have them all.
MOST_ROWS = 1_000
_MAX_OWNERS = 3
_MAX_TITLE = 300


class Tally:
    """Keep exemplars, and the rows that the page lists."""

    def __init__(
        self, topics: list[Topic], *, listed: bool, excluded: Collection[str] = (), say: Words | None = None
    ) -> None:
        self._excluded = excluded
        self._say = say or words_of("en")
        self.listed = listed
        self.noise_rows: list[Row] = []
        self.left_out: list[Row] = []
        self.n_left_out = 0
        self._left_out_units: set[str] = set()
        self.n_with_warnings = 0
        self._rows: defaultdict[int, list[Row]] = defaultdict(list)
        self._wanted = {unit for topic in topics for unit in topic.exemplars}
        self._exemplars: dict[str, Exemplar] = {}

    def add(self, index: int, unit_id: str, entry: Entry) -> None:
        """Count one document."""
        self.n_with_warnings += bool(entry.warnings)
        if unit_id in self._wanted and (entry.representative or unit_id not in self._exemplars):
            title = shorten(clean(entry.title), _MAX_TITLE)
            self._exemplars[unit_id] = Exemplar(clean(entry.doc_id), title, index)
        if entry.place is None:
            self._leave_out(index, unit_id, entry)
        elif is_noise(entry.place):
            if self.listed:
                self.noise_rows.append(self._row(index, entry))
        elif self.listed:
            self._rows[entry.place.cluster_id].append(self._row(index, entry))

    def _leave_out(self, index: int, unit_id: str, entry: Entry) -> None:
        self.n_left_out += 1
        self._left_out_units.add(unit_id)
        if self.n_left_out <= MOST_ROWS:
            reason = "no_vector" if entry.has_text else "no_text"
            if unit_id in self._excluded:
                reason = "taken_off"
            self.left_out.append(self._row(index, entry, reason=self._say(reason)))

    @property
    def n_units_left_out(self) -> int:
        """Return how many units have no place on the map."""
        return len(self._left_out_units)

    def cluster(self, topic: Topic, **looks: Any) -> Cluster:
        """Return what the card of one cluster shows; `looks` are the fields of Cluster that no document tells."""
        known = self._exemplars
        return Cluster(
            topic=topic,
            **looks,
            exemplars=[known.get(unit) or Exemplar(clean(unit), "", None) for unit in topic.exemplars],
            rows=sorted(self._rows[topic.cluster_id], key=lambda row: (-(row.probability or 0), row.doc_id)),
        )

    def _row(self, index: int, entry: Entry, *, reason: str = "") -> Row:
        owners = "; ".join(clean(name) for name in entry.printed_owners[:_MAX_OWNERS])
        more = len(entry.printed_owners) - _MAX_OWNERS
        return Row(
            index=index,
            doc_id=clean(entry.doc_id),
            title=shorten(clean(entry.title), _MAX_TITLE),
            owners=self._say("and_more", names=owners, n=more) if more > 0 else owners,
            year=entry.year,
            probability=entry.place.probability if entry.place else None,
            reason=reason,
        )
