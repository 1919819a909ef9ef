"""Publications in WIPO ST.96, whatever the office: `pat:PatentPublication`, `pat:ApplicationPublication` and their kin.

Source of the format: WIPO ST.96 (V3 to V8) and its mapping from ST.36. The reader has not met a real file of a
publication: it relies on the standard's names, which are turned into those of ST.36 (`pat:InventionTitle` is read as
`invention-title`). Offices that extend ST.96 in namespaces of their own (JPO, CNIPA, USPTO) have readers of their own.
Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import classes, names, numbers, tongues
from patentclust.readers.dialects import decoded, root_name
from patentclust.readers.fragments import plain, rename
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, unique
from patentclust.readers.xml import find, paragraphs, parse, text_of
from patentclust.records import Document

_NAMESPACE = "http://www.wipo.int/standards/XMLSchema/ST96/Patent"
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TEXTS = ("abstract", "description", "claims")
# What ST.36 calls otherwise.
_ST36 = {
    "patent-classification-text": "text", "symbol-position-code": "symbol-position", "cpc-section": "section",
    "ipc-classification-value-code": "classification-value", "cpc-classification-value-code": "classification-value",
    "claim-reference": "claim-ref", "patent-document-kind-code": "kind",
}  # fmt: skip
_NUMBERS = ("publication-number", "patent-number", "document-number")
_DATES = ("publication-date", "grant-date", "patent-document-date")
_FULL_NAMES = ("organization-standard-name", "entity-name", "person-full-name", "organization-name")
_NAME_PARTS = ("first-name", "middle-name", "last-name", "name-suffix")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root is a publication in ST.96's own namespace."""
    root = re.search(r"<(?:([\w.\-]+):)?(\w+Publication)[\s>]", decoded(head))
    if root is None or root_name(head) != root[2]:
        return False
    prefix = f":{root[1]}" if root[1] else ""
    return re.search(rf"xmlns{re.escape(prefix)}\s*=\s*[\"']{re.escape(_NAMESPACE)}[\"']", decoded(head)) is not None


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one publication in one language."""
    parsed = parse(source.read())
    root = as_st36(parsed.root)
    biblio = root.find("bibliographic-data")
    if biblio is None:
        raise SourceError("the publication has no <pat:BibliographicData>")
    identities = [biblio.find(f"patent-{what}-identification") for what in ("publication", "grant")]
    identity = next((found for found in identities if found is not None), None)
    country, number, kind = _identity(identity)
    document_id = numbers.publication_id(country or find(root, "ip-office-code"), number, kind)
    if document_id is None:
        raise SourceError("no publication number: expected <pat:PatentPublicationIdentification>")
    texts = {tag: root.findall(tag) for tag in _TEXTS}
    texts["abstract"] = texts["abstract"] or biblio.findall("abstract")
    wishes = (params.prefer_language, root.get("lang"))
    language = tongues.choose([element for found in texts.values() for element in found], wishes)
    titles = [*biblio.iterfind("invention-title"), *biblio.iterfind("invention-title-bag/invention-title")]
    title = tongues.title(titles, (language, *wishes))
    chosen = {tag: tongues.in_language(found, language or tongues.language_of(root)) for tag, found in texts.items()}
    claims, independent = claims_of(chosen["claims"])
    yield Document(
        doc_id=document_id,
        title=text_of(title),
        abstract=paragraphs(chosen["abstract"]),
        claims=claims,
        independent=independent,
        description=paragraphs(chosen["description"]),
        language=language or tongues.language_of(root) or (tongues.language_of(title) if titles else None),
        country=document_id[:2],
        kind=kind or None,
        publication_date=_date(identity, _DATES),
        warnings=(*parsed.warnings, *tongues.left_out(texts, language)),
        **_origins(biblio),
        **_parties(biblio),
        **_subjects(biblio),
    )


def as_st36(root: Any, also: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Rename elements and the attribute of the language as ST.36 has them, in place, and return the root.

    `also` are names that an office has of its own, after they were split (`doc-number-text`), with their ST.36 names.
    """
    names_of = _ST36 | dict(also)
    for element in plain(root).iter():
        name = _WORD_END.sub("-", element.tag).lower()
        rename(element, names_of.get(name, name))
        for attribute, value in element.attrib.items():
            if attribute.rsplit("}", 1)[-1].rsplit(":", 1)[-1] == "languageCode":
                element.set("lang", value)
    for claim in list(root.iter("claim")):
        number = claim.find("claim-number")
        if number is not None:
            claim.set("num", text_of(number))
            claim.remove(number)
    return root


def _identity(element: Any) -> tuple[str, str, str]:
    if element is None:
        return "", "", ""
    number = next((stated for tag in _NUMBERS if (stated := find(element, tag))), "")
    return find(element, "ip-office-code"), number, find(element, "kind")


def _date(element: Any, tags: tuple[str, ...]) -> Any:
    if element is None:
        return None
    return next((day for tag in tags if (day := numbers.parse_date(find(element, tag)))), None)


def _application(element: Any) -> str | None:
    if element is None:
        return None
    number = find(element, ".//application-number-text") or find(element, "application-number")
    return numbers.application_id(find(element, ".//ip-office-code"), number)


def _origins(biblio: Any) -> dict[str, Any]:
    application = biblio.find("application-identification")
    claims = biblio.findall("priority-claim-bag/priority-claim")
    days = [day for claim in claims if (day := _date(claim, ("filing-date",)))]
    return {
        "application_number": _application(application),
        "filing_date": _date(application, ("filing-date",)),
        "priorities": unique(map(_application, claims)),
        "priority_date": min(days) if days else None,
    }


def _parties(biblio: Any) -> dict[str, Any]:
    return {
        f"{role}s": names.distinct(map(_name, biblio.iterfind(f"party-bag/{role}-bag/{role}")))
        for role in ("applicant", "assignee", "inventor")
    }


def _name(party: Any) -> str:
    full = next((name for tag in _FULL_NAMES if (name := find(party, f".//{tag}"))), "")
    parts = (find(party, f".//{tag}") for tag in _NAME_PARTS)
    return full or " ".join(filter(None, parts))


def _subjects(biblio: Any) -> dict[str, Any]:
    bags = biblio.findall("patent-classification-bag") or [biblio]
    entries = {
        tag: [found for bag in bags for found in bag.iter(tag)] for tag in ("ipcr-classification", "cpc-classification")
    }
    old = next((found for bag in bags for found in bag.iter("ipc-classification")), None)
    cited = biblio.iterfind("reference-citation-bag//cited-patent-document-identification")
    return {
        "ipc": classes.ranked(entries["ipcr-classification"]) or classes.main_and_further(old),
        "cpc": classes.ranked(entries["cpc-classification"]),
        "additional_classes": classes.additional([found for group in entries.values() for found in group]),
        "cited": unique(numbers.publication_id(*_identity(found)) for found in cited),
    }
