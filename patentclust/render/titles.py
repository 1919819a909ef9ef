"""Titles of IPC and CPC classes and subclasses: WIPO's where its list has them, else our own; shortened to read."""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files

# The first of a title's parts are shown as long as they fit a line; no part is shown to more than its double.
_SHORT, _MOST = 60, 120
_CAPITALS = re.compile(r"\[[^\]]*\]|[A-Z][A-Z0-9-]*")
# Other classes, e.g. `B31B` and `A23B-A23J`, and what is written so in running text.
_KEPT = re.compile(r"\[.*|[A-H]\d\d[A-Z]?(-[A-H]\d\d[A-Z]?)?|AC|DC|SPM|PV|X|[A-Z]?\d[A-Z]")


@cache
def _titles() -> dict[str, str]:
    official = {symbol: _readable(title) for symbol, title in _read("ipc_titles.tsv")}
    return official | dict(_read("later_titles.tsv"))


def _read(name: str) -> list[list[str]]:
    text = (files("patentclust.render") / "data" / name).read_text(encoding="utf-8")
    return list(csv.reader((line for line in text.splitlines() if not line.startswith("#")), delimiter="\t"))


def _readable(title: str) -> str:
    """Return the leading parts of a title that fit, without the capitals that WIPO sets it in."""
    short, *more = title.split("; ")
    for part in more:
        if len(short) + len(part) > _SHORT:
            break
        short += f"; {part}"
    if len(short) > _MOST:
        short = short[:_MOST].rpartition(" ")[0].rstrip(",") + " …"
    calm = _CAPITALS.sub(lambda found: found[0] if _KEPT.fullmatch(found[0]) else found[0].lower(), short)
    return calm[:1].upper() + calm[1:]


def class_title(symbol: str) -> str:
    """Return the title of a subclass such as `H01M`, else of its class (`H01`), else ""."""
    return _titles().get(symbol[:4]) or _titles().get(symbol[:3], "")
