"""The first step of report: where every unit stands, read from clusters, topics and vectors. Shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from patentclust import artifacts
from patentclust.analysis import nearness
from patentclust.analysis.curation import EXCLUDED, Curated, Rule
from patentclust.errors import ArtifactError
from patentclust.render.content import Group, Place, Topic
from patentclust.render.payload import Outline
from patentclust.schemas import NOISE
from patentclust.stages.curating import apply_rules
from patentclust.workspace import Workspace

FINEST = 0
_TOPIC_COLUMNS = ["layer", "cluster_id", "label", "size", "terms", "exemplars", "persistence", "silhouette"]
_MAP_COLUMNS = ("cluster_id", "probability", "outlier_score", "silhouette", "x", "y")
_MAYBE = ("outlier_score", "silhouette", "similarity", "runner_up_similarity")


@dataclass(frozen=True)
class Map:
    """Where every unit stands, column by column.

    Attributes:
        rows: each unit's row.
        columns: values by row; NaN (and -1 for `runner_up`) where there is none.
        nearest: rows and cosines of the nearest units, shape (n, k); k is 0 where the vectors are not there.
        vectors: shape (n, dim), or (n, 0) where they are not there.
        paths: names of the clusters of all layers, coarsest first; "" where there is one layer.
    """

    rows: dict[str, int]
    columns: dict[str, np.ndarray]
    nearest: tuple[np.ndarray, np.ndarray]
    vectors: np.ndarray
    unit_ids: list[str] = field(repr=False)
    paths: list[str] = field(repr=False)

    def places(self, unit_ids: Sequence[str]) -> list[Place | None]:
        """Return where units stand, None for each that has no place."""
        rows = [self.rows[unit_id] for unit_id in unit_ids if unit_id in self.rows]
        columns = [column[rows].tolist() for column in (*self.nearest, *self.columns.values())]
        placed = (self._place(*values) for values in zip(rows, *columns, strict=True))
        return [next(placed) if unit_id in self.rows else None for unit_id in unit_ids]

    def _place(self, row: int, near: list[int], cosines: list[float], *figures: Any) -> Place:
        values = dict(zip(self.columns, figures, strict=True))
        values |= {name: None for name in _MAYBE if values[name] != values[name]}
        values["runner_up"] = None if values["runner_up"] == NOISE else values["runner_up"]
        nearest = [(self.unit_ids[other], cosine) for other, cosine in zip(near, cosines, strict=True)]
        return Place(**values, path=self.paths[row], row=row, nearest=nearest)

    @property
    def excluded(self) -> set[str]:
        """Return the units that a correction takes off the map."""
        off = np.flatnonzero(self.columns["cluster_id"] == EXCLUDED)
        return {self.unit_ids[row] for row in off.tolist()}

    def numbers(self, topics: list[Topic]) -> np.ndarray:
        """Return each unit's position in `topics`, -1 for noise."""
        return _numbers(self.columns["cluster_id"], topics)

    def outlines(self, topics: Sequence[Topic | Group]) -> list[Outline]:
        """Return where the members of each cluster lie, or of each group of clusters."""
        points = np.column_stack([self.columns["x"], self.columns["y"]]).astype(float)
        of = self.columns["cluster_id"]
        wanted = [topic.clusters if isinstance(topic, Group) else [topic.cluster_id] for topic in topics]
        return [Outline.of(points[np.isin(of, clusters)]) for clusters in wanted]


def read_topics(path: Path) -> list[Topic]:
    """Return the topics of the finest layer, by cluster."""
    table = artifacts.read_table(path, kind="topics", columns=_TOPIC_COLUMNS)
    finest = table.filter(pc.equal(table["layer"], FINEST)).sort_by("cluster_id").drop_columns(["layer"])
    return [
        Topic(**{**row, "terms": [(term["term"], term["weight"]) for term in row["terms"]]})
        for row in finest.to_pylist()
    ]


