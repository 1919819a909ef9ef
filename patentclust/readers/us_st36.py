"""US grants and applications since 2005: USPTO XML v4.0 to v4.7, roots `us-patent-grant` and `us-patent-application`.

Source of the format: the USPTO's DTDs `us-patent-grant-v40` … `v47`. What a reissue strikes out of the patent that it
replaces is left out. Knows nothing of archives or the older dialects.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import classes, names, numbers, uspto
from patentclust.readers.dialects import root_name
from patentclust.readers.language import normalise
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, document_ids, home, person, publications, unique
from patentclust.readers.xml import find, local, paragraphs, parse, text_of
from patentclust.records import Document

_ROOTS = {
    "us-patent-grant": "us-bibliographic-data-grant",
    "us-patent-application": "us-bibliographic-data-application",
}


_IPC_PATH = "classifications-ipcr/classification-ipcr"
# Relations to what says less than its child; parents of all other kinds say the same.
_PROVISIONAL = "us-provisional-application"
_ADDING = (_PROVISIONAL, "continuation-in-part", "addition")
_CPC_PATHS = tuple(f"classifications-cpc/{rank}-cpc/classification-cpc" for rank in ("main", "further"))


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is one of ours."""
    return root_name(head) in _ROOTS


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one grant or application."""
    parsed = parse(uspto.without_struck(source.read()))
    root = parsed.root
    biblio = next((child for child in root if local(child) in _ROOTS.values()), None)
    if biblio is None:
        raise SourceError(f"<{local(root)}> has no bibliographic data: expected one of {', '.join(_ROOTS.values())}")
    doc_id = numbers.publication_id(*next(document_ids(biblio, "publication-reference/document-id"), ("", "", ""))[:3])
    if doc_id is None:
        raise SourceError("no publication number: expected publication-reference/document-id/doc-number")
    claims, independent = claims_of(root.find("claims"))
    yield Document(
        doc_id=doc_id,
        title=find(biblio, "invention-title"),
        abstract=paragraphs(root.find("abstract")),
        claims=claims,
        independent=independent,
        description=paragraphs(root.find("description")),
        language=normalise(root.get("lang")),
        warnings=parsed.warnings,
        **_numbers(biblio),
        **_parties(biblio),
        cpc=classes.ranked(_cpc(biblio)),
        additional_classes=classes.additional([*_cpc(biblio), *biblio.iterfind(_IPC_PATH)]),
        ipc=_ipc(biblio),
        cited=_cited(biblio),
    )


def _numbers(biblio: Any) -> dict[str, Any]:
    country, _, kind, published = next(document_ids(biblio, "publication-reference/document-id"))
    filed_in, filed_as, _, filed = next(document_ids(biblio, "application-reference/document-id"), ("", "", "", ""))
    own = numbers.application_id(filed_in, filed_as)
    claimed, continued = _related(biblio)
    return {
        "country": country or None,
        "kind": kind or None,
        "publication_date": numbers.parse_date(published),
        "application_number": own,
        "filing_date": numbers.parse_date(filed),
        **uspto.priorities(
            [*_foreign(biblio), *claimed], own, continued=continued, international=_international(biblio)
        ),
    }


def _international(biblio: Any) -> tuple[str | None, date | None]:
    found = next(document_ids(biblio, "pct-or-regional-filing-data/document-id"), ("", "", "", ""))
    return numbers.international_application(found[1]), numbers.parse_date(found[3])


def _foreign(biblio: Any) -> Iterator[uspto.Filing]:
    for claim in biblio.iterfind("priority-claims/priority-claim"):
        yield (
            uspto.application(find(claim, "doc-number"), office=find(claim, "country")),
            numbers.parse_date(find(claim, "date")),
        )


def _related(biblio: Any) -> tuple[list[uspto.Filing], list[uspto.Filing]]:
    """Return what this application adds to (provisionals among it), and what it continues, divides or reissues."""
    claimed: list[uspto.Filing] = []
    continued: list[uspto.Filing] = []
    for relation in biblio.iterfind("us-related-documents/*"):
        path = "document-id" if relation.tag == _PROVISIONAL else ".//parent-doc/document-id"
        for country, number, _, day in document_ids(relation, path):
            filed = numbers.parse_date(day)
            found = uspto.application(number, office=country, filed=filed), filed
            (claimed if relation.tag in _ADDING else continued).append(found)
    return claimed, continued


def _parties(biblio: Any) -> dict[str, Any]:
    # Up to 4.2 the inventors stand among the applicants, marked as such; since 4.3 both have lists of their own.
    old = biblio.findall("parties/applicants/applicant")
    new = biblio.findall("us-parties/us-applicants/us-applicant")
    inventors = [
        *(applicant for applicant in old if applicant.get("app-type") == "applicant-inventor"),
        *biblio.iterfind("parties/inventors/inventor"),
        *biblio.iterfind("us-parties/inventors/inventor"),
        *biblio.iterfind("us-parties/inventors/deceased-inventor"),
    ]
    if not inventors:
        inventors = [applicant for applicant in new if applicant.get("app-type") == "applicant-inventor"]
    return {
        "applicants": unique(map(person, [*old, *new])),
        "assignees": unique(map(person, biblio.iterfind("assignees/assignee"))),
        "inventors": unique(map(person, inventors)),
        "inventor_countries": names.countries(map(home, inventors)),
    }


def _cpc(biblio: Any) -> list[Any]:
    return [element for path in _CPC_PATHS for element in biblio.iterfind(path)]


def _ipc(biblio: Any) -> tuple[str, ...]:
    current = classes.ranked(biblio.iterfind(_IPC_PATH))
    old = biblio.find("classification-ipc")
    if current or old is None:
        return current
    further = (text_of(element) for element in old.iterfind("further-classification"))
    return numbers.symbols([find(old, "main-classification"), *further])


def _cited(biblio: Any) -> tuple[str, ...]:
    lists = (biblio.find(tag) for tag in ("us-references-cited", "references-cited"))
    return unique(number for cited in lists if cited is not None for number in publications(cited))
