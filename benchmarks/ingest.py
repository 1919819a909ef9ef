"""How fast ingest reads: a made weekly file and a folder of PDFs, with 1 and N workers, against a bare lxml pass.

    python benchmarks/ingest.py FOLDER_OF_XML [--megabytes 700] [--documents 7000] [--workers N]
        [--rounds 1] [--pdfs FOLDER [--copies 5]]

The weekly file holds the XML documents of the folder again and again under new numbers, and each time with a few other
words, so that it does not compress as no real file does. The bare pass parses the same bytes, document by document,
with lxml and does nothing with them. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

_NUMBER = re.compile(rb"(<publication-reference>.*?<doc-number>)[^<]*", re.DOTALL)
_TEXT = re.compile(rb"(?<=[a-z] )[a-z]{5,12}(?= [a-z])")
_ONE_CORE = """
import sys, time
from pathlib import Path
from lxml import etree
from patentclust.params import IngestParams
from patentclust.readers import InputFile, open_file, read_source
path, params = Path(sys.argv[1]), IngestParams()
parsing = reading = 0.0
for source in open_file(InputFile(path, "x", path.stat().st_size, True), sha256=""):
    start = time.process_time()
    etree.fromstring(source.open.data, etree.XMLParser(huge_tree=True, load_dtd=False, no_network=True))
    middle = time.process_time()
    for document in read_source(source, params):
        pass
    parsing, reading = parsing + middle - start, reading + time.process_time() - middle
