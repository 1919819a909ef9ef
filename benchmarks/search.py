"""Measure search: milliseconds a query over memory-mapped vectors, and what it finds on real patents.

    python benchmarks/search.py speed FOLDER [--rows 10000 100000 1000000] [--dim 1024]
    python benchmarks/search.py quality CORPUS.jsonl.gz FOLDER [--documents 1000] [--model minilm]

Quality: the title of a document is the question, the document's abstract (indexed without its title) the one answer.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import psutil

from patentclust import pipeline
from patentclust.analysis.retrieval import best, first_of_each, fuse
from patentclust.embedders import open_embedder
from patentclust.models import ensure
from patentclust.params import EmbedParams, Resources
from patentclust.progress import Quiet
from patentclust.stages.embed import resolve
from patentclust.stages.passages import open_passages
from patentclust.workspace import Workspace

DEPTH = 1000
QUERIES = 20


def speed(folder: Path, n_rows: int, dim: int) -> str:
    path = folder / "vectors.npy"
    rng = np.random.default_rng(42)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_rows, dim))
    for start in range(0, n_rows, 10_000):
        block = rng.standard_normal((min(10_000, n_rows - start), dim), dtype=np.float32)
        out[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    out.flush()
    del out
    vectors = np.load(path, mmap_mode="r")
    times = []
    for row in rng.integers(0, n_rows, QUERIES + 1):
        query = np.array(vectors[row])
        began = time.perf_counter()
        found = best(np.round(vectors @ query, 6), DEPTH)
        times.append(1000 * (time.perf_counter() - began))
        if found[0] != row:
            raise SystemExit("a vector did not find itself")
    resident = psutil.Process().memory_info().rss / 1e6
    path.unlink()
    warm = np.array(times[1:])
    return f"| {n_rows:,} | {times[0]:.0f} | {np.median(warm):.1f} | {warm.max():.1f} | {resident:,.0f} |"


def quality(corpus: Path, folder: Path, n_documents: int, model: str) -> list[str]:
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["title"] and row["abstract"]][:n_documents]
    source = folder / "corpus.jsonl"
    kept = [{"publication_number": row["id"], "title": "", "abstract": row["abstract"]} for row in rows]
    source.write_text("\n".join(map(json.dumps, kept)), encoding="utf-8")
    workspace = Workspace(folder / "out")
    pipeline.ingest(workspace, [source])
    pipeline.embed(workspace, EmbedParams(model=model, task="retrieve", unit="document"))
    passages = open_passages(workspace, Quiet())
    spec, params = resolve(passages.params)
    embedder = open_embedder(spec, ensure(spec, offline=True, progress=Quiet()), params=params, resources=Resources())
    titles = {row["id"]: row["title"] for row in rows}
    parents = {parent.replace("-", ""): i for i, parent in enumerate(passages.parents)}
    answers = {number: next(i for key, i in parents.items() if key.startswith(number)) for number in titles}
    vectors = embedder.encode_query(list(titles.values())).vectors
    embedder.close()
    ranks: dict[str, list[int | None]] = {"meaning": [], "words": [], "hybrid": []}
    for (number, title), vector in zip(titles.items(), vectors, strict=True):
        shared = passages.by_words(title)
        near = list(first_of_each(best(passages.by_meaning(vector), DEPTH), passages.owners))
        worded = list(first_of_each(best(np.where(shared > 0, shared, -np.inf), DEPTH), passages.owners))
        both = [parent for parent, _ in fuse(near, worded)]
        for name, order in (("meaning", near), ("words", worded), ("hybrid", both)):
            top = order[:10]
            ranks[name].append(top.index(answers[number]) if answers[number] in top else None)
    return [f"| {name} | {_ndcg(found):.3f} | {_recall(found):.3f} |" for name, found in ranks.items()]


def _ndcg(ranks: list[int | None]) -> float:
    return float(np.mean([0 if rank is None else 1 / np.log2(rank + 2) for rank in ranks]))


def _recall(ranks: list[int | None]) -> float:
    return float(np.mean([rank is not None for rank in ranks]))


def main() -> None:
    parser = argparse.ArgumentParser()
    what = parser.add_subparsers(dest="what", required=True)
    fast = what.add_parser("speed")
    fast.add_argument("folder", type=Path)
    fast.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    fast.add_argument("--dim", type=int, default=1024)
    good = what.add_parser("quality")
    good.add_argument("corpus", type=Path)
    good.add_argument("folder", type=Path)
    good.add_argument("--documents", type=int, default=1000)
    good.add_argument("--model", default="minilm")
    args = parser.parse_args()
    if args.what == "speed":
        print("| vectors | first query, ms | median, ms | worst, ms | resident, MB |\n|---|---|---|---|---|")
        for n_rows in args.rows:
            print(speed(args.folder, n_rows, args.dim), flush=True)
        return
    print("| ranking | nDCG@10 | recall@10 |\n|---|---|---|")
    print("\n".join(quality(args.corpus, args.folder, args.documents, args.model)))


if __name__ == "__main__":
    main()
