"""Why a patent stands where it stands: its cluster, the runner-up, what it shares with both. Writes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from patentclust import artifacts
from patentclust.analysis import placing
from patentclust.errors import ArtifactError
from patentclust.schemas import NOISE
from patentclust.stages.atlas import MAKE_MAP, Atlas, shared_terms
from patentclust.stages.similar import Shelf, open_shelf
from patentclust.workspace import Workspace

_N_NEAREST = 5
_SUBCLASS = 4


@dataclass(frozen=True)
class Near:
    """Another unit and its cosine to the one explained."""

    doc_id: str
    title: str
    cluster: str
    similarity: float


@dataclass(frozen=True)
class Explanation:
    """What there is to say of one unit.

    Attributes:
        unit_id: its key.
        doc_id: the document that stands for it.
        title: of that document.
        cluster_id: -1 = noise.
        cluster: its name.
        probability: strength of membership, 0 to 1.
        silhouette: -1 to 1, None for noise.
        similarity: cosine to the centre of its cluster, None for noise.
        runner_up: name of the other cluster whose centre is nearest, empty where there is none.
        margin: how much nearer its own centre is; below 0 the other one is nearer. None for noise.
        terms: leading terms of the cluster that its text holds.
        classes: its IPC (or CPC) subclasses, and the share of the cluster's members that carry each.
        exemplars: the most central members of the cluster.
        nearest: the nearest units of the whole map.
    """

    unit_id: str
    doc_id: str
    title: str
    cluster_id: int
    cluster: str
    probability: float
    silhouette: float | None
    similarity: float | None
    runner_up: str
    margin: float | None
    terms: tuple[str, ...]
    classes: dict[str, float]
    exemplars: tuple[Near, ...]
    nearest: tuple[Near, ...]


def run(workspace: Workspace, wanted: str) -> Explanation:
    """Explain the unit with this key or publication number.

    Raises:
        ArtifactError: no such document, it is not on the map, or there is no map.
    """
    return on_shelf(workspace, open_shelf(workspace), wanted)


def on_shelf(workspace: Workspace, shelf: Shelf, wanted: str) -> Explanation:
    """Explain the same on a map that is read already; only the unit's own text is still read.

    Raises:
        ArtifactError: no such document, or it is not on the map.
    """
    atlas, documents = shelf.atlas, shelf.documents
    unit_id = shelf.numbers.unit(wanted)
    rows = atlas.rows()
    if unit_id not in rows:
        raise ArtifactError(
            f"{wanted} has no text in the embedded fields and is not on the map",
            hint="run: patentclust embed --text full && patentclust cluster",
        )
    row = rows[unit_id]
    cluster = int(atlas.labels[row])
    vector = atlas.embeddings.vectors[row]
    centres = {number: np.array(topic["centroid"], np.float32) @ vector for number, topic in atlas.topics.items()}
    others = sorted((number for number in centres if number != cluster), key=lambda number: (-centres[number], number))
    own = cluster != NOISE
    exemplars = [rows[name] for name in atlas.topics[cluster]["exemplars"]] if own else []
    silhouette = float(atlas.silhouettes[row])
    return Explanation(
        unit_id=unit_id,
        doc_id=documents[unit_id]["doc_id"],
        title=documents[unit_id]["title"],
        cluster_id=cluster,
        cluster=atlas.label(cluster),
        probability=float(atlas.probabilities[row]),
        silhouette=silhouette if np.isfinite(silhouette) else None,
        similarity=float(centres[cluster]) if own else None,
        runner_up=atlas.label(others[0]) if others else "",
        margin=float(centres[cluster] - centres[others[0]]) if own and others else None,
        terms=_shared_terms(workspace, documents[unit_id]["doc_id"], atlas.topics[cluster]) if own else (),
        classes=_shared_classes(atlas, documents, unit_id, cluster),
        exemplars=_near(atlas, documents, vector, [other for other in exemplars if other != row]),
        nearest=_near(
            atlas, documents, vector, placing.nearest(vector, atlas.embeddings.vectors, n=_N_NEAREST, without=[row])
        ),
    )


def _near(atlas: Atlas, documents: dict[str, dict[str, Any]], vector: np.ndarray, rows: list[int]) -> tuple[Near, ...]:
    ids = atlas.embeddings.unit_ids
    return tuple(
        Near(
            documents[ids[row]]["doc_id"],
            documents[ids[row]]["title"],
            atlas.label(int(atlas.labels[row])),
            round(float(atlas.embeddings.vectors[row] @ vector), 6),
        )
        for row in rows
    )


def _shared_terms(workspace: Workspace, doc_id: str, topic: dict[str, Any]) -> tuple[str, ...]:
    key, columns = ("doc_id", doc_id), ["title", "abstract", "claims"]
    document = artifacts.read_row(workspace.documents, kind="documents", columns=columns, key=key)
    if document is None:
        raise ArtifactError(f"{doc_id} is no longer in {workspace.documents}", hint=MAKE_MAP)
    return shared_terms(topic, "\n".join([document["title"], document["abstract"], *document["claims"]]))


def _shared_classes(atlas: Atlas, documents: dict[str, dict[str, Any]], unit_id: str, cluster: int) -> dict[str, float]:
    members = [name for name, label in zip(atlas.embeddings.unit_ids, atlas.labels, strict=True) if label == cluster]
    counts = Counter(name for member in members for name in _subclasses(documents[member]))
    return {name: counts[name] / len(members) for name in _subclasses(documents[unit_id])}


def _subclasses(document: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(symbol[:_SUBCLASS] for symbol in document["ipc"] or document["cpc"]))
