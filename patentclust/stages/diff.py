"""Two maps compared: which units came and went, and what became of every cluster. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from patentclust import artifacts
from patentclust.analysis import matching
from patentclust.errors import ArtifactError
from patentclust.workspace import Workspace

_FINEST = 0


@dataclass(frozen=True)
class ClusterChange:
    """One change, by the clusters' names; see `analysis.matching.Change`."""

    kind: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    n_common: int


@dataclass(frozen=True)
class Difference:
    """How the second map differs from the first.

    Attributes:
        n_common: units on both.
        n_came: units only on the second.
        n_went: units only on the first.
        n_noise_before: noise among the common units, first map.
        n_noise_after: noise among the common units, second map.
        ari: agreement of the two clusterings over the common units, noise as one class.
        changes: one a cluster or group of clusters.
    """

    n_common: int
    n_came: int
    n_went: int
    n_noise_before: int
    n_noise_after: int
    ari: float
    changes: tuple[ClusterChange, ...]


@dataclass(frozen=True)
class _Map:
    """Clusters by number: ids have gaps where a map kept those of one before."""

    unit: str
    cluster_of: dict[str, int]
    names: list[str]

    def named(self, clusters: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.names[cluster] for cluster in clusters)


def run(before: Workspace, after: Workspace) -> Difference:
    """Compare two clustered workspaces.

    Raises:
        ArtifactError: one has no map, or their units differ in kind, or they share none.
    """
    from sklearn.metrics import adjusted_rand_score

    first, second = _read(before), _read(after)
    if first.unit != second.unit:
        raise ArtifactError(
            f"{before.root} maps {first.unit}s and {after.root} maps {second.unit}s",
            hint="embed both with one --unit",
        )
    common = [unit_id for unit_id in first.cluster_of if unit_id in second.cluster_of]
    if not common:
        raise ArtifactError(f"{before.root} and {after.root} have no unit in common", hint="compare maps of one corpus")
    labels_before = np.array([first.cluster_of[unit_id] for unit_id in common])
    labels_after = np.array([second.cluster_of[unit_id] for unit_id in common])
    changes = matching.changes(labels_before, labels_after, n_before=len(first.names), n_after=len(second.names))
    return Difference(
        n_common=len(common),
        n_came=len(second.cluster_of) - len(common),
        n_went=len(first.cluster_of) - len(common),
        n_noise_before=int((labels_before == matching.NOISE).sum()),
        n_noise_after=int((labels_after == matching.NOISE).sum()),
        ari=float(adjusted_rand_score(labels_before, labels_after)),
        changes=tuple(ClusterChange(c.kind, first.named(c.before), second.named(c.after), c.n_common) for c in changes),
    )


def _read(workspace: Workspace) -> _Map:
    header = artifacts.read_header(workspace.topics, kind="topics")
    topics = artifacts.read_table(workspace.topics, kind="topics", columns=["layer", "cluster_id", "label"]).to_pylist()
    table = artifacts.read_table(workspace.clusters, kind="clusters", columns=["unit_id", "layer", "cluster_id"])
    rows = table.filter(pc.field("layer") == _FINEST).to_pylist()
    names = {topic["cluster_id"]: topic["label"] for topic in topics if topic["layer"] == _FINEST}
    number_of = {cluster: number for number, cluster in enumerate(sorted(names))} | {matching.NOISE: matching.NOISE}
    return _Map(
        unit=header.metadata.get("unit", "document"),
        cluster_of={row["unit_id"]: number_of[row["cluster_id"]] for row in rows},
        names=[names[cluster] for cluster in sorted(names)],
    )
