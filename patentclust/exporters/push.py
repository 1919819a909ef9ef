"""The same bytes for a running store: which requests make a collection and fill it, and how its answers are read.

Nothing is sent here. Each store replaces what has the same id, so a run that was killed is simply run again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from patentclust.errors import ConfigError
from patentclust.exporters.encoding import json_bytes, parquet_rows


@dataclass(frozen=True)
class Request:
    """What is asked of a store, below its address."""

    method: str
    path: str
    body: bytes = b""
    kind: str = "application/json"


@dataclass(frozen=True)
class Protocol:
    """How a store is filled.

    Attributes:
        look: asks whether the collection is there; None where making it twice does no harm.
        make: makes the collection of the first file; None where it must be there, and all files are units.
        fill: loads the bytes of a file in as many requests as the store's limits ask for; takes the answer to `make`.
        header: what carries a key.
        failures: `id: why` of each unit that an answer of status 200 turns down.
        kept: files that are not sent: they say what only the user knows.
    """

    look: Callable[[str], Request] | None
    make: Callable[[str, bytes], Request] | None
    fill: Callable[[str, bytes, Any], Iterable[Request]]
    header: Callable[[str], dict[str, str]]
    failures: Callable[[Any], list[str]] = lambda _: []
    kept: tuple[str, ...] = ()


def protocol(store: str) -> Protocol:
    """Return how a store is filled over HTTP.

    Raises:
        ConfigError: it is not, or not soundly.
    """
    if store not in _PROTOCOLS:
        raise ConfigError(
            f"--url does not go with --to {store}",
            hint=f"allowed: {', '.join([*_PROTOCOLS, 'milvus', 'pgvector'])}; leave --url out to write files",
        )
    return _PROTOCOLS[store]


def busy(answer: Any) -> bool:
    """Return whether a bulk answer turns units down only for the moment."""
    items = answer.get("items", []) if isinstance(answer, dict) else []
    return any(result.get("status") == 429 for item in items for result in item.values())


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _search_key(key: str) -> dict[str, str]:
    # An API key is base64 and holds no colon; USER:PASSWORD does.
    if ":" in key:
        return {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}
    return {"Authorization": f"ApiKey {key}"}


def _bulk_failures(answer: Any) -> list[str]:
    results = [result for item in answer.get("items", []) for result in item.values()] if answer.get("errors") else []
    return [f"{result['_id']}: {_reason(result['error'])}" for result in results if "error" in result]


def _reason(error: Any) -> str:
    return str(error.get("reason", error)) if isinstance(error, dict) else str(error)


def _weaviate_failures(answer: Any) -> list[str]:
    found = []
    for unit in answer:
        errors = ((unit.get("result") or {}).get("errors") or {}).get("error") or []
        if errors:
            key = (unit.get("properties") or {}).get("key", unit.get("id"))
            found.append(f"{key}: {'; '.join(str(error.get('message')) for error in errors)}")
    return found


def _pinecone_fill(name: str, body: bytes, _: Any) -> Iterator[Request]:
    """Yield the rows of a file of Pinecone's import as upserts into the namespace `name`."""
    held, size = list[bytes](), 0
    for row in parquet_rows(body):
        values = [round(value, 7) for value in row["values"]]
        unit = json_bytes({"id": row["id"], "values": values, "metadata": json.loads(row["metadata"])})
        if held and size + len(unit) > _PINECONE_BYTES:
            yield _pinecone_upsert(name, held)
            held, size = [], 0
        held.append(unit)
        size += len(unit) + 1
    if held:
        yield _pinecone_upsert(name, held)


def _pinecone_upsert(name: str, units: list[bytes]) -> Request:
    body = b'{"namespace":%s,"vectors":[%s]}' % (json_bytes(name), b",".join(units))
    return Request("POST", "/vectors/upsert", body)


# Pinecone takes requests of 2 MB and of 1,000 records; a file holds fewer.
_PINECONE_BYTES = 1_900_000
_CHROMA = "/api/v2/tenants/default_tenant/databases/default_database/collections"
_SEARCH = Protocol(
    look=lambda name: Request("GET", f"/{name}"),
    make=lambda name, body: Request("PUT", f"/{name}", body),
    fill=lambda _, body, __: [Request("POST", "/_bulk", body, "application/x-ndjson")],
    header=_search_key,
    failures=_bulk_failures,
    kept=("inference.json", "pipeline.json"),
)
_PROTOCOLS = {
    "qdrant": Protocol(
        look=lambda name: Request("GET", f"/collections/{name}"),
        make=lambda name, body: Request("PUT", f"/collections/{name}", body),
        fill=lambda name, body, _: [Request("PUT", f"/collections/{name}/points?wait=true", body)],
        header=lambda key: {"api-key": key},
    ),
    "elasticsearch": _SEARCH,
    "opensearch": _SEARCH,
    "weaviate": Protocol(
        look=lambda name: Request("GET", f"/v1/schema/{name[:1].upper()}{name[1:]}"),
        make=lambda _, body: Request("POST", "/v1/schema", body),
        fill=lambda _, body, __: [Request("POST", "/v1/batch/objects", body)],
        header=_bearer,
        failures=_weaviate_failures,
    ),
    "chroma": Protocol(
        look=None,
        make=lambda _, body: Request("POST", _CHROMA, json_bytes(json.loads(body) | {"get_or_create": True})),
        fill=lambda _, body, made: [Request("POST", f"{_CHROMA}/{made['id']}/upsert", body)],
        header=lambda key: {"x-chroma-token": key},
    ),
    "pinecone": Protocol(look=None, make=None, fill=_pinecone_fill, header=lambda key: {"Api-Key": key}),
}
