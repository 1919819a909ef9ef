"""The one door to lxml: bytes in, a tree and readable text out. Knows no patent dialect.

Nothing outside the bytes is ever touched: the document type, with all entities it declares, is cut away before parsing,
and the named characters of HTML and ISO are put in by us. So an external entity or a chain of entities is only text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from lxml import etree

from patentclust.errors import SourceError
from patentclust.readers import characters

_XML_OWN = frozenset(("amp", "lt", "gt", "quot", "apos"))
_REFERENCE = re.compile(r"&(?:#(?P<code>[xX][0-9a-fA-F]{1,8}|[0-9]{1,8});|(?P<name>[A-Za-z][\w.\-]{0,40});|)")
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]{0,200}?\?>")
_ENCODING = re.compile(rb"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([\w.\-]{1,40})[\"']")
_PROLOG = re.compile(r"\s*(?:<\?[^>]*>|<!--.*?-->)", re.DOTALL)
_ENTITY = re.compile(r"<!ENTITY\s+([\w.\-]{1,60})\s+(?:\"([^\"<&]{0,200})\"|'([^'<&]{0,200})')\s*>")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What offices mean by a name is often a later, larger encoding; the first that fits is taken.
_MEANT = {
    "gb2312": ("gb18030",), "gbk": ("gb18030",), "gb18030": ("gb18030",), "big5": ("big5", "big5hkscs"),
    "shift_jis": ("cp932",), "x-sjis": ("cp932",), "sjis": ("cp932",), "windows-31j": ("cp932",),
    "euc-jp": ("euc_jp", "euc_jis_2004"), "x-euc-jp": ("euc_jp", "euc_jis_2004"),
    "euc-kr": ("cp949",), "ks_c_5601-1987": ("cp949",),
}  # fmt: skip
# References to one allowed character that every parser reads alike; all others are looked at one by one.
_SOUND_REFERENCE = (
    rb"amp|lt|gt|quot|apos|#x(?:[2-7a-fA-F]|[1-9a-fA-F][0-9a-fA-F]{1,4})[0-9a-fA-F]"
    rb"|#(?:1[6-9]|[2-9][0-9])[0-9]|#[1-9][0-9]{3,6}"
)
_ODD_REFERENCE = re.compile(rb"&(?!(?:" + _SOUND_REFERENCE + rb");)")
_HEAD_BYTES = 16 * 1024
_NAME = re.compile(r"[^\W\d][\w.\-]*")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# A printed line ends: no blank where one of the two signs is Chinese or Japanese, whose words have none between them.
# The mark is a blank for `split`, and one that XML allows.
_LINE_END = "\x85"
_UNSPACED = re.compile("[\u2e80-\u312f\u31c0-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff9f]")

# Content that is no prose: what stands for it in the text. Sequences of bases say nothing to a reader of words.
PLACEHOLDERS = {
    "tables": "[table]", "table": "[table]", "table-external-doc": "[table]", "maths": "[formula]", "math": "[formula]",
    "chemistry": "[formula]", "chem": "[formula]", "sequence-list": "", "sequence-listing": "",
    "us-sequence-list-doc": "", "us-megatable-doc": "[table]", "program-listing-deposit": "[program]",
}  # fmt: skip
# A text with one lost character in so many is damaged; with more it is in another encoding.
_LOST_SHARE = 20
_BLOCKS = (
    "p", "heading", "ul", "ol", "dl", "li", "dt", "dd", "claim", "claim-text", "pre",
    "abstract", "description", "claims",
)  # fmt: skip
# Between lines while text is gathered: the one control character that XML allows, and no text may hold.
_BREAK = "\x7f"
_ASCII = bytes(range(0x80))
_LONG_BYTES = 8 * 1024
# As `iter` wants them: of any namespace or none.
_BLOCK_TAGS = tuple(f"{{*}}{tag}" for tag in _BLOCKS)
_PLACEHOLDER_TAGS = tuple(f"{{*}}{tag}" for tag in PLACEHOLDERS)


@dataclass(frozen=True)
class Parsed:
    """A tree and what had to be repaired to get it, one sentence each."""

    root: etree._Element
    warnings: tuple[str, ...]


def parse(data: bytes, *, otherwise: tuple[str, ...] = ()) -> Parsed:
    """Parse one XML document, repairing what offices and converters are known to break.

    `otherwise` are the encodings of the office, tried where a file declares none or a wrong one.

    Raises:
        SourceError: there is no element to be read.
    """
    root = _sound(data)
    if root is not None:
        return Parsed(root, ())
    text, warnings = _decode(data, otherwise)
    declaration = _DECLARATION.match(text)
    text, entities = _without_doctype(text[declaration.end() :] if declaration else text)
    text, repairs = _with_characters(_ILLEGAL.sub("", text), entities)
    warnings += repairs
    encoded = text.encode("utf-8")
    try:
        root = etree.fromstring(encoded, _parser(recover=False))
    except etree.XMLSyntaxError as error:
        warnings.append(f"file is not well-formed: {error.msg}; read as far as it goes")
        root = _recovered(encoded, error)
    return Parsed(root, tuple(warnings))


def _sound(data: bytes) -> etree._Element | None:
    """Parse a document that needs no repair, as nearly all of an office's do; None for all others."""
    data = data.removeprefix(codecs.BOM_UTF8)
    # A character a byte, so that places in the text are places in the bytes.
    head = data[:_HEAD_BYTES].decode("latin-1")
    encoding = _ENCODING.search(data[:400])
    if (encoding and encoding[1].lower() not in (b"utf-8", b"utf8")) or _ODD_REFERENCE.search(data):
        return None
    declaration = _DECLARATION.match(head)
    start = declaration.end() if declaration else 0
    doctype = _doctype_span(head)
    if doctype:
        data = data[start : doctype[0]] + data[doctype[1] :]
    elif start:
        data = data[start:]
    try:
        return etree.fromstring(data, _parser(recover=False))
    except etree.XMLSyntaxError:
        return None


