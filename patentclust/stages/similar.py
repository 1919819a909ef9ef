"""The patents nearest to one: to a publication of the map, or to any text. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patentclust import artifacts
from patentclust.analysis import placing
from patentclust.errors import ArtifactError, ConfigError
from patentclust.schemas import NOISE
from patentclust.stages.atlas import Atlas, find_unit, read_atlas, unit_documents
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
    """Where on the map a text falls; see `analysis.placing.Place`."""

    cluster_id: int
    cluster: str
    probability: float
    runner_up: str
    x: float
    y: float


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
    return low, int(parts[1]) if parts[1] else (9999 if dash else low)


def to_unit(workspace: Workspace, wanted: str, *, where: Where = Where()) -> Likeness:
    """Return where a publication of the map is, and the others nearest to it.

    Raises:
        ArtifactError: there is no such publication, or it is not on the map.
    """
    atlas = read_atlas(workspace)
    unit_id = find_unit(workspace, atlas.unit, wanted)
    row = atlas.rows().get(unit_id)
    if row is None:
        raise ArtifactError(
            f"{wanted} has no text in the embedded fields and is not on the map", hint="run: patentclust embed, cluster"
        )
    documents = unit_documents(workspace, atlas.unit, SHOWN)
    vector = atlas.embeddings.vectors[row]
    hits = _hits(atlas, documents, vector, where=where, without={row})
    return Likeness(documents[unit_id]["doc_id"], documents[unit_id]["title"], _place(atlas, vector), hits)


def to_documents(workspace: Workspace, new: Workspace, task: str, *, where: Where = Where()) -> Iterator[Likeness]:
    """Yield where each embedded document of `new` falls on the map, and the patents nearest to it."""
    embeddings = artifacts.read_embeddings(new.shards(task))
    yield from to_vectors(workspace, new, dict(zip(embeddings.unit_ids, embeddings.vectors, strict=True)), where=where)


def to_vectors(
    workspace: Workspace, new: Workspace, vectors: Mapping[str, np.ndarray], *, where: Where = Where()
) -> Iterator[Likeness]:
    """Yield the same for the documents of `new` with these unit vectors."""
    atlas = read_atlas(workspace)
    documents = unit_documents(workspace, atlas.unit, SHOWN)
    titles = {doc_id: row["title"] for doc_id, row in unit_documents(new, "document", ["title"]).items()}
    for doc_id, vector in vectors.items():
        hits = _hits(atlas, documents, vector, where=where, without=set())
        yield Likeness(doc_id, titles[doc_id], _place(atlas, vector), hits)


def _place(atlas: Atlas, vector: np.ndarray) -> Place:
    (found,) = placing.place(vector[None], atlas.embeddings.vectors, atlas.labels, atlas.places)
    runner_up = atlas.label(found.runner_up) if found.runner_up != NOISE else ""
    return Place(found.cluster_id, atlas.label(found.cluster_id), found.probability, runner_up, found.x, found.y)


def _hits(
    atlas: Atlas,
    documents: dict[str, dict[str, Any]],
    vector: np.ndarray,
    *,
    where: Where,
    without: set[int],
) -> tuple[Hit, ...]:
    ids: Sequence[str] = atlas.embeddings.unit_ids
    hidden = without | {
        row for row, unit_id in enumerate(ids) if not where.holds(documents[unit_id], int(atlas.labels[row]))
    }
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
