"""What the older formats of the USPTO share: numbers, classes, citations and relations as they print them. Pure.

Sources: the USPTO's Green Book (check digit, types of patents), MPEP 503 (series of application numbers).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from patentclust.errors import SourceError
from patentclust.readers import numbers
from patentclust.readers.st36 import unique
from patentclust.records import Document

# First filing date of each series of applications.
_SERIES = ((1997, 12, 30, "09"), (1993, 1, 1, "08"), (1987, 1, 1, "07"), (1979, 1, 1, "06"), (1970, 1, 1, "05"),
           (1960, 1, 1, "04"), (1948, 1, 1, "03"), (1935, 1, 1, "02"))  # fmt: skip
_LAST_OF_SERIES = date(2001, 11, 30)
# Kinds of before 2001, by the letters before the number.
_KINDS = {"": "A", "D": "S", "PP": "P", "RE": "E", "H": "H", "T": "I4"}
# Codes of countries of before ST.3.
_COUNTRIES = {
    "DT": "DE",
    "DL": "DD",
    "JA": "JP",
    "OE": "AT",
    "SW": "SE",
    "NW": "NO",
    "UK": "GB",
    "EN": "GB",
    "SF": "FI",
}
Filing = tuple[str | None, date | None]
_RANKED = re.compile(r"\b([A-HY]\d\d[A-Z]\d{1,4}/\d{2,6})\b(?: \d{8})?(?: ([FL]) ([IAN])\b)?")
_CITED = re.compile(
    r"(?:(?P<office>[A-Z]{2}) )?(?P<number>(?:[A-Z]{1,2}[ .\-]{0,2})?\d[\d /.,\-]*?)(?: (?P<kind>[A-Z]\d?))?"
    r"(?: [^\d\s][^\n]{0,200}?)? (?P<year>(?:19|20)\d\d)\d{4}\b(?: (?P<behind>[A-Z]{2})\b)?"
)
# `A-6-143669`: kind, year, serial number.
_JAPANESE = re.compile(r"([A-Z])-(\d{1,4}-\d{1,6})")
_RELATED = re.compile(
    r"\b(?:(?P<how>us-provisional-application|[a-z\-]{5,40} parent-doc) (?P<office>[A-Z]{2})"
    r"|(?P<other>[A-Z]{2}) (?P<later>[a-z][a-z\-]{5,40})) (?P<number>\S+) (?P<day>\d{8})\b"
)
# What rests on an application and says more than it; other children are the same invention once more.
_ADDING = ("us-provisional-application", "continuation-in-part", "addition")
# Where what a reissue strikes out begins and ends, since 2005 and before.
_STRUCK = ((b"<?delete-start", b"<?delete-end"), (b"<DEL-S", b"<DEL-E"))
_TAG = re.compile(rb"<(/?)([A-Za-z][^\s<>/]*)[^<>]*>")
_PROVISIONAL = re.compile(
    r"[Pp]rovisional (?:[Pp]atent )?[Aa]pplication (?:Ser(?:ial|\.) )?No\. (\d\d/[\d,]{6,8}),? filed (?:on )?"
    r"([A-Z][a-z]{2,8}\.? \d{1,2}, \d{4})"
)


def patent(printed: str, kind: str = "") -> tuple[str | None, str]:
    """Return (document id, kind) of a patent, its kind of before 2001 by its letters where none is stated."""
    letters = re.match(r"[A-Z]*", numbers.compact(printed))[0]  # type: ignore[index]
    code = kind or _KINDS.get(letters, "")
    return numbers.publication_id("US", printed, code), code


def with_text(document: Document) -> Document:
    """Return a document that has any text.

    Raises:
        SourceError: it has none, as where a file was cut.
    """
    if not document.n_chars:
        raise SourceError(f"{document.doc_id} has no title, abstract, claims or description: the file may be cut")
    return document


def without_check_digit(number: str) -> tuple[str, bool]:
    """Return a number of the Green Book without its last digit, and whether that digit is right.

    The digit makes the sum of the digits, weighted 1, 2, 3, … from the right, divisible by 11. Numbers with letters are
    not checked.
    """
    body, check = number[:-1], number[-1:]
    if not number.isdecimal():
        return body, True
    total = sum(int(digit) * weight for weight, digit in enumerate(reversed(body), start=2))
    expected = -total % 11
    return body, expected == 10 or expected == int(check)


def application(number: str, *, series: str = "", filed: date | None = None, office: str = "US") -> str | None:
    """Return an application as `US-09123456`; a number of six digits takes its series from its filing date."""
    if number.strip().upper().startswith("PCT") and (pct := numbers.international_application(number)):
        return pct
    plain = numbers.compact(number)
    if office == "US" and re.fullmatch(r"\d{1,6}", plain):
        number = (series.zfill(2) if series.isdigit() else _series(filed)) + plain.zfill(6)
    return numbers.application_id(office, number)


def _series(filed: date | None) -> str:
    if filed is None or filed > _LAST_OF_SERIES:
        return ""
    return next((series for year, month, day, series in _SERIES if filed >= date(year, month, day)), "")


def country(code: str) -> str:
    """Return `JPX` as `JP`, and codes of before ST.3 as today's."""
    plain = code.strip().upper()[:2]
    return _COUNTRIES.get(plain, plain)


