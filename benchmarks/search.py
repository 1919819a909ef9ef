"""Measure search: milliseconds a query over memory-mapped vectors, with and without an index, and what it finds.

    python benchmarks/search.py speed FOLDER [--rows 10000 100000 1000000] [--dim 1024]
    python benchmarks/search.py quality CORPUS.jsonl.gz FOLDER [--documents 1000] [--model minilm]
    python benchmarks/search.py languages TRILINGUAL.jsonl.gz FOLDER [--model minilm]

Speed: made vectors, 2,000 loose groups in 128 directions and noise in all, so that neighbours mean something; a
question is one of them, moved a little. Quality: the title of a document is the question, the document's abstract
(indexed without its title) the one answer. Languages: an abstract in one language is the question, the same patent's in
another the answer.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from patentclust import pipeline
from patentclust.analysis.retrieval import best, first_of_each, fuse
from patentclust.embedders import open_embedder
from patentclust.models import ensure
from patentclust.params import EmbedParams, Resources
from patentclust.progress import Quiet
from patentclust.stages import cells
from patentclust.stages.embed import resolve
from patentclust.stages.passages import Passages, open_passages
from patentclust.workspace import Workspace

DEPTH = 1000
QUERIES = 50
GROUPS, DIRECTIONS = 2000, 128


def speed(folder: Path, n_rows: int, dim: int) -> Iterator[str]:
    path, index = folder / "vectors.npy", folder / "cells.faiss"
    _write_made(path, n_rows, dim)
    vectors = np.load(path, mmap_mode="r")
    queries = _questions(vectors)
    for start in range(0, n_rows, 10_000):
        vectors[start : start + 10_000].sum()  # into the page cache
    everything = np.ones(n_rows, bool)
    exact, times = _asked(queries, lambda query: best(np.round(vectors @ query, 6), DEPTH))
    yield _speed_row(n_rows, "exact", times, [1.0], path)
    began = time.perf_counter()
    opened = _made_cells(vectors, index)
    built = time.perf_counter() - began
    for share in (1.0, 0.25):
        shown = everything if share == 1 else np.random.default_rng(7).random(n_rows) < share
        if share < 1:
            hidden = np.where(shown, 0, -np.inf).astype(np.float32)
            exact, _ = _asked(queries, lambda query, hidden=hidden: best(np.round(vectors @ query, 6) + hidden, DEPTH))
        found, times = _asked(queries, lambda query, shown=shown: _by_cells(opened, vectors, query, shown))
        recalls = [len(set(a[:10]) & set(b[:10])) / 10 for a, b in zip(exact, found, strict=True)]
        what = f"cells, made in {built:.0f} s" if share == 1 else f"cells, a filter leaves {share:.0%}"
        yield _speed_row(n_rows, what, times, recalls, index)
    path.unlink()
    index.unlink()


def _made_cells(vectors: np.ndarray, path: Path) -> cells.Cells:
    path.unlink(missing_ok=True)
    cells.SCANNED_VALUES = 0
    opened = cells.open_cells(vectors, path, Quiet())
    if opened is None:
        raise SystemExit("faiss is not installed: python -m pip install faiss-cpu")
    return opened


def _write_made(path: Path, n_rows: int, dim: int) -> None:
    rng = np.random.default_rng(42)
    directions = rng.standard_normal((DIRECTIONS, dim), dtype=np.float32)
    centres = rng.standard_normal((GROUPS, DIRECTIONS), dtype=np.float32)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_rows, dim))
    for start in range(0, n_rows, 10_000):
        n = min(10_000, n_rows - start)
        inside = centres[rng.integers(0, GROUPS, n)] + rng.standard_normal((n, DIRECTIONS), dtype=np.float32)
        block = inside @ directions + 3 * rng.standard_normal((n, dim), dtype=np.float32)
        out[start : start + n] = block / np.linalg.norm(block, axis=1, keepdims=True)
    out.flush()


def _questions(vectors: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(vectors), QUERIES + 1)
    moved = vectors[rows] + 0.02 * rng.standard_normal((len(rows), vectors.shape[1])).astype(np.float32)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def _asked(queries: np.ndarray, ask: Any) -> tuple[list[np.ndarray], np.ndarray]:
    found, times = [], []
    for query in queries:
        began = time.perf_counter()
        found.append(ask(query))
        times.append(1000 * (time.perf_counter() - began))
    return found, np.array(times)


def _by_cells(opened: cells.Cells, vectors: np.ndarray, query: np.ndarray, shown: np.ndarray) -> np.ndarray:
    rows = np.sort(opened.candidates(query, shown, DEPTH))
    return rows[best(np.round(vectors[rows] @ query, 6), DEPTH)]


def _speed_row(n_rows: int, what: str, times: np.ndarray, recalls: Sequence[float], path: Path) -> str:
    resident = psutil.Process().memory_info().rss / 1e6
    warm = times[1:]
    return (
        f"| {n_rows:,} | {what} | {times[0]:.0f} | {np.median(warm):.1f} | {warm.max():.0f} | {np.mean(recalls):.3f} |"
        f" {path.stat().st_size / 1e6:,.0f} | {resident:,.0f} |"
    )


def quality(corpus: Path, folder: Path, n_documents: int, model: str) -> list[str]:
    rows = [row for row in _read(corpus) if row["title"] and row["abstract"]][:n_documents]
    passages = _embedded(folder, [row["abstract"] for row in rows], model)
    titles = [row["title"] for row in rows]
    vectors = _encoded(passages, titles)
    lines = _measured("titles", passages, titles, vectors)
    opened = _made_cells(passages.vectors, folder / "cells.faiss")
    shown = np.ones(len(passages.owners), bool)
    share = []
    for vector in vectors:
        exact = best(passages.by_meaning(vector), 10)
        share.append(np.isin(exact, _by_cells(opened, passages.vectors, vector, shown)[:10]).mean())
    return [*lines, f"cells of these {len(shown):,} passages: recall@10 against exact {np.mean(share):.3f}"]


def languages(corpus: Path, folder: Path, model: str) -> list[str]:
    rows = [row for row in _read(corpus) if row.get("abstract_zh") and row.get("abstract_en")]
    texts = {code: [row[f"abstract_{code}"] for row in rows] for code in ("en", "zh")}
    lines = []
    for answers, asked in (("en", "zh"), ("zh", "en")):
        passages = _embedded(folder / answers, texts[answers], model)
        vectors = _encoded(passages, texts[asked])
        lines += _measured(f"{asked} asks, {answers} answers", passages, texts[asked], vectors)
    return lines


def _read(corpus: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _embedded(folder: Path, abstracts: Sequence[str], model: str) -> Passages:
    """Embed abstracts as documents numbered from 10,000,000 on."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "corpus.jsonl"
    kept = [{"publication_number": _number(i), "title": "", "abstract": text} for i, text in enumerate(abstracts)]
    source.write_text("\n".join(map(json.dumps, kept)), encoding="utf-8")
    workspace = Workspace(folder / "out")
    pipeline.ingest(workspace, [source])
    pipeline.embed(workspace, EmbedParams(model=model, task="retrieve", unit="document"))
    return open_passages(workspace, Quiet())


