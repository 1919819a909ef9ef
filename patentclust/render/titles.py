"""Short titles of IPC and CPC classes and subclasses, from a file that says what they are worth."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def _titles() -> dict[str, str]:
    text = (files("patentclust.render") / "data" / "class_titles.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(csv.reader(lines, delimiter="\t"))


def class_title(symbol: str) -> str:
    """Return the title of a subclass such as `H01M`, else of its class (`H01`), else ""."""
    return _titles().get(symbol[:4]) or _titles().get(symbol[:3], "")
