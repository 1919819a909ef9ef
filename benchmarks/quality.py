"""Agreement of the default map with the classes of labelled patents, through the command line.

    python benchmarks/quality.py CORPUS.jsonl.gz [--seeds 42 1 2] [-- FLAGS OF CLUSTER]

Each line of the corpus has `id`, `title`, `abstract` and the class in `bench_label`. Embedding is done once; each seed
is one `patentclust cluster`. Noise counts as one class.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, v_measure_score

HEADER = "| corpus | seed | patents | clusters | noise | ARI | AMI | V | silhouette, original | reduced | s |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    parser.add_argument("--model", default="minilm")
    arguments, cluster_flags = parser.parse_known_args()
    cluster_flags = [flag for flag in cluster_flags if flag != "--"]
    with gzip.open(arguments.corpus, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    print(HEADER + "\n" + "|---" * (HEADER.count("|") - 1) + "|")
    with tempfile.TemporaryDirectory() as folder:
        patentclust(folder, "ingest", str(arguments.corpus))
        patentclust(folder, "embed", "--model", arguments.model, "--unit", "document")
        labels = labels_by_unit(Path(folder), rows)
        for seed in arguments.seeds:
            start = time.perf_counter()
            patentclust(folder, "cluster", "--seed", str(seed), *cluster_flags)
            print(
                row(arguments.corpus.name.split(".")[0], seed, Path(folder), labels, time.perf_counter() - start),
                flush=True,
            )


def patentclust(folder: str, *args: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "patentclust", *args, "-w", folder, "--quiet"], check=True, stdout=subprocess.DEVNULL
    )


def labels_by_unit(folder: Path, rows: list[dict], truth: str = "bench_label") -> dict[str, str]:
    """Match documents to rows by their title and abstract: publication numbers are normalised on the way in."""
    labels = {texts(row): row.get(truth) for row in rows}
    table = pq.read_table(folder / "documents.parquet", columns=["doc_id", "title", "abstract"]).to_pylist()
    found = {r["doc_id"]: labels.get(texts(r)) for r in table}
    lost = sum(label is None for label in found.values())
    if lost or len(found) != len(rows):
        print(f"{len(rows)} rows, {len(found)} documents, {lost} without a label", file=sys.stderr)
    return {unit: label for unit, label in found.items() if label is not None}


def texts(row: dict) -> tuple[str, ...]:
    return tuple(" ".join((row.get(field) or "").split()) for field in ("title", "abstract"))


def row(name: str, seed: int, folder: Path, labels: dict[str, str], seconds: float) -> str:
    table = pq.read_table(folder / "clusters.parquet", filters=[("layer", "=", 0)]).to_pylist()
    pairs = [(labels[r["unit_id"]], r["cluster_id"]) for r in table if r["unit_id"] in labels]
    truth, found = [a for a, _ in pairs], [b for _, b in pairs]
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    values = {
        key: value["value"] if isinstance(value, dict) and "value" in value else value for key, value in scores.items()
    }
    noise = sum(label == -1 for label in found) / len(found)
    figures = (
        adjusted_rand_score(truth, found),
        adjusted_mutual_info_score(truth, found),
        v_measure_score(truth, found),
    )
    silhouettes = (values["silhouette_cosine"], values["silhouette_reduced"])
    shown = " | ".join("" if figure is None else f"{figure:.3f}" for figure in (noise, *figures, *silhouettes))
    return f"| {name} | {seed} | {len(found)} | {len(set(found) - {-1})} | {shown} | {seconds:.0f} |"


if __name__ == "__main__":
    main()
