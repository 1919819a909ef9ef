"""KIPRIS (Korea) answers in XML: lists of many records a file, and the details of one.

The reader has not met a real file; see `kipris`. Knows nothing of archives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import kipris
from patentclust.readers.dialects import decoded, root_name
from patentclust.readers.source import Source
from patentclust.readers.xml import lines_of, local, parse
from patentclust.records import Document

_ROOTS = ("response", "PatentUtilityInfo", "items", "item")
_SIGN = re.compile(r"<(?:PatentUtilityInfo|biblioSummaryInfo(?:Array)?|InventionName|inventionTitle)[\s/>]")
_INLINE = frozenset(("sub", "sup", "br", "b", "i", "u", "p", "font", "img"))


def accepts(head: bytes, name: str) -> bool:
    """Tell whether it is an answer of KIPRIS about patents."""
    return root_name(head) in _ROOTS and bool(_SIGN.search(decoded(head)))


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read each record of an answer."""
    parsed = parse(source.read(), otherwise=("cp949",))
    found = list(kipris.records({local(parsed.root): _value(parsed.root)}))
    if not found:
        raise SourceError("an answer without a record: expected <PatentUtilityInfo> or <item>")
    for number, record in enumerate(found, start=1):
        path = f"{source.path}#{number}" if len(found) > 1 else source.path
        try:
            document = kipris.document(record)
            yield replace(document, source_path=path, warnings=(*parsed.warnings, *document.warnings))
        except SourceError as error:
            error.source_path = path
            yield error


def _value(element: Any, depth: int = 0) -> Any:
    """Return an element as JSON would have it: text, or its children by name, those of one name as a list."""
    children = [child for child in element if local(child) not in _INLINE]
    if not children or depth > 50:
        return "\n".join(lines_of(element))
    values: dict[str, Any] = {}
    for child in children:
        name, value = local(child), _value(child, depth + 1)
        if name not in values:
            values[name] = value
        elif isinstance(values[name], list):
            values[name].append(value)
        else:
            values[name] = [values[name], value]
    return values
