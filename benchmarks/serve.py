"""Load a server with many clients at once, check each vector, and print throughput and latencies.

    python benchmarks/serve.py URL [--clients 40] [--seconds 30] [--model minilm]

Texts are of mixed lengths, drawn by each client with a seed of its own. The same texts are
embedded in process first: what the server is measured against, and whose vectors each answer is compared with.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections.abc import Callable

import httpx
import numpy as np

from patentclust import models
from patentclust.embedders import open_embedder
from patentclust.params import EmbedParams, Resources
from patentclust.progress import Quiet

_WORDS = "battery cell electrolyte anode antenna beam channel guide nuclease genome sensor pixel robot ledger"
WORDS = _WORDS.split()
N_TEXTS = 300


def texts() -> list[str]:
    rng = random.Random(0)
    lengths = (5, 12, 40, 120, 300)
    return [" ".join(rng.choices(WORDS, k=rng.choice(lengths))) for _ in range(N_TEXTS)]


def offline(given: list[str], model: str, threads: int) -> tuple[np.ndarray, np.ndarray, float]:
    spec = models.find(model)
    path = models.ensure(spec, offline=True, progress=Quiet())
    embedder = open_embedder(spec, path, params=EmbedParams(model=model), resources=Resources(threads=threads))
    embedder.encode_document(given[:20])
    start = time.monotonic()
    encoded = embedder.encode_document(given)
    seconds = time.monotonic() - start
    embedder.close()
    return encoded.vectors, encoded.n_tokens, seconds


class Client:
    """One client: asks for one to four texts at a time until told to stop."""

    def __init__(self, url: str, model: str, given: list[str], expected: np.ndarray, number: int) -> None:
        self.url, self.model, self.given, self.expected = url, model, given, expected
        self.rng, self.seconds, self.asked = random.Random(number), [], []
        self.worst, self.again, self.wrong = 1.0, 0, 0

    def run(self, until: Callable[[], bool]) -> None:
        """Ask, and check each vector."""
        with httpx.Client(timeout=300) as client:
            while not until():
                rows = self.rng.sample(range(len(self.given)), self.rng.randint(1, 4))
                start = time.monotonic()
                body = {"model": self.model, "input": [self.given[i] for i in rows]}
                answer = client.post(self.url + "/v1/embeddings", json=body)
                if answer.status_code != 200:
                    self.again += 1
                    time.sleep(float(answer.headers.get("retry-after", 1)))
                    continue
                self.seconds.append(time.monotonic() - start)
                self.asked += rows
                got = np.array([row["embedding"] for row in answer.json()["data"]])
                got /= np.linalg.norm(got, axis=1, keepdims=True)  # llama_cpp.server does not
                cosines = (got * self.expected[rows]).sum(axis=1)
                self.worst = min(self.worst, float(cosines.min()))
                self.wrong += int((cosines < 0.999).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--served-as", help="name of the model on the server, where it is another")
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    given = texts()
    expected, n_tokens, alone = offline(given, chosen.model, chosen.threads)
    print(f"offline: {n_tokens.sum() / alone:,.0f} tokens/s, {len(given) / alone:,.1f} texts/s")
    name = chosen.served_as or chosen.model
    clients = [Client(chosen.url, name, given, expected, number) for number in range(chosen.clients)]
    end = time.monotonic() + chosen.seconds
    start = time.monotonic()
    threads = [threading.Thread(target=client.run, args=(lambda: time.monotonic() > end,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    seconds = np.array([value for client in clients for value in client.seconds])
    rows = [row for client in clients for row in client.asked]
    speed = n_tokens[rows].sum() / took
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    print(f"server: {speed:,.0f} tokens/s ({speed * alone / n_tokens.sum():.0%} of offline), {len(seconds):,} requests")
    print(f"seconds: p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}; told to come again: {sum(c.again for c in clients)}")
    wrong, worst = sum(c.wrong for c in clients), min(c.worst for c in clients)
    print(f"vectors: {len(rows):,}, wrong {wrong}, least cosine {worst:.6f}")


if __name__ == "__main__":
    main()
