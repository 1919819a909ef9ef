"""Make the example corpus from `source/*.toml`: US and EP XML, PDF, JSON lines, CSV and the labels.

Run it as `python examples/make_examples.py`. The same sources give the same bytes: no clock, no random
numbers, no compression. Every patent is invented. Knows nothing of how patentclust reads the files.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from making.containers import us_files
from making.ep_xml import ep_xml
from making.pdf import pdf_file
from making.source import load
from making.tables import csv_table, json_lines


def make(source: Path, target: Path) -> None:
    """Write the whole corpus below `target`; files of the same names are replaced."""
    corpus = load(source)
    chinese, japanese = ([p for p in corpus.values() if p.language == language] for language in ("zh", "ja"))
    labels = "".join(f"{patent.doc_id},{patent.technology}\n" for patent in corpus.values())
    files = {
        **{f"patents/us/{name}": data for name, data in us_files(corpus).items()},
        **{f"patents/ep/{p.file_stem}.xml": ep_xml(p, corpus) for p in corpus.values() if p.format == "ep"},
        **{f"patents/pdf/{p.file_stem}.pdf": pdf_file(p, corpus) for p in corpus.values() if p.format == "pdf"},
        "multilingual/chinese.jsonl": json_lines(chinese, corpus),
        "multilingual/japanese.csv": csv_table(japanese, corpus),
        "labels.csv": f"doc_id,technology\n{labels}".encode(),
    }
    for name, data in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    here = Path(__file__).parent
    for folder in ("patents", "multilingual"):
        shutil.rmtree(here / folder, ignore_errors=True)
    make(here / "source", here)
