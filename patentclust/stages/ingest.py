"""Files -> documents.parquet and failures.parquet. The only place where a SourceError becomes a row.

    files ──read, in parallel, what is new──▶ readings ──repeats merged──▶ ──families, names──▶ documents

Documents are streamed; at no time are all of them in memory. Knows no patent format.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from patentclust import artifacts, engines, readers
from patentclust.errors import ArtifactError, ConfigError, SourceError
from patentclust.params import IngestParams, Resources
from patentclust.progress import Progress, Quiet
from patentclust.readers import InputFile, pdf_ocr
from patentclust.readers.columns import check_mapping, check_scopes
from patentclust.schemas import DOCUMENTS, FAILURES, counted
from patentclust.stages import Outcome
from patentclust.stages.join import Facts, Table, find_tables, joined_tables
from patentclust.stages.reading import (
    LIGHT,
    PASSING,
    READ,
    Piece,
    Reading,
    Readings,
    ReadTask,
    clean,
    failure_row,
    pieces_of,
    read_task,
    without_item,
)
from patentclust.stages.relate import load_thesaurus, relate
from patentclust.stages.repeats import ALSO_READ, Rows, Slice, find_repeats, merge_repeats, regrouped
from patentclust.workspace import Workspace

# A worker costs half a second to start.
_POOL_BYTES = 1024**2
# What one task reads: large enough that little is lost between tasks, small enough for memory and progress.
_PART_BYTES = 4 * 1024**2
_GROUP_BYTES = 256 * 1024
_GROUP_FILES = 256
_SHOWN_FAILURES = 3


def run(
    workspace: Workspace,
    paths: Sequence[str | Path],
    params: IngestParams = IngestParams(),
    *,
    metadata: Sequence[str | Path] = (),
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Read every document at the paths; what cannot be read becomes a row of failures.parquet.

    Documents stand in the order of their paths. A document met again is one row that keeps the richer of both. Files
    that were read before and have not changed are not read again. Tables of `metadata` fill gaps of documents with the
    same publication number.

    Raises:
        SourceError: nothing at all could be read, or nothing of a table of metadata.
        ConfigError: `params.mapping` names a field or column that does not exist.
        MissingExtraError: OCR is asked for and not installed.
    """
    artifacts.use_lean_memory()
    check_params(params)
    inputs = _hashed(readers.find_files(paths), resources, progress)
    thesaurus = load_thesaurus(workspace.thesaurus)
    tables = find_tables(metadata)
    _check_scopes(params, [*(item.found for item in inputs), *(table.file for table in tables)])
    stamp = _stamp(inputs, params, thesaurus, tables)
    failed = replace(stamp, kind=FAILURES.kind)
    if _is_current(workspace, stamp, failed):
        return _current(workspace, len(inputs))
    before = _numbers(workspace)
    readings = Readings(workspace.readings, params)
    _read_missing(inputs, readings, params, resources=resources, progress=progress)
    collected = _collect(inputs, readings)
    facts_of = Facts(tables, params, collected.rows)
    failures = [*collected.failures, *facts_of.failures]
    if len(collected.rows) or (failures and not before):
        artifacts.write_rows(workspace.failures, FAILURES, failed, failures)
    if not len(collected.rows):
        raise _nothing_read(paths, collected.failures, spared=bool(before))
    with (
        _settled(workspace, collected.rows, facts_of, stamp) as (rows, n_repeated),
        artifacts.table_writer(workspace.documents, DOCUMENTS, stamp) as writer,
        progress.task("writing", total=len(rows), unit="documents") as task,
    ):
        relate(rows, writer, mode=params.family, thesaurus=thesaurus, task=task)
    readings.sweep(collected.readings)
    facts = {"files": len(inputs), "documents": len(rows), "failures": len(failures), "duplicates": n_repeated}
    notes = [f"of no document here: {counted(facts_of.n_unused, 'row')} of --metadata"] if facts_of.n_unused else []
    if n_gone := len(before - _numbers(workspace)):
        notes.append(
            f"in none of these paths: {counted(n_gone, 'document')} of the last ingest; name the old paths too to keep"
        )
    return _outcome(workspace, facts, notes, current=False)


