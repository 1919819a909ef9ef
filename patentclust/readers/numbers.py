"""Publication numbers, classification symbols and dates in one written form. Pure; knows no file format.

Publication numbers follow WIPO ST.3 (office), ST.6 (number) and ST.16 (kind), written `CC-NUMBER-KIND`.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from patentclust.readers.applications import application_id as application_id
from patentclust.readers.applications import international_application as international_application
from patentclust.readers.applications import parse_application as parse_application

# Offices of WIPO ST.3 that have published patents, the historic ones included.
_OFFICES = frozenset(
    re.findall(
        "[A-Z]{2}",
        "AE AG AL AM AO AP AR AT AU AZ BA BB BE BF BG BH BN BO BR BW BX BY BZ CA CF CG CH CI CL CM CN CO CR "
        "CS CU CY CZ DD DE DJ DK DM DO DZ EA EC EE EG EM EP ES FI FR GA GB GC GD GE GH GM GN GQ GR GT GW HK "
        "HN HR HU IB ID IE IL IN IR IS IT JO JP KE KG KH KM KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV LY "
        "MA MC MD ME MG MK ML MN MO MR MT MW MX MY MZ NA NE NG NI NL NO NZ OA OM PA PE PG PH PK PL PT PY QA "
        "RO RS RU RW SA SC SD SE SG SI SK SL SM SN ST SU SV SY SZ TD TG TH TJ TM TN TR TT TW TZ UA UG US UY "
        "UZ VC VE VN WO YU ZA ZM ZW ",
    )
)
_OFFICE = re.compile(r"[A-Z]{2}")
_KIND = re.compile(r"[A-Z]\d{0,2}")
_DIGIT = re.compile(r"\d")
_US_APPLICATION = re.compile(r"20[0-3]\d{7}")
_SEPARATORS = re.compile(r"[\s.,/\-_]+")
_PUBLICATION = re.compile(r"([A-Z]{2})[\s\-_]*((?:[A-Z]\s?){0,2}\d[\d\s.,/\-]*)[\s\-_(]*([A-Z]\s?\d{0,2})?\)?")
# `EP-A1- 3 109 871`: how EP documents print a citation, kind before number.
_KIND_FIRST = re.compile(r"([A-Z]{2})\s?-\s?([A-Z]\d?)\s?-\s?((?:[A-Z]\s?){0,2}\d[\d\s.,/\-]*)")
# A year, of an emperor's era where a letter precedes it, and a serial number.
_JP_YEAR = re.compile(r"([SHTMR]?)\s?(\d{1,4})\s*-\s*(\d{1,6})")
# Two digits of a year, as until 2004.
_SHORT_YEAR = re.compile(r"(7[89]|[89]\d|0[0-4])(\d{5,6})")
# Whose numbers begin with a year that others print in part.
DATED_OFFICES = ("JP", "WO")
# Years before the first of an era; the first of Showa that Heisei does not reach; numbers of the West's years.
_HEISEI, _SHOWA, _FIRST_SHOWA, _FIRST_WESTERN_YEAR = 1988, 1925, 32, 2000
_SYMBOL = re.compile(r"\d?([A-HY])\s*(\d{2})(?:\s*([A-Z])(?:[\s\-]*(\d{1,4})\s*/\s*(\d[\d ]{0,7}))?)?")
# The group is padded with zeros to four columns (WIPO ST.8), or with blanks to three (ST.32).
_FIXED_WIDTH = re.compile(r"([A-HY]\d{2}[A-Z])(0\d{3}|[ \d]{2}\d)(\d{2,6})\b")
_NAMED_MONTH = re.compile(
    r"([A-Za-z]{3,9})\.?\s*(\d{1,2})\s*,?\s*(\d{4})|(\d{1,2})\.?\s*([A-Za-z]{3,9})\.?,?\s*(\d{4})"
)
_MONTHS = {
    name: number for number, name in enumerate(re.findall("...", "janfebmaraprmayjunjulaugsepoctnovdec"), start=1)
}


def compact(number: str) -> str:
    """Return a number in upper case without blanks and punctuation."""
    return (number if number.isalnum() else _SEPARATORS.sub("", number)).upper()


def publication_number(country: str, number: str) -> str:
    """Return the number as this project writes it: no punctuation, no leading zeros, four-digit years.

    `D0701016` gives `D701016`; `2008/197955` of US (DOCDB leaves a zero out) gives `20080197955`; `02/12345` of WO
    gives `2002012345`; `2025-27833` of JP gives `2025027833`; `10-2018-0012345` of KR gives `20180012345`.
    """
    if country == "JP" and (year := _JP_YEAR.fullmatch(number.strip().upper())):
        return year[1] + year[2].zfill(4 if not year[1] else 2) + year[3].zfill(6)
    plain = compact(number).removeprefix(country) or compact(number)
    digits = plain.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    letters = plain[: len(plain) - len(digits)]
    if country == "US" and not letters and _US_APPLICATION.fullmatch(digits):
        return f"{digits[:4]}0{digits[4:]}"
    if country == "WO" and not letters and (short := _SHORT_YEAR.fullmatch(digits)):
        return f"{'20' if short[1][0] == '0' else '19'}{short[1]}{short[2]:0>6}"
    if country == "KR" and re.fullmatch(r"[12]0(?:19|20)\d{9}", plain):
        # The office puts its kind of right before the year, DOCDB and Google do not.
        return plain[2:]
    if country == "JP" and letters in ("S", "H", "T", "M", "R"):
        # The zero belongs to the year of the era.
        return letters + digits
    return letters + (digits.lstrip("0") or digits[:1])


def publication_id(country: str | None, number: str | None, kind: str | None = None) -> str | None:
    """Return `CC-NUMBER-KIND`, or `CC-NUMBER` where no kind is stated; None without office or number."""
    office = (country or "").strip().upper()
    if not _OFFICE.fullmatch(office) or not number or not _DIGIT.search(number):
        return None
    return f"{office}-{publication_number(office, number)}{_kind_suffix(kind or '')}"


def dated_id(country: str | None, number: str | None, kind: str | None, published: str | None) -> str | None:
    """Return `CC-NUMBER-KIND` of a citation as another office prints it, its year told by its date (`19860500`).

    `61105664` and `61-105664` of JP are `S61105664`, `2191674` of 1990 `H02191674`, `201045940` of 2010 `2010045940`;
    `2060546` of WO and 2002 is `2002060546`.
    """
    office, stated = (country or "").strip().upper(), (number or "").strip()
    year = int(published[:4]) if published and published[:4].isdecimal() else 0
    if office == "JP":
        stated = _japanese_cited(stated, year)
    elif office == "WO" and re.fullmatch(r"\d{6,7}", stated) and stated.zfill(8)[:2] == f"{year % 100:02}":
        stated = f"{year}{stated.zfill(8)[2:]}"
    return publication_id(office, stated, kind)


def _japanese_cited(stated: str, year: int) -> str:
    """Return a number with its era, as far as it is plain: it begins with its year, in four digits since 2000."""
    if year and (serial := re.fullmatch(r"0(\d{6})", stated)) and int(stated[:2]) != year - _HEISEI:
        # A serial number filled with a zero, its year left out.
        is_western, is_heisei = year >= _FIRST_WESTERN_YEAR, year > _HEISEI
        return f"{year if is_western else f'H{year - _HEISEI}' if is_heisei else f'S{year - _SHOWA}'}-{serial[1]}"
    for width in (4, 2, 1):
        match = re.fullmatch(rf"(\d{{{width}}})(-?)(\d{{1,6}})", stated)
        if match is None:
            continue
        number, is_apart = int(match[1]), bool(match[2])
        if width == 4 and (is_apart or number == year >= _FIRST_WESTERN_YEAR):
            return f"{number}-{match[3]}"
        if number == year - _HEISEI or (is_apart and number < _FIRST_SHOWA and year > _HEISEI):
            return f"H{number}-{match[3]}"
        if number == year - _SHOWA or (number >= _FIRST_SHOWA and (is_apart or len(match[3]) == 6)):
            return f"S{number}-{match[3]}"
    return stated


# There are few kinds, and a document may cite a thousand others.
@lru_cache(maxsize=1024)
def _kind_suffix(kind: str) -> str:
    code = compact(kind)
    return f"-{code}" if _KIND.fullmatch(code) else ""


def split_publication(text: str) -> tuple[str, str, str | None] | None:
    """Return (office, number, kind) of a printed publication number, None when it is none.

    Reads `US 2013/0101709 A1`, `US8574301`, `USRE46947`, `CN215667380U`, `EP-A1- 3 109 871`, `JP 2025-27833 A`.
    """
    plain = text.strip().upper()
    if len(plain) > 60:
        return None
    reversed_order = _KIND_FIRST.fullmatch(plain)
    if reversed_order:
        country, kind, number = reversed_order[1], reversed_order[2], reversed_order[3]
    else:
        match = _PUBLICATION.fullmatch(plain)
        if not match:
            return None
        country, number, kind = match[1], match[2], match[3]
    if country not in _OFFICES or sum(c.isdigit() for c in number) < 3:
        return None
    return country, publication_number(country, number.strip(" -.,/")), compact(kind) if kind else None


def parse_publication(text: str) -> str | None:
    """Return a printed publication number as `CC-NUMBER-KIND`, None when it is none."""
    parts = split_publication(text)
    return publication_id(*parts) if parts else None


def symbol(text: str) -> str | None:
    """Return an IPC or CPC symbol as `H01M10/0525`, or as far as it goes (`H01M`, `H01`); None when it is none.

    Reads `H01M 10/0525`, `H01M  1/ 00`, `G06F015/00`, `7C 07C 29/44 A`, `H05K 1/02 (2006.01)` and the fixed-width forms
    without a stroke, `H03M 1300` (ST.32, group in columns 5-7) and `A23L000202` (ST.8, columns 5-8), and `A23L-002/02`.
    """
    plain = text.strip().upper()
    fixed = _FIXED_WIDTH.match(plain)
    if fixed and "/" not in plain[:14]:
        return f"{fixed[1]}{int(fixed[2])}/{fixed[3]}"
    match = _SYMBOL.match(plain)
    if not match:
        return None
    section, class_, subclass, group, rest = match.groups()
    if group is None:
        return f"{section}{class_}{subclass or ''}"
    # A blank after the stroke is padding (`1/ 00`), a blank after digits begins the version date.
    subgroup = rest.split()[0]
    return f"{section}{class_}{subclass}{int(group)}/{subgroup}"


def symbols(texts: list[str]) -> tuple[str, ...]:
    """Return the symbols among the texts, each once, in order."""
    return tuple(dict.fromkeys(found for text in texts if (found := symbol(text))))


def parse_date(text: str | None) -> date | None:
    """Return a date, None when there is none or it is incomplete (`20021000`).

    Reads `2018-07-10`, `20180710`, `2018/7/10`, `10.07.2018`, `July 10, 2018`, `10 July 2018`; `07/10/2018` is read the
    American way, month first, unless the first number is above 12.
    """
    plain = (text or "").strip()[:40]
    for read in (_year_first, _year_last, _month_name):
        parts = read(plain)
        if parts:
            return _date_of(*parts)
    return None


def _date_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year_first(text: str) -> tuple[int, int, int] | None:
    match = re.match(r"(\d{4})(\d{2})(\d{2})(?!\d)|(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)", text)
    if not match:
        return None
    year, month, day = (int(part) for part in match.groups() if part)
    return year, month, day


def _year_last(text: str) -> tuple[int, int, int] | None:
    match = re.match(r"(\d{1,2})\s*([./-])\s*(\d{1,2})\s*[./-]\s*(\d{4})(?!\d)", text)
    if not match:
        return None
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    month_first = match[2] == "/" and first <= 12
    return (year, first, second) if month_first else (year, second, first)


def _month_name(text: str) -> tuple[int, int, int] | None:
    match = _NAMED_MONTH.match(text)
    if not match:
        return None
    name, day, year = (match[1], match[2], match[3]) if match[1] else (match[5], match[4], match[6])
    month = _MONTHS.get(name[:3].lower())
    return (int(year), month, int(day)) if month else None
