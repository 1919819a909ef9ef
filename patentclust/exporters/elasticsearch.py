"""Elasticsearch: the mapping of an index, a pipeline that asks `patentclust serve` for vectors, NDJSON for `_bulk`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from patentclust.exporters import About, Files, Row
from patentclust.exporters.encoding import json_line

FIELDS: dict[str, Any] = {
    **{
        name: {"type": "keyword"} for name in ("id", "doc_id", "language", "country", "assignees", "classes", "cluster")
    },
    **{name: {"type": "text"} for name in ("title", "text")},
    **{name: {"type": "integer"} for name in ("year", "cluster_id")},
    **{name: {"type": "float"} for name in ("probability", "x", "y")},
}


# Where `patentclust serve` answers unless it is told otherwise.
_SERVER = "http://127.0.0.1:8321/v1/embeddings"
_ENDPOINT = "patentclust"


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield the body of `PUT /NAME`, those that give later documents a vector, then those of `POST /_bulk`."""
    vector = {"type": "dense_vector", "dims": about.dim, "index": True, "similarity": "cosine"}
    yield "index.json", [json_line({"mappings": {"properties": FIELDS | {"vector": vector}}})]
    service = {"url": _SERVER, "model_id": about.model, "api_key": "none", "similarity": "cosine"}
    yield "inference.json", [json_line({"service": "openai", "service_settings": service})]
    vectors = {"model_id": _ENDPOINT, "input_output": [{"input_field": "text", "output_field": "vector"}]}
    described = "The vector of `text`, by patentclust serve"
    yield "pipeline.json", [json_line({"description": described, "processors": [{"inference": vectors}]})]
    yield from bulk(batches, about)


def bulk(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield a file a batch, two lines a unit."""
    for number, rows in enumerate(batches):
        lines = []
        for row in rows:
            lines.append(json_line({"index": {"_index": about.name, "_id": row.id}}))
            lines.append(json_line(row.fields() | {"vector": row.values()}))
        yield f"bulk-{number:05d}.ndjson", lines
