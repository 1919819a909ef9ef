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
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# A printed line ends: no blank where one of the two signs is Chinese or Japanese, whose words have none between them.
_LINE_END = "\x0b"
_UNSPACED = re.compile("[\u2e80-\u312f\u31c0-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff9f]")

# Content that is no prose: what stands for it in the text. Sequences of bases say nothing to a reader of words.
PLACEHOLDERS = {
    "tables": "[table]", "table": "[table]", "table-external-doc": "[table]", "maths": "[formula]", "math": "[formula]",
    "chemistry": "[formula]", "chem": "[formula]", "sequence-list": "", "sequence-listing": "",
    "us-sequence-list-doc": "", "us-megatable-doc": "[table]", "program-listing-deposit": "[program]",
}  # fmt: skip
# A text with one lost character in so many is damaged; with more it is in another encoding.
_SOUND = 20
_BLOCKS = frozenset(
    (
        "p",
        "heading",
        "ul",
        "ol",
        "dl",
        "li",
        "dt",
        "dd",
        "claim",
        "claim-text",
        "pre",
        "abstract",
        "description",
        "claims",
    )
)


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
        if (lost := text.count("\ufffd")) * _SOUND < sum(not character.isascii() for character in text):
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
    begin = 0
    while passed := _PROLOG.match(text, begin):
        # A comment may hold another document type.
        begin = passed.end()
    start = text.find("<!DOCTYPE", begin)
    first_element = re.compile(r"<[A-Za-z_]").search(text, begin)
    if start < 0 or (first_element and first_element.start() < start):
        return text, {}
    bracket, close = text.find("[", start), text.find(">", start)
    if 0 <= bracket < close:
        end = re.compile(r"\]\s*>").search(text, bracket)
        close = end.end() - 1 if end else -1
    if close < 0:
        return text[:start], {}
    doctype = text[start : close + 1]
    entities = {name: double or single for name, double, single in _ENTITY.findall(doctype)}
    return text[:start] + "\n" * doctype.count("\n") + text[close + 1 :], entities


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
    placeholders, sequence listings nothing; blanks run together.
    """
    if element is None:
        return []
    lines: list[str] = []
    pieces: list[str] = []

    def flush() -> None:
        line = " ".join(_unbroken("".join(pieces)).split())
        pieces.clear()
        if line:
            lines.append(line)

    walker = etree.iterwalk(element, events=("start", "end"))
    for event, node in walker:
        tag = local(node)
        if tag in _BLOCKS:
            flush()
        if event == "end":
            # An indented line after a break begins a paragraph.
            if tag == "br" and (node.tail or "").startswith("\u3000"):
                flush()
            pieces.append(node.tail or "" if node is not element else "")
        elif tag in PLACEHOLDERS and node is not element:
            pieces.append(f" {PLACEHOLDERS[tag]} ")
            walker.skip_subtree()
        else:
            pieces.append(_LINE_END if tag == "br" else node.text or "")
    flush()
    return lines


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
