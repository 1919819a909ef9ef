"""Answers of the USPTO's public search (PPUBS): JSON objects with `guid`, texts in HTML.

Source of the format: answers of the service, in arrays or one a file. Grants of before 1976 are scans whose text was
recognised by machine. Knows nothing of archives.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import claims as claim_text
from patentclust.readers import dialects, names, numbers, table, uspto
from patentclust.readers.characters import without_codes
from patentclust.readers.language import normalise
from patentclust.readers.source import Source
from patentclust.readers.st36 import unique
from patentclust.records import Document

_DESCRIPTION = ("backgroundTextHtml", "governmentInterest", "briefHtml", "descriptionHtml")
_OBJECT = re.compile(r"<(maths?|table|tables|chemistry)\b.*?</\1\s*>|<img\b[^<>]*>", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|</?(?:p|div|li|h\d|claim-text|heading)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][\w:\-]*(?:\s[^<>]*)?/?>")
_PARAGRAPH = re.compile(r"(?:\((\d{1,5})\)|\[(\d{4,5})\])\s*")
# Items of a list inside a paragraph carry numbers too.
_ITEM = re.compile(r"(?<=\S)\s+\[0\d{3,4}\]\s+")
# What the recognition of scans makes of a reference in italics.
_GLUED = re.compile(r"\b(of|in|to|with|by)claim (\d+)(?=[a-z])")
# What old patents print below their claims.
_LAST_BLOCK = re.compile(r"\s+(?:No\s+r|R)eferences\s+[Cc]ited\b.*\Z", re.DOTALL)
# Of the lines of a last page, which the claims do not fill.
_LINE_NUMBERS = re.compile(r"(?:\s+\d?[05]){2,}\s*\Z")
_LINE_NUMBERS_CHARS = 60
# Where the claims begin in a scan whose text is one; the number of a line may stand before the first.
_CLAIMS_AT = re.compile(r"(?:\bWhat\s+is\s+claimed\s+is|\b(?:We|I)\s+claim)\s*:?\s*(?:\d{1,2}\s+)?(?=1\s?[.)])")
_SCANNED = "USOCR"
_NO_TITLE = "OCR SCANNED DOCUMENT"
# Longer numbers are made up by the service until DOCDB has the family.
_MAX_FAMILY_DIGITS = 9


def accepts(head: bytes, name: str) -> bool:
    """Tell whether objects in it name US publications by `guid`."""
    return dialects.is_ppubs(head)


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read all publications of an answer, however it wraps them."""
    with source.open() as stream:
        buffered = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream
        text = io.TextIOWrapper(buffered, "utf-8-sig", errors="replace")
        for number, row in table.json_values(text):
            found = [row] if isinstance(row, SourceError) else [_document(item) for item in _publications(row)]
            for index, item in enumerate(found, start=number):
                path = f"{source.path}#{index}"
                if isinstance(item, SourceError):
                    item.source_path = path
                    yield item
                else:
                    yield replace(item, source_path=path)


