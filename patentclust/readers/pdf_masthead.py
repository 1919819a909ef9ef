"""What US patents of before 1971 say in prose above their text: who, assigned to whom, filed when. Pure.

Source of the form: printed patents of the USPTO; INID codes came in 1971 (`pdf_front`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from patentclust.readers import numbers, uspto

_FILED = re.compile(
    r"\bfiled\s+(?P<day>[A-Z][a-z]{2,8}\.?\s\d{1,2},\s?1[89]\d\d)[.,;]?"
    r"(?:\s+Ser(?:ial)?\.?\s+No\.?\s+(?P<serial>\d{1,3}[,.]\d{3})\b)?",
    re.IGNORECASE,
)
# `John Doe, Boston, and Jane Roe, Newton, Mass., assignors to Acme Company, Chicago, Ill., a corporation of Illinois`
_ASSIGNED = re.compile(
    r"^(?P<people>[A-Z][^\n;]{5,200}?),\s+assignors?(?:,\s+by\s[^\n]{0,60}assignments?,)?\s+to\s+(?P<firm>[A-Z][^\n]{3,160})",
    re.MULTILINE,
)
_FIRM_END = re.compile(r",\s+(?!(?:Inc|Ltd|Limited|Incorporated|Co|Corp|S\.|G\.|A\.)\b)")
_PERSON = re.compile(r"(?:^|,?\s+and\s+)(?P<name>[A-Z][\w.'’-]*(?:\s+[A-Z][\w.'’-]*){1,3}),")
_CLASS = re.compile(r"\bInt\.\s?C[lI1]\.?\s*(?P<symbol>[A-H]\s?\d{2}[a-z]\s*\d{1,3}/\d{2,4})")


@dataclass(frozen=True)
class Masthead:
    """What was found; empty or None where nothing was."""

    filing_date: date | None = None
    application_number: str | None = None
    inventors: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    ipc: tuple[str, ...] = ()


def read_masthead(lines: Iterable[str]) -> Masthead:
    """Read the first page of text of an old US patent, the sheets of its drawings before it or not."""
    text = "\n".join(lines)
    filed = max(_FILED.finditer(text), key=lambda match: bool(match["serial"]), default=None)
    assigned, classed = _ASSIGNED.search(text), _CLASS.search(text)
    day = numbers.parse_date(filed["day"]) if filed else None
    number = uspto.application(re.sub(r"\D", "", filed["serial"]), filed=day) if filed and filed["serial"] else None
    return Masthead(
        filing_date=day,
        # Serial numbers begin anew with each series: one without says nothing.
        application_number=number if number and len(number) == len("US-05123456") else None,
        inventors=tuple(match["name"] for match in _PERSON.finditer(assigned["people"])) if assigned else (),
        assignees=(_FIRM_END.split(assigned["firm"])[0].strip(),) if assigned else (),
        ipc=numbers.symbols([classed["symbol"]]) if classed else (),
    )
