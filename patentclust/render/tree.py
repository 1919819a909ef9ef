"""Clusters of all layers as one tree. Knows nothing of looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from patentclust.render.content import Cluster, Group


@dataclass(frozen=True)
class Branch:
    """One node of the tree: a group with what it holds, or (with `cluster`) a cluster of the finest layer."""

    label: str
    size: int
    cluster: Cluster | None = None
    branches: list[Branch] = field(default_factory=list)


def tree(layers: Sequence[Sequence[Group]], clusters: Sequence[Cluster]) -> list[Branch]:
    """Return the tree, coarsest groups first; clusters that no group of a layer holds stand beside its groups."""
    if not layers:
        return [Branch(cluster.topic.label, cluster.topic.size, cluster) for cluster in clusters]
    here, below = layers[0], layers[1:]
    by_id = {cluster.topic.cluster_id: cluster for cluster in clusters}
    branches = []
    for group in here:
        held = [by_id.pop(cluster) for cluster in group.clusters if cluster in by_id]
        if held:
            size = sum(cluster.topic.size for cluster in held)
            branches.append(Branch(group.label, size, branches=tree(below, held)))
    return branches + tree(below, list(by_id.values())) if by_id else branches
