"""Vectors kept across workspaces, so that no text is embedded twice: a folder of SQLite files, or a shared Redis.

A space is all but the text that shapes a vector: model file, template, window. Full vectors are kept, as float32; a
shorter one is cut from them. A cache that fails costs time, never the run and never a wrong vector.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from patentclust.analysis.texts import text_sha256
from patentclust.analysis.vectors import cut
from patentclust.embedders import Embedder, Encoded, OnDone
from patentclust.errors import MissingExtraError
from patentclust.params import EmbedParams, Resources

_COUNTS = ("n_tokens", "n_tokens_used", "n_windows", "truncated")
_QUERY_KEYS = 500
_BUSY_SECONDS = 10.0
_UNIT_TOLERANCE = 1e-3


class CacheError(Exception):
    """The store cannot be used; never leaves this module."""


@dataclass(frozen=True)
class Space:
    """Where vectors that may be mixed lie: `facts` says in words what `key` (hex) hashes."""

    key: str
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, model: Mapping[str, Any], params: EmbedParams) -> Space:
        """Return where vectors of a model (the facts its shards state) lie, whatever the model is called."""
        shaping = {key: value for key, value in model.items() if key != "name"}
        shaping |= {"window": params.max_tokens, "long": params.long, "kv_type": params.kv_type}
        key = hashlib.sha256(
            json.dumps(shaping, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        ).hexdigest()
        return cls(key, shaping | {"name": model["name"]})


class Store(Protocol):
    """Bytes by space and text hash. All methods raise CacheError when the store fails."""

    def packing(self) -> dict[str, int | str] | None:
        """Return how the space's vectors were packed into calls, or None for an empty space."""

    def get(self, texts: Sequence[str]) -> dict[str, bytes]:
        """Return what is there of these text hashes."""

    def known(self, texts: Sequence[str]) -> set[str]:
        """Return which of these text hashes are there."""

    def put(self, rows: Mapping[str, bytes], packing: Mapping[str, int | str]) -> None:
        """Keep rows and, where the space is new, what it is; before that nothing is written."""

    def close(self) -> None:
        """Let go of the store."""


