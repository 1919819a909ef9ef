"""PCT publications of WIPO in ST.36: `wo-patent-document`, `wo-published-application` and the status report.

Source of the format: WIPO ST.36, Annex A, and the element names that programs reading PATENTSCOPE's answers use. The
reader has not met a real file: it takes elements where they stand under any of the roots, with or without the `wo-` of
their names. Texts that WIPO has as page images only are not there, and the document says so. Knows nothing of archives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import classes, names, numbers, tongues
from patentclust.readers.dialects import root_name
from patentclust.readers.fragments import plain
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, document_ids, home, person, unique
from patentclust.readers.xml import find, paragraphs, parse, text_of
from patentclust.records import Document

_ROOTS = (
    "wo-patent-document",
    "wo-published-application",
    "wo-international-application-status",
)
_BIBLIOS = ("wo-bibliographic-data", "bibliographic-data")
_TEXTS = ("abstract", "description", "claims")
_US_ONLY = "us-only"
_CPC = "classifications-cpc//classification-cpc"
_IPC = "classifications-ipcr/classification-ipcr"


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) in _ROOTS


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one international publication in one language."""
    parsed = parse(source.read())
    root = plain(parsed.root)
    biblio = next((found for tag in _BIBLIOS for found in root.iter(tag)), None)
    if biblio is None:
        raise SourceError(f"<{root.tag}> has no bibliographic data: expected <wo-bibliographic-data>")
    country, number, kind, published = _publication(root, biblio)
    document_id = numbers.publication_id(country, number, kind)
    if document_id is None:
        raise SourceError("no publication number: expected <publication-reference> or @doc-number")
    texts = {tag: [element for element in root.iter(tag) if not _is_nested(element)] for tag in _TEXTS}
    wishes = (params.prefer_language, _own_language(root, biblio))
    language = tongues.choose([element for found in texts.values() for element in found], wishes)
    title = tongues.title(list(biblio.iterfind("invention-title")), (language, *wishes))
    chosen = {tag: tongues.in_language(found, language) for tag, found in texts.items()}
    claims, independent = claims_of(chosen["claims"])
    yield Document(
        doc_id=document_id,
        title=text_of(title),
        abstract=paragraphs(chosen["abstract"]),
        claims=claims,
        independent=independent,
        description=paragraphs(chosen["description"]),
        language=language or (tongues.language_of(title) if title is not None else None),
        country=country,
        kind=kind or None,
        publication_date=numbers.parse_date(published),
        warnings=(*parsed.warnings, *tongues.left_out(texts, language), *_images(chosen)),
        **_origins(biblio),
        **_parties(biblio),
        cpc=classes.ranked(biblio.iterfind(_CPC)),
        additional_classes=classes.additional([*biblio.iterfind(_CPC), *biblio.iterfind(_IPC)]),
        ipc=classes.ranked(biblio.iterfind(_IPC)) or classes.main_and_further(biblio.find("classification-ipc")),
        cited=unique(_cited(root)),
    )


def _publication(root: Any, biblio: Any) -> tuple[str, str, str, str]:
    """Return office, number, kind and date of the publication; the root's attributes fill what is missing."""
    stated = next(document_ids(biblio, "publication-reference/document-id"), ("", "", "", ""))
    given = tuple(root.get(name, "") for name in ("country", "doc-number", "kind", "date-publ"))
    country, number, kind, published = (one or other for one, other in zip(stated, given, strict=True))
    return country or "WO", number, kind, published


def _own_language(root: Any, biblio: Any) -> str | None:
    for path in ("language-of-publication", "language-of-filing", "wo-publication-info/language-of-publication"):
        if stated := find(biblio, path):
            return stated
    return root.get("lang") or biblio.get("lang")


def _is_nested(element: Any) -> bool:
    """Tell whether a text belongs to something else: the search report's abstract, or amended claims in a statement."""
    return any(parent.tag in (*_BIBLIOS, "description", "search-report-data") for parent in element.iterancestors())


def _images(texts: dict[str, Any]) -> list[str]:
    pages = [tag for tag, element in texts.items() if element is not None and not "".join(element.itertext()).strip()]
    return [f"{', '.join(pages)}: page images only, no text"] if pages else []


def _origins(biblio: Any) -> dict[str, Any]:
    filed_in, filed_as, _, filed = next(document_ids(biblio, "application-reference/document-id"), ("", "", "", ""))
    claims = [*biblio.iterfind("priority-claims/priority-claim"), *biblio.iterfind("wo-priority-info/priority-claim")]
    # The facts stand in the claim itself, in some versions in a `document-id` inside.
    claims = [inner if (inner := claim.find("document-id")) is not None else claim for claim in claims]
    days = [day for claim in claims if (day := numbers.parse_date(find(claim, "date")))]
    return {
        "application_number": numbers.application_id("PCT", filed_as) or numbers.application_id(filed_in, filed_as),
        "filing_date": numbers.parse_date(filed),
        "priorities": unique(map(_priority, claims)),
        "priority_date": min(days) if days else None,
    }


def _priority(claim: Any) -> str | None:
    return numbers.application_id(find(claim, "country"), find(claim, "doc-number"))


def _parties(biblio: Any) -> dict[str, Any]:
    applicants = biblio.findall("parties/applicants/applicant")
    # Up to 2012 inventors had to be applicants for the United States, and for these alone.
    firms = [party for party in applicants if party.get("designation", "").lower() != _US_ONLY]
    inventors = [
        *(party for party in applicants if party.get("app-type") == "applicant-inventor"),
        *biblio.iterfind("parties/inventors/inventor"),
        *biblio.iterfind("parties/inventors/deceased-inventor"),
    ]
    return {
        "applicants": _distinct(map(person, firms or applicants)),
        "inventors": _distinct(names.turned(person(party)) for party in inventors),
        "inventor_countries": names.countries(map(home, inventors)),
    }


def _distinct(stated: Iterable[str]) -> tuple[str, ...]:
    return names.distinct(map(names.cleaned, stated))


def _cited(root: Any) -> Iterator[str | None]:
    for block in root.iter("references-cited", "srep-citations"):
        for country, number, kind, _ in document_ids(block, ".//patcit/document-id"):
            yield numbers.publication_id(country, number, kind)
