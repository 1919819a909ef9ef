"""Parquet in and out: checked against the contract, stamped with a fingerprint, written atomically.

A file that exists is whole. Nothing in it depends on the clock, the host or a path, so equal work gives equal bytes.
Does not know what the files are called or where they lie.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patentclust import __version__
from patentclust.errors import ArtifactError, MissingArtifactError
from patentclust.schemas import METADATA_PREFIX, SCHEMA_VERSION, Artifact

# Row groups small enough that reading documents by batches stays in bounded memory.
ROW_GROUP_ROWS = 1024
PART_ATTEMPT = "{name}.tmp-{pid}"


@dataclass(frozen=True)
class Stamp:
    """What a file says of itself: everything that made it, and the fingerprint over that."""

    kind: str
    params: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    unit: str = "document"

    @property
    def fingerprint(self) -> str:
        """Return sha256 (hex) over all that changes the answer."""
        core = {
            "kind": self.kind,
            "schema": SCHEMA_VERSION,
            "params": self.params,
            "inputs": self.inputs,
            "model": self.model,
            "unit": self.unit,
        }
        return hashlib.sha256(canonical_json(core).encode()).hexdigest()

    def metadata(self, extra: Mapping[str, Any]) -> dict[str, str]:
        """Return the file metadata, values as text."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "schema": str(SCHEMA_VERSION),
            "version": __version__,
            "params": canonical_json(self.params),
            "inputs": canonical_json(self.inputs),
            "fingerprint": self.fingerprint,
            "model": canonical_json(self.model),
            "libraries": canonical_json(library_versions(self.libraries)),
            "unit": self.unit,
        }
        values |= {key: canonical_json(value) for key, value in extra.items()}
        return {METADATA_PREFIX + key: value for key, value in values.items()}


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each distribution; absent ones are left out."""
    return {name: installed for name in names if (installed := _version(name))}


# Asked for every file of readings, and each answer takes a file of e-mail headers apart.
@cache
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it to disk and rename it, on error remove it.

    Raises:
        ArtifactError: the folder cannot be written, or the disk is full.
    """
    attempt = path.with_name(PART_ATTEMPT.format(name=path.name, pid=os.getpid()))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield attempt
        with attempt.open("rb") as handle:
            os.fsync(handle.fileno())
        attempt.replace(path)
    except OSError as error:
        raise ArtifactError(
            f"cannot write {path}: {error.strerror or error}",
            hint="free space on that disk or choose another folder with --workspace; finished work is kept",
        ) from error
    finally:
        with suppress(OSError):  # the folder may never have been there
            attempt.unlink()


