"""What all dialects of WIPO ST.36 share: claims, paragraphs and people. Knows no office."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from patentclust.readers import claims as claim_text
from patentclust.readers import numbers
from patentclust.readers.xml import children, find, leaf_text, paragraphs_of_each, text_of


def unique(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return the values that are there, each once, in order."""
    return tuple(dict.fromkeys(value for value in values if value))


def claims_of(element: Any) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Return the claims with their numbers, steps on lines of their own, and whether each is independent."""
    if element is None:
        return (), ()
    texts: list[str] = []
    independent: list[bool] = []
    for claim, steps in paragraphs_of_each(element, "claim"):
        text = claim_text.numbered(steps, claim.get("num"))
        if text and not claim_text.is_cancelled(text):
            texts.append(text)
            is_linked = next(claim.iterdescendants("claim-ref"), None) is not None
            independent.append(not is_linked and not claim_text.refers_to_claim(text))
    return tuple(texts), tuple(independent)


def document_ids(parent: Any, path: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield (country, number, kind, date) of every `document-id` at a path, "" for what is not stated."""
    for found in parent.iterfind(path):
        yield document_id(found)


def document_id(element: Any) -> tuple[str, str, str, str]:
    """Return (country, number, kind, date) of a `document-id`, "" for what is not stated."""
    stated = children(element).get
    return stated("country", ""), stated("doc-number", ""), stated("kind", ""), stated("date", "")


def publications(parent: Any) -> tuple[str, ...]:
    """Return the publications that the `document-id` below an element name, each once, as `CC-NUMBER-KIND`."""
    # A document may cite a thousand others: one walk, and only what is asked for becomes an object.
    found: list[tuple[Any, dict[str, str]]] = []
    holder = None
    for element in parent.iterdescendants("document-id", "country", "doc-number", "kind"):
        if element.tag == "document-id":
            holder = element
            found.append((holder, {}))
        elif element.getparent() is holder:
            found[-1][1].setdefault(element.tag, leaf_text(element))
    return unique(_cited(*each) for each in found)


def _cited(holder: Any, stated: dict[str, str]) -> str | None:
    facts = (stated.get("country"), stated.get("doc-number"), stated.get("kind"))
    if facts[0] in numbers.DATED_OFFICES:
        return numbers.dated_id(*facts, holder.findtext("date"))
    return numbers.publication_id(*facts)


def home(party: Any) -> str:
    """Return the country where a party lives, else that of its address; "" where neither is stated."""
    return find(party, "residence/country") or find(party, "addressbook/address/country")


def person(parent: Any) -> str:
    """Return a name from an address book: an organisation, else given name, then surname."""
    book = parent.find("addressbook")
    book = parent if book is None else book
    # Backwards, so that the first of a tag is what stays.
    stated = {child.tag: child for child in reversed(book)}.get
    for tag in ("orgname", "name"):
        if name := text_of(stated(tag)):
            return name
    parts = (text_of(stated(tag)) for tag in ("first-name", "middle-name", "last-name", "suffix"))
    return " ".join(part for part in parts if part)
