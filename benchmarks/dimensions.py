"""What a shorter vector costs: agreement with classes after a Matryoshka cut and after PCA to the same length.

    python benchmarks/dimensions.py CORPUS.jsonl.gz [--model minilm] [--dims 32 64 128 256]

Each line of the corpus has `title`, `abstract` and the class in `bench_label`. Figures are means over five seeds of
k-means with the true number of classes, which asks only how the vectors lie. A cut of a model that was not trained for
it is shown too, for comparison; `patentclust embed --dim` refuses it.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from patentclust import models
from patentclust.analysis.vectors import cut
from patentclust.embedders import open_embedder
from patentclust.params import EmbedParams, Resources
from patentclust.progress import Quiet

SEEDS = range(5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--dims", type=int, nargs="+", default=[32, 64, 128, 256])
    arguments = parser.parse_args()
    with gzip.open(arguments.corpus, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    spec = models.find(arguments.model)
    path = models.ensure(spec, offline=False, progress=Quiet())
    embedder = open_embedder(spec, path, params=EmbedParams(model=spec.name), resources=Resources())
    vectors = embedder.encode_document([f"{row['title']}\n\n{row['abstract']}" for row in rows]).vectors
    labels = [row["bench_label"] for row in rows]
    trained = "trained for it" if spec.matryoshka else "not trained for it"
    print(f"{arguments.corpus.name.split('.')[0]}, {spec.name} ({trained})\n")
    print("| dimensions | cut: ARI | AMI | PCA: ARI | AMI |\n|---|---|---|---|---|")
    for dim in [*(d for d in arguments.dims if d < vectors.shape[1]), vectors.shape[1]]:
        whole = dim == vectors.shape[1]
        reduced = vectors if whole else unit(PCA(dim, random_state=0).fit_transform(vectors))
        figures = [*scores(cut(vectors, dim), labels), *scores(reduced, labels)]
        print(f"| {dim} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |", flush=True)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def scores(vectors: np.ndarray, labels: list[str]) -> tuple[float, float]:
    n_classes = len(set(labels))
    found = [KMeans(n_classes, n_init=4, random_state=seed).fit_predict(vectors) for seed in SEEDS]
    ari = np.mean([adjusted_rand_score(labels, each) for each in found])
    ami = np.mean([adjusted_mutual_info_score(labels, each) for each in found])
    return float(ari), float(ami)


if __name__ == "__main__":
    main()
