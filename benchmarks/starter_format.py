"""Which number format serves the starter model best: agreement with the published float32 weights, speed, quality.

    python benchmarks/starter_format.py SAFETENSORS_FOLDER CORPUS.jsonl.gz

SAFETENSORS_FOLDER holds config.json, vocab.txt and model.safetensors of all-MiniLM-L6-v2; the corpus has `title`,
`abstract` and `bench_label` per line. Speeds are medians of three interleaved rounds on one thread.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.models import ModelSpec
from patentclust.models.convert import bert_to_gguf
from patentclust.params import EmbedParams, Resources

FORMATS = ("F32", "F16", "Q8_0")
MOST_TEXTS = 60
TEMPLATES = {"plain": "{text}", "Cluster:": "Cluster: {text}"}


def main(weights: Path, corpus: Path) -> None:
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:MOST_TEXTS]
    texts = [f"{row['title']}\n\n{row['abstract']}" for row in rows]
    labels = [row["bench_label"] for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        embedders, sizes = {}, {}
        for name in FORMATS:
            path = Path(folder) / f"{name}.gguf"
            bert_to_gguf(weights, path, quantisation=name)
            sizes[name] = path.stat().st_size / 1e6
            for prefix, template in TEMPLATES.items():
                spec = ModelSpec(name, path.name, {"kind": "path", "path": str(path)}, templates={"cluster": template})
                embedders[name, prefix] = InProcessEmbedder(
                    path, spec, params=EmbedParams(), resources=Resources(threads=1)
                )
        report(embedders, sizes, texts, labels)


def report(embedders: dict, sizes: dict, texts: list[str], labels: list[str]) -> None:
    vectors, speeds = {}, {key: [] for key in embedders}
    for _ in range(3):
        for key, embedder in embedders.items():
            start = time.perf_counter()
            encoded = embedder.encode_document(texts)
            speeds[key].append(encoded.n_tokens_used.sum() / (time.perf_counter() - start))
            vectors[key] = encoded.vectors
    print(
        "| format | prefix | MB | tokens/s | least cosine to F32 | mean | k-means ARI | AMI |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for (name, prefix), found in vectors.items():
        cosines = (found * vectors["F32", prefix]).sum(axis=1)
        scores = [kmeans(found, labels, seed) for seed in range(5)]
        ari, ami = np.mean(scores, axis=0)
        speed = statistics.median(speeds[name, prefix])
        print(f"| {name} | {prefix} | {sizes[name]:.1f} | {speed:,.0f} | {cosines.min():.6f} | {cosines.mean():.6f} "
              f"| {ari:.3f} | {ami:.3f} |")  # fmt: skip


def kmeans(vectors: np.ndarray, labels: list[str], seed: int) -> tuple[float, float]:
    found = KMeans(len(set(labels)), n_init=4, random_state=seed).fit_predict(vectors)
    return adjusted_rand_score(labels, found), adjusted_mutual_info_score(labels, found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
