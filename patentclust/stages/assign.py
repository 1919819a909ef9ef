"""New documents on a finished map: the cluster, place and neighbours of each. The map does not move. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from patentclust import artifacts
from patentclust.analysis import placing
from patentclust.errors import ArtifactError
from patentclust.params import EmbedParams
from patentclust.schemas import NOISE
from patentclust.stages.atlas import check_model, embedded_as, read_atlas, read_numbers, unit_documents
from patentclust.workspace import Workspace

_N_NEAREST = 5


@dataclass(frozen=True)
class Assigned:
    """Where a new document falls.

    Attributes:
        doc_id: its key.
        title: its title.
        cluster_id: -1 = noise.
        cluster: the cluster's name.
        probability: share of its neighbours' weight, 0 to 1; 0 for noise.
        runner_up: the name of the next cluster, empty where the neighbours know but one.
        x: place on the map.
        y: place on the map.
        nearest: the documents that stand for the nearest units of the map, and their cosines.
        known: it is on the map already.
    """

    doc_id: str
    title: str
    cluster_id: int
    cluster: str
    probability: float
    runner_up: str
    x: float
    y: float
    nearest: tuple[tuple[str, float], ...]
    known: bool


def embed_params(workspace: Workspace) -> EmbedParams:
    """Return how new documents must be embedded to fit a map: as its own were, each by itself."""
    task = artifacts.read_header(workspace.topics, kind="topics").json("params")["task"]
    paths = workspace.shards(task)
    if not paths:
        raise ArtifactError(f"the vectors of the map in {workspace.root} are gone", hint="run: patentclust embed")
    return embedded_as(artifacts.read_header(paths[0], kind="embeddings"), unit="document")


def run(workspace: Workspace, new: Workspace) -> Iterator[Assigned]:
    """Place the documents of `new` on the map of `workspace`, in their order; those without text have no place.

    What the map has already is where the map has it.

    Raises:
        ArtifactError: the two were embedded by different models or parameters.
    """
    atlas = read_atlas(workspace)
    embeddings = artifacts.read_embeddings(new.shards(str(atlas.embeddings.header.json("params")["task"])))
    check_model(atlas, embeddings)
    documents = unit_documents(new, "document", ["title"])
    unit_of, rows = read_numbers(workspace, atlas.unit).exact, atlas.rows()
    shown = {unit_id: row["doc_id"] for unit_id, row in unit_documents(workspace, atlas.unit, []).items()}
    places = placing.place(embeddings.vectors, atlas.embeddings.vectors, atlas.labels, atlas.places)
    for doc_id, found in zip(embeddings.unit_ids, places, strict=True):
        near = zip(found.neighbours[:_N_NEAREST], found.similarities, strict=False)
        row = rows.get(unit_of.get(doc_id, ""))
        place = found if row is None else atlas.settled(found, row)
        yield Assigned(
            doc_id=doc_id,
            title=documents[doc_id]["title"],
            cluster_id=place.cluster_id,
            cluster=atlas.label(place.cluster_id),
            probability=place.probability,
            runner_up=atlas.label(place.runner_up) if place.runner_up != NOISE else "",
            x=place.x,
            y=place.y,
            nearest=tuple((shown[atlas.embeddings.unit_ids[other]], similarity) for other, similarity in near),
            known=doc_id in unit_of,
        )