def _number(i: int) -> str:
    return f"US-{10_000_000 + i}-A1"


def _encoded(passages: Passages, questions: Sequence[str]) -> np.ndarray:
    spec, params = resolve(passages.params)
    embedder = open_embedder(spec, ensure(spec, offline=True, progress=Quiet()), params=params, resources=Resources())
    vectors = embedder.encode_query(list(questions)).vectors
    embedder.close()
    return vectors


def _measured(what: str, passages: Passages, questions: Sequence[str], vectors: np.ndarray) -> list[str]:
    """Return a row for each ranking; the answer to question i is document i."""
    places = {parent: i for i, parent in enumerate(passages.parents)}
    ranks: dict[str, list[int | None]] = {"meaning": [], "words": [], "hybrid": []}
    for i, (question, vector) in enumerate(zip(questions, vectors, strict=True)):
        answer, shared = places[_number(i)], passages.by_words(question)
        near = list(first_of_each(best(passages.by_meaning(vector), DEPTH), passages.owners))
        worded = list(first_of_each(best(np.where(shared > 0, shared, -np.inf), DEPTH), passages.owners))
        both = [parent for parent, _ in fuse(near, worded)]
        for name, order in (("meaning", near), ("words", worded), ("hybrid", both)):
            top = order[:10]
            ranks[name].append(top.index(answer) if answer in top else None)
    return [f"| {what} | {name} | {_ndcg(found):.3f} | {_recall(found):.3f} |" for name, found in ranks.items()]


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
    for name in ("quality", "languages"):
        good = what.add_parser(name)
        good.add_argument("corpus", type=Path)
        good.add_argument("folder", type=Path)
        good.add_argument("--model", default="minilm")
        if name == "quality":
            good.add_argument("--documents", type=int, default=1000)
    args = parser.parse_args()
    if args.what == "speed":
        print("| vectors | how | first, ms | median, ms | worst, ms | recall@10 | on disk, MB | resident, MB |")
        print("|---|---|---|---|---|---|---|---|")
        for n_rows in args.rows:
            for line in speed(args.folder, n_rows, args.dim):
                print(line, flush=True)
        return
    print("| question | ranking | nDCG@10 | recall@10 |\n|---|---|---|---|")
    if args.what == "languages":
        print("\n".join(languages(args.corpus, args.folder, args.model)))
    else:
        print("\n".join(quality(args.corpus, args.folder, args.documents, args.model)))


if __name__ == "__main__":
    main()
