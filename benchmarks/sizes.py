"""Which minimum size `--min-size auto` takes, beside what each size gives.

    python benchmarks/sizes.py CORPUS.jsonl.gz WORKSPACE [--truth bench_label section] [--most 1000]
    python benchmarks/sizes.py --topics 40 [--most 1000]

WORKSPACE holds the corpus ingested and embedded (`embed --unit document`); nothing is written there. Without it a
mixture of `mixture.py` is taken, in 128 dimensions, with that many topics (a document of none counts as of one class).
Two seeds; * marks the size that is taken. `tells` is another principle, tried and left: the information (nats) of a
unit's cluster on its neighbour's, times the share of neighbours in clusters, times the agreement between seeds.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
from mixture import mixture
from quality import labels_by_unit
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, mutual_info_score

from patentclust import artifacts
from patentclust.analysis import grouping, neighbours, sizes
from patentclust.params import ClusterParams
from patentclust.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("workspace", type=Path, nargs="?")
    parser.add_argument("--truth", nargs="+", default=["bench_label"])
    parser.add_argument("--topics", type=int)
    parser.add_argument("--most", type=int, default=1_000)
    arguments = parser.parse_args()
    vectors, truths = mixed(arguments) if arguments.topics else labelled(arguments)
    params = ClusterParams(stability=2, auto_size=True)
    near = neighbours.nearest(vectors, n_neighbors=params.neighborhood, seed=params.seed, threads=1)
    tried = sizes.ladder(len(vectors))
    found = grouping.over_sizes(vectors, near, params, tried, threads=1, done=lambda: None)
    chosen = sizes.choose([sizes.worth(one) for one in found])
    agreements = "".join(f" {name}: ARI | AMI |" for name in truths)
    print(f"| size | clusters | noise | between seeds | tells | DBCV |{agreements}")
    print("|---" * (6 + 2 * len(truths)) + "|")
    for number, (size, one) in enumerate(zip(tried, found, strict=True)):
        labels = one.found.labels
        told, mark = one.stability * information(labels, near.indices), "*" * (number == chosen)
        scores = "".join(
            f" {adjusted_rand_score(truth, labels):.3f} | {adjusted_mutual_info_score(truth, labels):.3f} |"
            for truth in truths.values()
        )
        print(
            f"| {size}{mark} | {labels.max() + 1} | {np.mean(labels < 0):.2f} | {one.stability:.2f} |"
            f" {told:.2f} | {sizes.validity(one):.2f} |{scores}"
        )


def information(labels: np.ndarray, near: np.ndarray) -> float:
    one, other = np.repeat(labels, near.shape[1] - 1), labels[near[:, 1:]].ravel()
    known = (one >= 0) & (other >= 0)
    return mutual_info_score(one[known], other[known]) * known.mean() if known.any() else 0.0


def mixed(arguments: argparse.Namespace) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    vectors, topics = mixture(arguments.most, dims=128, seed=arguments.topics, n_topics=arguments.topics)
    return vectors, {"topic": topics}


def labelled(arguments: argparse.Namespace) -> tuple[np.ndarray, dict[str, list[str]]]:
    with gzip.open(arguments.corpus, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    workspace = Workspace(arguments.workspace)
    embeddings = artifacts.read_embeddings(workspace.shards(ClusterParams().task))
    classes = {name: labels_by_unit(workspace.root, rows, name) for name in arguments.truth}
    units = np.array([all(own.get(unit) for own in classes.values()) for unit in embeddings.unit_ids]).nonzero()[0]
    if len(units) > arguments.most:
        units = np.sort(np.random.default_rng(0).choice(units, arguments.most, replace=False))
    return embeddings.vectors[units], {
        name: [own[embeddings.unit_ids[unit]] for unit in units] for name, own in classes.items()
    }


if __name__ == "__main__":
    main()
