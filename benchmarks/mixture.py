"""A labelled mixture of unit vectors, in which clusterers can be raced at sizes that no labelled corpus has.

    python benchmarks/mixture.py N OUT.npz [--dims 2560] [--seed 7]

It is made like a patent corpus: sections hold classes, classes hold topics of Zipf's sizes; a document lies near its
topic, leans to another of the same class, some far more than most (a heavy tail), and a tenth belong to no topic but
lie between two of any. OUT.npz holds `vectors` (n, dims, float32, unit length) and `topics` (n, int32, -1 = none).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

_SECTIONS, _CLASSES = 8, 60
_NOISE = 0.1
# All documents lie near a space of this many dimensions, as embeddings do; the rest of the dimensions is weak.
_LATENT = 96
_BLOCK = 4096


def mixture(n: int, *, dims: int = 2560, seed: int = 7, n_topics: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors and topics as the module says: n / 60 topics, 400 at most, unless told."""
    rng = np.random.default_rng(seed)
    n_topics = n_topics or int(np.clip(n // 60, 8, 400))
    centres, class_of = _centres(rng, n_topics)
    sizes = 1 / np.arange(1, n_topics + 1) ** 0.8
    topics = rng.choice(n_topics, n, p=sizes / sizes.sum()).astype(np.int32)
    partner = _partners(rng, topics, class_of)
    stray = rng.random(n) < _NOISE
    partner[stray] = rng.integers(0, n_topics, int(stray.sum()))
    lean = np.where(stray, rng.uniform(0.4, 0.6, n), rng.beta(1, 4, n) * 0.6)[:, None]
    reach = (0.75 * np.sqrt(5 / rng.chisquare(5, n)))[:, None] * np.where(stray, 1.6, 1)[:, None]
    latent = (1 - lean) * centres[topics] + lean * centres[partner] + reach * _scatter(rng, n)
    lift = rng.standard_normal((_LATENT, dims)).astype(np.float32) / np.sqrt(dims)
    vectors = np.empty((n, dims), np.float32)
    for start in range(0, n, _BLOCK):
        block = latent[start : start + _BLOCK].astype(np.float32) @ lift
        block += rng.standard_normal(block.shape).astype(np.float32) * np.float32(0.3 / np.sqrt(dims))
        vectors[start : start + _BLOCK] = block / np.linalg.norm(block, axis=1, keepdims=True)
    topics[stray] = -1
    return vectors, topics


def _scatter(rng: np.random.Generator, n: int) -> np.ndarray:
    """Directions in which documents differ, a few of them far more than most, about unit length."""
    spectrum = np.arange(1, _LATENT + 1) ** -0.5
    return rng.standard_normal((n, _LATENT)) * (spectrum / np.linalg.norm(spectrum))


def _centres(rng: np.random.Generator, n_topics: int) -> tuple[np.ndarray, np.ndarray]:
    section_of = rng.integers(0, _SECTIONS, _CLASSES)
    class_of = rng.integers(0, _CLASSES, n_topics)
    sections, classes, topics = (_scatter(rng, count) for count in (_SECTIONS, _CLASSES, n_topics))
    return 0.4 * sections[section_of[class_of]] + 0.5 * classes[class_of] + 0.7 * topics, class_of


def _partners(rng: np.random.Generator, topics: np.ndarray, class_of: np.ndarray) -> np.ndarray:
    """For each document another topic of its topic's class, or its own where there is none."""
    partner = topics.copy()
    for topic in np.unique(topics):
        siblings = np.flatnonzero((class_of == class_of[topic]) & (np.arange(len(class_of)) != topic))
        rows = np.flatnonzero(topics == topic)
        if len(siblings):
            partner[rows] = rng.choice(siblings, len(rows))
    return partner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n", type=int)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dims", type=int, default=2560)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    vectors, topics = mixture(arguments.n, dims=arguments.dims, seed=arguments.seed)
    np.savez(arguments.out, vectors=vectors, topics=topics)


if __name__ == "__main__":
    main()
