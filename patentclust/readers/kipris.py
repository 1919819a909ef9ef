"""One record of KIPRIS (Korea) -> one Document, whether it came as XML or as JSON. Pure; reads no file.

Source of the format: the documentation of KIPRISPlus and programs that read its answers; no real file was at hand. A
record is an application: it becomes the publication of the application, else that of the grant. In lists facts stand
side by side (`InventionName` in the older service, `inventionTitle` in the newer), in details in arrays of their own,
where no element is "" or null and a single one is no list.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from patentclust.errors import SourceError
from patentclust.readers import claims as claim_text
from patentclust.readers import names, numbers
from patentclust.readers.language import guess
from patentclust.readers.st36 import unique
from patentclust.records import Document

Record = Mapping[str, Any]
_TITLES = ("inventionTitle", "InventionName", "inventionName")
_MAX_DEPTH = 8
# Number and date of each publication of an application, the first that is stated counts; kinds of patent and model.
_PUBLICATIONS = (
    (("openNumber", "OpeningNumber"), ("openDate", "OpeningDate"), "A", "U"),
    (("publicationNumber", "PublicNumber"), ("publicationDate", "PublicDate"), "B1", "Y1"),
    (("registerNumber", "registrationNumber", "RegistrationNumber"), ("registerDate", "RegistrationDate"), "B1", "Y1"),
)
_UTILITY_MODEL = "20"
_OFFICES = {
    "미국": "US", "일본": "JP", "중국": "CN", "독일": "DE", "프랑스": "FR", "영국": "GB", "대만": "TW",
    "대한민국": "KR", "한국": "KR", "유럽특허청": "EP", "유럽특허기구": "EP", "이탈리아": "IT", "스위스": "CH",
    "스웨덴": "SE", "네덜란드": "NL", "캐나다": "CA", "오스트레일리아": "AU", "호주": "AU", "인도": "IN",
    "이스라엘": "IL", "싱가포르": "SG", "세계지적재산권기구": "WO", "국제사무국": "WO",
    "오스트리아": "AT", "덴마크": "DK", "핀란드": "FI", "스페인": "ES",
}  # fmt: skip


def records(value: Any, depth: int = 0) -> Iterator[Record]:
    """Yield the records in an answer, wherever they lie."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from records(item, depth + 1)
    elif isinstance(value, dict):
        if "biblioSummaryInfoArray" in value or any(name in value for name in _TITLES):
            yield value
        else:
            for item in value.values():
                yield from records(item, depth + 1)


def document(record: Record) -> Document:
    """Return the document of a record.

    Raises:
        SourceError: it has neither title nor text.
    """
    summary = {**record, **next(iter(_listed(record, "biblioSummaryInfo")), {})}
    title = _text(summary, *_TITLES)
    abstract = _text(summary, "astrtCont", "Abstract") or _joined(record, "abstractInfo", "astrtCont")
    claims = tuple(_claims(record))
    if not (title or abstract or claims):
        raise SourceError("the record has neither title nor text: expected inventionTitle or InventionName")
    number, kind, published = _identity(summary)
    doc_id = numbers.publication_id("KR", number, kind)
    return Document(
        doc_id=doc_id or _hash(record),
        title=title,
        abstract=abstract,
        claims=claims,
        independent=claim_text.independent_flags(claims),
        language=guess("\n".join((title, abstract, *claims))) or "ko",
        country="KR",
        kind=kind or None,
        publication_date=numbers.parse_date(published),
        application_number=numbers.application_id("KR", _text(summary, "applicationNumber", "ApplicationNumber")),
        filing_date=numbers.parse_date(_text(summary, "applicationDate", "ApplicationDate")),
        warnings=() if doc_id else ("the record states no publication number, only an application",),
        **_facts(record, summary),
    )


def _text(record: Record, *keys: str) -> str:
    """Return the first value that is there, its lines without blanks around them."""
    for name in keys:
        value = record.get(name)
        if isinstance(value, str | int) and str(value).strip():
            return "\n".join(" ".join(line.split()) for line in str(value).splitlines() if line.strip())
    return ""


def _listed(record: Record, name: str) -> list[Record]:
    """Return the elements of `nameArray`, however many there are."""
    holder = record.get(f"{name}Array")
    found = holder.get(name) if isinstance(holder, dict) else holder
    return [item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict)]


def _joined(record: Record, name: str, field: str) -> str:
    return "\n".join(filter(None, (_text(item, field) for item in _listed(record, name))))


def _identity(summary: Record) -> tuple[str, str, str]:
    """Return number, kind and date of the publication."""
    model = re.sub(r"\D", "", _text(summary, "applicationNumber", "ApplicationNumber")).startswith(_UTILITY_MODEL)
    for number_names, date_names, patent_kind, model_kind in _PUBLICATIONS:
        number = re.sub(r"\D", "", _text(summary, *number_names))
        if number:
            if patent_kind == "B1" and len(number) == 13:
                # Registrations are numbered with four digits for later divisions of the right.
                number = number[:9]
            return number, model_kind if model else patent_kind, _text(summary, *date_names)
    return "", "", ""


def _claims(record: Record) -> Iterator[str]:
    texts = [_text(item, "claim", "claimText") for item in _listed(record, "claimInfo")]
    versions = record.get("claims")
    if not texts and isinstance(versions, dict):
        # Programs that fetch details put the claims beside them, as filed and as they are now.
        last = versions.get("last_version") or versions.get("first_version")
        found = last.get("claims") if isinstance(last, dict) else None
        texts = (
            [_text(item, "text") for item in found or () if isinstance(item, dict)] if isinstance(found, list) else []
        )
    for number, text in enumerate(texts, start=1):
        if text and not claim_text.is_cancelled(text):
            yield claim_text.numbered(re.sub(r"\A청구항\s*\d+\s*[.:]?\s*", "", text), str(number))


def _facts(record: Record, summary: Record) -> dict[str, Any]:
    claimed = _listed(record, "priorityInfo")
    days = [day for item in claimed if (day := numbers.parse_date(_text(item, "priorityApplicationDate")))]
    symbols = [_text(item, "ipcNumber") for item in _listed(record, "ipcInfo")]
    cooperative = [_text(item, "cpcNumber") for item in _listed(record, "cpcInfo")]
    flat = _text(summary, "ipcNumber", "InternationalpatentclassificationNumber")
    cited = (_text(item, "documentsNumber") for item in _listed(record, "priorArtDocumentsInfo"))
    return {
        "priorities": unique(map(_priority, claimed)),
        "priority_date": min(days) if days else None,
        "applicants": _people(record, summary, "applicant", "Applicant"),
        "inventors": _people(record, summary, "inventor", "Inventor"),
        "ipc": numbers.symbols(symbols or flat.split("|")),
        "cpc": numbers.symbols(cooperative),
        "cited": unique(numbers.parse_publication(text.strip(" *")) for text in cited),
    }


def _priority(item: Record) -> str | None:
    office = re.sub(r"\(.*\)", "", _text(item, "priorityApplicationCountry")).strip()
    return numbers.application_id(_OFFICES.get(office, office), _text(item, "priorityApplicationNumber"))


def _people(record: Record, summary: Record, role: str, flat: str) -> tuple[str, ...]:
    stated = [_text(item, "name", "engName") for item in _listed(record, f"{role}Info")]
    return names.distinct(stated or map(str.strip, _text(summary, f"{role}Name", flat).split("|")))


def _hash(record: Record) -> str:
    content = json.dumps(record, sort_keys=True, ensure_ascii=True, default=str)
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()[:16]}"
