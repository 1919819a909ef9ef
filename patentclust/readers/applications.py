"""Application numbers in one written form, however an office, the EPO or another office prints them. Pure.

Families are equal sets of priorities, so one application must look the same from every source: `JP 2017-900034` of a
US grant, `特願2017-900034` of the JPO and `2017900034` of DOCDB are all `JP-2017900034`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta

# `PCT/EP2024/078738`, also without the slashes, and of before 2004 `PCT/US98/16128`.
_PCT = re.compile(r"(?:PCT)?/?([A-Z]{2})(\d{4})/?(\d{6})|(?:PCT)?/?([A-Z]{2})(\d{2})/?(\d{5})")
_EPODOC_PCT = re.compile(r"(?:WO)?(\d{4})([A-Z]{2})(\d{1,6})W?")
_PCT_OFFICES = ("PCT", "WO", "IB")
_FIRST_PCT_YEAR = 78
_PRINTED = re.compile(
    r"([A-Z]{2})[\s\-_:]*((?:特願|実願)?(?:ZL|PCT/?[A-Z]{2}|[MTSHR])?[平昭令]?\s?\d[\dX\s.,/\-]*)(?:[\s\-(]*[A-Z]\d?\)?)?"
)
# Series of US applications and about when their first numbers were given.
_SERIES = (
    ("06", date(1979, 1, 1)), ("07", date(1987, 1, 1)), ("08", date(1993, 1, 1)), ("09", date(1998, 1, 1)),
    ("10", date(2001, 11, 15)), ("11", date(2004, 12, 1)), ("12", date(2007, 12, 1)), ("13", date(2010, 12, 1)),
    ("14", date(2013, 8, 1)), ("15", date(2016, 2, 1)), ("16", date(2018, 7, 1)), ("17", date(2020, 9, 1)),
    ("18", date(2022, 7, 1)), ("19", date(2025, 1, 1)),
)  # fmt: skip
_PROVISIONAL = (
    ("60", date(1995, 6, 8)), ("61", date(2007, 11, 1)), ("62", date(2013, 2, 1)), ("63", date(2020, 5, 1)),
)  # fmt: skip
_SERIES_SIZE, _SEAM_DAYS = 1_000_000, 180
_ERAS = {"M": 1867, "T": 1911, "S": 1925, "H": 1988, "R": 2018}
_ERA_NAMES = str.maketrans("明大昭平令", "MTSHR")
_JP = re.compile(r"([MTSHR]?)(\d{1,4})-(\d{1,6})")
# The first year in which Japan's era of today's numbers cannot be Heisei any more; before it Showa went to 64.
_LAST_HEISEI = 31


def pct_application(office: str, year: str, serial: str) -> str:
    """Return an international application as `WO-PCTUS1998016128`; the year may have two digits, as before 2004."""
    century = "" if len(year) == 4 else "19" if int(year) >= _FIRST_PCT_YEAR else "20"
    return f"WO-PCT{office}{century}{year}{serial:0>6}"


def application_id(country: str | None, number: str | None) -> str | None:
    """Return `CC-NUMBER` of an application; None without office or number.

    Check digits go, years have four digits, and applications of the PCT are `WO-PCTEP2024078738`, whichever office is
    stated with them.
    """
    office = (country or "").strip().upper()
    stated = unicodedata.normalize("NFKC", number or "").strip().upper()
    if stated.startswith("PCT") or office in _PCT_OFFICES:
        plain = re.sub(r"\s", "", stated)
        if match := _PCT.fullmatch(plain):
            return pct_application(match[1] or match[4], match[2] or match[5], match[3] or match[6])
        if match := _EPODOC_PCT.fullmatch(plain):
            return pct_application(match[2], match[1], match[3])
    if not re.fullmatch(r"[A-Z]{2}", office) or not re.search(r"\d", stated):
        return None
    plain = _FORMS.get(office, _compact)(stated.removeprefix(office).strip(" -"))
    return f"{office}-{plain}" if plain else None


def international_application(number: str) -> str | None:
    """Return `PCT/EP2024/078738` as `WO-PCTEP2024078738`, None when it is no such number."""
    return application_id("PCT", number)


def american(number: str, day: date | None) -> str | None:
    """Return `US-11933870` for `933870`: other offices print US applications without the series, which the date tells.

    A `P` behind the number marks a provisional one. A series ends when its numbers do: at its seam high numbers are of
    the old series, low ones of the new.
    """
    plain = _compact(number.upper())
    match = re.fullmatch(r"(\d{1,6})(P?)", plain)
    if match is None or day is None:
        return application_id("US", plain.removesuffix("P"))
    seam = timedelta(days=_SEAM_DAYS if int(match[1]) < _SERIES_SIZE // 2 else -_SEAM_DAYS)
    series = [code for code, begin in (_PROVISIONAL if match[2] else _SERIES) if begin <= day + seam]
    return f"US-{series[-1]}{match[1]:0>6}" if series else application_id("US", plain.removesuffix("P"))


def parse_application(text: str) -> str | None:
    """Return a printed application number with its office, `JP 2017-900034 A` or `US62/123,456`, as `CC-NUMBER`."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()[:60]
    if plain.startswith("PCT"):
        return application_id("WO", plain)
    if re.match(r"特願|実願", plain):
        return application_id("JP", plain)
    epodoc = _EPODOC_PCT.fullmatch(plain)
    match = _PRINTED.fullmatch(plain)
    if epodoc and plain.startswith("WO"):
        return application_id("WO", plain)
    return application_id(match[1], match[2]) if match else None


