"""A finished map -> files that somebody's store loads in bulk. Pick one; none needs the store's client.

An exporter is a module with `files(batches, about)`, which yields the name and the bytes of each file, in order. It
knows the format of a store, and neither where files go nor how a map is read. Adding one edits one line here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any
from uuid import UUID, uuid5

import numpy as np

from patentclust.errors import ConfigError

EXPORTERS = {
    "parquet": "patentclust.exporters.parquet",
    "jsonl": "patentclust.exporters.jsonl",
    "milvus": "patentclust.exporters.milvus",
    "qdrant": "patentclust.exporters.qdrant",
    "chroma": "patentclust.exporters.chroma",
    "weaviate": "patentclust.exporters.weaviate",
    "pinecone": "patentclust.exporters.pinecone",
    "elasticsearch": "patentclust.exporters.elasticsearch",
    "opensearch": "patentclust.exporters.opensearch",
    "lancedb": "patentclust.exporters.lancedb",
    "pgvector": "patentclust.exporters.pgvector",
}
# Of our own making, so that an id of ours always becomes the same UUID.
_NAMESPACE = UUID("7b1f0a52-7f0c-5d0e-9a51-3f6d4d1f2c11")


@dataclass(frozen=True)
class About:
    """What all rows have in common.

    Attributes:
        name: what the store shall call the collection, index or table.
        dim: length of a vector.
        model: name of the model.
    """

    name: str
    dim: int
    model: str


@dataclass(frozen=True)
class Row:
    """One unit of a map as stores take it.

    Attributes:
        id: its key: family or document.
        text: title and abstract.
        vector: float32, unit length.
        year: of the earliest known date.
        cluster_id: -1 = noise.
        x: place on the map.
        y: place on the map.
    """

    id: str
    doc_id: str
    title: str
    text: str
    vector: np.ndarray
    language: str | None
    country: str | None
    year: int | None
    assignees: tuple[str, ...]
    classes: tuple[str, ...]
    cluster_id: int
    cluster: str
    probability: float
    x: float
    y: float

    def fields(self) -> dict[str, Any]:
        """Return all but the vector, JSON's types only."""
        values = asdict(self)
        del values["vector"]
        return values | {"assignees": list(self.assignees), "classes": list(self.classes)}

    def known(self) -> dict[str, Any]:
        """Return the fields that say something, but for the text: for stores that know no null."""
        fields = self.fields()
        del fields["text"]
        return {key: value for key, value in fields.items() if value not in (None, [])}

    def values(self) -> list[float]:
        """Return the vector as numbers that JSON writes shortly; seven digits are all that float32 has."""
        return [float(value) for value in np.round(self.vector.astype(np.float64), 7)]

    def uuid(self) -> str:
        """Return the id as a UUID, for stores that take nothing else."""
        return str(uuid5(_NAMESPACE, self.id))


Files = Iterator[tuple[str, Iterable[bytes]]]


def open_exporter(name: str) -> Any:
    """Return the module of a store.

    Raises:
        ConfigError: no such store.
    """
    if name not in EXPORTERS:
        raise ConfigError(f"--to is {name!r}", hint=f"allowed: {', '.join(EXPORTERS)}")
    return import_module(EXPORTERS[name])
