"""Time, memory and agreement with the truth of clusterers on the labelled mixture of `mixture.py`, in one run.

    python benchmarks/cluster.py [--sizes 1000 10000 50000 100000] [--dims 2560] [--methods patentclust …] [--threads 2]

Each run is a process of its own that gets the vectors and gives labels: from neighbours to clusters, no map, no names,
compiled code warm (what compiling took is a column). Peak memory counts the vectors. ARI and AMI are over documents
that have a topic, with noise as one class. The last lines give the exponent of growth between the two largest sizes.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

HEADER = "| method | n | s | core s | ×, of the first | peak MB | of vectors | clusters | noise | ARI | AMI | first s |"


def patentclust(vectors: np.ndarray, threads: int, method: str = "hdbscan") -> np.ndarray:
    from patentclust.analysis import grouping, neighbours
    from patentclust.params import ClusterParams

    params = ClusterParams(method=method, stability=1)
    with neighbours.one_thread():
        near = neighbours.nearest(vectors, n_neighbors=params.neighborhood, seed=params.seed, threads=threads)
        return grouping.group(vectors, near, params, threads=threads, done=lambda: None).found.labels


def patentclust_leiden(vectors: np.ndarray, threads: int) -> np.ndarray:
    return patentclust(vectors, threads, "leiden")


def article(vectors: np.ndarray, threads: int, seed: int = 42) -> np.ndarray:
    """UMAP to 50 dimensions, cosine, seed 42; HDBSCAN, min size 10, eom. The seed holds UMAP to one thread."""
    from hdbscan import HDBSCAN
    from umap import UMAP

    points = UMAP(n_components=50, metric="cosine", random_state=seed).fit_transform(vectors)
    return HDBSCAN(min_cluster_size=10, core_dist_n_jobs=threads).fit_predict(points)


def bertopic(vectors: np.ndarray, threads: int, seed: int | None = None) -> np.ndarray:
    """The UMAP and HDBSCAN that BERTopic 0.17 sets up by default; no seed, so all threads."""
    from hdbscan import HDBSCAN
    from umap import UMAP

    points = UMAP(
        n_neighbors=15,
        n_components=5,
        min_dist=0.0,
        metric="cosine",
        low_memory=False,
        random_state=seed,
        n_jobs=threads if seed is None else 1,
    ).fit_transform(vectors)
    return HDBSCAN(min_cluster_size=10, prediction_data=True, core_dist_n_jobs=threads).fit_predict(points)


def evoc(vectors: np.ndarray, threads: int, seed: int = 42) -> np.ndarray:
    """EVoC's defaults, seed 42; the layer that it returns."""
    from evoc import EVoC

    return EVoC(random_state=seed).fit_predict(vectors)


METHODS = {
    "patentclust": patentclust,
    "patentclust, leiden": patentclust_leiden,
    "umap-learn + hdbscan, article": article,
    "umap-learn + hdbscan, BERTopic": bertopic,
    "EVoC": evoc,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000, 100_000])
    parser.add_argument("--dims", type=int, default=2560)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "VECTORS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(*arguments.one, arguments.threads)))
        return
    print(HEADER + "\n" + "|---" * (HEADER.count("|") - 1) + "|", flush=True)
    seconds: dict[str, dict[int, float]] = {method: {} for method in arguments.methods}
    for n in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            race(n, Path(folder), arguments, seconds)
    for method, by_size in seconds.items():
        if len(by_size) > 1:
            (n0, s0), (n1, s1) = list(by_size.items())[-2:]
            print(f"{method}: seconds grow as n^{math.log(s1 / s0) / math.log(n1 / n0):.2f} from {n0} to {n1}")


def race(n: int, folder: Path, arguments: argparse.Namespace, seconds: dict[str, dict[int, float]]) -> None:
    from mixture import mixture
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    vectors, topics = mixture(n, dims=arguments.dims)
    np.save(folder / "vectors.npy", vectors)
    megabytes, known = vectors.nbytes / 1e6, topics >= 0
    del vectors
    for method in arguments.methods:
        command = [sys.executable, __file__, "--one", method, str(folder / "vectors.npy")]
        command += ["--threads", str(arguments.threads)]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
        labels = np.load(folder / "labels.npy")
        seconds[method][n] = found["s"]
        print(
            f"| {method} | {n:,} | {found['s']:.1f} | {found['core_s']:.1f}"
            f" | {found['s'] / seconds[arguments.methods[0]][n]:.1f} | {found['peak_mb']:,.0f}"
            f" | {found['peak_mb'] / megabytes:.2f} | {labels.max() + 1} | {np.mean(labels < 0):.3f}"
            f" | {adjusted_rand_score(topics[known], labels[known]):.3f}"
            f" | {adjusted_mutual_info_score(topics[known], labels[known]):.3f} | {found['first_s']:.1f} |",
            flush=True,
        )


def measured(method: str, path: str, threads: int) -> dict[str, float]:
    """Run one method on vectors, write labels.npy beside them, return what it took."""
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    rng = np.random.default_rng(0)
    few = rng.standard_normal((600, 64)).astype(np.float32)
    METHODS[method](few / np.linalg.norm(few, axis=1, keepdims=True), threads)
    first = time.perf_counter() - start
    vectors = np.load(path)
    start, cores = time.perf_counter(), core_seconds()
    labels = METHODS[method](vectors, threads)
    took = {"s": time.perf_counter() - start, "core_s": core_seconds() - cores, "first_s": first}
    np.save(Path(path).with_name("labels.npy"), labels)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return took | {"peak_mb": peak}


def core_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
