"""Weaviate: the class, and bodies of `/v1/batch/objects`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from patentclust.exporters import About, Files, Row
from patentclust.exporters.encoding import json_bytes, json_line

_TYPES = {
    "key": "text",
    "doc_id": "text",
    "title": "text",
    "text": "text",
    "language": "text",
    "country": "text",
    "year": "int",
    "assignees": "text[]",
    "classes": "text[]",
    "cluster_id": "int",
    "cluster": "text",
    "probability": "number",
    "x": "number",
    "y": "number",
}


def files(batches: Iterable[Sequence[Row]], about: About) -> Files:
    """Yield the body of `POST /v1/schema`, then those of the batches.

    Objects have UUIDs, and `id` is a word of Weaviate's own: our id is the property `key`.
    """
    name = about.name[:1].upper() + about.name[1:]
    properties = [{"name": key, "dataType": [kind]} for key, kind in _TYPES.items()]
    described = {"class": name, "vectorizer": "none", "vectorIndexConfig": {"distance": "cosine"}}
    yield "class.json", [json_line(described | {"properties": properties})]
    for number, rows in enumerate(batches):
        objects = []
        for row in rows:
            known = row.known() | {"text": row.text}
            known["key"] = known.pop("id")
            objects.append({"class": name, "id": row.uuid(), "properties": known, "vector": row.values()})
        yield f"objects-{number:05d}.json", [json_bytes({"objects": objects})]