def _parser(*, recover: bool) -> etree.XMLParser:
    # huge_tree lifts libxml2's guards against large documents; without a DOCTYPE nothing is left that could expand.
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        huge_tree=True,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )


def _recovered(encoded: bytes, cause: etree.XMLSyntaxError) -> etree._Element:
    try:
        root = etree.fromstring(encoded, _parser(recover=True))
    except etree.XMLSyntaxError as error:
        raise SourceError(f"no XML can be read: {error.msg}") from error
    if root is None or (len(root) == 0 and not (root.text or "").strip()):
        raise SourceError(f"no XML can be read: {cause.msg}") from cause
    for element in root.iter():
        # An undeclared prefix; what is left of the tag may be no name.
        if ":" in element.tag and "}" not in element.tag and _NAME.fullmatch(name := local(element)):
            element.tag = name
    return root


def _decode(data: bytes, otherwise: tuple[str, ...]) -> tuple[str, list[str]]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace"), []
    if data[:4] in (b"<\x00?\x00", b"\x00<\x00?"):
        return data.decode("utf-16-le" if data[0] else "utf-16-be", "replace"), []
    match = _ENCODING.search(data[:400])
    declared = match[1].decode("ascii", "replace") if match else "utf-8"
    meant = _MEANT.get(declared.lower(), (declared,))
    for encoding in (*meant, "utf-8"):
        if (text := _decoded(data, encoding)) is not None:
            return text, []
    # Some damage does not make another encoding of it.
    for encoding in ("utf-8", *(meant if declared.lower() in _MEANT else ())):
        text = data.decode(encoding, "replace")
        if (lost := text.count("\ufffd")) * _LOST_SHARE < sum(not character.isascii() for character in text):
            return text, [f"{lost} characters are no {declared} and were lost"]
    for encoding in otherwise:
        if (text := _decoded(data, encoding)) is not None:
            return text, [f"file is not {declared} as it says; read as {encoding}"]
    return data.decode("cp1252", "replace"), [f"file is not {declared} as it says; read as windows-1252"]


