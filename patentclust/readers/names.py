"""Names of people and firms in one written form. Pure; knows no file format."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RESIDENCE = re.compile(r"\s*\[([A-Z]{2})\]\s*\Z")
_COUNTRY = re.compile(r"[A-Z]{2}")


def turned(name: str) -> str:
    """Return `SHERMAN, Nicholas, J.` as `Nicholas J. SHERMAN`; a name without comma stays as it is."""
    surname, *given = (part.strip() for part in name.split(","))
    return " ".join([*filter(None, given), surname])


def cleaned(name: str) -> str:
    """Return a name without the residence (`[NL]`) and the trailing commas of the EPO's data."""
    return _RESIDENCE.sub("", name).strip(" ,;")


def residence(name: str) -> str:
    """Return the residence that the EPO's data put behind a name (`NL` of `KOSMAN [NL]`), else ""."""
    found = _RESIDENCE.search(name)
    return found[1] if found else ""


def countries(codes: Iterable[str | None]) -> tuple[str, ...]:
    """Return each code of two capitals (WIPO ST.3) once, in order; what is none ("unknown") goes."""
    return tuple(dict.fromkeys(code for code in codes if code and _COUNTRY.fullmatch(code)))


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, in order, whatever its case and punctuation; the first way of writing it is kept."""
    found: dict[str, str] = {}
    for name in names:
        key = re.sub(r"[\W_]+", " ", name).strip().casefold()
        if key:
            found.setdefault(key, name)
    return tuple(found.values())