def _publications(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "guid" in row:
        yield row
        return
    for value in row.values():
        yield from (
            (item for item in value if isinstance(item, dict) and "guid" in item) if isinstance(value, list) else ()
        )


def _document(row: dict[str, Any]) -> Document | SourceError:
    stated = numbers.split_publication(_text(row, "guid"))
    document_id, kind = uspto.patent(stated[1], stated[2] or "") if stated else (None, "")
    if document_id is None:
        return SourceError(f"no publication number: expected guid as US-10123456-B2, got {row.get('guid')!r:.60}")
    description = "\n".join(line for name in _DESCRIPTION for line in _lines(row, name))
    claims = _claims(row)
    cited = uspto.cited(_texts(row, "usRefGroup") + _texts(row, "foreignRefGroup"))
    scanned = _text(row, "type") == _SCANNED
    if scanned and not claims:
        description, claims = _with_claims_apart(description)
    return Document(
        doc_id=document_id,
        title=_title(row),
        abstract="\n".join(_lines(row, "abstractHtml")),
        claims=claims,
        independent=claim_text.independent_flags(claims),
        description=description,
        language=normalise(_text(row, "languageIndicator")) or "en",
        country="US",
        kind=kind or None,
        family_id=_family(row),
        publication_date=numbers.parse_date(_text(row, "datePublished")),
        applicants=_people(row, "applicantName"),
        assignees=_people(row, "assigneeName"),
        inventors=_people(row, "inventorsName"),
        inventor_countries=names.countries(_homes(row)),
        ipc=_ipc(row),
        cpc=uspto.ranked(_texts(row, "cpcCurClassificationGroup"))
        or numbers.symbols(_flat(row, "cpcInventiveFlattened") + _flat(row, "cpcAdditionalFlattened")),
        additional_classes=uspto.additional(
            [*_texts(row, "cpcCurClassificationGroup"), *_texts(row, "intlPubClassificationGroup")]
        )
        or numbers.symbols(_flat(row, "cpcAdditionalFlattened")),
        cited=tuple(number for number in cited if not document_id.startswith(number)),
        warnings=("scanned document: its text was recognised by machine",) if scanned else (),
        **_origins(row),
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def _texts(row: dict[str, Any], name: str) -> list[str]:
    value = row.get(name)
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip() not in ("", "[]", "N/A")]


def _homes(row: dict[str, Any]) -> Iterator[str]:
    """Yield where inventors live; of the United States older documents give the state alone."""
    countries, states = (row.get(name) or [] for name in ("inventorCountry", "inventorState"))
    for country, state in zip_longest(countries, states):
        yield "US" if country in (None, "N/A") and state not in (None, "N/A", "") else str(country)


def _flat(row: dict[str, Any], name: str) -> list[str]:
    return _text(row, name).split(";")


def _lines(row: dict[str, Any], name: str) -> list[str]:
    """Return the lines of a text in HTML, without the numbers that the service puts before its paragraphs."""
    lines: list[str] = []
    expected = 1
    for markup in _texts(row, name):
        plain = _TAG.sub("", _BREAK.sub("\n", _OBJECT.sub(_placeholder, markup)))
        for line in html.unescape(plain).split("\n"):
            number = _PARAGRAPH.match(line.strip())
            text = line.strip()
            if number and (number[2] or int(number[1]) == expected):
                expected += 1
                text = text[number.end() :]
            pieces = (" ".join(without_codes(piece).split()) for piece in _ITEM.split(text))
            lines += [piece for piece in pieces if piece]
    return lines


def _placeholder(match: re.Match[str]) -> str:
    return " [table] " if (match[1] or "").lower().startswith("table") else " [formula] "


def _title(row: dict[str, Any]) -> str:
    title = " ".join(_lines(row, "inventionTitle"))
    return "" if title == _NO_TITLE else title


def _claims(row: dict[str, Any]) -> tuple[str, ...]:
    text = _GLUED.sub(r"\1 claim \2 ", "\n".join(_lines(row, "claimsHtml")))
    found = claim_text.split_claims(_LAST_BLOCK.sub("", text) if _text(row, "type") == _SCANNED else text)
    return tuple(text for text in found if not claim_text.is_cancelled(text))


def _with_claims_apart(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text of a scan up to its claims, and the claims, which stand in its second half if anywhere."""
    found = [match for match in _CLAIMS_AT.finditer(text) if match.start() > len(text) / 2]
    if not found:
        return text, ()
    claims = _LAST_BLOCK.sub("", text[found[-1].end() :])
    claims = claims[:-_LINE_NUMBERS_CHARS] + _LINE_NUMBERS.sub("", claims[-_LINE_NUMBERS_CHARS:])
    return text[: found[-1].start()].rstrip(), tuple(claim_text.split_claims(claims))


def _family(row: dict[str, Any]) -> str | None:
    number = str(row.get("familyIdentifierCur") or "")
    return f"docdb:{number}" if number.isdecimal() and len(number) <= _MAX_FAMILY_DIGITS else None


def _people(row: dict[str, Any], name: str) -> tuple[str, ...]:
    return unique(uspto.person(html.unescape(text)) for text in _texts(row, name))


def _ipc(row: dict[str, Any]) -> tuple[str, ...]:
    published = uspto.ranked(_texts(row, "intlPubClassificationGroup"))
    current = _texts(row, "curIntlPatentClassificationPrimary") + _texts(row, "curIntlPatentClassificationSecondary")
    return published or numbers.symbols(_flat(row, "ipcCodeFlattened") + current)


def _origins(row: dict[str, Any]) -> dict[str, Any]:
    filed = numbers.parse_date(next(iter(_texts(row, "applicationFilingDate")), ""))
    own = uspto.application(_text(row, "applicationNumber"), filed=filed)
    claimed, continued = uspto.related(_texts(row, "continuityData"))
    columns = (_texts(row, f"priorityClaims{what}") for what in ("DocNumber", "Country", "Date"))
    foreign = [(uspto.application(number, office=office), numbers.parse_date(day))
               for number, office, day in zip(*columns, strict=False)]  # fmt: skip
    return {
        "application_number": own,
        "filing_date": filed,
        **uspto.priorities(
            [*foreign, *claimed],
            own,
            continued=continued,
            international=(
                numbers.international_application(next(iter(_texts(row, "pctFilingNumber")), "")),
                numbers.parse_date(next(iter(_texts(row, "pctFilingDate")), "")),
            ),
        ),
    }
