"""How long the knowledge graph of a large map takes, and how much memory: made-up patents, no model.

PYTHONPATH=. python benchmarks/graph.py 100000
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from patentclust import artifacts
from patentclust.artifacts import Stamp
from patentclust.schemas import CLUSTERS, DOCUMENTS, embeddings, topics
from patentclust.stages import graph
from patentclust.workspace import Workspace

DIM, SHARD_ROWS, CLUSTER_ROWS = 384, 10_000, 400
SUBCLASSES = [f"{s}{n:02d}{letter}" for s in "ABCFGH" for n in (1, 2, 4, 6, 9) for letter in "BCDKLMNQ"]


def document(index: int, rng: np.random.Generator) -> dict[str, object]:
    row: dict[str, object] = {field.name: [] if "list" in str(field.type) else None for field in DOCUMENTS.schema}
    day = date(2005, 1, 1) + timedelta(days=int(rng.integers(0, 7000)))
    return row | {
        "doc_id": f"US-{10_000_000 + index}-B2",
        "title": f"Apparatus and method of the kind {index} for {SUBCLASSES[index % len(SUBCLASSES)]}",
        "abstract": "",
        "description": "",
        "priority_date": day,
        "assignee_names": [f"COMPANY {int(rng.zipf(1.4)) % 20_000}"],
        "inventor_countries": [],
        "inventors": [f"Inventor {number}" for number in rng.integers(0, 150_000, rng.integers(1, 5))],
        "ipc": [f"{SUBCLASSES[number]}1/00" for number in rng.integers(0, len(SUBCLASSES), 3)],
        "cited": [f"US-{10_000_000 + number}-B2" for number in rng.integers(0, 120_000, 5)],
        "source_path": f"{index}.xml",
        "source_sha256": "0" * 64,
        "source_format": "made-up",
        "representative": True,
    }


def write_map(workspace: Workspace, n: int) -> None:
    rng = np.random.default_rng(0)
    made = Stamp(kind="documents", params={"n": n})
    with artifacts.table_writer(workspace.documents, DOCUMENTS, made) as writer:
        for start in range(0, n, SHARD_ROWS):
            rows = [document(index, rng) for index in range(start, min(n, start + SHARD_ROWS))]
            writer.write_table(pa.Table.from_pylist(rows, schema=DOCUMENTS.schema), row_group_size=1024)
    n_clusters = max(1, n // CLUSTER_ROWS)
    centres = rng.normal(size=(n_clusters, DIM))
    labels = rng.integers(-1, n_clusters, n)
    ids = [f"US-{10_000_000 + index}-B2" for index in range(n)]
    schema = embeddings(DIM)
    for shard, start in enumerate(range(0, n, SHARD_ROWS)):
        rows = slice(start, min(n, start + SHARD_ROWS))
        vectors = centres[labels[rows]] + rng.normal(size=(len(labels[rows]), DIM))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
        flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), type=schema.schema.field("vector").type)
        ones, flags = pa.array(np.ones(len(vectors), np.int32)), pa.array(np.zeros(len(vectors), bool))
        columns = [pa.array(ids[rows]), pa.array(["0" * 64] * len(vectors)), flat, ones, ones, ones, flags, flags]
        stamp = Stamp(kind="embeddings", params={"task": "cluster"}, model={"name": "made-up"})
        artifacts.write_table(
            workspace.shard("cluster", shard), schema, stamp, pa.Table.from_arrays(columns, schema=schema.schema)
        )
    shared = {"params": {"task": "cluster"}, "inputs": {"documents": made.fingerprint}}
    places = rng.normal(size=(n, 2)).astype(np.float32)
    columns = [pa.array(ids), pa.array(np.zeros(n, np.int32)), pa.array(labels.astype(np.int32))]
    columns += [pa.array(np.full(n, 0.5, np.float32))] * 3 + [pa.array(places[:, 0]), pa.array(places[:, 1])]
    columns += [pa.nulls(n, field.type) for field in list(CLUSTERS.schema)[len(columns) :]]
    table = pa.Table.from_arrays(columns, schema=CLUSTERS.schema)
    artifacts.write_table(workspace.clusters, CLUSTERS, Stamp(kind="clusters", **shared), table)
    terms = [{"term": f"term {number}", "weight": 0.5} for number in range(10)]
    named = [
        {"layer": 0, "cluster_id": c, "size": 1, "label": f"kind {c}", "terms": terms, "exemplars": []}
        | {"centroid": centres[c] / np.linalg.norm(centres[c]), "persistence": 0.1, "silhouette": 0.1}
        for c in range(n_clusters)
    ]
    artifacts.write_rows(workspace.topics, topics(DIM), Stamp(kind="topics", **shared), named)


def main() -> None:
    n = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        write_map(workspace, n)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        outcome = graph.run(workspace)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(dict(outcome.facts))
        print(f"{n:,} patents: {seconds:.1f} s, peak {peak / 1024:,.0f} MB ({before / 1024:,.0f} MB before)")
        for path in outcome.outputs:
            print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