def read_map(
    workspace: Workspace, made: list[Topic], *, task: str, rules: Sequence[Rule]
) -> tuple[Map, list[Topic], Curated]:
    """Return where every unit stands, the topics and what the analyst's rules did to both.

    Neighbours and runners-up are there only where the vectors of the map are.
    """
    table = artifacts.read_table(workspace.clusters, kind="clusters")
    finest = table.filter(pc.equal(table["layer"], FINEST))
    columns = {name: finest[name].to_numpy() for name in _MAP_COLUMNS}
    unit_ids = finest["unit_id"].to_pylist()
    topics, curated = apply_rules(rules, made, {unit: row for row, unit in enumerate(unit_ids)}, columns["cluster_id"])
    columns["cluster_id"] = curated.clusters
    vectors = _read_vectors(workspace, unit_ids, task)
    ids = np.array([topic.cluster_id for topic in topics], np.int64)
    numbers = _numbers(columns["cluster_id"], topics)
    centres = nearness.centroids(vectors, numbers, len(topics))
    stands = nearness.standing(vectors, numbers, centres if vectors.shape[1] else centres[:0])
    columns["similarity"], columns["runner_up_similarity"] = stands.similarity, stands.runner_up_similarity
    columns["runner_up"] = np.append(ids, NOISE)[stands.runner_up]
    points = np.column_stack([columns["x"], columns["y"]])
    none = np.zeros((len(unit_ids), 0))
    nearest = nearness.nearest(vectors, points) if vectors.shape[1] else (none.astype(int), none)
    rows = {unit: row for row, unit in enumerate(unit_ids) if columns["cluster_id"][row] != EXCLUDED}
    # A corrected cluster is no longer the one whose path the layers tell.
    paths = [""] * len(unit_ids) if rules else _paths(workspace, table, unit_ids)
    return Map(rows, columns, nearest, vectors, unit_ids, paths), topics, curated


def _paths(workspace: Workspace, table: pa.Table, unit_ids: list[str]) -> list[str]:
    layers = sorted(set(table["layer"].to_pylist()), reverse=True)
    if len(layers) < 2:
        return [""] * len(unit_ids)
    topics = artifacts.read_table(workspace.topics, kind="topics", columns=["layer", "cluster_id", "label"]).to_pylist()
    labels = {(topic["layer"], topic["cluster_id"]): topic["label"] for topic in topics}
    steps: dict[str, list[str]] = {unit: [] for unit in unit_ids}
    for layer in layers:
        rows = table.filter(pc.equal(table["layer"], layer))
        for unit, cluster in zip(rows["unit_id"].to_pylist(), rows["cluster_id"].to_pylist(), strict=True):
            label = labels.get((layer, cluster))
            if label and unit in steps and label not in steps[unit][-1:]:
                steps[unit].append(label)
    return [" > ".join(steps[unit]) for unit in unit_ids]


def _numbers(clusters: np.ndarray, topics: list[Topic]) -> np.ndarray:
    """Return each unit's position in `topics`, -1 for noise."""
    known = {topic.cluster_id: number for number, topic in enumerate(topics)}
    return np.array([known.get(cluster, -1) for cluster in clusters.tolist()], np.int64)


def _read_vectors(workspace: Workspace, unit_ids: list[str], task: str) -> np.ndarray:
    shards = workspace.shards(task)
    none = np.zeros((len(unit_ids), 0), np.float32)
    if not shards:
        return none
    made_from = artifacts.read_header(workspace.clusters, kind="clusters").json("inputs").get("embeddings")
    try:
        embeddings = artifacts.read_embeddings(shards)
    except ArtifactError:
        # The map stands without its vectors; the embed stage is the one to complain of them.
        return none
    row_of = {unit: row for row, unit in enumerate(embeddings.unit_ids)}
    if embeddings.fingerprint != made_from or not all(unit in row_of for unit in unit_ids):
        return none
    return embeddings.vectors[[row_of[unit] for unit in unit_ids]]