def check_params(params: IngestParams) -> None:
    """Refuse what no file could be read with, before any is.

    Raises:
        ConfigError: `params.mapping` names a field that does not exist.
        MissingExtraError: OCR is asked for and not installed.
    """
    check_mapping(params)
    if params.ocr:
        pdf_ocr.check_installed()


def check_paths(paths: Sequence[str | Path]) -> None:
    """Refuse paths that do not exist, before anything is read or written for the others.

    Raises:
        ConfigError: one does not.
    """
    missing = [Path(path).as_posix() for path in paths if not os.path.lexists(path)]
    if missing:
        raise ConfigError(
            f"there is no such file or folder: {', '.join(missing)}", hint="check the path; nothing was read"
        )


@dataclass(frozen=True)
class _Input:
    """A file, or what is wrong with it, its hash ("" where it cannot be read) and its size."""

    found: InputFile | SourceError
    sha256: str
    n_bytes: int = 0

    @property
    def shown(self) -> str:
        return self.found.source_path if isinstance(self.found, SourceError) else self.found.shown


@dataclass(frozen=True)
class _Collected:
    """All that was read, in the order of the files: rows with their repeats, and failures, each path once."""

    rows: Rows
    failures: list[dict[str, str]]
    readings: list[Reading]


def _hashed(found: list[InputFile | SourceError], resources: Resources, progress: Progress) -> list[_Input]:
    total = sum(item.n_bytes for item in found if isinstance(item, InputFile))
    inputs = []
    # Hashing leaves Python's lock, so threads are enough.
    with (
        progress.task("checking", total=total, unit="bytes") as task,
        ThreadPoolExecutor(resources.n_workers) as threads,
    ):
        for item in threads.map(_hash, found):
            inputs.append(item)
            task.advance(item.n_bytes)
    return inputs


def _hash(found: InputFile | SourceError) -> _Input:
    if isinstance(found, SourceError):
        return _Input(found, "")
    try:
        return _Input(found, found.sha256(), found.n_bytes)
    except SourceError as error:
        return _Input(error, "", found.n_bytes)


def _check_scopes(params: IngestParams, found: list[InputFile | SourceError]) -> None:
    files = [item for item in found if isinstance(item, InputFile)]
    # What an archive holds is not known yet.
    if params.mapping and all(map(readers.is_plain, files)):
        check_scopes(params, [file.shown for file in files])


def _stamp(
    inputs: list[_Input], params: IngestParams, thesaurus: dict[str, str], tables: list[Table]
) -> artifacts.Stamp:
    listing = artifacts.canonical_json([(clean(item.shown), item.sha256) for item in inputs])
    inputs_of = {
        "sources": sha256(listing.encode()).hexdigest(),
        "thesaurus": sha256(artifacts.canonical_json(thesaurus).encode()).hexdigest(),
    }
    if tables:
        inputs_of["metadata"] = sha256(" ".join(table.sha256 for table in tables).encode()).hexdigest()
    return artifacts.Stamp(
        kind=DOCUMENTS.kind,
        params={**asdict(params), "readers": readers.REVISION},
        inputs=inputs_of,
        libraries=("lxml", "py3langid", "pypdf", "pypdfium2"),
    )


def _is_current(workspace: Workspace, documents: artifacts.Stamp, failures: artifacts.Stamp) -> bool:
    """Tell whether all is done; what failed and need not fail another day is tried again."""
    if not (artifacts.current(workspace.documents, documents) and artifacts.current(workspace.failures, failures)):
        return False
    errors = artifacts.read_table(workspace.failures, kind=FAILURES.kind, columns=["error"])["error"]
    return PASSING.isdisjoint(errors.to_pylist())


