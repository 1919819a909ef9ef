"""Files -> readings: what was read from a file, or from a part of a large one, kept until the file changes.

A reading is a Parquet file of documents as read, before repeats are merged and families found, whose metadata lists
the files; and one of failures, where there are any. It is written by whoever reads, here or in a worker process,
documents last: where they are, the reading is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patentclust import artifacts, readers
from patentclust.errors import ArtifactError, SourceChangedError, SourceError, WorkerDiedError
from patentclust.params import IngestParams
from patentclust.readers import InputFile, Source, limits
from patentclust.records import Document
from patentclust.schemas import DOCUMENTS, FAILURES

# Failures that lie in the day and not in the file.
PASSING = frozenset((WorkerDiedError.__name__, SourceChangedError.__name__))
# What shapes the corpus after reading: changing it reads nothing again.
_AFTER_READING = ("family",)
# Documents as read: of the texts, families need to know only which are there. They are written and read once, so quick
# counts for more than small.
READ = replace(DOCUMENTS, schema=DOCUMENTS.schema.append(pa.field("n_texts", pa.int8(), nullable=False)))
LIGHT = "lz4"
BATCH_CHARS = 8 * 1024**2
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SUSPECTS = bytes((*range(9), 0x0B, 0x0C, *range(0x0D, 0x20), 0x7F))
_DELETE = 0x7F
_LINE_ENDS = re.compile("\r\n?")


@dataclass(frozen=True)
class Piece:
    """A file, or one part of a large one.

    Attributes:
        file: the file on disk.
        sha256: of the file.
        part: from 0; a small file has only this one.
        last: no part comes after it.
        sources: what was found in the part; None leaves opening the file to whoever reads it.
        n_bytes: of the file on disk, as its share of the progress.
    """

    file: InputFile
    sha256: str
    part: int = 0
    last: bool = True
    sources: tuple[Source | SourceError, ...] | None = None
    n_bytes: int = 0

    @property
    def key(self) -> tuple[str, bool, str, int]:
        """Return what the reading of it depends on, besides the parameters."""
        return (self.file.shown, self.file.named, self.sha256, self.part)

    @property
    def is_portable(self) -> bool:
        """Tell whether it can be read in another process."""
        return all(source.portable for source in self.sources or () if isinstance(source, Source))

    @property
    def n_items(self) -> int:
        """Count what may kill a worker one by one."""
        return 1 if self.sources is None else len(self.sources)


@dataclass(frozen=True)
class ReadTask:
    """Pieces to be read into one reading, by whoever gets it."""

    pieces: tuple[Piece, ...]
    folder: Path
    params: IngestParams


@dataclass(frozen=True)
class Entry:
    """Where in a reading the rows of a piece are."""

    key: tuple[str, bool, str, int]
    last: bool
    n_documents: int
    n_failures: int
    n_bytes: int


@dataclass(frozen=True)
class Reading:
    """One reading that is there."""

    folder: Path
    name: str
    entries: tuple[Entry, ...]

    @property
    def documents(self) -> Path:
        """Where its documents are; written last."""
        return self.folder / f"{self.name}.documents.parquet"

    @property
    def failures(self) -> Path:
        """Where its failures are, if any."""
        return self.folder / f"{self.name}.failures.parquet"

    def documents_of(self, place: int) -> tuple[int, int]:
        """Return the first row of an entry's documents and their number."""
        return sum(entry.n_documents for entry in self.entries[:place]), self.entries[place].n_documents

    def failures_of(self, place: int) -> list[dict[str, str]]:
        """Return an entry's failures."""
        if not self.entries[place].n_failures:
            return []
        start = sum(entry.n_failures for entry in self.entries[:place])
        table = artifacts.read_table(self.failures, kind=FAILURES.kind)
        rows: list[dict[str, str]] = table.slice(start, self.entries[place].n_failures).to_pylist()
        return rows


def reading_params(params: IngestParams) -> dict[str, Any]:
    """Return the parameters that shape what is read."""
    values = {name: value for name, value in asdict(params).items() if name not in _AFTER_READING}
    return {**values, "readers": readers.REVISION}


