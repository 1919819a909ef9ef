"""Google Patents pages, as a browser or a script saved them, whole or in part.

Source of the format: real pages. Facts are microdata (`itemprop`); the same names stand again in the tables of cited
and similar documents, so that only what belongs to the article itself is taken. Translated text carries its original
beside it, sentence by sentence: one of the two is taken. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import claims as claim_text
from patentclust.readers import names, numbers, tongues
from patentclust.readers.language import by_script, normalise, of_office
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of, unique
from patentclust.readers.xml import paragraphs, text_of
from patentclust.records import Document

_MARKS = (b"ScholarlyArticle", b"patents.google.com", b'itemprop="publicationNumber"', b"patent-search.search")
_ARTICLE = re.compile(rb"<article[\s>].*?(?:</article>|\Z)", re.DOTALL)
_ITEM = etree.XPath(".//*[@itemprop=$name][count(ancestor::*[@itemscope])=$depth]")
_CONTENTS = etree.XPath(".//section[@itemprop=$name]//*[@itemprop='content']")
_ENTRIES = etree.XPath(".//*[@itemprop='classifications'][*[@itemprop='Leaf']]")
_CLAIMS = etree.XPath(".//*[@num and (self::claim or contains(concat(' ', @class, ' '), ' claim '))]")
_ORIGINALS = etree.XPath(".//span[@class='google-src-text']")
_ILLEGAL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SECTIONS = ("abstract", "description", "claims")
_CITED = ("backwardReferences", "backwardReferencesOrig", "backwardReferencesFamily")
_FAMILY = re.compile(r"\bID=(\d+)")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether it is a page of Google Patents, or what is left of one without its first lines."""
    return sum(mark in head for mark in _MARKS) >= 2


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read the article of a page: as the office published it, unless the user prefers the language shown."""
    article, warnings = _article(source.read())
    number = numbers.split_publication(_value(article, "publicationNumber"))
    document_id = numbers.publication_id(*number) if number else None
    if number is None or document_id is None:
        raise SourceError('no publication number: expected itemprop="publicationNumber" in the article')
    texts = {tag: [text for content in _CONTENTS(article, name=tag) for text in _texts(content)] for tag in _SECTIONS}
    original = _original_language(article, number[0])
    wishes = (params.prefer_language, original)
    for elements in texts.values():
        for element in elements:
            _keep_one_language(element, normalise(params.prefer_language), original)
    language = tongues.choose([element for elements in texts.values() for element in elements], wishes)
    chosen = {tag: tongues.in_language(elements, language) for tag, elements in texts.items()}
    claims, independent = _claims(chosen["claims"])
    yield Document(
        doc_id=document_id,
        title=_value(article, "title"),
        abstract=paragraphs(chosen["abstract"]),
        claims=claims,
        independent=independent,
        description=paragraphs(chosen["description"]),
        language=language or original,
        country=number[0],
        kind=number[2],
        warnings=(*warnings, *tongues.left_out(texts, language)),
        **_facts(article),
        **_subjects(article),
    )


def _article(data: bytes) -> tuple[Any, list[str]]:
    """Return the article and what is wrong with the page."""
    match = _ARTICLE.search(data)
    if match is None:
        raise SourceError("the page has no <article>", hint="save the page of one patent, not a list of results")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(_ILLEGAL.sub(b"", match[0]), parser)
    except etree.XMLSyntaxError as error:
        raise SourceError(f"no page can be read: {error.msg}") from error
    article = root.find(".//article") if root is not None else None
    if article is None:
        raise SourceError("the page has no <article> that can be read")
    article.set("itemscope", "")
    warnings = []
    if not match[0].endswith(b"</article>"):
        warnings.append("the page is cut: it ends before its article does")
    if any(entry.level == etree.ErrorLevels.FATAL for entry in parser.error_log):
        warnings.append(f"the page is broken and read as far as it goes: {parser.error_log[-1].message.strip()}")
    return article, warnings


def _values(article: Any, name: str) -> list[str]:
    """Return the values of a property of the article itself; those of cited documents lie in scopes of their own."""
    found = (_content(element) for element in _ITEM(article, name=name, depth=1))
    return [value for value in found if value]


def _content(element: Any) -> str:
    stated = element.get("datetime") or element.get("content")
    return stated.strip() if stated else text_of(element)


def _value(article: Any, name: str) -> str:
    return next(iter(_values(article, name)), "")


def _texts(content: Any) -> list[Any]:
    """Return the texts of a section, one a language, their elements named as in ST.36."""
    for element in content.iter("div", "span", "section"):
        kinds = (element.get("class") or "").split()
        if "claim-text" in kinds:
            element.tag = "claim-text"
        elif element.tag == "div":
            element.tag = "p"
    return [child for child in content if child.get("lang")] or [content]


def _original_language(article: Any, country: str) -> str | None:
    """Return the language that the office publishes in, by the script of originals shown beside a translation."""
    sources = "".join("".join(element.itertext()) for element in _ORIGINALS(article)[:20])
    return by_script(sources) or of_office(country)


def _keep_one_language(element: Any, preferred: str | None, original: str | None) -> None:
    """Drop from a translated text either the translation or the original that stands in it sentence by sentence."""
    sources = _ORIGINALS(element)
    if not sources:
        return
    shown = normalise(element.get("lang"))
    shown = "en" if shown in (None, original) else shown
    for source in sources:
        parent = source.getparent()
        if parent is None:
            # It stood in another original that is gone.
            continue
        if preferred == shown:
            parent.text = f"{parent.text or ''}{source.tail or ''}"
            parent.remove(source)
            continue
        for sibling in [child for child in parent if child is not source]:
            parent.remove(sibling)
        parent.text, source.tail = None, None
        if original in ("zh", "ja"):
            parent.tail = (parent.tail or "").strip()
    element.set("lang", shown if preferred == shown else original or "")


def _claims(element: Any) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    if element is None:
        return (), ()
    found = _CLAIMS(element)
    if not found:
        texts = tuple(claim_text.split_claims(paragraphs(element)))
        return texts, claim_text.independent_flags(texts)
    block = etree.Element("claims")
    for claim in found:
        claim.tag = "claim"
        block.append(claim)
    return claims_of(block)


def _facts(article: Any) -> dict[str, Any]:
    family = next(
        (found for head in article.iterfind(".//section/h2") if (found := _FAMILY.search(text_of(head)))), None
    )
    claimed = article.iterfind(".//*[@itemprop='appsClaimingPriority']//*[@itemprop='applicationNumber']")
    return {
        "family_id": f"docdb:{family[1]}" if family else None,
        "application_number": numbers.parse_application(_value(article, "applicationNumber")),
        "priorities": unique(numbers.parse_application(text_of(element)) for element in claimed),
        "priority_date": numbers.parse_date(_value(article, "priorityDate")),
        "filing_date": numbers.parse_date(_value(article, "filingDate")),
        "publication_date": numbers.parse_date(_value(article, "publicationDate")),
        "assignees": names.distinct(_values(article, "assigneeOriginal")),
        "inventors": names.distinct(_values(article, "inventor")),
    }


def _subjects(article: Any) -> dict[str, Any]:
    # Printed in the order of the scheme; marks tell the first one and the additional ones.
    entries = [(_marked(entry), text_of(entry.find("*[@itemprop='Code']"))) for entry in _ENTRIES(article)]
    entries.sort(key=lambda entry: ("FirstCode" not in entry[0], "Additional" in entry[0]))
    path = ".//*[@itemprop='{}']//*[@itemprop='publicationNumber']"
    cited = (element for name in _CITED for element in article.iterfind(path.format(name)))
    return {
        "cpc": numbers.symbols([code for marks, code in entries if "IsCPC" in marks]),
        "ipc": numbers.symbols([code for marks, code in entries if "IsCPC" not in marks]),
        "additional_classes": numbers.symbols([code for marks, code in entries if "Additional" in marks]),
        "cited": unique(numbers.parse_publication(text_of(element)) for element in cited),
    }


def _marked(entry: Any) -> set[str]:
    return {child.get("itemprop", "") for child in entry if child.get("content") == "true"}
