"""Answers of the EPO's Open Patent Services (OPS): bibliographic data, abstract, full text, family and search.

Source of the format: the OPS 3.2 reference guide and `ops.xsd`, `exchange-documents.xsd`, `fulltext-documents.xsd`. All
that one answer says of one publication becomes one document; parts in different files are joined later, by number.
Answers about images, legal events alone, or the register carry no patent data that is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import claims as claim_text
from patentclust.readers import exchange, st36
from patentclust.readers.dialects import root_name
from patentclust.readers.exchange import Claims, Publication
from patentclust.readers.fragments import plain
from patentclust.readers.source import Source
from patentclust.readers.xml import lines_of, local, parse, text_of
from patentclust.records import Document

_ROOTS = ("world-patent-data", "fulltext-documents")
_TEXTS = ("exchange-document", "fulltext-document")
_PARAGRAPH_NUMBER = re.compile(r"^\[\d{4,5}\]\s*", re.MULTILINE)


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) in _ROOTS


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read each publication of an answer, in the order met."""
    parsed = parse(source.read())
    root = plain(parsed.root)
    found: dict[str, Publication] = {}
    for element in _holders(root):
        named = _named(element)
        if named is not None and (publication := exchange.publication(named)):
            _take(found.setdefault(publication.doc_id, publication), element, publication.family)
    if not found:
        raise SourceError(
            f"an OPS answer without patent data: {_kinds(root)}",
            hint="ask OPS for biblio, abstract, claims, description, family or search",
        )
    for number, publication in enumerate(found.values(), start=1):
        document = exchange.document(publication, params, claims_of=_claims_of)
        yield replace(
            document,
            description=_PARAGRAPH_NUMBER.sub("", document.description),
            warnings=(*parsed.warnings, *document.warnings),
            source_path=f"{source.path}#{number}" if len(found) > 1 else source.path,
        )


def _holders(root: Any) -> Iterator[Any]:
    yield from root.iter(*_TEXTS)
    yield from root.iterfind("patent-family/family-member")
    yield from root.iterfind("biblio-search/search-result/publication-reference")


def _named(element: Any) -> Any:
    """Return what names the publication: the element, or in full texts its bibliographic data."""
    return element.find("bibliographic-data") if local(element) == "fulltext-document" else element


def _take(publication: Publication, element: Any, family: str) -> None:
    publication.family = publication.family or family
    if local(element) in _TEXTS:
        publication.add(element)
    elif local(element) == "family-member":
        publication.biblios.append(element)


def _kinds(root: Any) -> str:
    return ", ".join(dict.fromkeys(f"<{local(child)}>" for child in root)) or "nothing in it"


def _claims_of(element: Any) -> Claims:
    """Return the claims; OPS puts them all into one `claim`, each with its number in its text, or one text a claim."""
    found = element.findall("claim") if element is not None else []
    if len(found) != 1:
        return st36.claims_of(element)
    texts = claim_text.split_claims("\n".join(lines_of(found[0])))
    steps = [text_of(step) for step in found[0].iterfind("claim-text")]
    if len(texts) == 1 and len(steps) > 1 and all(step.endswith(".") for step in steps):
        # Without numbers, whole sentences are claims and all else are steps of one.
        texts = [claim_text.numbered(step, str(number)) for number, step in enumerate(steps, start=1)]
    kept = tuple(text for text in texts if not claim_text.is_cancelled(text))
    return kept, claim_text.independent_flags(kept)
