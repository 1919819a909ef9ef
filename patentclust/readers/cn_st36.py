"""CNIPA publications in ST.36: `cn-patent-document`, as the office and CNIPR sell them.

Source of the format: the office's DTD `cn-patent-document-06-10-27` and its style sheets. Only a description has been
met as a real file: elements are taken with or without the `cn-` of their names. `<br/>` stands at each printed line,
and files are in GB18030 as often as in UTF-8. Knows nothing of archives.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import classes, names, numbers
from patentclust.readers.dialects import root_name
from patentclust.readers.fragments import plain, rename
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, document_ids, person, unique
from patentclust.readers.xml import find, local, paragraphs, parse, text_of
from patentclust.records import Document

# A citation is often one text: `CN 101234567 A 2008.08.06,全文`.
_CITED = re.compile(r"([A-Z]{2}\s?[A-Z]{0,2}\d[\d/]*\s?[A-Z]\d?)\b")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) == "cn-patent-document"


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one publication, or the part of one that a file holds."""
    data = source.read()
    parsed = parse(data, otherwise=("gb18030",))
    root = _without_office(plain(parsed.root))
    biblio = root.find("bibliographic-data")
    body = next((found for tag in ("application-body", "patent-body") if (found := root.find(tag)) is not None), root)
    country, number, kind, published = _publication(root, biblio)
    document_id = numbers.publication_id(country, number, kind)
    warnings = list(parsed.warnings)
    if document_id is None:
        warnings.append("the file states no publication number")
    holders = [holder for holder in (body, biblio) if holder is not None]
    texts = {tag: _first(holders, tag) for tag in ("abstract", "description", "claims", "invention-title")}
    if all(element is None for element in texts.values()):
        raise SourceError("no text in it: expected <application-body> or <invention-title>")
    title = biblio.find("invention-title") if biblio is not None else None
    claims, independent = claims_of(texts["claims"])
    yield Document(
        doc_id=document_id or f"sha256:{hashlib.sha256(data).hexdigest()[:16]}",
        title=text_of(title if title is not None else root.find(".//invention-title")),
        abstract=paragraphs(texts["abstract"]),
        claims=claims,
        independent=independent,
        description=paragraphs(texts["description"]),
        language="zh",
        country=country or None,
        kind=kind or None,
        publication_date=numbers.parse_date(published),
        warnings=tuple(warnings),
        **(_facts(biblio) if biblio is not None else {}),
    )


def _without_office(root: Any) -> Any:
    for element in root.iter():
        rename(element, local(element).removeprefix("cn-"))
    return root


def _publication(root: Any, biblio: Any) -> tuple[str, str, str, str]:
    stated = ("", "", "", "")
    if biblio is not None:
        stated = next(document_ids(biblio, "publication-reference/document-id"), stated)
    given = tuple(root.get(name, "") for name in ("country", "doc-number", "kind", "date-publ"))
    country, number, kind, published = (one or other for one, other in zip(stated, given, strict=True))
    return country or "CN", number, kind, published


def _first(holders: list[Any], tag: str) -> Any:
    return next((found for holder in holders if (found := holder.find(tag)) is not None), None)


def _facts(biblio: Any) -> dict[str, Any]:
    reference = biblio.find("application-reference")
    filed: Any = reference.find("document-id") if reference is not None else None
    filed = filed if filed is not None else reference
    claims = [
        claim.find("document-id") if claim.find("document-id") is not None else claim for claim in _priorities(biblio)
    ]
    days = [day for claim in claims if (day := numbers.parse_date(find(claim, "date")))]
    return {
        "application_number": _application(filed) if filed is not None else None,
        "filing_date": numbers.parse_date(find(filed, "date")) if filed is not None else None,
        "priorities": unique(map(_application, claims)),
        "priority_date": min(days) if days else None,
        "applicants": _people(biblio, "applicant"),
        "assignees": _people(biblio, "assignee") or _people(biblio, "patentee"),
        "inventors": _people(biblio, "inventor"),
        "ipc": classes.ranked(biblio.iterfind("classifications-ipcr/classification-ipcr"))
        or classes.main_and_further(biblio.find("classification-ipc")),
        "cpc": classes.ranked(biblio.iterfind("classifications-cpc//classification-cpc")),
        "additional_classes": classes.additional(
            [
                *biblio.iterfind("classifications-ipcr/classification-ipcr"),
                *biblio.iterfind("classifications-cpc//classification-cpc"),
            ]
        ),
        "cited": unique(_cited(biblio)),
    }


def _priorities(biblio: Any) -> list[Any]:
    return list(biblio.iterfind("priority-claims/priority-claim"))


def _application(element: Any) -> str | None:
    return numbers.application_id(find(element, "country") or "CN", find(element, "doc-number"))


def _people(biblio: Any, role: str) -> tuple[str, ...]:
    parties = [*biblio.iterfind(f"parties/{role}s/{role}"), *biblio.iterfind(f"{role}s/{role}")]
    return names.distinct(name for party in parties for name in re.split("[;；]", person(party)) if name.strip())


def _cited(biblio: Any) -> Iterator[str | None]:
    for citation in biblio.iterfind("references-cited/citation/patcit"):
        stated = [numbers.publication_id(*parts[:3]) for parts in document_ids(citation, "document-id")]
        yield from stated or map(numbers.parse_publication, _CITED.findall(find(citation, "text")))