def write_text(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    """Write a text file atomically, line ends as they are."""
    with atomic_path(path) as attempt:
        attempt.write_bytes(text.encode(encoding))


def use_lean_memory() -> None:
    """Let Arrow's memory come from jemalloc where its build has it.

    It gives back what is free: two thirds of the peak of its default over a stream of texts, at the same speed.
    """
    if "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())


@contextmanager
def table_writer(
    path: Path, artifact: Artifact, stamp: Stamp, *, compression: str = "zstd", **extra: Any
) -> Iterator[pq.ParquetWriter]:
    """Yield a Parquet writer for the contract; the file appears, whole, when the block ends without error."""
    schema = artifact.schema.with_metadata(stamp.metadata(extra))
    with atomic_path(path) as attempt, pq.ParquetWriter(attempt, schema, compression=compression) as writer:
        yield writer


def add_metadata(writer: pq.ParquetWriter, **extra: Any) -> None:
    """Add metadata keys of the contract that are known only when all rows are written."""
    writer.add_key_value_metadata({METADATA_PREFIX + key: canonical_json(value) for key, value in extra.items()})


def write_rows(path: Path, artifact: Artifact, stamp: Stamp, rows: list[dict[str, Any]], **extra: Any) -> None:
    """Write rows given as dicts. `extra` adds metadata keys of the contract."""
    write_table(path, artifact, stamp, pa.Table.from_pylist(rows, schema=artifact.schema), **extra)


def write_table(path: Path, artifact: Artifact, stamp: Stamp, table: pa.Table, **extra: Any) -> None:
    """Write a table that follows the contract, sliced into row groups."""
    with table_writer(path, artifact, stamp, **extra) as writer:
        writer.write_table(table.cast(artifact.schema), row_group_size=ROW_GROUP_ROWS)


@contextmanager
def reading(path: Path, hint: str) -> Iterator[None]:
    """Tell damage that comes out while a Parquet file is read from trouble with a file that is being written.

    Raises:
        ArtifactError: it is damaged or gone.
    """
    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{path} is damaged: {error}", hint=hint) from error


@dataclass(frozen=True)
class Header:
    """What a file says of itself, read without its rows."""

    path: Path
    kind: str
    fingerprint: str
    n_rows: int
    metadata: Mapping[str, str]

    def json(self, key: str) -> Any:
        """Return a metadata value, decoded."""
        return json.loads(self.metadata[key])


def read_header(path: Path, *, kind: str) -> Header:
    """Read and check the metadata of an artifact.

    Raises:
        ArtifactError: missing, damaged, of another kind or of another schema version.
    """
    try:
        parquet = pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise MissingArtifactError(f"{path} is missing", hint=_maker(kind)) from error
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{path} is damaged: {error}", hint=f"delete it; {_maker(kind)}") from error
    with parquet:
        raw = parquet.metadata.metadata or {}
        n_rows = parquet.metadata.num_rows
    metadata = {
        key.decode().removeprefix(METADATA_PREFIX): value.decode("utf-8", "replace")
        for key, value in raw.items()
        if key.decode("utf-8", "replace").startswith(METADATA_PREFIX)
    }
    if metadata.get("kind") != kind:
        raise ArtifactError(f"{path}: expected {kind}, got {metadata.get('kind', 'a foreign file')}", hint=_maker(kind))
    if metadata.get("schema") != str(SCHEMA_VERSION):
        raise ArtifactError(
            f"{path}: expected schema {SCHEMA_VERSION}, got {metadata.get('schema')}", hint=_maker(kind)
        )
    return Header(path, kind, metadata["fingerprint"], n_rows, metadata)


def current(path: Path, stamp: Stamp) -> bool:
    """Tell whether the file exists, whole, with the stamp's fingerprint."""
    try:
        return read_header(path, kind=stamp.kind).fingerprint == stamp.fingerprint
    except ArtifactError:
        return False


def read_table(path: Path, *, kind: str, columns: list[str] | None = None) -> pa.Table:
    """Read an artifact, or some of its columns, after checking its header."""
    read_header(path, kind=kind)
    _check_columns(path, kind, columns)
    with reading(path, f"delete it; {_maker(kind)}"):
        return pq.read_table(path, columns=columns)


def read_batches(path: Path, *, kind: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read an artifact batch by batch, in bounded memory."""
    read_header(path, kind=kind)
    _check_columns(path, kind, columns)
    with reading(path, f"delete it; {_maker(kind)}"), pq.ParquetFile(path) as parquet:
        yield from parquet.iter_batches(batch_size=ROW_GROUP_ROWS, columns=columns)


@contextmanager
def cells(path: Path, *, kind: str, column: str) -> Iterator[Callable[[int], Any]]:
    """Give a function from a row to its cell: reads only the row groups asked for, each once while rows rise."""
    _check_columns(path, kind, [column])
    with pq.ParquetFile(path) as parquet:
        sizes = [parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)]
        ends = np.cumsum(sizes)

        @lru_cache(maxsize=1)
        def values(group: int) -> pa.ChunkedArray:
            return parquet.read_row_group(group, columns=[column])[column]

        def cell(row: int) -> Any:
            group = int(np.searchsorted(ends, row, side="right"))
            return values(group)[row - int(ends[group]) + sizes[group]].as_py()

        yield cell


def read_row(path: Path, *, kind: str, columns: list[str], key: tuple[str, str]) -> dict[str, Any] | None:
    """Return the row whose column has that value, None where there is none; other rows' texts are not read."""
    read_header(path, kind=kind)
    _check_columns(path, kind, columns)
    name, value = key
    with reading(path, f"delete it; {_maker(kind)}"), pq.ParquetFile(path) as parquet:
        for group in range(parquet.num_row_groups):
            row = pc.index(parquet.read_row_group(group, columns=[name])[name], value).as_py()
            if row >= 0:
                found: dict[str, Any] = parquet.read_row_group(group, columns=columns).slice(row, 1).to_pylist()[0]
                return found
    return None


def _check_columns(path: Path, kind: str, columns: list[str] | None) -> None:
    missing = [name for name in columns or () if name not in pq.read_schema(path).names]
    if missing:
        raise ArtifactError(
            f"{path} has no column {', '.join(missing)}: an older version wrote it", hint=f"delete it; {_maker(kind)}"
        )


def _maker(kind: str) -> str:
    stage = {"documents": "ingest PATHS…", "failures": "ingest PATHS…", "embeddings": "embed"}.get(kind, "cluster")
    return f"run: patentclust {stage}"


@dataclass(frozen=True)
class Embeddings:
    """All vectors of one task, in the order of the documents.

    Attributes:
        unit_ids: n keys.
        text_sha256: n hashes of the texts behind the vectors.
        vectors: shape (n, dim), float32, rows of unit length.
        n_truncated: texts whose tail was cut.
        n_windowed: texts that took more than one window.
        failed: units that got no vector, and why.
        header: metadata of the first shard; params and model are the same in all.
        fingerprint: over all shards.
    """

    unit_ids: list[str]
    text_sha256: list[str]
    vectors: np.ndarray
    n_truncated: int
    n_windowed: int
    failed: Mapping[str, str]
    header: Header
    fingerprint: str


def embeddings_fingerprint(paths: list[Path]) -> str:
    """Return one fingerprint over the shards of a task."""
    shards = [read_header(path, kind="embeddings").fingerprint for path in paths]
    return hashlib.sha256(canonical_json(shards).encode()).hexdigest()


def failed_units(headers: Iterable[Header]) -> dict[str, str]:
    """Return the units of some shards that got no vector, and why."""
    return {
        unit: reason for header in headers for unit, reason in json.loads(header.metadata.get("failed", "{}")).items()
    }


def read_embeddings(paths: list[Path]) -> Embeddings:
    """Read the shards of one task.

    Raises:
        ArtifactError: none there, one is damaged, or they come from different models or parameters.
    """
    if not paths:
        raise MissingArtifactError("there are no embeddings in this workspace", hint=_maker("embeddings"))
    headers = [read_header(path, kind="embeddings") for path in paths]
    for header in headers[1:]:
        for key in ("params", "model"):
            if header.metadata[key] != headers[0].metadata[key]:
                raise ArtifactError(
                    f"{header.path} was made with other {key} than {paths[0].name}: "
                    f"expected {headers[0].metadata[key]}, got {header.metadata[key]}",
                    hint=_maker("embeddings"),
                )
    table = pa.concat_tables([read_table(path, kind="embeddings") for path in paths])
    dim = table.schema.field("vector").type.list_size
    flat = table["vector"].combine_chunks().values.to_numpy(zero_copy_only=False)
    vectors = flat.reshape(-1, dim).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Embeddings(
        unit_ids=table["unit_id"].to_pylist(),
        text_sha256=table["text_sha256"].to_pylist(),
        vectors=vectors,
        n_truncated=sum(table["truncated"].to_pylist()),
        n_windowed=sum(n > 1 for n in table["n_windows"].to_pylist()),
        failed=failed_units(headers),
        header=headers[0],
        fingerprint=embeddings_fingerprint(paths),
    )
