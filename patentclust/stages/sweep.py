"""The same corpus clustered at several minimum sizes, side by side. Writes nothing into the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from patentclust import artifacts
from patentclust.analysis import grouping, neighbours, quality, sizes
from patentclust.analysis.grouping import Grouping
from patentclust.params import ClusterParams, Resources
from patentclust.progress import Progress, Quiet
from patentclust.render import sweep as picture
from patentclust.schemas import NOISE
from patentclust.stages.map_rows import mean
from patentclust.stages.matter import Units, agreement_with, read_embeddings, read_units
from patentclust.workspace import Workspace

# Euclidean silhouettes take O(n^2) at each size; an even sample tells sizes apart as well.
_MAX_SCORED = 5_000
_DRAWN = {
    "n_clusters": "Clusters",
    "noise_share": "Noise, share",
    "dbcv": "DBCV",
    "silhouette_cosine": "Silhouette, original space",
    "silhouette_reduced": "Silhouette, reduced space",
    "stability": "Stability",
    "ipc_subclass": "Agreement with IPC subclasses (AMI)",
    "ipc_section": "Agreement with IPC sections (AMI)",
}


@dataclass(frozen=True)
class Size:
    """What one minimum size gives; None where a figure was not measured or means nothing.

    Attributes:
        chosen: `--min-size auto` would take this one of the sizes.
        ipc_subclass: adjusted mutual information with the main subclass, as for the whole map.
    """

    min_cluster_size: int
    n_clusters: int
    n_noise: int
    noise_share: float
    dbcv: float | None
    silhouette_cosine: float | None
    silhouette_reduced: float | None
    stability: float | None
    ipc_subclass: float | None
    ipc_section: float | None
    chosen: bool


def run(
    workspace: Workspace,
    params: ClusterParams = ClusterParams(),
    *,
    tried: Sequence[int] = (),
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> list[Size]:
    """Return a row for each size, rising; without `tried`, the sizes among which `--min-size auto` chooses.

    Neighbours, graph and layouts are made once for all sizes.

    Raises:
        ConfigError: a size is below 2.
        ArtifactError: documents or embeddings are missing, damaged or empty, or were not made from each other.
    """
    params = replace(params, auto_size=True)
    documents = artifacts.read_header(workspace.documents, kind="documents")
    embeddings = read_embeddings(workspace, params)
    units = read_units(workspace, embeddings, documents.n_rows, params, progress)
    vectors, n = embeddings.vectors, len(embeddings.unit_ids)
    wanted = sorted(set(tried)) or sizes.ladder(n)
    for size in wanted:
        replace(params, min_cluster_size=size)
    with neighbours.one_thread():
        with progress.task("finding neighbours", total=n, unit="units") as task:
            near = neighbours.nearest(
                vectors, n_neighbors=params.neighborhood, seed=params.seed, threads=resources.n_threads
            )
            task.advance(n)
        with progress.task("finding clusters", total=grouping.n_runs(n, params), unit="runs") as task:
            found = grouping.over_sizes(
                vectors, near, params, wanted, threads=resources.n_threads, done=lambda: task.advance(1)
            )
        with progress.task("scoring", total=len(wanted), unit="sizes") as task:
            best = sizes.choose([sizes.worth(one) for one in found])
            rows = []
            for number, (size, one) in enumerate(zip(wanted, found, strict=True)):
                rows.append(_row(size, one, vectors, units, chosen=number == best))
                task.advance(1)
    return rows


def drawing(rows: Sequence[Size]) -> str:
    """Return the table of a sweep as one SVG drawing."""
    figures = {name: [getattr(row, field) for row in rows] for field, name in _DRAWN.items()}
    best = [number for number, row in enumerate(rows) if row.chosen]
    return picture.draw([row.min_cluster_size for row in rows], figures, best[0] if best else None)


def _row(size: int, grouped: Grouping, vectors: np.ndarray, units: Units, *, chosen: bool) -> Size:
    labels = grouped.found.labels
    subclass = agreement_with(labels, units.main_classes)
    section = agreement_with(labels, [c and c[0] for c in units.main_classes])
    reduced = quality.euclidean_silhouette(grouped.points, labels, n_max=_MAX_SCORED)
    return Size(
        min_cluster_size=size,
        n_clusters=len(grouped.found.persistence),
        n_noise=int(np.sum(labels == NOISE)),
        noise_share=round(quality.noise_share(labels), 6),
        dbcv=_known(sizes.validity(grouped)),
        silhouette_cosine=mean(quality.cosine_silhouette(vectors, labels)),
        silhouette_reduced=mean(reduced),
        stability=_known(grouped.stability),
        ipc_subclass=subclass["ami"] if subclass else None,
        ipc_section=section["ami"] if section else None,
        chosen=chosen,
    )


def _known(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
