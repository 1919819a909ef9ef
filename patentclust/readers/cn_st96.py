"""CNIPA publications in the office's own kin of ST.96: `business:PatentDocumentAndRelated`, `business:PatentDocument`.

Source of the format: real files of bibliographic data and abstract (schema V2.2.1); the names of full texts follow the
same schema, and have not been met. A reference stands twice, in the form of ST.96 and as the office printed it; the
printed one is taken. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import classes, names, numbers, tongues
from patentclust.readers.dialects import decoded, root_name
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, document_ids, person, unique
from patentclust.readers.st96 import as_st36
from patentclust.readers.xml import find, paragraphs, parse, text_of
from patentclust.records import Document

_ROOTS = ("PatentDocumentAndRelated", "PatentDocument")
_NAMESPACE = re.compile(r"http://www\.(?:sipo|cnipa)\.gov\.cn/XMLSchema/business")
_TEXTS = ("abstract", "description", "claims")
_ST36 = {
    "wipost3-code": "country", "address-book": "addressbook", "organization-name": "orgname", "main-class": "class",
    "paragraphs": "p", "classification-ipcr-details": "classifications-ipcr", "main-classification-text": "text",
    "classification-cpc-details": "classifications-cpc", "claim-ref": "claim-ref", "section-heading": "heading",
}  # fmt: skip


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours, in the namespace of the office."""
    return root_name(head) in _ROOTS and bool(_NAMESPACE.search(decoded(head)))


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one publication in one language."""
    parsed = parse(source.read(), otherwise=("gb18030",))
    root = as_st36(parsed.root, _ST36)
    biblio = root.find(".//bibliographic-data")
    if biblio is None:
        raise SourceError("the document has no <business:BibliographicData>")
    country, number, kind, published = _publication(root, biblio)
    document_id = numbers.publication_id(country, number, kind)
    if document_id is None:
        raise SourceError("no publication number: expected <business:PublicationReference> or @docNumber")
    texts = {tag: _printed(list(root.iter(tag))) for tag in _TEXTS}
    titles = _printed(biblio.findall("invention-title"))
    wishes = (params.prefer_language, root.get("lang") or "zh")
    language = tongues.choose([*(e for found in texts.values() for e in found), *titles], wishes) or "zh"
    chosen = {tag: tongues.in_language(found, language) for tag, found in texts.items()}
    claims, independent = claims_of(chosen["claims"])
    yield Document(
        doc_id=document_id,
        title=text_of(tongues.title(titles, (language, *wishes))),
        abstract=paragraphs(chosen["abstract"]),
        claims=claims,
        independent=independent,
        description=paragraphs(chosen["description"]),
        language=language,
        country=country,
        kind=kind or None,
        publication_date=numbers.parse_date(published),
        warnings=(*parsed.warnings, *tongues.left_out(texts, language)),
        **_facts(biblio),
    )


def _printed(elements: list[Any]) -> list[Any]:
    """Return the elements that the office printed, where some are, else all."""
    return [element for element in elements if element.get("dataFormat") == "original"] or elements


def _publication(root: Any, biblio: Any) -> tuple[str, str, str, str]:
    references = _printed(biblio.findall("publication-reference"))
    stated = next((ids for found in references for ids in document_ids(found, "document-id")), ("", "", "", ""))
    given = tuple(root.get(name, "") for name in ("country", "docNumber", "kind", "datePublication"))
    country, number, kind, published = (one or other for one, other in zip(stated, given, strict=True))
    return country or "CN", number, kind, published


def _facts(biblio: Any) -> dict[str, Any]:
    filed = [
        ids for found in _printed(biblio.findall("application-reference")) for ids in document_ids(found, "document-id")
    ]
    claims = [ids for found in _printed(_priority_claims(biblio)) for ids in _claimed(found)]
    days = [day for *_, stated in claims if (day := numbers.parse_date(stated))]
    ipc = biblio.findall("classifications-ipcr/classification-ipcr")
    cpc = biblio.findall("classifications-cpc//classification-cpc")
    return {
        "application_number": numbers.application_id(filed[0][0], filed[0][1]) if filed else None,
        "filing_date": numbers.parse_date(filed[0][3]) if filed else None,
        "priorities": unique(numbers.application_id(office, number) for office, number, *_ in claims),
        "priority_date": min(days) if days else None,
        "applicants": _people(biblio, "applicant"),
        "assignees": _people(biblio, "assignee") or _people(biblio, "patentee"),
        "inventors": _people(biblio, "inventor"),
        "ipc": classes.ranked(ipc),
        "cpc": classes.ranked(cpc),
        "additional_classes": classes.additional([*ipc, *cpc]),
        "cited": unique(_cited(biblio)),
    }


def _priority_claims(biblio: Any) -> list[Any]:
    return [
        element for element in biblio.iter("priority-claim", "priority") if element.find(".//doc-number") is not None
    ]


def _claimed(element: Any) -> Iterator[tuple[str, str, str, str]]:
    yield from document_ids(element, ".//document-id")
    if element.find("doc-number") is not None:
        yield find(element, "country"), find(element, "doc-number"), "", find(element, "date")


def _people(biblio: Any, role: str) -> tuple[str, ...]:
    parties = _printed(list(biblio.iterfind(f"parties/{role}-details/{role}")))
    return names.distinct(map(person, parties))


def _cited(biblio: Any) -> Iterator[str | None]:
    for block in biblio.iter("references-cited", "reference-cited", "citation-details"):
        for country, number, kind, _ in document_ids(block, ".//document-id"):
            yield numbers.publication_id(country, number, kind)
