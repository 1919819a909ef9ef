"""What the page and the tables show, as plain data. Does not know how any of it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from patentclust.render.text import clean
from patentclust.schemas import NOISE


@dataclass(frozen=True, slots=True)
class Place:
    """Say where a document stands: its cluster (-1 = noise) and its point of the map.

    Similarities are cosines to the centres of its own cluster and of the runner-up; `path` names the
    clusters of all layers, coarsest first; `row` numbers its unit, `nearest` names the units most like it.
    """

    cluster_id: int
    probability: float
    outlier_score: float | None
    silhouette: float | None
    x: float
    y: float
    similarity: float | None = None
    runner_up: int | None = None
    runner_up_similarity: float | None = None
    path: str = ""
    row: int = -1
    nearest: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one document as page and tables show it.

    Texts may be cut; `place` is None for one left out of the map; `cited` numbers documents of the same page.
    """

    doc_id: str
    title: str
    abstract: str
    claim: str
    family_id: str | None
    language: str | None
    country: str | None
    kind: str | None
    application_number: str | None
    priority_date: date | None
    filing_date: date | None
    publication_date: date | None
    applicants: list[str]
    assignees: list[str]
    assignee_names: list[str]
    inventors: list[str]
    inventor_countries: list[str]
    ipc: list[str]
    cpc: list[str]
    source_path: str
    source_format: str
    warnings: list[str]
    representative: bool
    place: Place | None
    cited: list[int] = field(default_factory=list)

    @property
    def printed_owners(self) -> list[str]:
        """Return the assignees as printed, or the applicants where the source names no assignee."""
        return self.assignees or self.applicants

    @property
    def owners(self) -> list[str]:
        """Return the same in one form a company: what page, tables and graph count by."""
        return self.assignee_names or self.printed_owners

    @property
    def year(self) -> int | None:
        """Return the year of publication, else of filing, else of priority."""
        day = self.publication_date or self.filing_date or self.priority_date
        return day.year if day else None

    @property
    def origin(self) -> date | None:
        """Return the day that the invention is dated by: earliest priority, else filing, else publication."""
        return self.priority_date or self.filing_date or self.publication_date

    @property
    def subclasses(self) -> list[str]:
        """Return the subclasses of IPC and CPC, sorted; the first four characters of a symbol (WIPO ST.8)."""
        return sorted({clean(symbol)[:4] for symbol in (*self.ipc, *self.cpc) if symbol.strip()})

    @property
    def has_text(self) -> bool:
        """Tell whether there is a title, an abstract or a claim."""
        return bool(self.title.strip() or self.abstract.strip() or self.claim.strip())


@dataclass(frozen=True, slots=True)
class Topic:
    """Hold one cluster as its topic states it; `exemplars` are units, `terms` pairs of term and weight."""

    cluster_id: int
    label: str
    size: int
    terms: list[tuple[str, float]]
    exemplars: list[str]
    persistence: float | None
    silhouette: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Hold one cluster of a coarser layer: `clusters` of the finest layer are in it, with `size` members."""

    cluster_id: int
    label: str
    size: int
    clusters: list[int]


@dataclass(frozen=True, slots=True)
class Row:
    """Hold one line of a list of documents; `index` is the document's position in the page's data."""

    index: int
    doc_id: str
    title: str
    owners: str
    year: int | None
    probability: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """Name one of the most central documents of a cluster; `index` is None where the document is unknown."""

    doc_id: str
    title: str
    index: int | None


@dataclass(frozen=True)
class Cluster:
    """Hold what a cluster's card shows.

    `share` is of all clustered units, `colour` a number of the palette, `near` its nearest clusters with cosines;
    the label of one that is `pinned` is always on the map.
    """

    topic: Topic
    share: float
    colour: int
    exemplars: list[Exemplar]
    rows: list[Row] = field(default_factory=list)
    near: list[tuple[int, float]] = field(default_factory=list)
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """Hold one figure of the whole map and one sentence on how to read it."""

    name: str
    value: str
    reading: str


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Hold figures taken several times, e.g. against each level of classes: columns without a value, rows by name."""

    columns: list[Score]
    rows: list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Hold one source that could not be read."""

    source_path: str
    reader: str
    message: str
    hint: str


@dataclass(frozen=True)
class Provenance:
    """Hold how the map was made."""

    task: str
    unit: str
    params: Mapping[str, Any]
    model: Mapping[str, Any]
    libraries: Mapping[str, str]
    inputs: Mapping[str, str]
    version: str


def is_noise(place: Place) -> bool:
    """Tell whether a place is outside all clusters."""
    return place.cluster_id == NOISE