def read_task(task: ReadTask, tell: Callable[[int], None]) -> Reading:
    """Read all pieces of a task and leave a reading; `tell` hears the number of each item before it is begun."""
    artifacts.use_lean_memory()
    listing = artifacts.canonical_json([piece.key for piece in task.pieces])
    stamp = artifacts.Stamp(
        kind=DOCUMENTS.kind,
        params=reading_params(task.params),
        inputs={"sources": sha256(listing.encode()).hexdigest()},
        libraries=("lxml", "py3langid", "pypdf", "pypdfium2"),
    )
    reading = Reading(task.folder, stamp.fingerprint[:32], ())
    failed: list[dict[str, str]] = []
    entries: list[Entry] = []
    begun = 0
    with artifacts.table_writer(reading.documents, READ, stamp, compression=LIGHT) as writer:
        batches = _Batches(writer)
        for piece in task.pieces:
            n_documents, n_failed = batches.n_rows, len(failed)
            for item in _items(piece, task.params, tell, begun):
                if isinstance(item, SourceError):
                    failed.append(failure_row(item, piece.sha256))
                else:
                    batches.add(item)
            begun += piece.n_items
            found = (batches.n_rows - n_documents, len(failed) - n_failed)
            entries.append(Entry(piece.key, piece.last, *found, piece.n_bytes))
        batches.flush()
        if failed:
            artifacts.write_rows(reading.failures, FAILURES, replace(stamp, kind=FAILURES.kind), failed)
        files = [[*entry.key, entry.last, entry.n_documents, entry.n_failures, entry.n_bytes] for entry in entries]
        artifacts.add_metadata(writer, files=files)
    return replace(reading, entries=tuple(entries))


def without_item(task: ReadTask, item: int, reason: str) -> ReadTask:
    """Return the task with a failure in place of the item that killed a worker."""
    pieces = list(task.pieces)
    for index, piece in enumerate(pieces):
        if item < piece.n_items:
            sources: list[Source | SourceError | InputFile] = [*(piece.sources or (piece.file,))]
            lost = sources[item]
            if isinstance(lost, SourceError):
                raise RuntimeError(f"a worker process {reason} though it had nothing to read")
            path = lost.path if isinstance(lost, Source) else piece.file.shown
            sources[item] = WorkerDiedError(
                f"the process that read it {reason}",
                source_path=path,
                hint="ingest again with --workers 1, or leave it out",
            )
            pieces[index] = replace(piece, sources=tuple(sources))  # type: ignore[arg-type]
            break
        item -= piece.n_items
    return replace(task, pieces=tuple(pieces))


def _items(
    piece: Piece, params: IngestParams, tell: Callable[[int], None], begun: int
) -> Iterator[Document | SourceError]:
    if piece.sources is None:
        tell(begun)
        yield from readers.read_file(piece.file, params, sha256=piece.sha256)
        return
    for number, source in enumerate(piece.sources, start=begun):
        tell(number)
        yield from readers.read_source(source, params)


class _Batches:
    """Collect rows and write them in row groups of bounded size."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._rows: list[Document] = []
        self._n_chars = 0
        self.n_rows = 0

    def add(self, document: Document) -> None:
        self._rows.append(document)
        self._n_chars += document.n_chars
        self.n_rows += 1
        if len(self._rows) >= artifacts.ROW_GROUP_ROWS or self._n_chars >= BATCH_CHARS:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._writer.write_table(_clean_table(self._rows))
        self._rows, self._n_chars = [], 0


def table_of(documents: list[Document]) -> pa.Table:
    """Return documents as a table of readings."""
    columns = [
        pa.array([getattr(document, column.name) for document in documents], column.type) for column in READ.schema
    ]
    return pa.Table.from_arrays(columns, schema=READ.schema)


def _clean_table(documents: list[Document]) -> pa.Table:
    """Return documents as a table, their texts `clean`: nearly all are, and a whole column is looked at in one go."""
    try:
        table = table_of(documents)
    except UnicodeEncodeError:  # half of a surrogate pair
        table = None
    if table is None or any(map(_holds_controls, table.columns)):
        return table_of([sanitised(document) for document in documents])
    return table


def _holds_controls(column: pa.ChunkedArray) -> bool:
    texts = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    if not pa.types.is_string(texts.type):
        return False
    return any(_has_controls(np.frombuffer(chunk.buffers()[2] or b"", np.uint8)) for chunk in texts.chunks)


def _has_controls(signs: np.ndarray) -> bool:
    n_plain = np.count_nonzero(signs == ord("\n")) + np.count_nonzero(signs == ord("\t"))
    return bool(np.count_nonzero(signs < ord(" ")) != n_plain or (signs == _DELETE).any())


def failure_row(error: SourceError, sha256: str) -> dict[str, str]:
    """Return an error as a row of failures.parquet."""
    return {
        "source_path": clean(error.source_path),
        "source_sha256": sha256,
        "reader": error.reader,
        "error": type(error).__name__,
        "message": clean(str(error)),
        "hint": clean(error.hint),
    }


def clean(text: str) -> str:
    """Drop what no text file may hold: control characters but tab and line feed, and halves of surrogate pairs."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    # Looking for them among bytes costs a tenth of a regular expression over the text, and nearly never finds any.
    if len(encoded.translate(None, _SUSPECTS)) == len(encoded):
        return text
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def sanitised(document: Document) -> Document:
    """Return a document whose texts are `clean`."""
    changes: dict[str, Any] = {}
    for item in fields(document):
        value = getattr(document, item.name)
        if isinstance(value, str):
            cleaned: Any = clean(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], str):
            cleaned = tuple(map(clean, value))
        else:
            continue
        if cleaned != value:
            changes[item.name] = cleaned
    return replace(document, **changes) if changes else document


