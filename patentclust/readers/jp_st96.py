"""JPO gazettes in ST.96: `jppat:UnexaminedPatentPublication` and its kin, since 2022.

Source of the format: the JPO's gazette specification (schemas V1.0 over WIPO ST.96 V3.1); the reader has not met a real
file. Amendments inside a publication supersede what was filed. Amendments that are published on their own are events of
an older publication, and nested sequence listings (ST.26) are attachments: neither is a document. FI and F-terms are no
IPC and are left out. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import names, numbers
from patentclust.readers.dialects import decoded, root_name
from patentclust.readers.jp_st36 import japanese_citations, latest
from patentclust.readers.language import normalise
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, unique
from patentclust.readers.st96 import as_st36
from patentclust.readers.xml import find, paragraphs, parse, text_of
from patentclust.records import Document

_ROOT = re.compile(r"(Unexamined|Registered|International)(Patent|UtilityModel)Publication(Amendment)?")
_NAMESPACE = "http://www.jpo.go.jp/standards/XMLSchema/ST96/"
_AMENDMENTS = ("written-amendment",)
_KINDS = {
    ("Unexamined", "Patent"): "A", ("International", "Patent"): "A", ("Registered", "Patent"): "B2",
    ("Unexamined", "UtilityModel"): "U", ("Registered", "UtilityModel"): "U", ("International", "UtilityModel"): "U",
}  # fmt: skip
_PRINTED_KIND = re.compile(r"[(（]([A-Z]\d?)[)）]")
_CLASSES = ("main-classification", "further-classification")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root is a publication, or an amendment of one, in the JPO's namespace."""
    return bool(_ROOT.fullmatch(root_name(head) or "")) and _NAMESPACE in decoded(head)


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one publication with its last amendment.

    Raises:
        SourceError: it is an amendment on its own.
    """
    shape = _ROOT.fullmatch(root_name(source.head) or "")
    if shape is None or shape[3]:
        raise SourceError("the amendment of a publication, not a publication", hint="ingest the publication itself")
    parsed = parse(source.read())
    root = as_st36(parsed.root)
    biblio = next((child for child in root if child.tag.endswith("bibliographic-data")), None)
    if biblio is None:
        raise SourceError(f"<{shape[0]}> has no bibliographic data")
    identity = biblio.find("patent-publication-identification")
    identity = identity if identity is not None else biblio
    printed = _PRINTED_KIND.search(find(biblio, "plain-language-designation-text"))
    kind = find(identity, "kind") or (printed[1] if printed else _KINDS[shape[1], shape[2]])
    document_id = numbers.publication_id("JP", find(identity, "publication-number"), kind)
    if document_id is None:
        raise SourceError("no publication number: expected <jppat:PatentPublicationIdentification>")
    texts = {tag: latest(root, tag, _AMENDMENTS) for tag in ("abstract", "description", "claims")}
    claims, independent = claims_of(texts["claims"])
    yield Document(
        doc_id=document_id,
        title=text_of(biblio.find("invention-title")),
        abstract=paragraphs(texts["abstract"]),
        claims=claims,
        independent=independent,
        description=paragraphs(texts["description"]),
        language=normalise(root.get("lang")) or "ja",
        country="JP",
        kind=kind,
        publication_date=numbers.parse_date(find(identity, "publication-date")),
        warnings=parsed.warnings,
        ipc=_ipc(biblio),
        cited=unique(_cited(biblio)),
        **_origins(biblio),
        applicants=names.distinct(map(_name, biblio.iter("applicant"))),
        assignees=names.distinct(map(_name, biblio.iter("assignee"))),
        inventors=names.distinct(map(_name, biblio.iter("inventor"))),
    )


def _origins(biblio: Any) -> dict[str, Any]:
    application = biblio.find("application-identification")
    claims = list(biblio.iter("priority-claim"))
    days = [day for claim in claims if (day := numbers.parse_date(find(claim, ".//filing-date")))]
    return {
        "application_number": _application(application) if application is not None else None,
        "filing_date": numbers.parse_date(find(application, "filing-date")) if application is not None else None,
        "priorities": unique(map(_application, claims)),
        "priority_date": min(days) if days else None,
    }


def _application(element: Any) -> str | None:
    number = find(element, ".//application-number-text")
    return numbers.application_id(find(element, ".//ip-office-code") or "JP", number)


def _name(party: Any) -> str:
    """Return the first name of a party; the same name in its original language may follow."""
    return find(party, ".//entity-name") or find(party, ".//person-full-name")


def _ipc(biblio: Any) -> tuple[str, ...]:
    block = biblio.find("ipc-classification")
    leaves = [leaf for tag in _CLASSES for leaf in block.iterfind(tag)] if block is not None else []
    return numbers.symbols([text_of(leaf) for leaf in leaves])


def _cited(biblio: Any) -> Iterator[str | None]:
    for citation in biblio.iter("patent-citation", "patent-citation-text", "reference-citation"):
        yield from japanese_citations(text_of(citation))
