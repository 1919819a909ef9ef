"""Milvus: row-based JSON for its bulk insert, and the fields of the collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from patentclust.exporters import About, Files, Row
from patentclust.exporters.encoding import json_bytes, json_line

_LONGEST = 65_535


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield the schema as the body of `/v2/vectordb/collections/create`, then `{"rows": [...]}` a batch.

    All but id, text and vector go to Milvus as dynamic fields.
    """
    fields = [
        {"fieldName": "id", "dataType": "VarChar", "isPrimary": True, "elementTypeParams": {"max_length": 512}},
        {"fieldName": "text", "dataType": "VarChar", "elementTypeParams": {"max_length": _LONGEST}},
        {"fieldName": "vector", "dataType": "FloatVector", "elementTypeParams": {"dim": str(about.dim)}},
    ]
    index = {"fieldName": "vector", "indexName": "vector", "metricType": "COSINE"}
    schema = {"autoId": False, "enableDynamicField": True, "fields": fields}
    yield "collection.json", [json_line({"collectionName": about.name, "schema": schema, "indexParams": [index]})]
    for number, rows in enumerate(batches):
        body = [row.known() | {"text": _cut(row.text), "vector": row.values()} for row in rows]
        yield f"rows-{number:05d}.json", [json_bytes({"rows": body})]


def _cut(text: str) -> str:
    # Milvus counts bytes, and refuses the whole batch for one text too long.
    return text.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")