def _read_missing(
    inputs: list[_Input], readings: Readings, params: IngestParams, *, resources: Resources, progress: Progress
) -> None:
    """Make the readings that are not there yet."""
    files = [(item.found, item.sha256) for item in inputs if isinstance(item.found, InputFile)]
    missing = [(file, digest) for file, digest in files if readings.of(file, digest) is None]
    if len(missing) < len(files):
        progress.note(f"{len(files) - len(missing):,} of {len(files):,} files are as they were and not read again")
    total = sum(file.n_bytes for file, _ in missing)
    n_workers = resources.n_workers if total >= _POOL_BYTES else 1
    group_bytes = min(_PART_BYTES, max(_GROUP_BYTES, total // (8 * n_workers)))
    n_files, n_documents = 0, 0
    with progress.task("reading", total=total, unit="bytes") as task:

        def done(reading: Reading) -> None:
            nonlocal n_files, n_documents
            readings.add(reading)
            n_files += sum(entry.last for entry in reading.entries)
            n_documents += sum(entry.n_documents for entry in reading.entries)
            n_bytes = sum(entry.n_bytes for entry in reading.entries)
            task.advance(n_bytes, note=f"{n_files:,} files, {n_documents:,} documents")

        tasks = _tasks(missing, readings, params, group_bytes=group_bytes, done=done)
        for reading in engines.run(read_task, tasks, n_workers=n_workers, revise=without_item):
            done(reading)


def _tasks(
    missing: list[tuple[InputFile, str]],
    readings: Readings,
    params: IngestParams,
    *,
    group_bytes: int,
    done: Callable[[Reading], None],
) -> Iterator[ReadTask]:
    """Yield what is to be read: small files in groups, large archives and weekly files in parts."""
    group: list[Piece] = []
    for file, digest in missing:
        if file.n_bytes <= _PART_BYTES or not readers.is_divisible(file):
            group.append(Piece(file, digest, n_bytes=file.n_bytes))
            if len(group) >= _GROUP_FILES or sum(piece.n_bytes for piece in group) >= group_bytes:
                yield ReadTask(tuple(group), readings.folder, params)
                group = []
            continue
        for piece in pieces_of(file, digest, part_bytes=_PART_BYTES):
            task = ReadTask((piece,), readings.folder, params)
            if (known := readings.reading(piece.key)) is not None:
                done(known)
            elif piece.is_portable:
                yield task
            else:
                done(read_task(task, lambda _: None))
    if group:
        yield ReadTask(tuple(group), readings.folder, params)


def _collect(inputs: list[_Input], readings: Readings) -> _Collected:
    slices: list[Slice] = []
    used: dict[str, Reading] = {}
    failures: dict[str, dict[str, str]] = {}
    for item in inputs:
        if isinstance(item.found, SourceError):
            _note_failure(failures, failure_row(item.found, item.sha256))
            continue
        n_found = 0
        for reading, place in readings.of(item.found, item.sha256) or ():
            used[reading.name] = reading
            documents, rows = reading.documents_of(place), reading.failures_of(place)
            slices.append(Slice(reading.documents, *documents))
            n_found += documents[1] + len(rows)
            for row in rows:
                _note_failure(failures, row)
        if not n_found and (error := readers.nothing_read(item.found)):
            _note_failure(failures, failure_row(error, item.sha256))
    return _Collected(Rows(slices), list(failures.values()), list(used.values()))


def _note_failure(failures: dict[str, dict[str, str]], row: dict[str, str]) -> None:
    # The path is the key: two failures of one part are one row.
    known = failures.setdefault(row["source_path"], row)
    if known is not row and row["message"] not in known["message"]:
        known["message"] += f"; {row['message']}"


@contextmanager
def _settled(workspace: Workspace, rows: Rows, facts: Facts, stamp: artifacts.Stamp) -> Iterator[tuple[Rows, int]]:
    """Give the rows, each document once and its gaps filled, and how many were repeats."""
    # The workspace sweeps `*.tmp-*` after a run that was killed.
    merged, joined = (
        workspace.documents.with_name(f"{workspace.documents.name}.tmp-{n}") for n in ("merged", "joined")
    )
    try:
        rows, n_repeated = _merge(rows, merged, stamp)
        yield _join(rows, facts, joined, stamp), n_repeated
    finally:
        merged.unlink(missing_ok=True)
        joined.unlink(missing_ok=True)


def _merge(rows: Rows, merged: Path, stamp: artifacts.Stamp) -> tuple[Rows, int]:
    """Return the rows, each document once, and how many rows were repeats."""
    repeats = find_repeats(rows)
    if not repeats:
        return rows, 0
    n_repeated = sum(places[0] != row for row, places in repeats.items())
    with artifacts.table_writer(merged, READ, stamp, compression=LIGHT) as writer:
        merge_repeats(rows, repeats, writer)
    return Rows([Slice(merged, 0, len(rows) - n_repeated)]), n_repeated


def _join(rows: Rows, facts: Facts, joined: Path, stamp: artifacts.Stamp) -> Rows:
    """Return the rows with their gaps filled from tables of facts."""
    if not facts:
        return rows
    with artifacts.table_writer(joined, READ, stamp, compression=LIGHT) as writer:
        for table in regrouped(joined_tables(rows, facts)):
            writer.write_table(table, row_group_size=artifacts.ROW_GROUP_ROWS)
    return Rows([Slice(joined, 0, len(rows))])


def _current(workspace: Workspace, n_files: int) -> Outcome:
    n_repeated = sum(
        warning.startswith(ALSO_READ)
        for batch in artifacts.read_batches(workspace.documents, kind=DOCUMENTS.kind, columns=["warnings"])
        for warnings in batch.column("warnings").to_pylist()
        for warning in warnings
    )
    facts = {
        "files": n_files,
        "documents": artifacts.read_header(workspace.documents, kind=DOCUMENTS.kind).n_rows,
        "failures": artifacts.read_header(workspace.failures, kind=FAILURES.kind).n_rows,
        "duplicates": n_repeated,
    }
    return _outcome(workspace, facts, [], current=True)


def _outcome(workspace: Workspace, facts: dict[str, int], notes: list[str], *, current: bool) -> Outcome:
    n_warned = sum(
        bool(warnings)
        for batch in artifacts.read_batches(workspace.documents, kind=DOCUMENTS.kind, columns=["warnings"])
        for warnings in batch.column("warnings").to_pylist()
    )
    if facts["failures"]:
        notes = [*notes, f"{facts['failures']} could not be read: {workspace.failures} names each and why"]
    return Outcome(
        stage="ingest",
        current=current,
        facts={**facts, "documents with warnings": n_warned},
        warnings=tuple(notes),
        outputs=(workspace.documents, workspace.failures),
    )


def _numbers(workspace: Workspace) -> set[str]:
    """Return the documents that are there; none where the file cannot be read."""
    try:
        table = artifacts.read_table(workspace.documents, kind=DOCUMENTS.kind, columns=["doc_id"])
    except ArtifactError:
        return set()
    return set(table["doc_id"].to_pylist())


def _nothing_read(paths: Sequence[str | Path], rows: list[dict[str, str]], *, spared: bool) -> SourceError:
    given = ", ".join(Path(path).as_posix() for path in paths[:3]) or "no path"
    if not rows:
        return SourceError(f"there is no file to read at {given}", hint="give files, folders or archives of patents")
    reasons = "; ".join(f"{row['source_path']}: {row['message']}" for row in rows[:_SHOWN_FAILURES])
    more = f"; and {len(rows) - _SHOWN_FAILURES} more" if len(rows) > _SHOWN_FAILURES else ""
    told = "the documents that are here are left as they are" if spared else "failures.parquet names all"
    return SourceError(
        f"nothing could be read at {given}: {counted(len(rows), 'failure')}: {reasons}{more}",
        hint="; ".join(filter(None, [rows[0]["hint"], told])),
    )