def _decoded(data: bytes, encoding: str) -> str | None:
    # A file whose declaration we could read byte by byte is no UTF-16, whatever it says.
    if encoding.lower().startswith(("utf-16", "utf16", "ucs")):
        return None
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _without_doctype(text: str) -> tuple[str, dict[str, str]]:
    """Cut the document type away, keeping its lines, and return the plain characters that its entities stand for."""
    span = _doctype_span(text)
    if span is None:
        return text, {}
    doctype = text[slice(*span)]
    entities = {name: double or single for name, double, single in _ENTITY.findall(doctype)}
    return text[: span[0]] + "\n" * doctype.count("\n") + text[span[1] :], entities


def _doctype_span(text: str) -> tuple[int, int] | None:
    """Return where the document type stands before the first element; one without end reaches to the end."""
    begin = 0
    while passed := _PROLOG.match(text, begin):
        # A comment may hold another document type.
        begin = passed.end()
    start = text.find("<!DOCTYPE", begin)
    first_element = re.compile(r"<[A-Za-z_]").search(text, begin)
    if start < 0 or (first_element and first_element.start() < start):
        return None
    bracket, close = text.find("[", start), text.find(">", start)
    if 0 <= bracket < close:
        end = re.compile(r"\]\s*>").search(text, bracket)
        close = end.end() - 1 if end else -1
    return (start, close + 1) if close >= 0 else (start, len(text))


def _with_characters(text: str, entities: dict[str, str]) -> tuple[str, list[str]]:
    """Put characters in place of named references, and repair references that XML does not allow."""
    n_bare = 0
    unknown: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        nonlocal n_bare
        if match["code"]:
            return _numeric(match["code"])
        name = match["name"]
        if name is None:
            n_bare += 1
            return "&amp;"
        if name in _XML_OWN:
            return match[0]
        character = entities.get(name) or characters.named(name)
        if character is None:
            unknown.add(name)
            return f"&amp;{name};"
        return character.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    pieces = []
    for inside, piece in _cdata_pieces(text):
        pieces.append(piece if inside else _REFERENCE.sub(replaced, piece))
    warnings = []
    if n_bare:
        warnings.append(f"file is not well-formed: {n_bare} bare `&` read as text")
    if unknown:
        some = ", ".join(f"&{name};" for name in sorted(unknown)[:5])
        warnings.append(f"unknown entities kept as text: {some}")
    return "".join(pieces), warnings


def _numeric(code: str) -> str:
    value = int(code[1:], 16) if code[0] in "xX" else int(code)
    if 0x80 <= value < 0xA0:
        # C1 controls by number are windows-1252 characters of a careless converter.
        return bytes((value,)).decode("cp1252", "ignore")
    allowed = value in (9, 10, 13) or 0x20 <= value < 0xD800 or 0xE000 <= value < 0xFFFE or 0x10000 <= value < 0x110000
    return f"&#{value};" if allowed else ""


def _cdata_pieces(text: str) -> Iterator[tuple[bool, str]]:
    position = 0
    while (start := text.find("<![CDATA[", position)) >= 0:
        end = text.find("]]>", start)
        if end < 0:
            break
        yield False, text[position:start]
        yield True, text[start : end + 3]
        position = end + 3
    yield False, text[position:]


