"""The EPO's exchange document, as DOCDB delivers it and OPS answers with it. Knows no container.

Source of the format: `exchange-documents.xsd` and the DOCDB user documentation. One fact is often given in several
formats: `docdb` (normalised by the EPO), `epodoc`, and as the office printed it (`original`, `docdba`). Numbers are
taken from docdb, names and titles as printed. Elements come here without namespaces. `family_id` is `docdb:` and the
number of DOCDB's simple family, e.g. `docdb:19768124`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from patentclust.params import IngestParams
from patentclust.readers import classes, names, numbers, tongues
from patentclust.readers.applications import american, pct_application
from patentclust.readers.st36 import claims_of, person, unique
from patentclust.readers.xml import find, paragraphs, text_of
from patentclust.records import Document

Claims = tuple[tuple[str, ...], tuple[bool, ...]]
_CPC_SCHEMES = ("CPC", "CPCI", "CPCNO")
_EPODOC = re.compile(r"([A-Z]{2})(\d{4})(\w+)")
# Year and serial number of an international application: 10 digits today, 7 before 2004.
_PCT = re.compile(r"(\d{4})(\d{6})|(\d{2})(\d{5})")
# As the EPO marks them in the text of an abstract.
_PICTURE = re.compile(r"\s*<IMAGE>\s*$")
_FORMULA = re.compile(r"<(?:IMAGE|CHEM|MATH)>")


@dataclass
class Publication:
    """All that a file says of one publication, in the order met.

    Attributes:
        doc_id: its number.
        country, kind: of the number, "" where not stated.
        family: number of the DOCDB family, "" where not stated.
        biblios: elements that hold bibliographic data as children.
        texts: elements of the abstract, claims and description, one a language.
    """

    doc_id: str
    country: str
    kind: str
    family: str = ""
    biblios: list[Any] = field(default_factory=list)
    texts: dict[str, list[Any]] = field(default_factory=lambda: {"abstract": [], "claims": [], "description": []})

    def add(self, element: Any) -> None:
        """Take over what an `exchange-document` or `fulltext-document` holds."""
        self.family = self.family or element.get("family-id", "")
        self.biblios += element.findall("bibliographic-data")
        for tag, found in self.texts.items():
            found += element.findall(tag)


def publication(holder: Any) -> Publication | None:
    """Return the publication that an element names in its attributes or in its `publication-reference`, or None."""
    country, number, kind = (holder.get(name, "") for name in ("country", "doc-number", "kind"))
    if not number:
        country, number, kind = _stated_number(holder)
    doc_id = numbers.publication_id(country, number, kind)
    return Publication(doc_id, country, kind, holder.get("family-id", "")) if doc_id else None


def document(found: Publication, params: IngestParams, *, claims_of: Callable[[Any], Claims] = claims_of) -> Document:
    """Return a publication as a document, all its texts in one language.

    Where the user prefers none it is that of the publication, else that of a description that is there in one only.
    """
    descriptions = {tongues.language_of(element) for element in found.texts["description"]}
    own = _own_language(found) or (descriptions.pop() if len(descriptions) == 1 else None)
    wishes = (params.prefer_language, own)
    language = tongues.choose([element for texts in found.texts.values() for element in texts], wishes)
    titles = [element for biblio in found.biblios for element in biblio.iterfind("invention-title")]
    title = tongues.title(titles, (language, *wishes))
    texts = {tag: tongues.in_language(elements, language) for tag, elements in found.texts.items()}
    claims, independent = claims_of(texts["claims"])
    warnings = tongues.left_out(found.texts, language)
    if title is None and all(element is None for element in texts.values()):
        warnings.append("no title and no text stated, only numbers and dates")
    return Document(
        doc_id=found.doc_id,
        title=text_of(title),
        abstract=_without_pictures(paragraphs(texts["abstract"])),
        claims=claims,
        independent=independent,
        description=paragraphs(texts["description"]),
        language=language or (tongues.language_of(title) if title is not None else None),
        country=found.country or None,
        kind=found.kind or None,
        family_id=f"docdb:{int(found.family)}" if found.family.isdigit() and int(found.family) else None,
        warnings=tuple(warnings),
        **_first(_numbers, found.biblios),
        **_first(_parties, found.biblios),
        **_first(_subjects, found.biblios),
    )


def _without_pictures(abstract: str) -> str:
    """Drop the `<IMAGE>` that stands for the figure beside an abstract, and write formulas as everywhere."""
    return _FORMULA.sub("[formula]", _PICTURE.sub("", abstract))


def _leaf(element: Any, tag: str) -> str:
    """Return the text of a child without markup, faster than `find` does: most of a document is numbers."""
    return (element.findtext(tag) or "").strip()


def _first(read: Callable[[Any], dict[str, Any]], biblios: list[Any]) -> dict[str, Any]:
    """Return the facts, each from the first element that states it."""
    facts = read(biblios[0]) if biblios else {}
    for biblio in biblios[1:]:
        for name, value in read(biblio).items():
            facts[name] = facts[name] or value
    return facts


def _own_language(found: Publication) -> str | None:
    for biblio in found.biblios:
        stated = _leaf(biblio, "language-of-publication")
        reference = biblio.find("publication-reference/document-id[@lang]")
        code = stated or (reference.get("lang") if reference is not None else "") or _leaf(biblio, "language-of-filing")
        if code:
            return str(code)
    return None


def _ids(references: list[Any]) -> dict[str, Any]:
    """Return the `document-id` of each format; the format stands at the id (OPS) or its parent (DOCDB)."""
    found: dict[str, Any] = {}
    for reference in references:
        for element in reference.iterfind("document-id"):
            form = element.get("document-id-type") or reference.get("data-format") or "docdb"
            found.setdefault(form, element)
    return found


def _stated_number(holder: Any) -> tuple[str, str, str]:
    ids = _ids([holder] if holder.find("document-id") is not None else holder.findall("publication-reference"))
    if "docdb" in ids:
        return _leaf(ids["docdb"], "country"), _leaf(ids["docdb"], "doc-number"), _leaf(ids["docdb"], "kind")
    printed = _leaf(ids["epodoc"], "doc-number") if "epodoc" in ids else ""
    country, number, kind = numbers.split_publication(printed) or ("", "", None)
    return country, number, kind or ""


def _numbers(biblio: Any) -> dict[str, Any]:
    claims = [*biblio.iterfind("priority-claims/priority-claim"), *biblio.iterfind("priority-claim")]
    # DOCDB gives each format a claim of its own, and their order may differ; OPS gives a claim all its formats.
    main = [claim for claim in claims if claim.get("data-format") == "docdb"] or claims
    # What the EPO calls inactive (the application that this one continues or divides, the international one) makes no
    # other family of it.
    main = [claim for claim in main if _leaf(claim, "priority-active-indicator")[:1] != "N"] or main
    days = [day for claim in claims for day in _dates(claim)]
    application = biblio.findall("application-reference")
    own = _ids(application)
    published = [day for reference in biblio.iterfind("publication-reference") for day in _dates(reference)]
    filed = [day for reference in application for day in _dates(reference)]
    return {
        "publication_date": published[0] if published else None,
        "application_number": _application(own),
        "filing_date": filed[0] if filed else None,
        # A first filing claims itself, in fewer formats.
        "priorities": unique(_application(own if _is_same(ids, own) else ids) for ids in (_ids([c]) for c in main)),
        "priority_date": min(days) if days else None,
    }


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two sets of numbers name one application."""
    for form in ("docdb", "epodoc"):
        if form in one and form in other:
            return all(_leaf(one[form], tag) == _leaf(other[form], tag) for tag in ("country", "doc-number", "kind"))
    return False


