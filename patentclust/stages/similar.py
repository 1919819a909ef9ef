"""The patents nearest to one: to a publication of the map, or to any text. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patentclust import artifacts
from patentclust.analysis import placing
from patentclust.analysis.texts import compose
from patentclust.errors import ArtifactError, ConfigError
from patentclust.params import EmbedParams
from patentclust.schemas import NOISE
from patentclust.stages.atlas import (
    MAKE_MAP,
    Atlas,
    Numbers,
    check_model,
    embedded_as,
    read_atlas,
    read_numbers,
    shared_terms,
    unit_documents,
)
from patentclust.workspace import Workspace

SHOWN = ("title", "assignee_names", "ipc", "cpc", "country", "language", "priority_date", "publication_date")


@dataclass(frozen=True)
class Where:
    """What hits must be, and how many; an empty field asks for nothing.

    Attributes:
        top: most hits.
        assignee: part of a normalised assignee's name, case ignored.
        ipc: beginning of an IPC or CPC symbol, e.g. `H01M`.
        years: first and last year of the earliest known date (priority, else publication).
        cluster: cluster id.
        office: ST.3 code of the publishing office.
        language: BCP 47 code of the text.
    """

    top: int = 20
    assignee: str = ""
    ipc: str = ""
    years: tuple[int, int] | None = None
    cluster: int | None = None
    office: str = ""
    language: str = ""

    @property
    def asks_nothing(self) -> bool:
        """Tell whether every document is asked for."""
        return self == Where(top=self.top)

    def holds(self, document: dict[str, Any], cluster: int) -> bool:
        """Tell whether a document of that cluster is asked for."""
        names = " ; ".join(document["assignee_names"]).casefold()
        symbols = [*document["ipc"], *document["cpc"]]
        year = year_of(document)
        return (
            self.assignee.casefold() in names
            and (not self.ipc or any(symbol.startswith(self.ipc) for symbol in symbols))
            and (self.years is None or (year is not None and self.years[0] <= year <= self.years[1]))
            and self.cluster in (None, cluster)
            and self.office in ("", document["country"])
            and self.language in ("", document["language"])
        )


@dataclass(frozen=True)
class Shelf:
    """A map as it is asked again and again: read once, and all that many answers need worked out.

    Attributes:
        atlas: the map.
        documents: what is shown and asked of the document that stands for each unit.
        numbers: how publications are found.
        reach: how far clusters reach.
    """

    atlas: Atlas
    documents: dict[str, dict[str, Any]]
    numbers: Numbers
    reach: placing.Reach

    @property
    def embed_params(self) -> EmbedParams:
        """Return how new documents must be embedded to fit this map."""
        return embedded_as(self.atlas.embeddings.header, unit="document")


@dataclass(frozen=True)
class Hit:
    """One patent that is near, and its cosine."""

    doc_id: str
    title: str
    similarity: float
    cluster_id: int
    cluster: str
    assignees: tuple[str, ...]
    year: int | None


@dataclass(frozen=True)
class Place:
    """Where on the map a text falls; see `analysis.placing.Place`.

    Attributes:
        terms: leading terms of the cluster, of the runner-up where there is none, that the text asked about holds;
            empty for a publication of the map, which `explain` explains.
    """

    cluster_id: int
    cluster: str
    probability: float
    runner_up: str
    x: float
    y: float
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Likeness:
    """One document asked about: where it falls, and what is near, nearest first."""

    doc_id: str
    title: str
    place: Place
    hits: tuple[Hit, ...]


def years(text: str) -> tuple[int, int]:
    """Read `2019`, `2019-2023`, `2019-` or `-2023` as first and last year.

    Raises:
        ConfigError: it is none of these.
    """
    first, dash, last = text.partition("-")
    parts = (first.strip(), last.strip())
    if not any(parts) or not all(part.isdecimal() or not part for part in parts):
        raise ConfigError(f"years are {text!r}", hint="give a year or a span, e.g. 2019-2023, 2019- or -2023")
    low = int(parts[0]) if parts[0] else 0
    high = int(parts[1]) if parts[1] else (9999 if dash else low)
    if low > high:
        raise ConfigError(f"years are {text!r}: the first is after the last", hint=f"give {high}-{low}")
    return low, high


def open_shelf(workspace: Workspace) -> Shelf:
    """Read a map to ask it.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    atlas = read_atlas(workspace)
    documents = unit_documents(workspace, atlas.unit, SHOWN)
    numbers = read_numbers(workspace, atlas.unit)
    return Shelf(atlas, documents, numbers, placing.reaches(atlas.embeddings.vectors, atlas.labels))


