"""Which file serves the cache of vectors: SQLite, or Parquet shards, at the sizes of a large corpus.

    python benchmarks/vector_store.py [--vectors 20000] [--dim 2560]

Rows come in calls of 8, as the model gives them, and are asked for in shards of 256, half of which are there.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from patentclust.embedders.cache import Space, SqliteStore

CALL, SHARD = 8, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=2560)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    keys = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(arguments.vectors)]
    rows = {key: rng.bytes(4 * (arguments.dim + 4)) for key in keys}
    asked = [key if i % 2 else key[::-1] for i, key in enumerate(keys)]
    print("| store | write, µs a vector | look up, µs a vector | MB |\n|---|---|---|---|")
    for name, work in (("SQLite", with_sqlite), ("Parquet, a file a call", with_parquet)):
        with tempfile.TemporaryDirectory() as folder:
            write, read = work(Path(folder), rows, asked)
            size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
            print(
                f"| {name} | {write / len(keys) * 1e6:,.0f} | {read / len(keys) * 1e6:,.0f} | {size:,.0f} |", flush=True
            )


def batched(items: Iterable[Any], n: int) -> Iterator[list[Any]]:
    source = iter(items)
    while part := list(islice(source, n)):
        yield part


def with_sqlite(folder: Path, rows: dict[str, bytes], asked: list[str]) -> tuple[float, float]:
    store = SqliteStore(folder, Space("0" * 64, {}))
    start = time.perf_counter()
    for call in batched(rows.items(), CALL):
        store.put(dict(call), {})
    written = time.perf_counter()
    for i in range(0, len(asked), SHARD):
        store.get(asked[i : i + SHARD])
    read = time.perf_counter()
    store.close()
    return written - start, read - written


def with_parquet(folder: Path, rows: dict[str, bytes], asked: list[str]) -> tuple[float, float]:
    start = time.perf_counter()
    for i, call in enumerate(batched(rows.items(), CALL)):
        keys, values = zip(*call, strict=True)
        pq.write_table(pa.table({"text": keys, "value": values}), folder / f"{i}.parquet")
    written = time.perf_counter()
    shards = range(0, min(len(asked), 4 * SHARD), SHARD)  # a scan of all files each time: four are enough to tell
    for i in shards:
        ds.dataset(folder).to_table(filter=ds.field("text").isin(asked[i : i + SHARD]))
    read = time.perf_counter() - written
    return written - start, read * len(asked) / (len(shards) * SHARD)


if __name__ == "__main__":
    main()
