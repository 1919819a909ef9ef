"""EP applications and specifications: `ep-patent-document` v1.0 to v1.5.1.

Source of the format: the EPO's ST.36 DTDs; its bibliographic tags B110, B540 … are the INID codes of WIPO ST.9. Knows
nothing of archives. A specification carries its claims in three languages and its description in one: only one language
is ever taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import zip_longest
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import classes, names, numbers
from patentclust.readers.applications import american
from patentclust.readers.dialects import root_name
from patentclust.readers.language import normalise
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, document_ids, unique
from patentclust.readers.xml import Parsed, find, paragraphs, parse, text_of
from patentclust.records import Document

_TEXTS = ("abstract", "description", "claims")
_IPC = ("B500/B510EP", "B500/B510")
_CPC = ("B500/B520EP",)


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) == "ep-patent-document"


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one application or specification in one language."""
    parsed = parse(source.read())
    root = parsed.root
    biblio = root.find("SDOBI")
    if biblio is None:
        raise SourceError("<ep-patent-document> has no bibliographic data: expected <SDOBI>")
    country = root.get("country") or find(biblio, "B100/B190") or "EP"
    kind = root.get("kind") or find(biblio, "B100/B130")
    document_id = numbers.publication_id(country, root.get("doc-number") or find(biblio, "B100/B110"), kind)
    if document_id is None:
        raise SourceError("no publication number: expected @doc-number or B110")
    language = _language(root, biblio, params.prefer_language)
    texts = {tag: _in_language(root, tag, language) for tag in _TEXTS}
    claims, independent = claims_of(texts["claims"])
    yield Document(
        doc_id=document_id,
        title=_title(biblio, language),
        abstract=paragraphs(texts["abstract"]),
        claims=claims,
        independent=independent,
        description=paragraphs(texts["description"]),
        language=language,
        country=country,
        kind=kind or None,
        publication_date=numbers.parse_date(root.get("date-publ") or find(biblio, "B100/B140/date")),
        warnings=_warnings(parsed, biblio, language, texts),
        **_origins(biblio),
        **_parties(biblio),
        ipc=numbers.symbols(_printed(biblio, *_IPC)),
        cpc=numbers.symbols(_printed(biblio, *_CPC)),
        additional_classes=classes.additional_texts(_printed(biblio, *_IPC, *_CPC)),
        cited=unique(_cited(root, biblio)),
    )


def _languages(root: Any, tag: str) -> list[str]:
    return [code for element in root.iterchildren(tag) if (code := normalise(element.get("lang")))]


def _language(root: Any, biblio: Any, preferred: str | None) -> str | None:
    """Return the language to take: the preferred one if any text is in it, else that of the proceedings."""
    available = [code for tag in _TEXTS for code in _languages(root, tag)]
    procedure = normalise(find(biblio, "B200/B260")) or normalise(root.get("lang"))
    wishes = (normalise(preferred), procedure, normalise(root.get("lang")))
    return next((wish for wish in wishes if wish in available), available[0] if available else procedure)


def _in_language(root: Any, tag: str, language: str | None) -> Any:
    found = list(root.iterchildren(tag))
    undeclared = [element for element in found if not normalise(element.get("lang"))]
    matching = [element for element in found if normalise(element.get("lang")) == language]
    return next(iter(matching or undeclared), None)


def _title(biblio: Any, language: str | None) -> str:
    """Return the title in the language; B541 names the language of the B542 that follows it."""
    titles: dict[str | None, str] = {}
    code = None
    for element in biblio.iterfind("B500/B540/*"):
        if element.tag == "B541":
            code = normalise(text_of(element))
        elif element.tag == "B542":
            titles.setdefault(code, text_of(element))
    return titles.get(language) or titles.get("en") or next(iter(titles.values()), "")


def _warnings(parsed: Parsed, biblio: Any, language: str | None, texts: dict[str, Any]) -> tuple[str, ...]:
    warnings = list(parsed.warnings)
    if all(element is None for element in texts.values()):
        elsewhere = find(biblio, "B800/B870/B871/dnum/pnum")
        where = f"; it was published as {elsewhere}" if elsewhere else ""
        warnings.append(f"the file carries no text, only bibliographic data{where}")
    for tag, element in texts.items():
        others = sorted(set(_languages(parsed.root, tag)) - {language})
        if element is None and others:
            warnings.append(f"{tag} left out: only in {', '.join(others)}, not in {language}")
    return tuple(warnings)


def _origins(biblio: Any) -> dict[str, Any]:
    priorities, days = [], []
    for block in biblio.iterfind("B300"):
        # The tags of several priorities follow each other without a parent of their own.
        stated, dates, offices = (block.findall(path) for path in ("B310", "B320/date", "B330/ctry"))
        found = [numbers.parse_date(text_of(element)) for element in dates]
        for number, office, day in zip_longest(stated, offices, found):
            if number is not None and office is not None:
                priorities.append(_priority(text_of(office), text_of(number), day))
        days += [day for day in found if day]
    if not priorities:
        # A Euro-PCT application that claims nothing is of the family of its international one.
        priorities.append(numbers.international_application(find(biblio, "B800/B860/B861/dnum/anum")))
        days += [day for day in [numbers.parse_date(find(biblio, "B800/B860/B861/date"))] if day]
    return {
        "application_number": numbers.application_id("EP", find(biblio, "B200/B210")),
        "filing_date": numbers.parse_date(find(biblio, "B200/B220/date")),
        "priorities": unique(priorities),
        "priority_date": min(days) if days else None,
    }


def _priority(office: str, number: str, day: date | None) -> str | None:
    return american(number, day) if office == "US" else numbers.application_id(office, number)


def _parties(biblio: Any) -> dict[str, Any]:
    return {
        "applicants": unique(map(_organisation, biblio.iterfind("B700/B710/B711"))),
        "assignees": unique(map(_organisation, biblio.iterfind("B700/B730/B731"))),
        "inventors": unique(map(_inventor, biblio.iterfind("B700/B720/B721"))),
        "inventor_countries": names.countries(find(party, "adr/ctry") for party in biblio.iterfind("B700/B720/B721")),
    }


def _organisation(party: Any) -> str:
    given = find(party, "fnm")
    return f"{given} {find(party, 'snm')}".strip()


def _inventor(party: Any) -> str:
    """Return `SHERMAN, Nicholas, J.` as `Nicholas J. SHERMAN`."""
    if given := find(party, "fnm"):
        return f"{given} {find(party, 'snm')}".strip()
    return names.turned(find(party, "snm"))


def _cited(root: Any, biblio: Any) -> Iterator[str | None]:
    """Yield what the search report cites, then the list of patents that the description cites (of A documents)."""
    for text in biblio.iterfind("B500/B560/B561/text"):
        yield numbers.parse_publication(text_of(text))
    priorities = _origins(biblio)["priorities"]
    for country, number, kind, _ in document_ids(root, "ep-reference-list//patcit/document-id"):
        # The description often begins with the priority, which the list then holds too: an application is no citation.
        if numbers.application_id(country, number) not in priorities:
            yield numbers.publication_id(country, number, kind)


def _printed(biblio: Any, *blocks: str) -> list[str]:
    """Return the entries of classification as they are printed."""
    texts: list[str] = []
    for path in blocks:
        block = biblio.find(path)
        if block is not None:
            # 1.0 and 1.1 have B511 (main) and B512; later versions a list of classification texts.
            leaves = [*block.iterfind("B511"), *block.iterfind("B512"), *block.iterfind(".//text")]
            texts += ["".join(leaf.itertext()) for leaf in leaves]
    return texts
