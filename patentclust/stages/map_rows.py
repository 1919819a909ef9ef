"""What was found about a corpus becomes the rows of clusters.parquet and topics.parquet, the finest layer first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from patentclust.analysis.grouping import Grouping
from patentclust.schemas import CLUSTERS, NOISE
from patentclust.stages.naming import Named

FINEST = 0


@dataclass(frozen=True)
class Layer:
    """One layer of the map.

    Attributes:
        labels: a cluster id for each unit, -1 = noise.
        silhouettes: for each unit, by cosine, NaN for noise.
        named: what its clusters are called.
        parents: for each cluster the one of the next coarser layer that holds it; empty in the coarsest.
    """

    labels: np.ndarray
    silhouettes: np.ndarray
    named: Named
    parents: np.ndarray


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        unit_ids: in the order of the rest.
        grouping: the finest clusters and how they came about.
        places: shape (n, 2), on the map.
        layers: finest first.
        ids: what the finest clusters are called in the files, by their number.
        n_ids: ids given so far, in this map and in those before it.
    """

    unit_ids: Sequence[str]
    grouping: Grouping
    places: np.ndarray
    layers: list[Layer]
    ids: np.ndarray
    n_ids: int


def cluster_table(found: Found) -> pa.Table:
    """Return a row for each unit and layer; the runner-up is told in the finest layer only."""
    return pa.concat_tables([_layer_table(found, number, layer) for number, layer in enumerate(found.layers)])


def _layer_table(found: Found, number: int, layer: Layer) -> pa.Table:
    grouped, density, n = found.grouping, found.grouping.found, len(found.unit_ids)
    labels, runner_up = layer.labels, grouped.runner_up
    if number == FINEST:
        labels, runner_up = _called(labels, found.ids), _called(runner_up, found.ids)
    unasked = (grouped.runner_up == NOISE) | (number != FINEST)
    columns = {
        "unit_id": pa.array(found.unit_ids),
        "layer": pa.array(np.full(n, number, np.int32)),
        "cluster_id": pa.array(labels.astype(np.int32)),
        "probability": pa.array(density.probabilities),
        "outlier_score": _known(density.outlier_scores),
        "silhouette": _known(layer.silhouettes),
        "x": pa.array(found.places[:, 0]),
        "y": pa.array(found.places[:, 1]),
        "runner_up": pa.array(runner_up, mask=unasked),
        "runner_up_share": pa.array(grouped.runner_up_share, mask=unasked),
    }
    return pa.table(columns).select(CLUSTERS.schema.names).cast(CLUSTERS.schema)


def _called(labels: np.ndarray, ids: np.ndarray) -> np.ndarray:
    return np.append(ids, NOISE).astype(np.int32)[labels]


def _known(values: np.ndarray) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def topic_rows(found: Found) -> list[dict[str, Any]]:
    """Return a row for each cluster and layer; persistence and stability are those of the clusterer, in the finest."""
    rows = []
    for number, layer in enumerate(found.layers):
        named, finest = layer.named, number == FINEST
        for cluster, name in enumerate(named.names):
            members = layer.labels == cluster
            row = {
                "layer": number,
                "cluster_id": int(found.ids[cluster]) if finest else cluster,
                "parent_id": int(layer.parents[cluster]) if len(layer.parents) else None,
                "size": int(np.sum(members)),
                "label": name,
                "terms": [{"term": t.term, "weight": t.weight} for t in named.terms[cluster]],
                "exemplars": [found.unit_ids[row] for row in named.exemplars[cluster]],
                "centroid": list(named.centroids[cluster].astype(np.float16)),
                "persistence": _number(found.grouping.found.persistence[cluster]) if finest else None,
                "silhouette": mean(layer.silhouettes[members]),
                "stability": _number(found.grouping.kept_together[cluster]) if finest else None,
                "named_by": named.named_by[cluster],
            }
            rows.append(row)
    return rows


def mean(values: np.ndarray) -> float | None:
    """Return the mean of what is a number; None, JSON's null, when nothing is."""
    known = values[np.isfinite(values)].astype(np.float64)
    return round(float(known.mean()), 6) if len(known) else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