def to_unit(shelf: Shelf, wanted: str, *, where: Where = Where()) -> Likeness:
    """Return where a publication of the map is, and the others nearest to it.

    Raises:
        ArtifactError: there is no such publication, or it is not on the map.
    """
    atlas = shelf.atlas
    unit_id = shelf.numbers.unit(wanted)
    row = atlas.rows().get(unit_id)
    if row is None:
        raise ArtifactError(
            f"{wanted} has no text in the embedded fields and is not on the map",
            hint=MAKE_MAP,
        )
    vector = atlas.embeddings.vectors[row]
    document = shelf.documents[unit_id]
    hits = _hits(shelf, vector, where=where, without={row})
    return Likeness(document["doc_id"], document["title"], _place(shelf, vector, row=row), hits)


def to_documents(shelf: Shelf, new: Workspace, *, where: Where = Where()) -> Iterator[Likeness]:
    """Yield where each embedded document of `new` falls on the map, and the patents nearest to it."""
    embeddings = artifacts.read_embeddings(new.shards(shelf.embed_params.task))
    check_model(shelf.atlas, embeddings)
    yield from to_vectors(shelf, new, dict(zip(embeddings.unit_ids, embeddings.vectors, strict=True)), where=where)


def to_vectors(
    shelf: Shelf, new: Workspace, vectors: Mapping[str, np.ndarray], *, where: Where = Where()
) -> Iterator[Likeness]:
    """Yield the same for the documents of `new` with these unit vectors."""
    for doc_id, row in unit_documents(new, "document", ["title", "abstract", "claims"]).items():
        if doc_id in vectors:
            text = compose([row["abstract"], *row["claims"]])
            yield to_vector(shelf, vectors[doc_id], text, doc_id=doc_id, title=row["title"], where=where)


def to_vector(
    shelf: Shelf, vector: np.ndarray, text: str, *, doc_id: str, title: str = "", where: Where = Where()
) -> Likeness:
    """Return the same for one unit vector, the text that it is of, and what it is called."""
    place = _place(shelf, vector, f"{title}\n{text}")
    return Likeness(doc_id, title, place, _hits(shelf, vector, where=where, without=set()))


def _place(shelf: Shelf, vector: np.ndarray, text: str = "", *, row: int | None = None) -> Place:
    atlas = shelf.atlas
    (found,) = placing.place(vector[None], atlas.embeddings.vectors, atlas.labels, atlas.places, reach=shelf.reach)
    if row is not None:
        found = atlas.settled(found, row)
    runner_up = atlas.label(found.runner_up) if found.runner_up != NOISE else ""
    told = next((number for number in (found.cluster_id, found.runner_up) if number != NOISE), None)
    return Place(
        cluster_id=found.cluster_id,
        cluster=atlas.label(found.cluster_id),
        probability=found.probability,
        runner_up=runner_up,
        x=found.x,
        y=found.y,
        terms=shared_terms(atlas.topics[told], text) if told is not None and text else (),
    )


def _hits(shelf: Shelf, vector: np.ndarray, *, where: Where, without: set[int]) -> tuple[Hit, ...]:
    atlas, documents = shelf.atlas, shelf.documents
    ids: Sequence[str] = atlas.embeddings.unit_ids
    hidden = set(without)
    if not where.asks_nothing:
        hidden |= {row for row, unit in enumerate(ids) if not where.holds(documents[unit], int(atlas.labels[row]))}
    rows = placing.nearest(vector, atlas.embeddings.vectors, n=where.top, without=hidden)
    return tuple(_hit(atlas, documents[ids[row]], row, vector) for row in rows)


def _hit(atlas: Atlas, document: dict[str, Any], row: int, vector: np.ndarray) -> Hit:
    cluster = int(atlas.labels[row])
    return Hit(
        doc_id=document["doc_id"],
        title=document["title"],
        similarity=round(float(atlas.embeddings.vectors[row] @ vector), 6),
        cluster_id=cluster,
        cluster=atlas.label(cluster),
        assignees=tuple(document["assignee_names"]),
        year=year_of(document),
    )


def year_of(document: dict[str, Any]) -> int | None:
    """Return the year of the earliest known date of a document: priority, else publication."""
    known = document["priority_date"] or document["publication_date"]
    return known.year if known else None
