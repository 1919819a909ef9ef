"""Export to a store over HTTP, against a server that answers as documented; test_push_stores.py has real ones."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from patentclust.cli import app
from patentclust.errors import ConfigError, StoreError
from patentclust.exporters import push
from patentclust.params import Resources
from patentclust.progress import Quiet
from patentclust.stages import export as stage
from patentclust.stages import pushing
from patentclust.stages.atlas import Atlas
from patentclust.workspace import Workspace
from tests.test_export import N
from tests.test_export import atlas as atlas
from tests.test_export import mapped as mapped

STORES = ("qdrant", "elasticsearch", "opensearch", "weaviate", "chroma", "pinecone")
KEYS = {
    "qdrant": ("api-key", "k"),
    "elasticsearch": ("Authorization", "ApiKey k"),
    "opensearch": ("Authorization", "ApiKey k"),
    "weaviate": ("Authorization", "Bearer k"),
    "chroma": ("x-chroma-token", "k"),
    "pinecone": ("Api-Key", "k"),
}
CHROMA = "/api/v2/tenants/default_tenant/databases/default_database/collections"


class Fake(ThreadingHTTPServer):
    """Keeps units by id; `trouble`: what bulk requests meet: a status, "drop", "hang", "slow", "busy" or "item"."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.made: Any = None
        self.units: dict[str, Any] = {}
        self.trouble: list[Any] = []
        self.n_bulk = 0
        self.hanging = threading.Event()
        self.headers: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.headers.append(self.headers)
        call = f"{self.command} {self.path}"
        units = bulk_units(call, self.headers["Content-Type"], raw)
        if units is None:
            return self.say(*self.collection(call, raw))
        self.server.n_bulk += 1
        trouble = self.server.trouble.pop(0) if self.server.trouble else None
        if trouble == "drop":
            return self.connection.shutdown(socket.SHUT_RDWR)
        if trouble == "hang":
            self.server.hanging.set()
            return None
        if isinstance(trouble, int):
            return self.say(trouble, {"error": "no room today"})
        if trouble == "slow":
            time.sleep(0.5)
        bad = next(iter(units)) if trouble in ("item", "busy") else None
        self.server.units |= {key: value for key, value in units.items() if key != bad}
        self.say(200, bulk_answer(call, units, bad, 429 if trouble == "busy" else 400))

    def do_GET(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def collection(self, call: str, raw: bytes) -> tuple[int, Any]:
        looks = {"GET /collections/patents", "GET /patents", "GET /v1/schema/Patents"}
        makes = {
            "PUT /collections/patents",
            "PUT /patents",
            "POST /v1/schema",
            f"POST {CHROMA}",
        }
        if call in looks:
            return (404, {"error": "not found"}) if self.server.made is None else (200, {})
        if call in makes and (self.server.made is None or json.loads(raw).get("get_or_create")):
            self.server.made = json.loads(raw)
            return 200, {"id": "c-1"}
        return 409, {"error": f"unexpected {call}"}

    def say(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        if status in (429, 503):
            self.send_header("Retry-After", "0.4")
        self.end_headers()
        self.wfile.write(raw)


def bulk_units(call: str, kind: str, raw: bytes) -> dict[str, Any] | None:
    if call == "POST /_bulk" and kind == "application/x-ndjson":
        lines = [json.loads(line) for line in raw.splitlines()]
        return {head["index"]["_id"]: unit for head, unit in zip(lines[::2], lines[1::2], strict=True)}
    if call == "PUT /collections/patents/points?wait=true":
        return {p["payload"]["id"]: p["payload"] | {"vector": p["vector"]} for p in json.loads(raw)["points"]}
    if call == "POST /v1/batch/objects":
        return {o["properties"]["key"]: o["properties"] for o in json.loads(raw)["objects"]}
    if call == "POST /vectors/upsert" and json.loads(raw)["namespace"] == "patents":
        return {unit["id"]: unit["metadata"] | {"vector": unit["values"]} for unit in json.loads(raw)["vectors"]}
    if call == f"POST {CHROMA}/c-1/upsert":
        body = json.loads(raw)
        return dict(zip(body["ids"], body["metadatas"], strict=True))
    return None


def bulk_answer(call: str, units: dict[str, Any], bad: str | None, status: int) -> Any:
    if call == "POST /_bulk":
        error = {"status": status, "error": {"type": "mapper_parsing_exception", "reason": "a bad field"}}
        items = [{"index": {"_id": key, "status": 201} | (error if key == bad else {})} for key in units]
        return {"errors": bad is not None, "items": items}
    if call == "POST /v1/batch/objects":
        errors = {"errors": {"error": [{"message": "a bad field"}]}}
        return [{"properties": {"key": key}, "result": errors if key == bad else {}} for key in units]
    return {}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(stage, "_BATCH_ROWS", 20)
    monkeypatch.setattr(pushing, "FIRST_WAIT_SECONDS", 0.01)
    server = Fake()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("store", STORES)
def test_a_store_gets_every_unit_through_trouble(
    mapped: Workspace,
    atlas: Atlas,
    fake: Fake,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATENTCLUST_STORE_KEY", "k")
    fake.trouble = [429, None, 503, "drop"]
    stage.push(mapped, store, fake.url)
    assert list(fake.units) == atlas.embeddings.unit_ids
    assert [unit["cluster_id"] for unit in fake.units.values()] == atlas.labels.tolist()
    assert all("x" in unit and "title" in unit for unit in fake.units.values())
    assert fake.n_bulk == 5 + 3
    name, value = KEYS[store]
    assert {headers[name] for headers in fake.headers} == {value}


@pytest.mark.parametrize("store", STORES)
def test_a_stopped_run_goes_on_to_the_same_content(mapped: Workspace, fake: Fake, store: str) -> None:
    fake.trouble = [None, None, 400]
    with pytest.raises(StoreError, match="400: no room today"):
        stage.push(mapped, store, fake.url)
    assert len(fake.units) == 40
    stage.push(mapped, store, fake.url)
    once = dict(fake.units)
    stage.push(mapped, store, fake.url)
    assert fake.units == once
    assert len(once) == N


def test_requests_stay_below_the_limit_of_pinecone(
    mapped: Workspace, atlas: Atlas, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "_PINECONE_BYTES", 3_000)
    stage.push(mapped, "pinecone", fake.url)
    assert list(fake.units) == atlas.embeddings.unit_ids
    assert fake.n_bulk > 5
    assert max(int(headers["Content-Length"]) for headers in fake.headers) < 3_000 + 100
    np.testing.assert_allclose(
        [unit["vector"] for unit in fake.units.values()], atlas.embeddings.vectors, atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("store", ["elasticsearch", "opensearch", "weaviate"])
def test_units_turned_down_are_counted_and_named(
    mapped: Workspace,
    atlas: Atlas,
    fake: Fake,
    store: str,
) -> None:
    fake.trouble = ["item", None, "item"]
    with pytest.raises(StoreError, match=f"(?s)2 units.*{atlas.embeddings.unit_ids[0]}: a bad field"):
        stage.push(mapped, store, fake.url)
    assert len(fake.units) == N - 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_store_that_says_when_to_come_again_is_given_that_time(mapped: Workspace, fake: Fake, status: int) -> None:
    fake.trouble = [status, status]
    before = time.monotonic()
    stage.push(mapped, "opensearch", fake.url)
    assert time.monotonic() - before >= 0.8
    assert len(fake.units) == N


class Heard(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def test_a_store_that_is_waited_for_is_told_of_once_a_wait(
    mapped: Workspace, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "PATIENCE_SECONDS", 0.25)
    fake.trouble = [None, "slow", None, "slow"]
    heard = Heard()
    stage.push(mapped, "qdrant", fake.url, progress=heard)
    assert len(fake.units) == N
    waits = [note for note in heard.notes if "is waited for" in note]
    assert len(waits) == 2
    assert all(fake.url.removeprefix("http://") in note and "Ctrl-C" in note for note in waits)


def test_a_bulk_answer_that_is_busy_is_asked_again(mapped: Workspace, fake: Fake) -> None:
    fake.trouble = ["busy", None]
    stage.push(mapped, "elasticsearch", fake.url)
    assert len(fake.units) == N
    assert fake.n_bulk == 5 + 1


def test_a_killed_run_goes_on_to_the_same_content(mapped: Workspace, fake: Fake) -> None:
    fake.trouble = [None, None, "hang"]
    code = (
        "import sys; from pathlib import Path; from patentclust.stages import export as stage;"
        "from patentclust.workspace import Workspace; stage._BATCH_ROWS = 20;"
        "stage.push(Workspace(Path(sys.argv[1])), 'qdrant', sys.argv[2])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(mapped.root), fake.url])
    try:
        assert fake.hanging.wait(60)
    finally:
        process.kill()
        process.wait(20)
    assert len(fake.units) == 40
    fake.trouble = []
    stage.push(mapped, "qdrant", fake.url)
    assert len(fake.units) == N


def test_what_cannot_be_sent_is_told(mapped: Workspace, fake: Fake) -> None:
    with pytest.raises(ConfigError, match="--url does not go with"):
        stage.push(mapped, "lancedb", fake.url)
    for url in ("localhost:6333", "http://", "http://[::1", "http://x:port"):
        with pytest.raises(ConfigError, match="--url is"):
            stage.push(mapped, "qdrant", url)
    with pytest.raises(ConfigError, match="another machine"):
        stage.push(mapped, "qdrant", "http://192.0.2.1:6333", resources=Resources(offline=True))


def test_the_command_says_what_goes_where(mapped: Workspace, fake: Fake) -> None:
    result = CliRunner().invoke(app, ["export", "--to", "qdrant", "--url", fake.url, "-w", str(mapped.root)])
    assert result.exit_code == 0, result.output
    assert f"{N} units" in " ".join(result.output.split())
    assert len(fake.units) == N