def person(name: str) -> str:
    """Return `Miyazaki; Takeshi` as `Takeshi Miyazaki`; a name without semicolon stays as it is."""
    surname, _, given = name.partition(";")
    return " ".join(f"{given} {surname}".split())


def ranked(groups: Iterable[str]) -> tuple[str, ...]:
    """Return the symbols of entries such as `G06F G06F3/16 20130101 F I`: first, inventive, then additional."""
    found = [match for group in groups for match in _RANKED.finditer(group)]
    found.sort(key=lambda match: 2 if match[3] in ("A", "N") else 0 if match[2] == "F" else 1)
    return numbers.symbols([match[1] for match in found])


def additional(groups: Iterable[str]) -> tuple[str, ...]:
    """Return the symbols of such entries that are additional and nowhere inventive."""
    found = [match for group in groups for match in _RANKED.finditer(group)]
    inventive = set(numbers.symbols([match[1] for match in found if match[3] not in ("A", "N")]))
    rest = numbers.symbols([match[1] for match in found if match[3] in ("A", "N")])
    return tuple(symbol for symbol in rest if symbol not in inventive)


def cited(entries: Iterable[str]) -> tuple[str, ...]:
    """Return the publications of entries such as `US 6249393 B1 Billings 20010600` and `0 379 828 19891200 EP`."""
    found = [match for entry in entries if (match := _CITED.match(entry.strip()[:400]))]
    return unique(_cited(match) for match in found)


def _cited(match: re.Match[str]) -> str | None:
    office, number, kind = match["office"] or match["behind"] or "US", match["number"], match["kind"]
    if office == "JP" and (japanese := _JAPANESE.fullmatch(number)):
        number, kind = japanese[2], kind or japanese[1]
    return numbers.dated_id(office, number, kind, match["year"])


def related(entries: Iterable[str]) -> tuple[list[Filing], list[Filing]]:
    """Return what is claimed and what is continued in entries such as `division parent-doc US 13303416 20111123`.

    Later ones read `parent US continuation 16428791 20190531`, earlier ones are prose, of which provisional
    applications are read.
    """
    claimed: list[Filing] = []
    continued: list[Filing] = []
    for entry in entries:
        for match in _RELATED.finditer(entry):
            day = numbers.parse_date(match["day"])
            found = application(match["number"], office=match["office"] or match["other"], filed=day), day
            (claimed if (match["how"] or match["later"]).startswith(_ADDING) else continued).append(found)
        for number, printed in _PROVISIONAL.findall(entry):
            day = numbers.parse_date(printed)
            claimed.append((application(number, filed=day), day))
    return claimed, continued


def priorities(
    claimed: Iterable[Filing],
    own: str | None,
    *,
    continued: Iterable[Filing] = (),
    international: Filing = (None, None),
) -> dict[str, Any]:
    """Return the columns of priorities: applications other than the document's own, and the earliest date.

    Of the applications that it continues, divides or reissues only the first counts, and only where nothing older is
    claimed: that is what DOCDB calls active, and so a continuation is of its parent's family. The international
    application that a national one comes from stands in where no other is claimed.
    """
    others, parents = ([each for each in filings if each[0] and each[0] != own] for filings in (claimed, continued))
    if parents:
        first = min(parents, key=lambda parent: parent[1] or date.max)
        if all((day or date.max) > (first[1] or date.max) for _, day in others):
            others.append(first)
    if international[0] and not others:
        others = [international]
    days = [day for _, day in others if day]
    return {"priorities": unique(number for number, _ in others), "priority_date": min(days) if days else None}


def without_struck(data: bytes) -> bytes:
    """Drop what a reissue strikes out of the patent that it replaces: printed in brackets, it is no part of it."""
    for start, end in _STRUCK:
        kept, place = [], 0
        while (begin := data.find(start, place)) >= 0 and (last := data.find(end, begin)) >= 0:
            kept.append(data[place:begin])
            place = data.find(b">", last) + 1 or len(data)
            kept.append(_tags_alone(data[begin:place]))
        data = b"".join((*kept, data[place:])) if kept else data
    return data


def _tags_alone(markup: bytes) -> bytes:
    """Return the tags that begin or end outside of a piece of markup, so that what is around it stays well-formed."""
    unpaired: list[re.Match[bytes]] = []
    for tag in _TAG.finditer(markup):
        if tag[0].endswith(b"/>"):
            continue
        if tag[1] and unpaired and not unpaired[-1][1] and unpaired[-1][2] == tag[2]:
            unpaired.pop()
        else:
            unpaired.append(tag)
    return b"".join(tag[0] for tag in unpaired)