def _dates(reference: Any) -> list[Any]:
    return [day for element in reference.iterfind("document-id/date") if (day := numbers.parse_date(element.text))]


def _application(ids: dict[str, Any]) -> str | None:
    """Return an application as `CC-NUMBER`, one of the PCT as `WO-PCTUS2013050328`, in the form offices print it."""
    docdb = ids.get("docdb")
    epodoc, printed = (_leaf(ids[form], "doc-number") if form in ids else "" for form in ("epodoc", "original"))
    if docdb is not None:
        return _docdb_application(docdb, printed)
    if epodoc.startswith("WO"):
        return numbers.application_id("WO", epodoc)
    parts = _EPODOC.fullmatch(epodoc)
    if parts is None:
        return None
    country, year, serial = parts.groups()
    if not printed and country == "EP":
        printed = year[2:] + serial[-6:]
    if not printed and country == "US" and serial.isdigit():
        # Serial numbers below ten million begin anew with each series; where no date tells it, as DOCDB writes them.
        day = numbers.parse_date(_leaf(ids["epodoc"], "date"))
        if day and day.year == int(year):
            return american(serial if len(serial) == 8 else str(int(serial)), day)
        printed = serial if len(serial) == 8 else f"{int(serial)}{year[2:]}"
    return numbers.application_id(country, printed or year + serial)


