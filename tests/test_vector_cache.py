"""The cache of vectors: no text twice, the same bytes as without it, and never a run broken or a vector wrong."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patentclust import models
from patentclust.embedders import Encoded, cache
from patentclust.embedders.cache import CachedEmbedder, Space
from patentclust.errors import ConfigError, MissingExtraError
from patentclust.params import EmbedParams, Resources
from patentclust.stages import Outcome, embed
from patentclust.workspace import Workspace
from tests.corpora import file_bytes, rows, workspace_with, write_documents

ONE = Resources(threads=1)
OFF = replace(ONE, cache="off")


def params(model: Path, **changes: object) -> EmbedParams:
    return replace(EmbedParams(model=str(model), unit="document"), **changes)


def files() -> list[Path]:
    return sorted(models.vectors_folder().glob("*.sqlite"))


def fresh_and_cached(tmp_path: Path, model: Path, **changes: object) -> tuple[Workspace, Workspace, Outcome]:
    """One workspace embedded without the cache, one with it where it is full."""
    fresh, full = workspace_with(tmp_path / "fresh", 20), workspace_with(tmp_path / "full", 20)
    embed.run(fresh, params(model, **changes), resources=OFF)
    embed.run(full, params(model), resources=ONE)
    cached = workspace_with(tmp_path / "cached", 20)
    return fresh, cached, embed.run(cached, params(model, **changes), resources=ONE)


def test_vectors_from_the_cache_have_the_bytes_of_fresh_ones(tmp_path: Path, tiny_q8: Path) -> None:
    fresh, cached, outcome = fresh_and_cached(tmp_path, tiny_q8)
    assert file_bytes(fresh.root) == file_bytes(cached.root)
    assert outcome.facts["vectors"] == 20


def test_a_shorter_vector_is_cut_from_a_kept_one_with_the_bytes_of_a_fresh_one(tmp_path: Path, tiny_q8: Path) -> None:
    fresh, cached, _ = fresh_and_cached(tmp_path, tiny_q8, dim=16)
    assert file_bytes(fresh.root) == file_bytes(cached.root)
    assert len(files()) == 1


def test_a_full_cache_needs_no_model(tmp_path: Path, tiny_q8: Path) -> None:
    def opened() -> CachedEmbedder:
        raise AssertionError("the model was opened")

    def store() -> cache.Store:
        return cache.SqliteStore(tmp_path, Space("ab" * 32, {"name": "x"}))

    rows = np.eye(3, 4, dtype=np.float32)
    counts = np.ones(3, np.int32)
    encoded = Encoded(rows, counts, counts, counts, np.zeros(3, bool))
    texts = ["a", "b", "c"]
    filled = store()
    filled.put({cache.text_sha256(text): cache.packed(encoded, i) for i, text in enumerate(texts)}, {"call_tokens": 1})
    again = CachedEmbedder(opened, store, dim=None, full_dim=None)
    assert np.array_equal(again.encode_document(texts).vectors, rows)
    assert (again.dim, again.packing, again.n_found) == (4, {"call_tokens": 1}, 3)


def test_a_tenth_more_documents_cost_a_tenth(tmp_path: Path, tiny_q8: Path) -> None:
    workspace = workspace_with(tmp_path, 30)
    embed.run(workspace, params(tiny_q8), resources=ONE)
    write_documents(workspace, rows(3, seed=9, start=100) + rows(30), tag="b")
    cost = embed.estimate(workspace, params(tiny_q8), resources=ONE)
    assert (cost.documents, cost.cached) == (3, 30)


@pytest.mark.parametrize(
    "change", [{"max_tokens": 64}, {"long": "truncate"}, {"task": "retrieve"}, {"kv_type": "q8_0"}]
)
def test_vectors_that_must_not_be_mixed_lie_apart(change: dict[str, object], tmp_path: Path, tiny_q8: Path) -> None:
    workspace = workspace_with(tmp_path, 3)
    embed.run(workspace, params(tiny_q8), resources=ONE)
    embed.run(workspace, params(tiny_q8, **change), resources=ONE)
    assert len(files()) == 2


def test_the_same_file_under_another_name_is_the_same_model(tmp_path: Path, tiny_q8: Path) -> None:
    other = shutil.copy(tiny_q8, tmp_path / "other.gguf")
    for i, model in enumerate((tiny_q8, Path(other))):
        embed.run(workspace_with(tmp_path / str(i), 3), params(model), resources=ONE)
    assert len(files()) == 1


def test_a_damaged_cache_costs_time_and_is_told(tmp_path: Path, tiny_q8: Path) -> None:
    fresh = workspace_with(tmp_path / "fresh", 5)
    embed.run(fresh, params(tiny_q8), resources=ONE)
    (path,) = files()
    for leftover in path.parent.glob(path.name + "-*"):
        leftover.unlink()
    path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    again = workspace_with(tmp_path / "again", 5)
    outcome = embed.run(again, params(tiny_q8), resources=ONE)
    assert any("cache of vectors is not used" in warning for warning in outcome.warnings)
    assert file_bytes(fresh.root) == file_bytes(again.root)
    assert cache.describe(models.vectors_folder())[0]["name"] == "damaged"


def test_a_damaged_vector_in_the_cache_is_not_believed(tmp_path: Path, tiny_q8: Path) -> None:
    fresh = workspace_with(tmp_path / "fresh", 5)
    embed.run(fresh, params(tiny_q8), resources=ONE)
    with sqlite3.connect(files()[0]) as db:
        db.execute("UPDATE vectors SET value = zeroblob(length(value)) WHERE rowid % 2")
        db.execute("UPDATE vectors SET value = substr(value, 1, 50) WHERE rowid % 3 = 0")
    again = workspace_with(tmp_path / "again", 5)
    embed.run(again, params(tiny_q8), resources=ONE)
    assert file_bytes(fresh.root) == file_bytes(again.root)


def test_a_cache_folder_that_cannot_be_made_is_told(
    tmp_path: Path, tiny_q8: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("PATENTCLUST_VECTORS", str(tmp_path / "file" / "vectors"))
    outcome = embed.run(workspace_with(tmp_path / "w", 2), params(tiny_q8), resources=ONE)
    assert outcome.facts["vectors"] == 2
    assert any("cache of vectors is not used" in warning for warning in outcome.warnings)


def test_the_cache_is_told_of_and_emptied(tmp_path: Path, tiny_q8: Path) -> None:
    embed.run(workspace_with(tmp_path, 4), params(tiny_q8), resources=ONE)
    (row,) = cache.describe(models.vectors_folder())
    assert (row["name"], row["vectors"], row["template"]) == (tiny_q8.name, 4, "Cluster: {text}")
    assert list(models.vectors_folder().iterdir()) == files()
    assert cache.clear(models.vectors_folder()) >= row["bytes"] > 0
    assert cache.describe(models.vectors_folder()) == []


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real Redis on loopback."""
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    if not (program := shutil.which("redis-server")):
        pytest.skip("no redis-server on this machine (Debian: apt install redis-server)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0", process
    process.kill()
    process.wait()


def test_a_redis_shares_vectors_and_lets_them_go_in_time(
    tmp_path: Path, tiny_q8: Path, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    import redis

    url, _ = redis_server
    shared = replace(ONE, cache=url, cache_days=7)
    one, two = workspace_with(tmp_path / "1", 6), workspace_with(tmp_path / "2", 6)
    embed.run(one, params(tiny_q8), resources=shared)
    client = redis.Redis.from_url(url)
    keys = client.keys("patentclust:*")
    assert len(keys) == 6 + 2  # the vectors, the space's facts, its packing
    assert all(6 * 86_400 < client.ttl(key) <= 7 * 86_400 for key in keys)
    cost = embed.estimate(two, params(tiny_q8), resources=shared)
    assert (cost.documents, cost.cached) == (0, 6)
    embed.run(two, params(tiny_q8), resources=shared)
    assert file_bytes(one.root) == file_bytes(two.root)
    assert files() == []


def test_a_redis_that_dies_slows_the_run_and_does_not_break_it(
    tmp_path: Path, tiny_q8: Path, redis_server: tuple[str, subprocess.Popen[bytes]]
) -> None:
    url, process = redis_server
    store = cache.RedisStore(url, Space("cd" * 32, {}), days=1)
    spec, chosen = models.find(str(tiny_q8)), params(tiny_q8)
    embedder = CachedEmbedder(lambda: cache_free(tiny_q8, spec, chosen), lambda: store, dim=None, full_dim=None)
    first = embedder.encode_document(["one text", "another"])
    process.kill()
    process.wait()
    second = embedder.encode_document(["one text", "another"])
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert "Redis" in embedder.problem
    outcome = embed.run(workspace_with(tmp_path, 2), chosen, resources=replace(ONE, cache=url))
    assert outcome.facts["vectors"] == 2
    assert any("Redis" in warning for warning in outcome.warnings)


def cache_free(path: Path, spec: models.ModelSpec, chosen: EmbedParams) -> object:
    from patentclust.embedders import open_embedder

    return open_embedder(spec, path, params=chosen, resources=ONE)


def test_a_wrong_place_for_the_cache_is_told() -> None:
    with pytest.raises(ConfigError, match="cache is 'memcached://x'"):
        Resources(cache="memcached://x")


def test_a_missing_redis_client_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError) as caught:
        cache.RedisStore("redis://127.0.0.1:1/0", Space("00" * 32, {}), days=1)
    assert "pip install redis" in caught.value.hint
