"""Measure the report: size of the page, seconds and memory to make it, and how it answers in Chromium.

Run: PYTHONPATH=. python benchmarks/report.py 1000 10000 100000
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from patentclust import artifacts
from patentclust.artifacts import Stamp
from patentclust.params import ClusterParams, ReportParams
from patentclust.schemas import CLUSTERS, DOCUMENTS, FAILURES, embeddings, topics
from patentclust.stages import report
from patentclust.workspace import Workspace

DIM, N_CLUSTERS = 384, 60
_WORDS = (
    "battery electrode lithium cell cathode separator electrolyte antenna signal terminal channel wireless network "
    "node robot arm gripper force sensor image pixel frame colour camera neural layer training gradient model "
    "protein vector nuclease guide cells antibody turbine blade rotor fluid valve pump display panel pixel circuit "
    "transistor gate catalyst polymer resin coating laser beam optical fibre lens memory array controller vehicle "
    "brake steering "
)
WORDS = _WORDS.split()
COUNTRIES = ("US", "JP", "DE", "CN", "KR", "FR")
GIVEN = [
    f"{a}{b}" for a in ("An", "Be", "Chi", "Da", "El", "Fu", "Gi", "Ha") for b in ("na", "ro", "lin", "shi", "mar")
]
FRAME = "timer => new Promise(done => requestAnimationFrame(() => { reader.map.pan(7, 3); setTimeout(done, 20); }))"


def build(root: Path, n: int) -> Workspace:
    """Write a workspace of n documents as the stages before the report would."""
    rng, workspace = np.random.default_rng(0), Workspace(root)
    cluster = np.minimum(rng.geometric(0.05, n) - 1, N_CLUSTERS - 1)
    cluster[rng.random(n) < 0.15] = -1
    centres = rng.normal(size=(N_CLUSTERS, DIM))
    where = rng.normal(size=(N_CLUSTERS, 2)) * 12
    points = where[cluster] + rng.normal(size=(n, 2))
    ids = [f"US-{10_000_000 + i}-B2" for i in range(n)]
    made = Stamp(kind="documents", params={"n": n})
    artifacts.write_rows(workspace.failures, FAILURES, Stamp(kind="failures", params={}), [])
    with artifacts.table_writer(workspace.documents, DOCUMENTS, made) as writer:
        for start in range(0, n, 5_000):
            rows = [_document(rng, ids, i, int(cluster[i])) for i in range(start, min(n, start + 5_000))]
            writer.write_table(artifacts.pa.Table.from_pylist(rows, schema=DOCUMENTS.schema), row_group_size=1024)
    shard = workspace.shard("cluster", 0)
    with artifacts.table_writer(shard, embeddings(DIM), Stamp(kind="embeddings", params={})) as writer:
        for start in range(0, n, 5_000):
            block = slice(start, min(n, start + 5_000))
            vectors = centres[cluster[block]] + 1.5 * rng.normal(size=(len(ids[block]), DIM))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            writer.write_table(_vectors_table(ids[block], vectors.astype(np.float16)))
    inputs = {"documents": made.fingerprint, "embeddings": artifacts.embeddings_fingerprint([shard])}
    shared = {"params": vars(ClusterParams()), "inputs": inputs, "model": {"name": "synthetic"}}
    units = [
        {"unit_id": ids[i], "layer": 0, "cluster_id": int(cluster[i]), "probability": 0.9, "outlier_score": 0.1}
        | {"silhouette": 0.2, "x": float(points[i, 0]), "y": float(points[i, 1])}
        for i in range(n)
    ]
    artifacts.write_rows(workspace.clusters, CLUSTERS, Stamp(kind="clusters", **shared), units)
    rows = [
        {"layer": 0, "cluster_id": c, "size": int((cluster == c).sum()), "label": " · ".join(_words(c)[:3])}
        | {"terms": [{"term": word, "weight": 0.1} for word in _words(c)], "persistence": 0.3, "silhouette": 0.2}
        | {"exemplars": [ids[i] for i in np.flatnonzero(cluster == c)[:5]], "centroid": centres[c].astype(np.float16)}
        for c in range(N_CLUSTERS)
        if (cluster == c).any()
    ]
    artifacts.write_rows(workspace.topics, topics(DIM), Stamp(kind="topics", **shared), rows, scores={})
    return workspace


def _vectors_table(ids: list[str], vectors: np.ndarray) -> artifacts.pa.Table:
    pa, n = artifacts.pa, len(ids)
    columns = {"unit_id": pa.array(ids), "text_sha256": pa.array([""] * n)}
    columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float16()), DIM)
    columns |= {name: pa.array(np.full(n, 9), pa.int32()) for name in ("n_tokens", "n_tokens_used", "n_windows")}
    columns |= {name: pa.array(np.zeros(n, bool)) for name in ("truncated", "from_description")}
    schema = embeddings(DIM).schema
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _words(cluster: int) -> list[str]:
    return [WORDS[(cluster * 7 + k * (1 + cluster % 5)) % len(WORDS)] for k in range(8)]


def _document(rng: np.random.Generator, ids: list[str], number: int, cluster: int) -> dict[str, object]:
    doc_id = ids[number]
    local = _words(cluster) if cluster >= 0 else WORDS
    picks, own = rng.integers(0, 1 << 30, 90).tolist(), (rng.random(90) < 0.6).tolist()
    text = [words[pick % len(words)] for pick, words in zip(picks, (local if o else WORDS for o in own), strict=True)]
    year = int(rng.integers(2005, 2024))
    owner = f"Company {int(rng.zipf(1.5)) % 5000}"
    inventors = [f"{GIVEN[k % 40]} {WORDS[k % 59].title()}{WORDS[k % 53]}" for k in rng.integers(0, 80_000, 3).tolist()]
    cited = [ids[k] for k in rng.integers(0, len(ids), 4)] + [f"US-{k}-B2" for k in rng.integers(10**6, 10**7, 12)]
    empty = {name: [] for name in ("priorities", "additional_classes", "warnings", "assignees")}
    return empty | {
        "doc_id": doc_id, "family_id": None, "title": f"Method and apparatus for {' '.join(text[:8])}",
        "abstract": " ".join(text), "claims": [f"1. A device comprising {' '.join(text[::-1])}."],
        "independent": [True], "description": "", "language": "en", "country": "US", "kind": "B2",
        "application_number": None,
        "priority_date": date(year, 3, 1), "filing_date": date(year, 9, 1), "publication_date": date(year + 2, 1, 1),
        "applicants": [owner], "assignee_names": [owner.upper()], "inventors": inventors,
        "inventor_countries": [COUNTRIES[number % len(COUNTRIES)]], "cited": cited,
        "cpc": [f"H0{cluster % 5}M10/05"], "ipc": [f"H0{cluster % 5}M10/05"], "source_path": f"{doc_id}.xml",
        "source_sha256": "0" * 64, "source_format": "synthetic", "representative": True,
    }  # fmt: skip


def in_browser(path: Path) -> dict[str, float]:
    """Open the page in Chromium and measure how it answers."""
    from tests.test_render_browser import browser

    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as page:
        page.screen(1440, 900)
        page.open(path)
        first = float(page.evaluate("document.documentElement.dataset.ready")) / 1000
        frames = []
        for _ in range(10):
            page.evaluate(f"({FRAME})()")
            frames.append(page.evaluate("reader.map.lastFrameMs"))
        page.evaluate("reader.reset(); reader.corpus.prepareSearch()")
        timed = "(async () => {{ const s = performance.now(); {}; return performance.now() - s; }})()"
        search = page.evaluate(timed.format("reader.search('battery electrode')"))
        page.evaluate("reader.reset()")
        box = "[[0,0],[30000,0],[30000,30000],[0,30000]]"
        lasso = page.evaluate(timed.format(f"reader.select({box})"))
        page.evaluate("reader.reset()")
        open_graph = page.evaluate(timed.format("await reader.walk.go('cluster:0')"))
        walk = page.evaluate(timed.format("await reader.walk.go(`patent:${reader.corpus.ids[7]}`)"))
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        return {
            "first_map_s": first, "frame_ms": float(np.median(frames)), "search_ms": search, "lasso_ms": lasso,
            "graph_ms": open_graph, "walk_ms": walk, "heap_mb": heap,
        }  # fmt: skip


def measure(root: Path) -> dict[str, float]:
    """Make the report of a workspace and return seconds, memory and size."""
    workspace, started = Workspace(root), time.perf_counter()
    report.run(workspace, ReportParams(workbook=False))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    report.run(workspace, ReportParams(title="With workbook"))
    both = time.perf_counter() - started
    size = workspace.report.stat().st_size / 1e6
    return {"page_mb": size, "seconds": seconds, "seconds_with_workbook": both, "rss_mb": peak}


def main() -> None:
    for n in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            workspace = build(Path(folder), n)
            # A process of its own, so that the memory is that of the report alone.
            command = [sys.executable, __file__, "--measure", folder]
            made = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            row = {"units": n} | made | in_browser(workspace.report)
            print(" | ".join(f"{key} {value:,.2f}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        main()