def local(element: etree._Element) -> str:
    """Return the tag without namespace or prefix, declared or not."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.rsplit("}", 1)[-1].rsplit(":", 1)[-1] if "}" in tag or ":" in tag else tag


def lines_of(element: etree._Element | None) -> list[str]:
    """Return the text of an element, one block (paragraph, heading, list item, claim step) a line.

    Inline markup joins without blanks as printed (`CF<sub>2</sub>` gives `CF2`); tables and formulas become
    placeholders, sequence listings nothing; blanks run together. The tree is marked on the way: reading it twice gives
    the same.
    """
    return text.split("\n") if (text := paragraphs(element)) else []


def paragraphs(element: etree._Element | None) -> str:
    """Return the lines that `lines_of` gives as one text."""
    if element is None:
        return ""
    if len(element) == 0:
        return _tidy(element.text or "")
    _mark(element)
    return _gathered(element)


def paragraphs_of_each(parent: etree._Element, tag: str) -> list[tuple[etree._Element, str]]:
    """Return the children of a tag, each with its text as `paragraphs` gives it."""
    _mark(parent)
    return [(child, _gathered(child)) for child in parent.iterchildren(tag)]


def _gathered(element: etree._Element) -> str:
    # One call that gathers all text is many times faster than a walk over the inline markup.
    data = etree.tostring(element, method="text", encoding="utf-8", with_tail=False)
    rare = "" if data.isascii() else data.translate(None, _ASCII).decode()
    # From some length on it is cheaper to look at all signs at once.
    if len(data) < _LONG_BYTES or _UNSPACED.search(rare):
        return "\n".join(line for piece in data.decode().split(_BREAK) if (line := _tidy(piece)))
    for blank in {sign for sign in rare if sign.isspace()}:
        data = data.replace(blank.encode(), b" ")
    return b"\n".join(filter(None, map(bytes.strip, _blanks_joined(data).split(_BREAK.encode())))).decode()


def _mark(root: etree._Element) -> None:
    """Put a break around each block, and placeholders in place of what is no prose."""
    # Lists, for elements change while they are walked.
    for element in list(root.iterdescendants(*_PLACEHOLDER_TAGS)):
        element.clear(keep_tail=True)
        element.text = f" {PLACEHOLDERS[local(element)]} "
    for element in list(root.iterdescendants("{*}br")):
        # An indented line after it begins a paragraph.
        element.text = _BREAK if (element.tail or "").startswith("\u3000") else _LINE_END
    last = None
    for element in list(root.iterdescendants(*_BLOCK_TAGS)):
        _mark_block(element, last)
        last = element


def _mark_block(element: etree._Element, last: etree._Element | None) -> None:
    # Breaks go to the blanks around a block rather than into it: its text is long, and every change copies it.
    element.tail = f"{_BREAK}{element.tail or ''}{_BREAK}"
    if (before := element.getprevious()) is None:
        parent = element.getparent()
        parent.text = (parent.text or "") + _BREAK
    elif before is not last:
        before.tail = (before.tail or "") + _BREAK


def _tidy(text: str) -> str:
    """Return text with its blanks run together."""
    text = _unbroken(text).strip()
    # Most texts are tidy: looking costs a fraction of taking the words apart.
    is_tidy = text.isascii() and not ("  " in text or "\n" in text or "\t" in text or "\r" in text)
    return text if is_tidy else " ".join(text.split())


def _blanks_joined(data: bytes) -> bytes:
    """Return text in UTF-8 with its blanks of ASCII run together, looking at all signs at once."""
    # XML allows no sign below the blanks, and no zero.
    signs = np.maximum(np.frombuffer(data, np.uint8), ord(" "))
    is_blank = signs == ord(" ")
    signs[1:][is_blank[1:] & is_blank[:-1]] = 0
    return signs.tobytes().replace(b"\0", b"")


def _unbroken(text: str) -> str:
    """Join printed lines, without a blank at a Chinese or Japanese sign; nor is a line feed between two of them one."""
    if text.isascii():
        return text
    for mark, is_joined in ((_LINE_END, any), ("\n", all)):
        if mark in text:
            text = _joined(text.split(mark), mark, is_joined)
    return text


def _joined(lines: list[str], mark: str, is_joined: Callable[[Iterable[bool]], bool]) -> str:
    pieces = [lines[0]]
    for before, after in pairwise(lines):
        left, right = before.rstrip()[-1:], after.lstrip()[:1]
        if left and right and is_joined(bool(_UNSPACED.match(sign)) for sign in (left, right)):
            pieces[-1] = pieces[-1].rstrip()
            pieces.append(after.lstrip())
        else:
            pieces += [mark, after]
    return "".join(pieces)


def text_of(element: etree._Element | None) -> str:
    """Return the text of an element on one line."""
    return " ".join(lines_of(element))


def find(element: etree._Element, path: str) -> str:
    """Return the text at the first match of a path, "" when there is none."""
    found = element.find(path)
    return "" if found is None else text_of(found)


def children(element: etree._Element) -> dict[str, str]:
    """Return the texts of the children by tag, the first of each: one look at all is cheaper than a search for each."""
    # Backwards, so that the first is what stays.
    return {child.tag: leaf_text(child) for child in reversed(element)}


def leaf_text(element: etree._Element) -> str:
    """Return the text of an element that holds a code, not prose."""
    return text_of(element) if len(element) else (element.text or "").strip()
