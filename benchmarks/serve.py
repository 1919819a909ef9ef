"""Load servers with many clients at once, check each vector, and print throughput and latencies.

    python benchmarks/serve.py URL [URL …] [--clients 500] [--seconds 30] [--rounds 4] [--pid PID …]

Each round embeds the texts in process first, then loads each server in turn, so that whatever else the machine does
meets all of them. Texts are of mixed lengths, one or two a request; every vector that comes back is compared with the
one made in process. With --pid, one a server in the same order, memory is printed after each round, and tokens are set
against seconds of processor too: on a machine that others use, the measure that means something.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import time
from dataclasses import dataclass, field

import httpx
import numpy as np
import psutil

from patentclust import models
from patentclust.embedders import Embedder, open_embedder
from patentclust.params import EmbedParams, Resources
from patentclust.progress import Quiet

_WORDS = "battery cell electrolyte anode antenna beam channel guide nuclease genome sensor pixel robot ledger"
N_TEXTS, LENGTHS = 300, (3, 8, 20, 60, 150)
MB = 1 << 20


def texts() -> list[str]:
    rng = random.Random(0)
    return [" ".join(rng.choices(_WORDS.split(), k=rng.choice(LENGTHS))) for _ in range(N_TEXTS)]


@dataclass
class Counts:
    """What the clients of one server saw."""

    n_tokens: int = 0
    n_vectors: int = 0
    n_wrong: int = 0
    n_again: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    worst: float = 1.0
    latencies: list[float] = field(default_factory=list)


class Load:
    """Clients that each ask, wait for the answer, check it and ask again."""

    def __init__(self, model: str, given: list[str], embedder: Embedder) -> None:
        """Embed the texts to know what is right."""
        self.model, self.given = model, given
        encoded = embedder.encode_document(given)
        self.expected, self.n_tokens = encoded.vectors, encoded.n_tokens

    async def run(self, url: str, counts: Counts, *, n_clients: int, seconds: float) -> None:
        """Load one server."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        start = time.monotonic()
        async with httpx.AsyncClient(base_url=url, timeout=900, limits=limits) as http:
            clients = (self._client(http, counts, random.Random(i), start + seconds) for i in range(n_clients))
            await asyncio.gather(*clients)
        counts.seconds += time.monotonic() - start

    async def _client(self, http: httpx.AsyncClient, counts: Counts, rng: random.Random, end: float) -> None:
        while time.monotonic() < end:
            rows = rng.sample(range(len(self.given)), rng.randint(1, 2))
            start = time.monotonic()
            body = {"model": self.model, "input": [self.given[i] for i in rows]}
            answer = await http.post("/v1/embeddings", json=body)
            if answer.status_code != 200:
                counts.n_again += 1
                await asyncio.sleep(float(answer.headers.get("retry-after", 1)))
                continue
            counts.latencies.append(time.monotonic() - start)
            got = np.array([row["embedding"] for row in answer.json()["data"]])
            got /= np.linalg.norm(got, axis=1, keepdims=True)  # llama_cpp.server does not
            cosines = (got * self.expected[rows]).sum(axis=1)
            counts.n_tokens += int(self.n_tokens[rows].sum())
            counts.n_vectors += len(rows)
            counts.worst = min(counts.worst, float(cosines.min()))
            counts.n_wrong += int((cosines < 0.999).sum())


def alone(embedder: Embedder, given: list[str], counts: Counts, seconds: float) -> None:
    """Embed the texts in process, over and over."""
    start, cpu = time.monotonic(), time.process_time()
    while time.monotonic() < start + seconds:
        counts.n_tokens += int(embedder.encode_document(given).n_tokens.sum())
        counts.n_vectors += len(given)
    counts.seconds += time.monotonic() - start
    counts.cpu_seconds += time.process_time() - cpu


def cpu_seconds(process: psutil.Process | None) -> float:
    """Return what a process took of the processors; 0 where none was named."""
    return sum(process.cpu_times()[:2]) if process else 0.0


def show(name: str, counts: Counts, offline: Counts) -> None:
    speed, least = counts.n_tokens / counts.seconds, offline.n_tokens / offline.seconds
    print(f"{name}: {speed:,.0f} tokens/s, {speed / least:.0%} of offline, {counts.n_vectors:,} vectors")
    if counts.cpu_seconds:
        speed, least = counts.n_tokens / counts.cpu_seconds, offline.n_tokens / offline.cpu_seconds
        print(f"  {speed:,.0f} tokens a second of processor, {speed / least:.0%} of offline")
    if counts.latencies:
        p50, p95, p99 = np.percentile(counts.latencies, [50, 95, 99])
        print(f"  seconds: p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}; told to come again {counts.n_again}")
        print(f"  wrong {counts.n_wrong}, least cosine {counts.worst:.6f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("urls", nargs="+")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pid", type=int, nargs="+", default=[])
    chosen = parser.parse_args()
    spec, given = models.find(chosen.model), texts()
    path = models.ensure(spec, offline=True, progress=Quiet())
    params, resources = EmbedParams(model=chosen.model), Resources(threads=chosen.threads)
    embedder = open_embedder(spec, path, params=params, resources=resources)
    load, offline = Load(chosen.model, given, embedder), Counts()
    served = {url: Counts() for url in chosen.urls}
    for _ in range(chosen.rounds):
        alone(embedder, given, offline, chosen.seconds / 2)
        for (url, counts), process in itertools.zip_longest(served.items(), map(psutil.Process, chosen.pid)):
            before = cpu_seconds(process)
            asyncio.run(load.run(url, counts, n_clients=chosen.clients, seconds=chosen.seconds))
            counts.cpu_seconds += cpu_seconds(process) - before
            memory = f"{process.memory_info().rss / MB:,.0f} MiB" if process else "unknown"
            print(f"{url}: memory {memory}, load of the machine {os.getloadavg()[0]:.1f}", flush=True)
    embedder.close()
    show("offline", offline, offline)
    for url, counts in served.items():
        show(url, counts, offline)


if __name__ == "__main__":
    main()