def _compact(stated: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", stated)


def _without_check(stated: str) -> str:
    return _compact(re.sub(r"\.[\dX](?![\dX])\D*$", "", stated))


def _chinese(stated: str) -> str:
    """Drop the check digit, which stands behind a point or as the last of 13 (before October 2003: 9) signs."""
    plain = _compact(re.sub(r"\.[\dX]$", "", stated)).removeprefix("ZL")
    match = re.fullmatch(r"(\d{12}|\d{8})[\dX]", plain)
    return match[1] if match else plain


def _british(stated: str) -> str:
    plain = _without_check(stated)
    # Since 2010 DOCDB writes the year in full.
    epodoc = re.fullmatch(r"(20\d\d)00(\d{5})", plain)
    return f"{epodoc[1]}{epodoc[2]}" if epodoc else f"20{plain}" if re.fullmatch(r"[1-4]\d{6}", plain) else plain


def _japanese(stated: str) -> str:
    plain = re.sub(r"[^0-9A-Z\-]", "", stated.translate(_ERA_NAMES)).strip("-")
    if match := _JP.fullmatch(plain):
        year = int(match[2])
        if match[1]:
            year += _ERAS[match[1]]
        elif year < 100:
            year += _ERAS["H"] if year <= _LAST_HEISEI else _ERAS["S"]
        return f"{year}{match[3]:0>6}"
    plain = _compact(plain)
    if match := re.fullmatch(r"([MTSHR])(\d{2})(\d{6})", plain):
        return f"{_ERAS[match[1]] + int(match[2])}{match[3]}"
    epodoc = re.fullmatch(r"((?:19|20)\d\d)0(\d{6})", plain)
    return f"{epodoc[1]}{epodoc[2]}" if epodoc else plain


def _korean(stated: str) -> str:
    """Return the 13 digits of the KIPO: 10 for a patent (20 a utility model), year, serial number."""
    parts = re.fullmatch(r"(?:([1-4]0)-?)?(\d{4})-(\d{1,7})", stated)
    if parts:
        return f"{parts[1] or '10'}{parts[2]}{parts[3]:0>7}"
    plain = _compact(stated)
    return f"10{plain}" if re.fullmatch(r"(?:19|20)\d{9}", plain) else plain


def _american(stated: str) -> str:
    plain = _compact(stated)
    # DOCDB and Google put the year before a number that begins with its series.
    return plain[4:] if re.fullmatch(r"(?:19|20)\d{10}", plain) else plain


_FORMS: dict[str, Callable[[str], str]] = {
    "CN": _chinese,
    "DE": _without_check,
    "EP": _without_check,
    "GB": _british,
    "JP": _japanese,
    "KR": _korean,
    "TW": lambda stated: _compact(stated).lstrip("0"),
    "US": _american,
}
