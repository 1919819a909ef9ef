"""Publication numbers as the public registers write them. Only builds text; nothing is fetched."""

from __future__ import annotations

import re

# (name, what stands before the number, what stands after it); the page's script joins them.
REGISTERS = (
    ("Google Patents", "https://patents.google.com/patent/", "/en"),
    ("Espacenet", "https://worldwide.espacenet.com/patent/search?q=pn%3D", ""),
)
# Digits, or digits after or around a letter code, as in US design patents, JP eras and Indian numbers.
_NUMBER = r"[0-9]{4,14}|[A-Z]{1,2}[0-9]{3,10}|[0-9]{1,4}[A-Z]{1,2}[0-9]{3,8}"
_PUBLICATION = re.compile(rf"([A-Z]{{2}})-({_NUMBER})(?:-([A-Z][0-9]?))?", re.ASCII)


def register_numbers(doc_id: str) -> list[str]:
    """Return the number for each of REGISTERS, or nothing for an id that is not a publication number.

    Google pads EP numbers to seven digits and writes US applications with seven digits after the year; DOCDB, and so
    Espacenet, writes six there. Without a kind code Espacenet's search finds all publications of a number; Google has
    pages under such numbers for US alone, so that for other offices its number is "".
    """
    match = _PUBLICATION.fullmatch(doc_id)
    if match is None:
        return []
    country, number, kind = match[1], match[2], match[3] or ""
    google = espacenet = number
    if country == "EP":
        google = espacenet = number.zfill(7)
    if country == "US" and (not kind or kind.startswith("A")) and number[:2] in ("19", "20"):
        if len(number) == 10:
            google = number[:4] + "0" + number[4:]
        elif len(number) == 11 and number[4] == "0":
            espacenet = number[:4] + number[5:]
    return [f"{country}{google}{kind}" if kind or country == "US" else "", f"{country}{espacenet}{kind}"]


def register_url(doc_id: str) -> str | None:
    """Return where a publication can be read, in the first of REGISTERS that has it; None for another id."""
    numbers = register_numbers(doc_id)
    urls = (before + number + after for (_, before, after), number in zip(REGISTERS, numbers, strict=False) if number)
    return next(urls, None)
