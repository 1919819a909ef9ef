"""Cuts whole elements out of a stream of XML, so that a file of any size passes in little memory. Knows no dialect.

Each element is then parsed on its own: what is broken in one costs only that one. Prefixes are dropped, for offices and
archives cut documents out of files and leave the declarations of their prefixes behind.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from patentclust.errors import SourceError
from patentclust.readers import limits
from patentclust.readers.source import Source
from patentclust.readers.xml import Parsed, local, parse

_CHUNK_BYTES = 1024 * 1024
_ENCODING = re.compile(rb"\A[^<]{0,10}<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([\w.\-]{1,40})[\"']")
_TAG_PREFIX = re.compile(rb"(</?)([A-Za-z_][\w.\-]*:)")
_COMMON_PREFIXES = 8
_ATTRIBUTE_PREFIX = re.compile(rb"\s([A-Za-z_][\w.\-]*):[A-Za-z_][\w.\-]*\s*=\s*[\"']")
# What every such attribute holds, and quick to look for.
_HINT = re.compile(rb":[A-Za-z_][\w.\-]*\s*=")


def elements(source: Source, tag: str) -> Iterator[bytes]:
    """Yield the elements of a name, whatever their prefix, from start to end tag, as UTF-8 or what the file declares.

    One whose end is missing ends at the next start or the end of the file. They must not be nested in each other.

    Raises:
        SourceError: one element is longer than the limit.
    """
    name = re.escape(tag).encode()
    edge = re.compile(rb"<(?P<end>/)?(?:[A-Za-z_][\w.\-]*:)?" + name + rb"(?=[\s/>])[^<>]*>")
    with _utf8(source) as stream:
        yield from _cut(stream, edge)


def _cut(stream: BinaryIO, edge: re.Pattern[bytes]) -> Iterator[bytes]:
    buffer = bytearray()
    inside, scanned = False, 0
    while True:
        match = edge.search(buffer, scanned)
        if match is None:
            # A tag may be cut by the end of the chunk; the start tag itself is done with.
            scanned = max(int(inside), buffer.rfind(b"<"))
            if not inside:
                del buffer[:scanned]
                scanned = 0
            _check_length(buffer)
            if not (chunk := stream.read(_CHUNK_BYTES)):
                break
            buffer += chunk
        elif match["end"] is None:
            if inside:
                yield bytes(buffer[: match.start()])
            inside = not match[0].endswith(b"/>")
            del buffer[: match.start()]
            scanned = 1
        else:
            if inside:
                yield bytes(buffer[: match.end()])
            del buffer[: match.end()]
            inside, scanned = False, 0
    if inside:
        yield bytes(buffer)


def _check_length(buffer: bytearray) -> None:
    if len(buffer) > limits.MAX_DOCUMENT_BYTES:
        raise SourceError(f"one document of more than {limits.MAX_DOCUMENT_BYTES:,} bytes", hint="split the file")


def _utf8(source: Source) -> BinaryIO:
    stream = source.open()
    if source.head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return cast(BinaryIO, codecs.EncodedFile(stream, "utf-8", "utf-16", errors="replace"))
    return stream


def encoding(source: Source) -> bytes:
    """Return the encoding in which `elements` gives its bytes."""
    match = _ENCODING.match(source.head)
    declared = match[1] if match else b"utf-8"
    return b"utf-8" if declared.lower().startswith((b"utf-16", b"ucs")) else declared


def tree(data: bytes, charset: bytes = b"utf-8") -> Parsed:
    """Parse an element that was cut out; tags have no namespace and no prefix, declared or not."""
    bare = _without_prefixes(data)
    declared = b""
    if _HINT.search(bare):
        found = set(_ATTRIBUTE_PREFIX.findall(bare)) - {b"xml", b"xmlns"}
        start_tag = bare[: bare.find(b">")]
        missing = sorted(prefix for prefix in found if b"xmlns:%s=" % prefix not in start_tag)
        declared = b"".join(b' xmlns:%s="urn:%s"' % (prefix, prefix) for prefix in missing)
    end = len(re.match(rb"<[^\s/>]*", bare)[0])  # type: ignore[index]
    parsed = parse(b'<?xml version="1.0" encoding="%s"?>%s%s%s' % (charset, bare[:end], declared, bare[end:]))
    return Parsed(plain(parsed.root) if b"xmlns" in bare else parsed.root, parsed.warnings)


def _without_prefixes(data: bytes) -> bytes:
    for _ in range(_COMMON_PREFIXES):
        match = _TAG_PREFIX.search(data)
        if match is None:
            return data
        # Faster than the expression: a document has one or two prefixes, hundreds of times.
        data = data.replace(b"<" + match[2], b"<").replace(b"</" + match[2], b"</")
    return _TAG_PREFIX.sub(rb"\1", data)


def plain(root: Any) -> Any:
    """Drop namespaces and prefixes from the tags of a tree, in place, and return it."""
    for element in root.iter():
        tag = element.tag
        if "}" in tag or ":" in tag:
            rename(element, local(element))
    return root


def rename(element: Any, name: str) -> None:
    """Give an element another tag; what damage has left of a prefix and a name may be no name any more."""
    try:
        element.tag = name
    except ValueError:
        element.tag = "_"
