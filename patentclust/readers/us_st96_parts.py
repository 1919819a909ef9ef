"""Parts of US applications as filed (XML4IP): claims, specification or abstract, one a file, recognised by machine.

Source of the format: files of the USPTO, in its own extension of WIPO ST.96. A part names its application and the day
it came in, and nothing else: no publication, people or classes. All parts of an application carry one id, made of its
number, so that ingest joins them into one document: the longest part, its gaps filled from the others as they come. Of
a part that came in twice, as filed and as amended, one is taken.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import claims as claim_text
from patentclust.readers import uspto
from patentclust.readers.dialects import root_name
from patentclust.readers.source import Source
from patentclust.readers.st36 import claims_of
from patentclust.readers.st96 import as_st36
from patentclust.readers.xml import find, lines_of, parse
from patentclust.records import Document

_ROOTS = ("ClaimsDocument", "SpecificationDocument", "AbstractDocument")
_PARTS = {"CLM": "claims", "SPEC": "specification", "ABST": "abstract"}
_NO_TEXT = ("boundary-data", "claim-status-category", "claim-type-category")
_PARAGRAPH_NUMBER = re.compile(r"\A\[\s?\d{4,5}\s?\]\s*")
# A line that ended at the hyphen of a word; `two- and threefold` is none.
_LINE_END = re.compile(r"(?<=[A-Za-z]-) (?=[A-Za-z])(?!(?:and|or|to)\b)")
_LINE_NUMBER = re.compile(r"\A(?:5|10|15|20|25|30|35)\s(?=[A-Z][a-z]|\([a-z]\))")
_STATUS = re.compile(
    r"\A(\d+\. )(?:Claim \d+ )?\((?:original|new|withdrawn|(?:currently |previously )?(?:presented|amended))\)[\s.:]*",
    re.IGNORECASE,
)
_SECTION = re.compile(
    r"(?:cross[- ]reference|(?:related|priority) |technical field|field|background|summary|brief |detailed |abstract)",
    re.IGNORECASE,
)
_MAX_TITLE_LINES = 4


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours."""
    return root_name(head) in _ROOTS


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one part of an application."""
    data = source.read()
    parsed = parse(data)
    root = _plain(as_st36(parsed.root))
    part = _PARTS.get(find(root, "document-code"), "text")
    application = uspto.application(find(root, ".//application-header-details/application-number"))
    received = find(root, "mail-room-date")
    # What was recognised was escaped twice, and numbers of lines in the margin stand before paragraphs.
    stated = (html.unescape(_PARAGRAPH_NUMBER.sub("", line)) for line in lines_of(root.find("specification")))
    lines = [_LINE_END.sub("", without_line_number(line)) for line in stated]
    title = _title(lines) if part == "specification" else []
    claims, independent = _claims(root)
    if not lines and not claims:
        raise SourceError(f"<{root.tag}> has no text: expected claims or a specification")
    text = "\n".join(lines[len(title) :])
    yield Document(
        doc_id=f"sha256:{hashlib.sha256(application.encode() if application else data).hexdigest()[:16]}",
        title=_LINE_END.sub("", " ".join(title)),
        abstract=text.removeprefix("ABSTRACT\n") if part == "abstract" else "",
        claims=claims,
        independent=independent,
        description="" if part == "abstract" else text,
        language="en",
        application_number=application,
        warnings=(*parsed.warnings, f"no publication: the {part} of application {application} as of {received}"),
    )


def without_line_number(line: str) -> str:
    """Return a paragraph without the number of a line, a multiple of five, that stood in the margin beside it."""
    return _LINE_NUMBER.sub("", line)


def _plain(root: Any) -> Any:
    """Drop headers, footers, line numbers and states of claims, in place, but not the text behind them."""
    for element in [*root.iter(*_NO_TEXT)]:
        tail, element.text = element.tail, None
        for child in list(element):
            element.remove(child)
        element.tail = tail
    return root


def _title(lines: list[str]) -> list[str]:
    """Return the lines before the first section of a specification, if they can be a title."""
    index = next((i for i, line in enumerate(lines[: _MAX_TITLE_LINES + 1]) if _SECTION.match(line)), 0)
    return lines[:index] if all(line == line.upper() for line in lines[:index]) else []


def _claims(root: Any) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Return the claims; a preamble that was taken for one has no number."""
    stated = (
        _LINE_END.sub("", _STATUS.sub(r"\1", text)) for block in root.iter("claim-list") for text in claims_of(block)[0]
    )
    texts = tuple(text for text in stated if claim_text.is_numbered(text) and not claim_text.is_cancelled(text))
    return texts, claim_text.independent_flags(texts)
