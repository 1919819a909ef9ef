"""Names of people and firms in one written form. Pure; knows no file format."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RESIDENCE = re.compile(r"\s*\[[A-Z]{2}\]\s*\Z")


def turned(name: str) -> str:
    """Return `SHERMAN, Nicholas, J.` as `Nicholas J. SHERMAN`; a name without comma stays as it is."""
    surname, *given = (part.strip() for part in name.split(","))
    return " ".join([*filter(None, given), surname])


def cleaned(name: str) -> str:
    """Return a name without the residence (`[NL]`) and the trailing commas of the EPO's data."""
    return _RESIDENCE.sub("", name).strip(" ,;")


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, in order, whatever its case and punctuation; the first way of writing it is kept."""
    found: dict[str, str] = {}
    for name in names:
        key = re.sub(r"[\W_]+", " ", name).strip().casefold()
        if key:
            found.setdefault(key, name)
    return tuple(found.values())
