"""US patents as text of the USPTO's search systems (CSS, BRS): tags such as `TTL`, `ABPR`, `CLPR`.

Source of the format: files that the USPTO publishes with its reader of bulk data. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import claims as claim_text
from patentclust.readers import names, numbers, tagged, uspto
from patentclust.readers.characters import without_codes
from patentclust.readers.source import Source
from patentclust.readers.st36 import unique
from patentclust.records import Document

_BOUNDARY = re.compile(rb"\*\*\* BRS DOCUMENT BOUNDARY \*\*\*")
_DESCRIPTION = ("CRTX", "GITX", "BSTX", "DRTX", "DETX")
_PARAGRAPH_NUMBER = re.compile(r"\A\[\d{4,5}\]\s*")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether a boundary of documents is in it."""
    return _BOUNDARY.search(head) is not None


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read all documents of a file."""
    for path, record in tagged.placed(tagged.records(source, _BOUNDARY), source.path):
        try:
            yield uspto.with_text(_document(record, path))
        except SourceError as error:
            error.source_path = path
            yield error


def _document(record: list[tagged.Field], path: str) -> Document:
    document_id, kind = _identity(record)
    if document_id is None:
        raise SourceError("no publication number: expected DID or WKU")
    claims = _claims(record)
    return Document(
        doc_id=document_id,
        title=" ".join(_texts(record, "TTL")[:1]),
        abstract="\n".join(_texts(record, "ABPR", "ABTX")),
        claims=claims,
        independent=claim_text.independent_flags(claims),
        description="\n".join(_texts(record, *_DESCRIPTION)),
        language="en",
        country="US",
        kind=kind or None,
        publication_date=numbers.parse_date(_first(record, "GISD") or _first(record, "PGDT")),
        applicants=_people(record, "AANM"),
        assignees=_people(record, "ASNM"),
        inventors=_people(record, "INNM"),
        inventor_countries=names.countries(_all(record, "INCO")),
        ipc=uspto.ranked(_all(record, "IPCG")) or numbers.symbols(_all(record, "IPCP", "IPCS", "ICLS")),
        cpc=uspto.ranked(_all(record, "CPOG")) or numbers.symbols(_all(record, "CPOI", "CPOA")),
        additional_classes=uspto.additional([*_all(record, "CPOG"), *_all(record, "IPCG")])
        or numbers.symbols(_all(record, "CPOA")),
        cited=uspto.cited(_all(record, "URGP", "FRGP")),
        source_path=path,
        **_origins(record),
    )


def _all(record: list[tagged.Field], *tags: str) -> list[str]:
    return [text for tag, text in record if tag in tags and text != "N/A"]


def _first(record: list[tagged.Field], tag: str) -> str:
    return next(iter(_all(record, tag)), "")


def _identity(record: list[tagged.Field]) -> tuple[str | None, str]:
    stated = numbers.split_publication(_first(record, "DID"))
    if stated:
        return uspto.patent(stated[1], stated[2] or "")
    kind = _first(record, "APT")
    return uspto.patent(_first(record, "WKU"), kind if re.fullmatch(r"[A-Z]\d?", kind) else "")


def _texts(record: list[tagged.Field], *tags: str) -> list[str]:
    found = (_PARAGRAPH_NUMBER.sub("", " ".join(without_codes(text).split())) for text in _all(record, *tags))
    return [text for text in found if text]


def _claims(record: list[tagged.Field]) -> tuple[str, ...]:
    """Return the claims: a numbered paragraph begins one, others are its steps."""
    claims: list[list[str]] = []
    for text in _texts(record, "CLPR", "CLPV", "CLTX"):
        if claim_text.is_numbered(text) or not claims:
            claims.append([])
        claims[-1].append(text)
    joined = (claim_text.numbered("\n".join(lines), str(number)) for number, lines in enumerate(claims, start=1))
    return tuple(text for text in joined if not claim_text.is_cancelled(text))


def _people(record: list[tagged.Field], tag: str) -> tuple[str, ...]:
    return unique(map(uspto.person, _all(record, tag)))


def _origins(record: list[tagged.Field]) -> dict[str, Any]:
    filed = numbers.parse_date(_first(record, "AFD"))
    own = uspto.application(_first(record, "APNR") or _first(record, "APP"), filed=filed)
    claimed, continued = uspto.related(_all(record, "COND"))
    foreign = zip(_all(record, "PRAN"), _all(record, "PRCO"), _all(record, "PRAD"), strict=False)
    stated = [(uspto.application(number, office=office), numbers.parse_date(day)) for number, office, day in foreign]
    return {
        "application_number": own,
        "filing_date": filed,
        **uspto.priorities([*stated, *claimed], own, continued=continued),
    }
