"""TIPO (Taiwan) grants and applications: `tw-patent-grant`, `tw-patent-application`.

Source of the format: real grants (DTD `invention` A103.1.0); applications follow the same DTD and have not been met.
Years count from 1911, names and titles stand in Chinese and English, and of the description a file has only what
belongs to the drawings, unless it has a `description`. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import classes, names, numbers
from patentclust.readers.dialects import root_name
from patentclust.readers.fragments import plain
from patentclust.readers.language import normalise
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, unique
from patentclust.readers.xml import find, paragraphs, parse
from patentclust.records import Document

_ROOTS = ("tw-patent-grant", "tw-patent-application")
_ROC_DATE = re.compile(r"(\d{2,3})\D(\d{1,2})\D(\d{1,2})\D?|(\d{2,3})(\d{2})(\d{2})")
_ROC_YEAR = 1911
_NAME_PARTS = ("last-name", "middle-name", "first-name")
_OFFICES = {
    "中華民國": "TW", "台灣": "TW", "臺灣": "TW", "美國": "US", "日本": "JP", "中國": "CN", "中國大陸": "CN",
    "大陸地區": "CN", "南韓": "KR", "韓國": "KR", "大韓民國": "KR", "歐洲專利局": "EP", "歐洲": "EP", "德國": "DE",
    "法國": "FR", "英國": "GB", "義大利": "IT", "加拿大": "CA", "澳大利亞": "AU", "澳洲": "AU", "瑞士": "CH",
    "瑞典": "SE", "荷蘭": "NL", "以色列": "IL", "印度": "IN", "新加坡": "SG", "奧地利": "AT", "丹麥": "DK",
    "芬蘭": "FI", "挪威": "NO", "西班牙": "ES", "比利時": "BE", "香港": "HK", "馬來西亞": "MY", "紐西蘭": "NZ",
    "巴西": "BR", "俄羅斯": "RU", "愛爾蘭": "IE", "盧森堡": "LU", "波蘭": "PL", "泰國": "TH", "墨西哥": "MX",
    "南非": "ZA", "世界智慧財產權組織": "WO", "世界智慧財產局": "WO", "國際專利": "WO",
}  # fmt: skip


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) in _ROOTS


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one publication; its text is in Chinese, its names are as well unless the user prefers English."""
    parsed = parse(source.read(), otherwise=("big5hkscs",))
    root = plain(parsed.root)
    biblio = next((child for child in root if child.tag.startswith("tw-bibliographic-data")), None)
    if biblio is None:
        raise SourceError(f"<{root.tag}> has no bibliographic data: expected <tw-bibliographic-data-grant>")
    identity = _identity(biblio)
    kind = find(biblio, "kindcode") or find(identity, "kind")
    document_id = numbers.publication_id("TW", find(identity, "doc-number"), kind)
    if document_id is None:
        raise SourceError("no publication number: expected publication-reference/document-id/doc-number")
    claims, independent = claims_of(root.find("claims"))
    description = [*root.iterfind("description"), *root.iterfind("drawings/drawing-description")]
    in_english = normalise(params.prefer_language) == "en"
    yield Document(
        doc_id=document_id,
        title=find(biblio, "invention-title/chinese-title") or find(biblio, "invention-title/english-title"),
        abstract=paragraphs(root.find("abstract")),
        claims=claims,
        independent=independent,
        description="\n".join(filter(None, map(paragraphs, description))),
        language="zh",
        country="TW",
        kind=kind or None,
        publication_date=_roc_date(find(identity, "date")),
        warnings=parsed.warnings,
        ipc=classes.main_and_further(biblio.find("classification-ipc")),
        cited=unique(_cited(biblio)),
        **_origins(biblio),
        applicants=_people(biblio, "applicant", in_english),
        assignees=_people(biblio, "assignee", in_english),
        inventors=_people(biblio, "inventor", in_english),
        inventor_countries=names.countries(
            find(party, "addressbook/english-country") for party in biblio.iterfind("parties/inventors/inventor")
        ),
    )


def _identity(biblio: Any) -> Any:
    paths = ("publication-reference/document-id", "application-publication-reference/document-id")
    found = (biblio.find(path) for path in paths)
    return next((element for element in found if element is not None), biblio)


def _roc_date(text: str) -> date | None:
    """Return the date of `111/12/21` (2022-12-21); a year of four digits is of the common era."""
    match = _ROC_DATE.fullmatch(text.strip())
    if match is None:
        return numbers.parse_date(text)
    year, month, day = (int(part) for part in match.groups() if part)
    return numbers.parse_date(f"{year + _ROC_YEAR}-{month}-{day}")


def _origins(biblio: Any) -> dict[str, Any]:
    claims = biblio.findall("priority-claims/priority-claim")
    days = [day for claim in claims if (day := _roc_date(find(claim, "date")))]
    return {
        "application_number": numbers.application_id(
            "TW", find(biblio, "application-reference/document-id/doc-number")
        ),
        "filing_date": _roc_date(find(biblio, "application-reference/document-id/date")),
        "priorities": unique(map(_priority, claims)),
        "priority_date": min(days) if days else None,
    }


def _priority(claim: Any) -> str | None:
    stated = find(claim, "country")
    return numbers.application_id(_OFFICES.get(stated, stated), find(claim, "doc-number"))


def _people(biblio: Any, role: str, in_english: bool) -> tuple[str, ...]:
    order = ("english-name", "chinese-name") if in_english else ("chinese-name", "english-name")
    return names.distinct(_name(party, order, role) for party in biblio.iterfind(f"parties/{role}s/{role}"))


def _name(party: Any, order: tuple[str, str], role: str) -> str:
    for tag in order:
        parts = (find(party, f"addressbook/{tag}/{part}") for part in _NAME_PARTS)
        if name := " ".join(filter(None, parts)):
            return names.turned(name) if role == "inventor" and tag == "english-name" else name
    return ""


def _cited(biblio: Any) -> Iterator[str | None]:
    for reference in biblio.iterfind("refs/ref"):
        country = find(reference, "country")
        yield numbers.publication_id(
            _OFFICES.get(country, country), find(reference, "doc-number"), find(reference, "kind")
        )
