"""A map made anew keeps what it can of the one before: ids and names of clusters that are still there, and its place.

Ids that went are not given again. Called by the stage that finds clusters, before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow.compute as pc

from patentclust import artifacts
from patentclust.analysis import matching
from patentclust.artifacts import Header
from patentclust.errors import ArtifactError
from patentclust.params import ClusterParams
from patentclust.schemas import NOISE
from patentclust.stages.map_rows import FINEST, Found
from patentclust.workspace import Workspace


@dataclass(frozen=True)
class Before:
    """The map that is there: each unit's cluster and place, each cluster's name, and the first id never given."""

    header: Header
    cluster_of: dict[str, int]
    place_of: dict[str, tuple[float, float]]
    names: dict[int, str]
    next_id: int


def params_of(workspace: Workspace) -> ClusterParams:
    """Return the parameters that the map that is there was made with; see `read_before`."""
    made = read_before(workspace).header.json("params")
    return ClusterParams(**{field.name: made[field.name] for field in fields(ClusterParams) if field.name in made})


def read_before(workspace: Workspace) -> Before:
    """Read the finest layer of the map that is there.

    Raises:
        ArtifactError: there is none.
    """
    if not workspace.topics.exists():
        raise ArtifactError(f"{workspace.root} has no map to keep anything of", hint="run: patentclust cluster")
    header = artifacts.read_header(workspace.topics, kind="topics")
    columns = ["unit_id", "layer", "cluster_id", "x", "y"]
    table = artifacts.read_table(workspace.clusters, kind="clusters", columns=columns)
    rows = table.filter(pc.field("layer") == FINEST).to_pylist()
    topics = artifacts.read_table(workspace.topics, kind="topics", columns=["layer", "cluster_id", "label"]).to_pylist()
    names = {topic["cluster_id"]: topic["label"] for topic in topics if topic["layer"] == FINEST}
    given = header.json("scores").get("n_ids", 0)
    return Before(
        header=header,
        cluster_of={row["unit_id"]: row["cluster_id"] for row in rows},
        place_of={row["unit_id"]: (row["x"], row["y"]) for row in rows},
        names=names,
        next_id=max([given, *(cluster + 1 for cluster in names)]),
    )


def keep(found: Found, before: Before) -> tuple[Found, list[str]]:
    """Return the map with the ids, names and orientation of the one before, and a sentence for each that changed.

    A cluster is still there when it has half of its members in common with its best partner (Jaccard).
    """
    finest = found.layers[FINEST]
    labels, n_after = finest.labels, len(finest.named.names)
    old_ids = sorted(before.names)
    number_of = {cluster: number for number, cluster in enumerate(old_ids)} | {NOISE: NOISE}
    common = [row for row, unit_id in enumerate(found.unit_ids) if unit_id in before.cluster_of]
    were = np.array([number_of[before.cluster_of[found.unit_ids[row]]] for row in common], np.int64)
    changes = matching.changes(were, labels[common], n_before=len(old_ids), n_after=n_after)
    ids, names = np.full(n_after, NOISE, np.int32), list(finest.named.names)
    for change in changes:
        if change.kind == "kept":
            ids[change.after[0]] = old_ids[change.before[0]]
            names[change.after[0]] = before.names[old_ids[change.before[0]]]
    new = np.flatnonzero(ids == NOISE)
    ids[new] = before.next_id + np.arange(len(new))
    said = [
        f"{change.kind}: {_listed(before.names[old_ids[i]] for i in change.before)}"
        + (" → " if change.before and change.after else "")
        + _listed(names[i] for i in change.after)
        for change in changes
        if change.kind != "kept"
    ]
    layers = [replace(finest, named=replace(finest.named, names=names)), *found.layers[1:]]
    places = _turned(found, before, common)
    return replace(found, layers=layers, places=places, ids=ids, n_ids=before.next_id + len(new)), said


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _turned(found: Found, before: Before, common: list[int]) -> np.ndarray:
    """Turn, mirror, shift and scale the map so that common units lie nearest to where they were (Procrustes)."""
    from scipy.linalg import orthogonal_procrustes

    if len(common) < 3:
        return found.places
    now = found.places[common].astype(np.float64)
    then = np.array([before.place_of[found.unit_ids[row]] for row in common])
    centre, spread = now.mean(axis=0), np.linalg.norm(now - now.mean(axis=0))
    if spread == 0:
        return found.places
    turn, strength = orthogonal_procrustes(now - centre, then - then.mean(axis=0))
    turned: np.ndarray = ((found.places - centre) @ turn * (strength / spread**2) + then.mean(axis=0)).astype(
        np.float32
    )
    return turned