class SqliteStore:
    """One SQLite file a space, below the user's cache folder; several processes may write at once."""

    def __init__(self, folder: Path, space: Space) -> None:
        self._path, self._space = folder / f"{space.key[:32]}.sqlite", space
        self._db = self._connect() if self._path.exists() else None

    def _connect(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)
            with db:
                # A lost last second after a power cut costs a few texts; the file itself stays whole.
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")
                db.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT)")
                db.execute("CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, value BLOB)")
        except (OSError, sqlite3.Error) as error:
            raise CacheError(f"{self._path}: {error}") from error
        return db

    def packing(self) -> dict[str, int | str] | None:
        """Return how the space's vectors were packed."""
        if self._db is None:
            return None
        try:
            row = self._db.execute("SELECT value FROM facts WHERE name = 'packing'").fetchone()
            return None if row is None else json.loads(row[0])
        except (sqlite3.Error, ValueError) as error:
            raise CacheError(f"{self._path}: {error}") from error

    def get(self, texts: Sequence[str]) -> dict[str, bytes]:
        """Return what is there of these text hashes."""
        return {key.hex(): value for key, value in self._select("text, value", texts)}

    def known(self, texts: Sequence[str]) -> set[str]:
        """Return which of these text hashes are there."""
        return {key.hex() for (key,) in self._select("text", texts)}

    def _select(self, columns: str, texts: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        if self._db is None:
            return
        try:
            for start in range(0, len(texts), _QUERY_KEYS):
                keys = [bytes.fromhex(text) for text in texts[start : start + _QUERY_KEYS]]
                marks = ",".join("?" * len(keys))
                yield from self._db.execute(f"SELECT {columns} FROM vectors WHERE text IN ({marks})", keys)
        except sqlite3.Error as error:
            raise CacheError(f"{self._path}: {error}") from error

    def put(self, rows: Mapping[str, bytes], packing: Mapping[str, int | str]) -> None:
        """Keep rows, all or none."""
        if self._db is None:
            self._db = self._connect()
        facts = {"space": self._space.facts, "packing": packing}
        try:
            self._db.execute("BEGIN")
            self._db.executemany(
                "INSERT OR IGNORE INTO facts VALUES (?, ?)",
                [(name, json.dumps(dict(value), sort_keys=True)) for name, value in facts.items()],
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                [(bytes.fromhex(key), value) for key, value in rows.items()],
            )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise CacheError(f"{self._path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()


class RedisStore:
    """A Redis that several machines share; vectors go `days` after they were put there."""

    def __init__(self, url: str, space: Space, *, days: int) -> None:
        try:
            import redis
        except ImportError as error:
            raise MissingExtraError(
                "--cache redis://… needs the package redis", hint="run: python -m pip install redis"
            ) from error
        self._errors = (redis.RedisError, OSError)
        self._space, self._prefix, self._seconds = space, f"patentclust:{space.key[:32]}:", days * 86_400
        try:
            self._client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        except (*self._errors, ValueError) as error:
            raise CacheError(f"the Redis cache: {error}") from error

    def packing(self) -> dict[str, int | str] | None:
        """Return how the space's vectors were packed."""
        try:
            value = self._client.get(self._prefix + "packing")
            return None if value is None else json.loads(value)
        except (*self._errors, ValueError) as error:
            raise CacheError(f"the Redis cache: {error}") from error

    def get(self, texts: Sequence[str]) -> dict[str, bytes]:
        """Return what is there of these text hashes."""
        found: dict[str, bytes] = {}
        try:
            for start in range(0, len(texts), _QUERY_KEYS):
                part = texts[start : start + _QUERY_KEYS]
                values: list[Any] = self._client.mget([self._prefix + text for text in part])
                found |= {text: value for text, value in zip(part, values, strict=True) if value is not None}
        except self._errors as error:
            raise CacheError(f"the Redis cache: {error}") from error
        return found

    def known(self, texts: Sequence[str]) -> set[str]:
        """Return which of these text hashes are there."""
        found: set[str] = set()
        try:
            for start in range(0, len(texts), _QUERY_KEYS):
                part = texts[start : start + _QUERY_KEYS]
                pipeline = self._client.pipeline(transaction=False)
                for text in part:
                    pipeline.exists(self._prefix + text)
                found |= {text for text, there in zip(part, pipeline.execute(), strict=True) if there}
        except self._errors as error:
            raise CacheError(f"the Redis cache: {error}") from error
        return found

    def put(self, rows: Mapping[str, bytes], packing: Mapping[str, int | str]) -> None:
        """Keep rows."""
        facts = {"space": json.dumps(self._space.facts), "packing": json.dumps(dict(packing))}
        try:
            pipeline = self._client.pipeline(transaction=False)
            for name, value in {**facts, **rows}.items():
                pipeline.set(self._prefix + name, value, ex=self._seconds)
            pipeline.execute()
        except self._errors as error:
            raise CacheError(f"the Redis cache: {error}") from error

    def close(self) -> None:
        """Close the connection."""
        with suppress(*self._errors):
            self._client.close()


def open_store(space: Space, folder: Path, resources: Resources) -> Store:
    """Return the store that the user chose.

    Raises:
        CacheError: it cannot be used.
        MissingExtraError: a Redis was chosen and its client is not installed.
    """
    if resources.cache == "local":
        return SqliteStore(folder, space)
    return RedisStore(resources.cache, space, days=resources.cache_days)


class CachedEmbedder:
    """An embedder that looks its texts up first, and opens the real one only for those that are not there.

    Attributes:
        dim: length of a vector, after the cut; known once there is a vector or the model is open.
        n_found: texts taken from the cache.
        problem: why the cache was given up, or empty.
    """

    def __init__(
        self, opened: Callable[[], Embedder], store: Callable[[], Store], *, dim: int | None, full_dim: int | None
    ) -> None:
        """Take what opens the model, giving full vectors, and what opens the store; `dim` cuts the vectors."""
        self._open = opened
        self._inner: Embedder | None = None
        self._cut, self._full_dim = dim, full_dim
        self.n_found, self.problem = 0, ""
        self._packing: dict[str, int | str] | None = None
        self._store: Store | None = None
        try:
            self._store = store()
            self._packing = self._store.packing()
        except CacheError as error:
            self._give_up(error)

    def _give_up(self, error: CacheError) -> None:
        self.problem = f"the cache of vectors is not used: {error}"
        self._store = None

    @property
    def inner(self) -> Embedder:
        """Return the real embedder, opened at the first need."""
        if self._inner is None:
            self._inner = self._open()
            self._full_dim, self._packing = self._inner.dim, self._inner.packing
        return self._inner

    @property
    def dim(self) -> int:
        """Return the length of a vector."""
        return self._cut or self._full_dim or self.inner.dim

    @property
    def packing(self) -> dict[str, int | str]:
        """Return how texts are packed into model calls."""
        return self._packing if self._packing is not None else self.inner.packing

    def encode_document(
        self, texts: Sequence[str], *, on_done: OnDone | None = None, upcoming: Sequence[str] = ()
    ) -> Encoded:
        """Return one unit-length row per text, in order, from the cache where they are there."""
        keys = [text_sha256(text) for text in texts]
        found = self._use(lambda store: store.get(keys), {}) if self._packing is not None else {}
        rows = {key: row for key, value in found.items() if (row := unpacked(value, self._full_dim)) is not None}
        if rows and self._full_dim is None:
            self._full_dim = len(next(iter(rows.values()))[1])
        hits = [i for i, key in enumerate(keys) if key in rows]
        misses = [i for i, key in enumerate(keys) if key not in rows]
        self.n_found += len(hits)
        full_dim = self._full_dim if not misses else self.inner.dim
        out = Encoded.empty(len(texts), full_dim or 0)
        for i in hits:
            counts, vector = rows[keys[i]]
            out.vectors[i] = vector
            for name, value in zip(_COUNTS, counts, strict=True):
                getattr(out, name)[i] = value
        shown = self._shown(on_done)
        if hits:
            shown(hits, out.take(hits))
        if misses:
            mine, on_done = [texts[i] for i in misses], self._kept(keys, misses, shown)
            out.put(misses, self.inner.encode_document(mine, on_done=on_done, upcoming=self._unknown(upcoming)))
        return _cut(out, self._cut)

    def _shown(self, on_done: OnDone | None) -> OnDone:
        return lambda indices, part: on_done(indices, _cut(part, self._cut)) if on_done else None

    def _kept(self, keys: Sequence[str], misses: Sequence[int], shown: OnDone) -> OnDone:
        def keep(indices: Sequence[int], part: Encoded) -> None:
            mine = [misses[i] for i in indices]
            rows = {keys[i]: packed(part, row) for row, i in enumerate(mine) if row not in part.failures}
            self._use(lambda store: store.put(rows, self.packing), None)
            shown(mine, part)

        return keep

    def _unknown(self, texts: Sequence[str]) -> list[str]:
        keys = [text_sha256(text) for text in texts]
        known = self.known(keys)
        return [text for text, key in zip(texts, keys, strict=True) if key not in known]

    def _use(self, action: Callable[[Store], Any], otherwise: Any) -> Any:
        if self._store is None:
            return otherwise
        try:
            return action(self._store)
        except CacheError as error:
            self._give_up(error)
            return otherwise

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Return one unit-length row per text under the query template; queries are not kept."""
        return _cut(self.inner.encode_query(texts), self._cut)

    def known(self, texts: Sequence[str]) -> set[str]:
        """Return which of these text hashes the cache holds."""
        found: set[str] = self._use(lambda store: store.known(texts), set())
        return found

    def close(self) -> None:
        """Close the store, and the model where it was opened."""
        self._use(lambda store: store.close(), None)
        if self._inner is not None:
            self._inner.close()


def _cut(encoded: Encoded, dim: int | None) -> Encoded:
    vectors = cut(encoded.vectors, dim)
    counts = (encoded.n_tokens, encoded.n_tokens_used, encoded.n_windows, encoded.truncated)
    return Encoded(vectors, *counts, encoded.failures)


def packed(encoded: Encoded, row: int) -> bytes:
    """Return one text's counts (four int32) and full vector (float32), little-endian."""
    counts = np.array([getattr(encoded, name)[row] for name in _COUNTS], "<i4")
    return counts.tobytes() + encoded.vectors[row].astype("<f4").tobytes()


def unpacked(value: bytes, dim: int | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Return counts and vector, or None for what cannot be a unit vector of that length."""
    if len(value) <= 4 * len(_COUNTS) or len(value) % 4:
        return None
    counts, vector = np.frombuffer(value[:16], "<i4"), np.frombuffer(value[16:], "<f4")
    right = dim in (None, len(vector)) and abs(float(np.linalg.norm(vector)) - 1) < _UNIT_TOLERANCE
    return (counts, vector) if right else None


def describe(folder: Path) -> list[dict[str, Any]]:
    """Return what the local cache holds, space by space: its facts, how many vectors, bytes, and its file."""
    found = []
    for path in sorted(folder.glob("*.sqlite")):
        size = sum(p.stat().st_size for p in folder.glob(path.name + "*"))
        try:
            # Not `mode=ro`: a reader that may not write leaves its -shm and -wal files behind.
            with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as db:
                facts = dict(db.execute("SELECT name, value FROM facts"))
                (n,) = db.execute("SELECT COUNT(*) FROM vectors").fetchone()
            row = json.loads(facts["space"]) | {"vectors": n}
        except (sqlite3.Error, ValueError, KeyError) as error:
            row = {"name": "damaged", "vectors": 0, "error": str(error)}
        found.append(row | {"bytes": size, "path": str(path)})
    return found


def clear(folder: Path) -> int:
    """Delete the local cache; return the bytes it took."""
    files = [path for path in folder.glob("*.sqlite*") if path.is_file()]
    freed = sum(path.stat().st_size for path in files)
    for path in files:
        path.unlink(missing_ok=True)
    return freed
