"""How far clusterings agree with known classes and, over seeds, with each other.

    python benchmarks/seeds.py CORPUS.jsonl.gz WORKSPACE [--seeds 10] [-- --method leiden --resolution 1]
    python benchmarks/seeds.py CORPUS.jsonl.gz WORKSPACE --truth main --most 1500
    python benchmarks/seeds.py CORPUS.jsonl.gz WORKSPACE --seeds 10 --peer article bertopic evoc

WORKSPACE holds the corpus ingested and embedded (`embed --unit document`); nothing is written there. What follows `--`
are fields of ClusterParams as flags. `--truth` names the field of the corpus that holds the class; classes of fewer
than 20 documents are left out, and `--most` takes a sample of what is left. `--set consensus._HELD=0.5` tries another
value of a constant of `patentclust.analysis`. The second line is the next coarser layer.
`--peer` runs what others do on the same vectors, as `cluster.py` calls it (`evoc` needs its package), then ours with
the same seeds, and says how far apart the two are. Noise counts as one class.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import time
from collections import Counter
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import cluster
import numpy as np
from quality import labels_by_unit
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from patentclust import artifacts
from patentclust.analysis import grouping, layers, neighbours
from patentclust.params import ClusterParams, Resources
from patentclust.workspace import Workspace

SCORES = {"ARI": adjusted_rand_score, "AMI": adjusted_mutual_info_score}
FEWEST = 20
PEERS = {"article": cluster.article, "bertopic": cluster.bertopic, "evoc": cluster.evoc}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--truth", default="bench_label")
    parser.add_argument("--most", type=int)
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.CONSTANT=VALUE")
    parser.add_argument("--peer", choices=PEERS, nargs="+", default=[])
    arguments, rest = parser.parse_known_args()
    base = parameters(rest)
    for setting in arguments.set:
        name, value = setting.split("=")
        module, constant = name.split(".")
        changed = import_module(f"patentclust.analysis.{module}")
        getattr(changed, constant)  # it must be there
        setattr(changed, constant, number(value))
    with gzip.open(arguments.corpus, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    vectors, truth = labelled(Workspace(arguments.workspace), base.task, rows, arguments.truth)
    if arguments.most and len(truth) > arguments.most:
        taken = np.sort(np.random.default_rng(1).choice(len(truth), arguments.most, replace=False))
        vectors, truth = vectors[taken], [truth[row] for row in taken]
    threads, start = Resources().n_threads, time.perf_counter()
    others = {peer: [PEERS[peer](vectors, threads, seed) for seed in range(arguments.seeds)] for peer in arguments.peer}
    took = time.perf_counter() - start
    runs, above = ours(vectors, base, arguments.seeds, threads)
    print(line(runs, truth) + f" | {(time.perf_counter() - start - took) / arguments.seeds:.1f} s a run")
    if all(above):
        print(f"next layer: {line([coarser[0] for coarser in above], truth)}")
    for peer, theirs in others.items():
        print(f"{peer}: {line(theirs, truth)}")
        for name, score in SCORES.items():
            values = ([score(truth, labels) for labels in found] for found in (runs, theirs))
            print(f"  {name}: {apart(*map(np.array, values))}")


def labelled(workspace: Workspace, task: str, rows: list[dict], truth: str) -> tuple[np.ndarray, list[str]]:
    embeddings = artifacts.read_embeddings(workspace.shards(task))
    classes = labels_by_unit(workspace.root, rows, truth)
    sizes = Counter(classes.values())
    kept = [row for row, unit in enumerate(embeddings.unit_ids) if sizes[classes.get(unit, "")] >= FEWEST]
    return embeddings.vectors[kept], [classes[embeddings.unit_ids[row]] for row in kept]


def ours(
    vectors: np.ndarray, base: ClusterParams, n_seeds: int, threads: int
) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """Return the labels for each seed, and those of the coarser layers."""
    near = neighbours.nearest(vectors, n_neighbors=base.neighborhood, seed=base.seed, threads=threads)
    found = [
        grouping.group(vectors, near, replace(base, seed=seed), threads=threads, done=lambda: None)
        for seed in range(n_seeds)
    ]
    return [one.found.labels for one in found], [layers.coarser(one.found.labels, one.ties) for one in found]


def apart(mine: np.ndarray, theirs: np.ndarray) -> str:
    error = np.sqrt(mine.var(ddof=1) / len(mine) + theirs.var(ddof=1) / len(theirs))
    return (
        f"ours higher by {mine.mean() - theirs.mean():.3f} ± {error:.3f} (standard error) and in"
        f" {np.mean(mine[:, None] > theirs):.0%} of the pairs of seeds; {np.sum(theirs > mine.mean())} of"
        f" {len(theirs)} of theirs lie above our mean, {np.sum(theirs > mine.min())} above our lowest;"
        f" theirs: {' '.join(f'{value:.3f}' for value in np.sort(theirs))}"
    )


def parameters(rest: list[str]) -> ClusterParams:
    flags = [flag for flag in rest if flag != "--"]
    changes = {
        name.removeprefix("--").replace("-", "_"): number(v) for name, v in zip(flags[::2], flags[1::2], strict=True)
    }
    return ClusterParams(stability=1, **changes)


def number(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def line(runs: list[np.ndarray], truth: list[str]) -> str:
    ari = [adjusted_rand_score(truth, labels) for labels in runs]
    ami = [adjusted_mutual_info_score(truth, labels) for labels in runs]
    clusters = [int(labels.max()) + 1 for labels in runs]
    noise = [float(np.mean(labels == -1)) for labels in runs]
    between = [adjusted_rand_score(one, other) for one, other in itertools.combinations(runs, 2)] or [1.0]
    return (
        f"ARI {np.mean(ari):.3f} ± {np.std(ari):.3f} | AMI {np.mean(ami):.3f} ± {np.std(ami):.3f} | clusters "
        f"{min(clusters)}-{max(clusters)} | noise {min(noise):.2f}-{max(noise):.2f} | between seeds "
        f"{np.mean(between):.3f}, lowest {min(between):.3f}"
    )


if __name__ == "__main__":
    main()
