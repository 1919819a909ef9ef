"""KIPRIS (Korea) details and lists in JSON, as the service or a program that converts its XML writes them.

The reader has not met a real file; see `kipris`. Knows nothing of archives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import kipris
from patentclust.readers.dialects import json_dialect
from patentclust.readers.source import Source
from patentclust.readers.table import json_records
from patentclust.records import Document


def accepts(head: bytes, name: str) -> bool:
    """Tell whether it is JSON with the arrays of KIPRIS."""
    return json_dialect(head) == "kipris"


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read each record, one a file or many in a list or one a line."""
    for number, value in json_records(source):
        path = f"{source.path}#{number}"
        if isinstance(value, SourceError):
            value.source_path = path
            yield value
            continue
        found = list(kipris.records(value))
        if not found:
            yield SourceError("a value without a record: expected biblioSummaryInfoArray", source_path=path)
        for index, record in enumerate(found, start=1):
            place = f"{path}.{index}" if len(found) > 1 else path
            try:
                yield replace(kipris.document(record), source_path=place)
            except SourceError as error:
                error.source_path = place
                yield error