class Readings:
    """All readings of a workspace that were made with the same parameters."""

    def __init__(self, folder: Path, params: IngestParams) -> None:
        self.folder = folder
        self._pieces: dict[tuple[str, bool, str, int], tuple[Reading, int]] = {}
        wanted = artifacts.canonical_json(reading_params(params))
        for path in sorted(folder.glob("*.documents.parquet")):
            with suppress(ArtifactError):
                header = artifacts.read_header(path, kind=DOCUMENTS.kind)
                if header.metadata["params"] == wanted and not _lost(reading := _listed(path, header)):
                    self.add(reading)

    def add(self, reading: Reading) -> None:
        """Take in a reading that was made."""
        for index, entry in enumerate(reading.entries):
            self._pieces[entry.key] = (reading, index)

    def reading(self, key: tuple[str, bool, str, int]) -> Reading | None:
        """Return the reading of a piece that has been read."""
        place = self._pieces.get(key)
        return place[0] if place else None

    def of(self, file: InputFile, sha256: str) -> list[tuple[Reading, int]] | None:
        """Return the readings of a file, each with the index of its entry, in order; None when a part is missing."""
        found = []
        part = 0
        while place := self._pieces.get((file.shown, file.named, sha256, part)):
            found.append(place)
            if place[0].entries[place[1]].last:
                return found
            part += 1
        return None

    def sweep(self, used: Iterable[Reading]) -> None:
        """Delete all other readings."""
        names = {reading.name for reading in used}
        for path in self.folder.glob("*.parquet"):
            if path.name.split(".")[0] not in names:
                path.unlink(missing_ok=True)


def _lost(reading: Reading) -> bool:
    """Tell whether something failed in it that need not fail another day: it is tried again."""
    if not any(entry.n_failures for entry in reading.entries):
        return False
    errors = artifacts.read_table(reading.failures, kind=FAILURES.kind, columns=["error"])["error"]
    return not PASSING.isdisjoint(errors.to_pylist())


def _listed(path: Path, header: artifacts.Header) -> Reading:
    entries = [Entry((shown, named, digest, part), *rest) for shown, named, digest, part, *rest in header.json("files")]
    return Reading(path.parent, path.name.split(".")[0], tuple(entries))


def pieces_of(file: InputFile, sha256: str, *, part_bytes: int) -> Iterator[Piece]:
    """Cut a large archive or weekly file, in an order and at places that depend on its content alone.

    The last piece may be empty. A piece with a source that cannot be sent elsewhere must be read at once.
    """
    shrinks = 1 if readers.is_plain(file) else _SHRINKS
    held: list[Source | SourceError] = []
    part, n_held, shown_bytes = 0, 0, 0

    def piece(sources: Iterable[Source | SourceError], *, last: bool = False) -> Piece:
        nonlocal part, n_held, shown_bytes
        share = file.n_bytes - shown_bytes if last else min(n_held // shrinks, file.n_bytes - shown_bytes)
        made = Piece(file, sha256, part, last, tuple(sources), share)
        part, n_held, shown_bytes = part + 1, 0, shown_bytes + share
        return made

    for found in readers.open_file(file, sha256=sha256):
        source = _held(found)
        if isinstance(source, Source) and not source.portable:
            yield piece(held)
            yield piece([source])
            held = []
            continue
        held.append(source)
        n_held += source.n_bytes_held if isinstance(source, Source) else 0
        if n_held >= part_bytes or len(held) >= _PART_SOURCES:
            yield piece(held)
            held = []
    yield piece(held, last=True)


# How much smaller the text of patents is in an archive, for the progress bar.
_SHRINKS = 5
_PART_SOURCES = 1000


def _held(found: Source | SourceError) -> Source | SourceError:
    if isinstance(found, SourceError):
        return found
    try:
        return found.held(limits.SPOOL_BYTES)
    except SourceError as error:
        error.source_path = error.source_path or found.path
        return error
