"""US applications of 2001 to 2004: `patent-application-publication`, the USPTO's PAP v1.5 and v1.6.

Source of the format: the USPTO's DTDs `pap-v15` and `pap-v16`. The elements of the text are turned into those of ST.36
and read as such. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import names, numbers, uspto
from patentclust.readers.dialects import root_name
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, unique
from patentclust.readers.xml import find, paragraphs, parse, text_of
from patentclust.records import Document

_ST36 = {
    "paragraph": "p", "paragraph-federal-research-statement": "p", "list-item": "li", "table-cwu": "tables",
    "math-cwu": "maths", "chemistry-cwu": "chemistry", "sequence-cwu": "sequence-list",
    "dependent-claim-reference": "claim-ref",
}  # fmt: skip
# Provisionals and continuations in part; then divisions, continuations, national stages, substitutes and reissues.
_ADDING = ("non-provisional-of-provisional", "continuations/continuation-in-part-of//parent")
_CONTINUING = (
    "division-of//parent", "continuations/continuation-of//parent", "continuations/continuing-reissue-of//parent",
    "a-371-of-international//parent", "substitution-for//parent", "reissue-of//parent",
)  # fmt: skip
_PARTS_OF_NUMBERS = ("doc-number", "kind-code", "document-date", "country-code")
_NAME_PARTS = ("given-name", "middle-name", "family-name", "name-suffix")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) == "patent-application-publication"


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one application."""
    parsed = parse(source.read())
    root = _as_st36(parsed.root)
    biblio = root.find("subdoc-bibliographic-information")
    if biblio is None:
        raise SourceError("no bibliographic data: expected <subdoc-bibliographic-information>")
    kind = find(biblio, "document-id/kind-code")
    document_id = numbers.publication_id("US", find(biblio, "document-id/doc-number"), kind)
    if document_id is None:
        raise SourceError("no publication number: expected document-id/doc-number")
    claims, independent = claims_of(root.find("subdoc-claims"))
    yield Document(
        doc_id=document_id,
        title=find(biblio, "technical-information/title-of-invention"),
        abstract="\n".join(map(text_of, root.iterfind("subdoc-abstract/p"))),
        # Some versions glue the claim to its number: `1.A method`.
        claims=tuple(re.sub(r"\A(\d+)\s?\.(?=[^\s\d])", r"\1. ", claim) for claim in claims),
        independent=independent,
        description=paragraphs(root.find("subdoc-description")),
        language="en",
        country="US",
        kind=kind or None,
        publication_date=numbers.parse_date(find(biblio, "document-id/document-date")),
        warnings=parsed.warnings,
        ipc=numbers.symbols([find(element, ".") for element in biblio.iterfind("technical-information//ipc")]),
        cited=unique(_cited(root)),
        **_parties(biblio),
        **_origins(biblio),
    )


def _as_st36(root: Any) -> Any:
    """Rename elements as ST.36 has them, in place, and drop the numbers of paragraphs."""
    for element in list(root.iter()):
        inside = element.getparent().tag if element.getparent() is not None else ""
        if element.tag in _ST36:
            element.tag = _ST36[element.tag]
        if element.tag == "claim":
            element.set("num", re.sub(r"\D", "", element.get("id", "")))
        elif element.tag == "claim-text" and inside == "claim-ref":
            element.tag = "highlight"
        elif element.tag == "number" and inside == "p":
            element.text = None
        elif element.tag in _PARTS_OF_NUMBERS:
            element.tail = f" {element.tail or ''}"
    return root


def _parties(biblio: Any) -> dict[str, Any]:
    inventors = biblio.findall("inventors/first-named-inventor") + biblio.findall("inventors/inventor")
    stated = [inventor for inventor in inventors if find(inventor, "authority-applicant") == "INV"]
    return {
        "applicants": unique(map(_name, stated)),
        "assignees": unique(map(_name, biblio.iterfind("assignee"))),
        "inventors": unique(map(_name, inventors)),
        "inventor_countries": names.countries(find(inventor, "residence/*/country-code") for inventor in inventors),
    }


def _name(party: Any) -> str:
    parts = (find(party, f"name/{tag}") for tag in _NAME_PARTS)
    return find(party, "organization-name") or " ".join(filter(None, parts))


def _cited(root: Any) -> Iterator[str | None]:
    for found in root.iterfind(".//cited-patent-literature/document-id"):
        office = find(found, "country-code") or "US"
        yield numbers.publication_id(office, find(found, "doc-number"), find(found, "kind-code"))


def _origins(biblio: Any) -> dict[str, Any]:
    filing = biblio.find("domestic-filing-data")
    filed = None if filing is None else numbers.parse_date(find(filing, "filing-date"))
    series = "" if filing is None else find(filing, "application-number-series-code")
    number = "" if filing is None else find(filing, "application-number/doc-number")
    own = uspto.application(number, filed=filed, series=series)
    return {
        "application_number": own,
        "filing_date": filed,
        **uspto.priorities(
            [*_foreign(biblio), *_related(biblio, _ADDING)],
            own,
            continued=_related(biblio, _CONTINUING),
            international=_international(biblio),
        ),
    }


def _international(biblio: Any) -> tuple[str | None, date | None]:
    path = "international-conventions/pct-application/document-id"
    number, day = (find(biblio, f"{path}/{tag}") for tag in ("doc-number", "document-date"))
    return numbers.international_application(number), numbers.parse_date(day)


def _foreign(biblio: Any) -> Iterator[tuple[str | None, date | None]]:
    for claim in biblio.iterfind("foreign-priority-data"):
        number = find(claim, "priority-application-number/doc-number")
        yield (
            uspto.application(number, office=find(claim, "country-code")),
            numbers.parse_date(find(claim, "filing-date")),
        )


def _related(biblio: Any, paths: tuple[str, ...]) -> Iterator[uspto.Filing]:
    for found in (element for path in paths for element in biblio.iterfind(f"continuity-data/{path}/document-id")):
        day = numbers.parse_date(find(found, "document-date"))
        yield uspto.application(find(found, "doc-number"), filed=day), day
