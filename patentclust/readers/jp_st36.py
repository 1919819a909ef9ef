"""JPO gazettes in ST.36: `jp-official-gazette`, of about 2004 to 2022, in EUC-JP or Shift JIS.

Source of the format: the JPO's gazette specification and its DTD `gat-a`; the reader has not met a real file. What is
the JPO's own stands in a namespace that files declare or not. Amendments come later in a file and supersede what they
amend. FI and F-terms are not IPC and are left out. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import names, numbers
from patentclust.readers.dialects import root_name
from patentclust.readers.fragments import plain
from patentclust.readers.language import normalise
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, document_ids, person, unique
from patentclust.readers.xml import find, paragraphs, parse, text_of
from patentclust.records import Document

_KIND = re.compile(r"[A-Z]\d?")
_PRINTED_KIND = re.compile(r"[(（]([A-Z]\d?)[)）]")
_AMENDMENTS = ("written-amendment", "written-amendment-group", "amendment-article")
_IPC = ("main-clsf", "further-clsf", "main-classification", "further-classification")
_CITED = re.compile(
    r"(特開|特許|特公|特表|実開|実公|登録実用新案|国際公開|米国特許)[^\d平昭]{0,6}([平昭]?\d[\d\-/，,]*)"
)


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) == "jp-official-gazette"


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one gazette document with its last amendment."""
    parsed = parse(source.read(), otherwise=("euc_jp", "cp932"))
    root = plain(parsed.root)
    biblio = root.find("bibliographic-data")
    if biblio is None:
        raise SourceError("<jp-official-gazette> has no bibliographic data: expected <bibliographic-data>")
    country, number, printed, published = next(document_ids(biblio, "publication-reference/document-id"), ("",) * 4)
    kind = _kind(root, printed)
    document_id = numbers.publication_id(country or "JP", number, kind)
    if document_id is None:
        raise SourceError("no publication number: expected publication-reference/document-id/doc-number")
    texts = {tag: latest(root, tag, _AMENDMENTS) for tag in ("abstract", "description", "claims")}
    claims, independent = claims_of(texts["claims"])
    yield Document(
        doc_id=document_id,
        title=find(biblio, "invention-title") or find(root, "description/invention-title"),
        abstract=paragraphs(texts["abstract"]),
        claims=claims,
        independent=independent,
        description=paragraphs(texts["description"]),
        language=normalise(root.get("lang")) or "ja",
        country=document_id[:2],
        kind=kind or None,
        publication_date=numbers.parse_date(published),
        warnings=parsed.warnings,
        ipc=_ipc(biblio),
        cited=unique(_cited(biblio)),
        **_origins(biblio),
        **_parties(biblio),
    )


def latest(root: Any, tag: str, amendments: tuple[str, ...]) -> Any:
    """Return the text of a name: that of the last amendment which replaces it whole, else the one filed."""
    amended = [found for block in root.iter(*amendments) for found in block.iter(tag) if _is_whole(found)]
    return amended[-1] if amended else root.find(tag)


def _is_whole(element: Any) -> bool:
    """Tell whether an amended text is all of it: claims as such, a description of more than the paragraphs changed."""
    return element.tag == "claims" or len(list(element)) > 1


def _kind(root: Any, printed: str) -> str:
    match = _PRINTED_KIND.search(printed)
    stated = (root.get("kind-of-st16", ""), root.get("kind-of-jp", ""), match[1] if match else "", printed)
    return next((code.strip() for code in stated if _KIND.fullmatch(code.strip())), "")


def _origins(biblio: Any) -> dict[str, Any]:
    _, filed_as, _, filed = next(document_ids(biblio, "application-reference/document-id"), ("",) * 4)
    claims = list(biblio.iterfind("priority-claims/priority-claim"))
    days = [day for claim in claims if (day := numbers.parse_date(find(claim, "date")))]
    return {
        "application_number": numbers.application_id("JP", filed_as),
        "filing_date": numbers.parse_date(filed),
        "priorities": unique(_priority(claim) for claim in claims),
        "priority_date": min(days) if days else None,
    }


def _priority(claim: Any) -> str | None:
    return numbers.application_id(find(claim, "country") or "JP", find(claim, "doc-number"))


def _parties(biblio: Any) -> dict[str, Any]:
    found = {
        role: names.distinct(map(person, biblio.iterfind(f"parties//{role}"))) for role in ("applicant", "inventor")
    }
    return {
        "applicants": found["applicant"],
        "assignees": names.distinct(map(person, biblio.iterfind("parties//assignee"))),
        "inventors": found["inventor"] or names.distinct(map(person, biblio.iterfind("inventors/inventor"))),
    }


def _ipc(biblio: Any) -> tuple[str, ...]:
    block = biblio.find("classification-ipc")
    leaves = [leaf for tag in _IPC for leaf in block.iterfind(tag)] if block is not None else []
    return numbers.symbols([text_of(leaf) for leaf in leaves])


def _cited(biblio: Any) -> Iterator[str | None]:
    for citation in biblio.iterfind("references-cited//patcit"):
        stated = [numbers.publication_id(*parts[:3]) for parts in document_ids(citation, "document-id")]
        yield from stated or japanese_citations(find(citation, "text") or text_of(citation))


_OFFICE_OF = {"国際公開": "WO", "米国特許": "US"}
_KIND_OF = {"特開": "A", "特表": "A", "特公": "B", "実開": "U", "実公": "Y"}


def japanese_citations(text: str) -> Iterator[str | None]:
    """Yield the publications that a text such as `特開2010-123456（ＪＰ，Ａ）` cites."""
    for printed, number in _CITED.findall(text.translate(_WIDE)):
        plain_number = number.replace("平", "H").replace("昭", "S").rstrip("-/,，")
        yield numbers.publication_id(_OFFICE_OF.get(printed, "JP"), plain_number, _KIND_OF.get(printed))


_WIDE = {ord("０") + i: str(i) for i in range(10)} | {ord(sign): "-" for sign in "－‐―−"}
