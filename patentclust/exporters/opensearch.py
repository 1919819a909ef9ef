"""OpenSearch: as Elasticsearch, but for the vector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from patentclust.exporters import About, Files, Row
from patentclust.exporters.elasticsearch import FIELDS, bulk
from patentclust.exporters.encoding import json_line


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield the body of `PUT /NAME`, then those of `POST /_bulk`."""
    method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
    vector = {"type": "knn_vector", "dimension": about.dim, "method": method}
    mappings = {"properties": FIELDS | {"vector": vector}}
    yield "index.json", [json_line({"settings": {"index": {"knn": True}}, "mappings": mappings})]
    yield from bulk(batches, about)
