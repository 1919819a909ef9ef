"""What a file is, by its first bytes. Names what we do not read, so that no file of another dialect becomes garbage."""

from __future__ import annotations

import re
from functools import lru_cache

READ = (
    "US grants since 1976 and applications since 2001 (us-patent-grant, us-patent-application, PATDOC, PAP, "
    "Green Book, BRS text, public search, parts as filed), EP documents (ep-patent-document), "
    "EPO DOCDB and OPS, PCT publications of WIPO (ST.36), publications in ST.96, "
    "those of CNIPA, JPO and TIPO, KIPRIS answers, Google Patents pages and data, "
    "PDF with a text layer, tables (CSV, TSV, Excel, JSON, JSON lines, Parquet)"
)

_ROOTS = {
    "KR_PatentDocument": "KIPO document",
    "patent-document": "a patent document of the CLEF or Marec kind",
    "ST26SequenceListing": "sequence listing (ST.26)",
    "sequence-cwu": "sequence listing",
}
_TEXTS = ((re.compile(rb"\A\s*(?:SEQUENCE LISTING\s|<110>)"), "sequence listing (ST.25)"),)
_MAGIC = (
    (b"%PDF-", "PDF"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"BM", "a BMP image"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_PPUBS = re.compile(rb'"guid"\s*:\s*"US-[A-Z]{0,2}\d')
_COMPANIONS = ("image", "a DTD", "a program", "sequence listing")
# JSON of a source that has a reader of its own: a field that only it has.
_JSON = (
    ("kipris", re.compile(r'"(?:biblioSummaryInfoArray|InternationalpatentclassificationNumber|astrtCont)"\s*:')),
    ("google", re.compile(r'"(?:title_localized|abstract_localized|patent_citations|prior_art_keywords)"\s*:')),
)  # fmt: skip
_START_BYTES = 2048
_ROOT = re.compile(r"<([A-Za-z_][\w.\-]*:)?([A-Za-z_][\w.\-]*)[\s/>]")
_MARKUP_NOISE = re.compile(r"<!--[\s\S]*?(?:-->|\Z)|<\?[\s\S]*?(?:\?>|\Z)")


def decoded(head: bytes) -> str:
    """Return the head as text, good enough to look for names in it."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:2] in (b"<\x00", b"\x00<"):
        return head.decode("utf-16-le" if head[:1] in (b"\xff", b"<") else "utf-16-be", "replace").lstrip("\ufeff")
    return head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def looks_like_xml(head: bytes) -> bool:
    """Tell whether the first sign that is no blank opens a tag."""
    return decoded(head[:1024]).lstrip().startswith("<")


def must_be_split(head: bytes) -> bool:
    """Tell whether a file may be several XML documents one after another; the reader of DOCDB cuts its files itself."""
    return looks_like_xml(head) and root_name(head) not in ("exchange-documents", "exchange-document")


# Every reader asks it of the same head.
@lru_cache(maxsize=16)
def root_name(head: bytes) -> str | None:
    """Return the name of the root element without prefix, None when it is no XML; the DOCTYPE is passed over."""
    if not looks_like_xml(head):
        return None
    # It nearly always stands at the very start; the whole head costs as much as parsing.
    match = _ROOT.search(_MARKUP_NOISE.sub("", decoded(head[:_START_BYTES])))
    if match:
        return match[2]
    plain = _MARKUP_NOISE.sub("", decoded(head))
    match = _ROOT.search(plain)
    declared = re.search(r"<!DOCTYPE\s+(?:[\w.\-]+:)?([\w.\-]+)", plain)
    return match[2] if match else declared[1] if declared else None


def unread(head: bytes) -> str | None:
    """Return the name of a patent dialect that we know of but do not read, else None."""
    name = root_name(head)
    if name in _ROOTS:
        return _ROOTS[name]
    return next((title for pattern, title in _TEXTS if pattern.search(head)), None)


def json_dialect(head: bytes) -> str | None:
    """Return whose patent data JSON holds, None when it is none or a table like any other."""
    text = decoded(head)
    if not text.lstrip().startswith(("{", "[")):
        return None
    return next((name for name, pattern in _JSON if pattern.search(text)), None)


def is_ppubs(head: bytes) -> bool:
    """Tell whether it is an answer of the USPTO's public search: JSON that no reader of tables should take."""
    return head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and _PPUBS.search(head) is not None


def describe(head: bytes) -> str:
    """Return what a file is, for a message."""
    for magic, title in _MAGIC:
        # Two letters prove nothing alone: text may begin so.
        if head.startswith(magic) and (len(magic) > 2 or b"\x00" in head[:64]):
            return title
    name = root_name(head)
    if name:
        return "an HTML page" if name.lower() == "html" else f"XML with the root <{name}>"
    start = decoded(head[:2048]).lstrip()
    if start.startswith(("<!ELEMENT", "<!ENTITY", "<!ATTLIST")) or b"<!ELEMENT" in head:
        return "a DTD"
    if start.lower().startswith("<!doctype html"):
        return "an HTML page"
    if start.startswith(("{", "[")):
        return "JSON"
    return "plain text" if b"\x00" not in head[:2048] else "binary data"


def is_companion(head: bytes) -> bool:
    """Tell whether a file only goes along with patents: an image, a DTD, a sequence listing."""
    kind = unread(head) or describe(head)
    return any(word in kind for word in _COMPANIONS)


def must_be_named(head: bytes) -> bool:
    """Tell whether a file that nobody reads must be reported even inside an archive: XML, PDF or JSON, but no page."""
    kind = describe(head)
    return kind == "PDF" or kind == "JSON" or kind.startswith("XML with") or "Office" in kind or "archive" in kind
