"""Kill an embedding run at random moments until it gets through; the files must be those of an undisturbed run.

    python benchmarks/resume.py MODEL.gguf CORPUS.jsonl.gz [--kills 100] [--documents 400] [-- FLAGS OF EMBED]

Each run is a process of its own and gets SIGKILL after a random time, from before its first import to after its last
shard. Then one run goes through undisturbed. Every shard that a kill leaves behind is read in full.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--documents", type=int, default=400)
    arguments, flags = parser.parse_known_args()
    flags = ["-m", arguments.model, "--unit", "document", "--threads", "1", *(f for f in flags if f != "--")]
    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder) / "undisturbed", Path(folder) / "killed"
        with gzip.open(arguments.corpus, "rt", encoding="utf-8") as lines:
            (Path(folder) / "in.jsonl").write_text("".join(itertools.islice(lines, arguments.documents)))
        for workspace in (one, other):
            subprocess.run(command("ingest", workspace, [f"{folder}/in.jsonl"]), check=True, capture_output=True)
        start = time.perf_counter()
        start_run(one, flags).wait()
        seconds = time.perf_counter() - start
        kills, finished = kill_at_random(other, flags, seconds, arguments.kills)
        start_run(other, flags).wait()
        same = contents(one) == contents(other)
        left = list(other.rglob("*.tmp-*"))
        print(f"{kills} kills at random moments of a run of {seconds:.1f} s; {finished} times all shards were there "
              f"and embedding began anew; same bytes at the end: {same}; leftovers: {len(left)}")  # fmt: skip
        sys.exit(0 if same and not left else 1)


def command(stage: str, workspace: Path, arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "patentclust", stage, *arguments, "-w", str(workspace), "--quiet"]


def start_run(workspace: Path, flags: list[str]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PATENTCLUST_VECTORS": str(workspace / "vectors")}
    return subprocess.Popen(command("embed", workspace, flags), stdout=subprocess.DEVNULL, env=environment)


def kill_at_random(workspace: Path, flags: list[str], seconds: float, wanted: int) -> tuple[int, int]:
    """Return how many runs were killed, and how often the work was complete before and was thrown away."""
    rng, kills, finished = random.Random(0), 0, 0
    while kills < wanted:
        process = start_run(workspace, flags)
        # Each run gets a little further than the one before, so moments of all stages of the work are hit.
        time.sleep(rng.uniform(0, min(seconds, 3)))
        if process.poll() is None:
            process.kill()
            kills += 1
        elif process.returncode:
            raise SystemExit(f"a run failed with {process.returncode}")
        else:
            finished += 1
            for path in [*workspace.rglob("part-*.parquet"), *(workspace / "vectors").iterdir()]:
                path.unlink()
        process.wait()
        for path in workspace.rglob("part-*.parquet"):
            pq.read_table(path)
    return kills, finished


def contents(workspace: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(workspace.rglob("part-*.parquet"))}


if __name__ == "__main__":
    main()
