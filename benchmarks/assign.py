"""Where new documents fall on a map of the others: a tenth held out, by the rule of `patentclust assign`.

    python benchmarks/assign.py CORPUS.jsonl.gz WORKSPACE [-- --method leiden]

WORKSPACE holds the corpus ingested and embedded (`embed --unit document`); nothing is written there. Every tenth
document is held out. Right: in a cluster whose commonest class is the document's own. Placed alike: documents of the
map put back on it, each without itself.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
from quality import labels_by_unit
from seeds import parameters

from patentclust import artifacts
from patentclust.analysis import grouping, neighbours, placing
from patentclust.params import Resources
from patentclust.workspace import Workspace

HEADER = "| corpus | method | new | noise of the map | of the new | new, right | members, right | placed alike |"
NOISE = -1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("workspace", type=Path)
    arguments, rest = parser.parse_known_args()
    params, threads = parameters(rest), Resources().n_threads
    with gzip.open(arguments.corpus, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    workspace = Workspace(arguments.workspace)
    embeddings = artifacts.read_embeddings(workspace.shards(params.task))
    classes = labels_by_unit(workspace.root, rows)
    truth = np.array([classes[unit] for unit in embeddings.unit_ids])
    out = np.arange(len(truth)) % 10 == 7
    vectors, own = embeddings.vectors[~out], truth[~out]
    near = neighbours.nearest(vectors, n_neighbors=params.neighborhood, seed=params.seed, threads=threads)
    labels = grouping.group(vectors, near, params, threads=threads, done=lambda: None).found.labels
    commonest = {c: Counter(own[labels == c].tolist()).most_common(1)[0][0] for c in np.unique(labels) if c != NOISE}
    new = np.array(placed(embeddings.vectors[out], vectors, labels))
    some = np.flatnonzero(np.arange(len(vectors)) % 10 == 3)
    again = [placed(vectors[[row]], np.delete(vectors, row, 0), np.delete(labels, row))[0] for row in some]
    right, members = (
        np.mean([commonest.get(cluster) == kind for cluster, kind in zip(found, kinds, strict=True)])
        for found, kinds in ((new, truth[out]), (labels, own))
    )
    print(HEADER + "\n" + "|---" * (HEADER.count("|") - 1) + "|")
    print(
        f"| {arguments.corpus.name.split('.')[0]} | {params.method} | {out.sum()} | {np.mean(labels == NOISE):.3f}"
        f" | {np.mean(new == NOISE):.3f} | {right:.3f} | {members:.3f} | {np.mean(labels[some] == again):.3f} |"
    )


def placed(new: np.ndarray, vectors: np.ndarray, labels: np.ndarray) -> list[int]:
    return [place.cluster_id for place in placing.place(new, vectors, labels, np.zeros((len(vectors), 2)))]


if __name__ == "__main__":
    main()