def _docdb_application(element: Any, printed: str) -> str | None:
    country, number, kind = (_leaf(element, tag) for tag in ("country", "doc-number", "kind"))
    pct = _PCT.fullmatch(number)
    if kind == "W" and pct:
        return pct_application(country, pct[1] or pct[3], pct[2] or pct[4])
    # Before 2000, of the US until 2003, DOCDB has the serial number first, then the year.
    old = re.fullmatch(r"(\d{1,6})(\d\d)", number)
    day = numbers.parse_date(_leaf(element, "date"))
    if country == "US":
        series = re.sub(r"\D", "", printed)
        if len(series) == 8:
            return numbers.application_id("US", series)
        if old and day and day.year % 100 == int(old[2]):
            return american(f"{old[1]}{kind.replace('A', '')}", day)
    if country == "JP" and old:
        number = f"19{old[2]}{old[1]:0>6}"
    return numbers.application_id(country, number)


def _parties(biblio: Any) -> dict[str, Any]:
    inventors = map(names.turned, _names(biblio, "inventor"))
    return {
        "applicants": names.distinct(_names(biblio, "applicant")),
        "inventors": names.distinct(inventors),
        "inventor_countries": names.countries(map(_home, biblio.iterfind("parties/inventors/inventor"))),
    }


def _home(inventor: Any) -> str:
    """Return where an inventor lives: an element of its own in DOCDB, a code behind the name in OPS."""
    return find(inventor, "residence/country") or names.residence(find(inventor, "inventor-name/name"))


def _names(biblio: Any, role: str) -> tuple[str, ...]:
    """Return the names of the format that has most, among equals as the office printed them."""
    forms: dict[str, list[str]] = {}
    for element in biblio.iterfind(f"parties/{role}s/{role}"):
        holder = element.find(f"{role}-name")
        name = names.cleaned(person(holder if holder is not None else element))
        forms.setdefault(element.get("data-format", ""), []).append(name)
    candidates = [names.distinct(forms[form]) for form in tongues.FORMATS if form in forms]
    return max(candidates, key=len, default=())


def _subjects(biblio: Any) -> dict[str, Any]:
    cpc = [entry for entry in biblio.iterfind("patent-classifications//patent-classification") if _is_cpc(entry)]
    # Several offices classify one document, each with a first class of its own: the EPO's comes first.
    cpc.sort(key=lambda entry: _leaf(entry, "generating-office") not in ("EP", ""))
    old = classes.main_and_further(biblio.find("classification-ipc"))
    entries = biblio.findall("classifications-ipcr/classification-ipcr")
    ipc = classes.ranked(entries)
    # OPS leaves out which class is the first; the older list still has it in front.
    return {
        "cpc": classes.ranked(cpc),
        "additional_classes": classes.additional([*entries, *cpc]),
        "ipc": unique([*(symbol for symbol in old[:1] if symbol in ipc), *ipc]) or old,
        "cited": unique(_cited(biblio)),
    }


def _is_cpc(entry: Any) -> bool:
    scheme = entry.find("classification-scheme")
    return scheme is not None and scheme.get("scheme") in _CPC_SCHEMES


def _cited(biblio: Any) -> Iterator[str | None]:
    for citation in biblio.iterfind("references-cited/citation/patcit"):
        if "application" in citation.get("dnum-type", ""):
            continue
        country, number, kind = _stated_number(citation)
        yield numbers.publication_id(country, number, kind) or numbers.parse_publication(citation.get("dnum", ""))
