"""Fuzz the readers along their own branches: atheris changes samples and keeps what reaches new code.

    pip install atheris
    python benchmarks/fuzz_readers.py FOLDER_OF_SAMPLES [--seconds 600]

Whatever is read must end in documents that fit the contract, or in reasons; anything else ends the run with the input
that did it. PDFs and workbooks are left out: they are read in another process, which atheris cannot see into. Prints
the log of atheris, and at its end how many inputs were tried.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["patentclust.readers"]):
    from patentclust import readers
    from patentclust.errors import SourceError
    from patentclust.params import IngestParams
    from patentclust.readers import InputFile, pdf, read_file, workbook
    from patentclust.stages.reading import sanitised, table_of

    for module in readers.REGISTRY.values():
        import_module(module)

PARAMS = IngestParams()
# In memory where the system has such a folder.
SCRATCH = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))


def read(data: bytes) -> None:
    """Read bytes as a file that the user names."""
    if pdf.accepts(data[:1024], "input") or workbook.accepts(data, "input"):
        return
    path = SCRATCH / "input"
    path.write_bytes(data)
    found = list(read_file(InputFile(path, "input", len(data), True), PARAMS, sha256="0" * 64))
    if not found:
        raise AssertionError("neither a document nor a reason")
    table_of([sanitised(item) for item in found if not isinstance(item, SourceError)])


def main() -> None:
    """Run atheris from the samples on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--seconds", type=int, default=600)
    args = parser.parse_args()
    corpus = SCRATCH / "corpus"
    shutil.copytree(args.samples, corpus)
    limits = [f"-max_total_time={args.seconds}", "-timeout=60", "-rss_limit_mb=3000", "-max_len=40000"]
    atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", str(corpus)], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