print(parsing, reading)
"""


def weekly_file(folder: Path, out: Path, *, n_bytes: int, n_documents: int) -> int:
    """Write at least so many bytes and documents; return how many documents."""
    documents = [path.read_bytes().rstrip() for path in sorted(folder.iterdir()) if path.is_file()]
    words = [sorted(set(_TEXT.findall(data))) for data in documents]
    chance = random.Random(0)
    size = count = 0
    with out.open("wb") as stream:
        for place in itertools.cycle(range(len(documents))):
            if size >= n_bytes and count >= n_documents:
                return count
            data = _NUMBER.sub(lambda found, n=count: found[1] + b"%08d" % (10_000_000 + n), documents[place], count=1)
            if words[place]:
                data = _TEXT.sub(lambda _, some=words[place]: chance.choice(some), data)
            size += stream.write(data + b"\n")
            count += 1
    raise AssertionError("unreachable")


class Watch:
    """The peak of resident memory, in bytes, of a process and all below it, looked at 20 times a second."""

    def __init__(self, pid: int) -> None:
        self.peak, self._pid, self._ended = 0, pid, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self.peak = max(self.peak, sum(_resident(pid) for pid in _tree(self._pid)))

    def stop(self) -> int:
        """End looking; return the peak."""
        self._ended.set()
        self._thread.join()
        return self.peak


def _tree(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(path.read_text().rsplit(")", 1)[1].split()[1]), []).append(int(path.parent.name))
        except OSError:
            continue
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


class Cost(NamedTuple):
    """Seconds by the clock, seconds of all cores together, and the peak of memory in bytes."""

    seconds: float
    cpu_seconds: float
    peak: int


def ingest(path: Path, workspace: Path, workers: int) -> Cost:
    """Run the command."""
    start, before = time.perf_counter(), _children_cpu()
    command = [
        sys.executable,
        "-m",
        "patentclust",
        "ingest",
        str(path),
        "-w",
        str(workspace),
        "--workers",
        str(workers),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watch = Watch(process.pid)
    process.wait()
    seconds = time.perf_counter() - start
    cost = Cost(seconds, _children_cpu() - before, watch.stop())
    if process.returncode:
        raise SystemExit(f"ingest failed with {process.returncode}")
    return cost


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def best(costs: list[Cost]) -> Cost:
    """Return the least time of each kind, by which other work on the machine counts least, and the largest peak."""
    return Cost(min(c.seconds for c in costs), min(c.cpu_seconds for c in costs), max(c.peak for c in costs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("xml", type=Path)
    parser.add_argument("--pdfs", type=Path)
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=700)
    parser.add_argument("--documents", type=int, default=7000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=1, help="runs of each, in turn; the best counts")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        week = folder / "week.xml"
        count = weekly_file(asked.xml, week, n_bytes=asked.megabytes * 10**6, n_documents=asked.documents)
        print(f"{week.stat().st_size / 1e6:,.0f} MB, {count:,} documents\n")
        xml(week, folder, asked)
        if asked.pdfs:
            pdfs(asked.pdfs, folder, asked)


def xml(week: Path, folder: Path, asked: argparse.Namespace) -> None:
    """Parse and read the weekly file in one core, ingest it with 1 and N workers, and again."""
    size = week.stat().st_size / 1e6
    costs: dict[str, list[Cost]] = {}
    documents = set()
    for _ in range(asked.rounds):
        spent = subprocess.check_output([sys.executable, "-c", _ONE_CORE, str(week)], text=True).split()
        for label, seconds in zip(("bare lxml", "reading, one core"), map(float, spent), strict=True):
            costs.setdefault(label, []).append(Cost(seconds, seconds, 0))
        for workers in dict.fromkeys((1, asked.workers)):
            out = folder / f"out{workers}"
            shutil.rmtree(out, ignore_errors=True)
            costs.setdefault(f"ingest, --workers {workers}", []).append(ingest(week, out, workers))
            documents.add((out / "documents.parquet").read_bytes())
        costs.setdefault("again, nothing changed", []).append(ingest(week, folder / "out1", 1))
    bare = best(costs["bare lxml"]).seconds
    print("| | seconds | core seconds | MB/s | of bare lxml, by the clock | by core seconds | peak memory, MB |")
    print("|---|---|---|---|---|---|---|")

    def show(label: str, cost: Cost) -> None:
        figures = f"{cost.seconds:.1f} | {cost.cpu_seconds:.1f} | {size / cost.seconds:.0f}"
        shares = f"{bare / cost.seconds:.2f} | {bare / cost.cpu_seconds:.2f}"
        print(f"| {label} | {figures} | {shares} | {cost.peak / 1e6:.0f} |", flush=True)

    for label, found in costs.items():
        show(label, best(found))
    show("again, another file of 1 MB changed", changed(week, folder, asked))
    print(f"\nBytes of documents.parquet are {'equal' if len(documents) == 1 else 'NOT EQUAL'} for all workers.")


def changed(week: Path, folder: Path, asked: argparse.Namespace) -> Cost:
    """Ingest the weekly file with another beside it, change that, and ingest again."""
    extra = folder / "more"
    extra.mkdir()
    weekly_file(asked.xml, extra / "new.xml", n_bytes=10**6, n_documents=1)
    week.rename(extra / "week.xml")
    ingest(extra, folder / "out3", asked.workers)
    (extra / "new.xml").write_bytes((extra / "new.xml").read_bytes() + b"\n")
    return ingest(extra, folder / "out3", asked.workers)


def pdfs(folder: Path, out: Path, asked: argparse.Namespace) -> None:
    """Read the PDFs of a folder so many times; one that cannot be read is counted, for it is tried as well."""
    piled = out / "pile"
    piled.mkdir()
    for number, file in itertools.product(range(asked.copies), sorted(folder.rglob("*.pdf"))):
        if file.stat().st_size:
            shutil.copy(file, piled / f"{number}-{file.name}")
    files = list(piled.iterdir())
    size = sum(file.stat().st_size for file in files) / 1e6
    costs: dict[int, list[Cost]] = {}
    for turn, workers in itertools.product(range(asked.rounds), dict.fromkeys((1, asked.workers))):
        costs.setdefault(workers, []).append(ingest(piled, out / f"pdfs{turn}-{workers}", workers))
    print(f"\n{len(files)} PDFs, {size:.1f} MB\n")
    print("| | seconds | PDFs/s | peak memory, MB |\n|---|---|---|---|")
    for workers, found in costs.items():
        cost = best(found)
        figures = f"{cost.seconds:.1f} | {len(files) / cost.seconds:.2f} | {cost.peak / 1e6:.0f}"
        print(f"| {workers} worker{'s' if workers > 1 else ''} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
