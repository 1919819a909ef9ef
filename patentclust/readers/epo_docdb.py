"""EPO DOCDB: `exchange-documents` of the bulk files, and single documents cut out of them.

A delivery holds tens of thousands of documents in one file: it is read document by document, in bounded memory.
Prefixes may be declared or not. There is no full text in DOCDB. Knows nothing of archives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import exchange, fragments
from patentclust.readers.dialects import root_name
from patentclust.readers.source import Source
from patentclust.records import Document

_ROOTS = ("exchange-documents", "exchange-document")


def accepts(head: bytes, name: str) -> bool:
    """Tell whether the root element is ours, with or without prefix."""
    return root_name(head) in _ROOTS


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read the documents one by one; a document that is broken or was deleted from DOCDB gives an error."""
    charset = fragments.encoding(source)
    found = fragments.elements(source, "exchange-document")
    first = list(islice(found, 2))
    if not first:
        raise SourceError("no <exchange-document> in it")
    for number, data in enumerate(chain(first, found), start=1):
        path = f"{source.path}#{number}" if len(first) > 1 else source.path
        try:
            yield replace(_read_one(data, charset, params), source_path=path)
        except SourceError as error:
            error.source_path = path
            yield error


def _read_one(data: bytes, charset: bytes, params: IngestParams) -> Document:
    parsed = fragments.tree(data, charset)
    found = exchange.publication(parsed.root)
    if found is None:
        raise SourceError("no publication number: expected @country and @doc-number")
    if parsed.root.get("status") == "D":
        raise SourceError(f"{found.doc_id} was deleted from DOCDB by this delivery (status D)")
    found.add(parsed.root)
    document = exchange.document(found, params)
    return replace(document, warnings=(*parsed.warnings, *document.warnings))
