"""The coarser layers of a map: which clusters of the finest layer each of their clusters holds."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from patentclust import artifacts
from patentclust.render.content import Group, Topic
from patentclust.schemas import NOISE
from patentclust.stages.placing import FINEST, Map
from patentclust.workspace import Workspace


def read_layers(workspace: Workspace, places: Map, topics: list[Topic]) -> list[list[Group]]:
    """Return the groups of each coarser layer, coarsest first; empty where there is one layer.

    A cluster belongs to the group that holds most of its members: so it holds too for one that was corrected.
    """
    columns = ["unit_id", "layer", "cluster_id"]
    table = artifacts.read_table(workspace.clusters, kind="clusters", columns=columns)
    numbers = places.numbers(topics)
    layers = []
    for layer in sorted(set(table["layer"].to_pylist()) - {FINEST}, reverse=True):
        rows = table.filter(pc.equal(table["layer"], layer))
        group_of = dict(zip(rows["unit_id"].to_pylist(), rows["cluster_id"].to_pylist(), strict=True))
        above = np.array([group_of.get(unit, NOISE) for unit in places.unit_ids], np.int64)
        groups = _groups(topics, numbers, above, _labels(workspace, layer))
        if len(groups) > 1:
            layers.append(groups)
    return layers


def _labels(workspace: Workspace, layer: int) -> dict[int, str]:
    columns = ["layer", "cluster_id", "label"]
    table = artifacts.read_table(workspace.topics, kind="topics", columns=columns)
    rows = table.filter(pc.equal(table["layer"], layer))
    return dict(zip(rows["cluster_id"].to_pylist(), rows["label"].to_pylist(), strict=True))


def _groups(topics: list[Topic], numbers: np.ndarray, above: np.ndarray, labels: dict[int, str]) -> list[Group]:
    held: dict[int, list[int]] = {}
    for number, topic in enumerate(topics):
        votes = above[(numbers == number) & (above != NOISE)]
        if len(votes):
            held.setdefault(int(np.bincount(votes).argmax()), []).append(topic.cluster_id)
    sizes = {topic.cluster_id: topic.size for topic in topics}
    return [
        Group(group, labels.get(group, str(group)), sum(sizes[cluster] for cluster in clusters), clusters)
        for group, clusters in sorted(held.items())
    ]
