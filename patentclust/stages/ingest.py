"""Files -> documents.parquet and failures.parquet. The only place where a SourceError becomes a row.

Documents are streamed; at no time are all of them in memory. Knows no patent format.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from patentclust import artifacts, readers
from patentclust.errors import SourceError
from patentclust.params import IngestParams, Resources
from patentclust.progress import Progress, Quiet, Task
from patentclust.readers import pdf_ocr
from patentclust.readers.columns import check_mapping
from patentclust.records import Document
from patentclust.schemas import DOCUMENTS, FAILURES
from patentclust.stages import Outcome
from patentclust.stages.relate import load_thesaurus, relate
from patentclust.workspace import Workspace

_BATCH_ROWS = artifacts.ROW_GROUP_ROWS
_BATCH_CHARS = 32 * 1024**2
# Row groups kept while repeats are merged: two copies of one folder are walked through in two places at once.
_CACHED_GROUPS = 4
_SHOWN_FAILURES = 3
_ALSO_READ = "also read from "
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?")
_TEXTS = ("title", "abstract", "description")


def run(
    workspace: Workspace,
    paths: Sequence[str | Path],
    params: IngestParams = IngestParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Read every document at the paths; what cannot be read becomes a row of failures.parquet.

    Documents stand in the order of their paths. A document met again is one row that keeps the richer of both.

    Raises:
        SourceError: nothing at all could be read.
        ConfigError: `params.mapping` names a field or column that does not exist.
        MissingExtraError: OCR is asked for and not installed.
    """
    check_mapping(params)
    if params.ocr:
        pdf_ocr.check_installed()
    inputs = _hashed(readers.find_files(paths), progress)
    thesaurus = load_thesaurus(workspace.thesaurus)
    stamp = _stamp(inputs, params, thesaurus)
    failed = replace(stamp, kind=FAILURES.kind)
    if artifacts.current(workspace.documents, stamp) and artifacts.current(workspace.failures, failed):
        return _current(workspace, len(inputs))
    ledger = _Ledger()
    # The workspace sweeps `*.tmp-*` after a run that was killed.
    spill = workspace.documents.with_name(f"{workspace.documents.name}.tmp-all")
    merged = workspace.documents.with_name(f"{workspace.documents.name}.tmp-merged")
    try:
        with artifacts.table_writer(spill, DOCUMENTS, stamp) as writer:
            _write_all(inputs, params, _Batches(writer), ledger, progress)
        artifacts.write_rows(workspace.failures, FAILURES, failed, ledger.failure_rows())
        if not ledger.n_documents:
            raise _nothing_read(paths, ledger)
        if ledger.repeats:
            with artifacts.table_writer(merged, DOCUMENTS, stamp) as writer:
                _merge_repeats(spill, _Batches(writer), ledger)
        with artifacts.table_writer(workspace.documents, DOCUMENTS, stamp) as writer:
            relate(merged if ledger.repeats else spill, writer, mode=params.family, thesaurus=thesaurus)
    finally:
        merged.unlink(missing_ok=True)
        spill.unlink(missing_ok=True)
    return _outcome(workspace, ledger.facts(len(inputs)), current=False)


@dataclass(frozen=True)
class _Input:
    """A file, or what is wrong with it, and its hash ("" where it cannot be read)."""

    found: readers.InputFile | SourceError
    sha256: str

    @property
    def shown(self) -> str:
        return self.found.source_path if isinstance(self.found, SourceError) else self.found.shown


@dataclass
class _Ledger:
    """What was met while reading: how often each document, and every failure."""

    n_documents: int = 0
    first_rows: dict[str, int] = field(default_factory=dict)
    repeats: dict[str, list[int]] = field(default_factory=dict)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)

    def note(self, document: Document) -> None:
        row = self.n_documents
        self.n_documents += 1
        first = self.first_rows.setdefault(document.doc_id, row)
        if first != row:
            self.repeats.setdefault(document.doc_id, [first]).append(row)

    def fail(self, error: SourceError, sha256: str) -> None:
        row = {
            "source_path": _clean(error.source_path),
            "source_sha256": sha256,
            "reader": error.reader,
            "error": type(error).__name__,
            "message": _clean(str(error)),
            "hint": _clean(error.hint),
        }
        # The path is the key: two failures of one part are one row.
        known = self.failures.setdefault(row["source_path"], row)
        if known is not row and row["message"] not in known["message"]:
            known["message"] += f"; {row['message']}"

    def failure_rows(self) -> list[dict[str, str]]:
        return list(self.failures.values())

    def facts(self, n_files: int) -> dict[str, int]:
        n_repeated = sum(len(rows) - 1 for rows in self.repeats.values())
        return {
            "files": n_files,
            "documents": self.n_documents - n_repeated,
            "failures": len(self.failures),
            "duplicates": n_repeated,
        }


class _Batches:
    """Collect rows and write them in row groups of bounded size."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._rows: list[dict[str, Any]] = []
        self._n_chars = 0

    def add(self, document: Document) -> None:
        self._rows.append({item.name: getattr(document, item.name) for item in fields(document)})
        self._n_chars += document.n_chars
        if len(self._rows) >= _BATCH_ROWS or self._n_chars >= _BATCH_CHARS:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._writer.write_table(
                pa.Table.from_pylist(self._rows, schema=DOCUMENTS.schema), row_group_size=_BATCH_ROWS
            )
        self._rows, self._n_chars = [], 0


def _hashed(found: list[readers.InputFile | SourceError], progress: Progress) -> list[_Input]:
    total = sum(item.n_bytes for item in found if isinstance(item, readers.InputFile))
    inputs = []
    with progress.task("checking", total=total, unit="bytes") as task:
        for item in found:
            if isinstance(item, SourceError):
                inputs.append(_Input(item, ""))
                continue
            try:
                inputs.append(_Input(item, item.sha256()))
            except SourceError as error:
                inputs.append(_Input(error, ""))
            task.advance(item.n_bytes)
    return inputs


def _stamp(inputs: list[_Input], params: IngestParams, thesaurus: dict[str, str]) -> artifacts.Stamp:
    listing = artifacts.canonical_json([(_clean(item.shown), item.sha256) for item in inputs])
    return artifacts.Stamp(
        kind=DOCUMENTS.kind,
        params={**asdict(params), "readers": readers.REVISION},
        inputs={
            "sources": sha256(listing.encode()).hexdigest(),
            "thesaurus": sha256(artifacts.canonical_json(thesaurus).encode()).hexdigest(),
        },
        libraries=("lxml", "pypdf", "pypdfium2"),
    )


def _write_all(
    inputs: list[_Input], params: IngestParams, batches: _Batches, ledger: _Ledger, progress: Progress
) -> None:
    total = sum(item.found.n_bytes for item in inputs if isinstance(item.found, readers.InputFile))
    with progress.task("reading", total=total, unit="bytes") as task:
        for item in inputs:
            if isinstance(item.found, SourceError):
                ledger.fail(item.found, item.sha256)
                continue
            for document in _documents(item.found, item.sha256, params, ledger):
                ledger.note(document)
                batches.add(document)
                _tell(task, ledger, 0)
            _tell(task, ledger, item.found.n_bytes)
    batches.flush()


def _documents(file: readers.InputFile, sha256: str, params: IngestParams, ledger: _Ledger) -> Iterator[Document]:
    for item in readers.read_file(file, params, sha256=sha256):
        if isinstance(item, SourceError):
            ledger.fail(item, sha256)
        else:
            yield _sanitised(item)


def _tell(task: Task, ledger: _Ledger, n_bytes: int) -> None:
    if n_bytes or ledger.n_documents % 100 == 0:
        task.advance(n_bytes, note=f"{ledger.n_documents:,} documents")


def _clean(text: str) -> str:
    """Drop what no text file may hold: control characters but tab and line feed, and halves of surrogate pairs."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def _sanitised(document: Document) -> Document:
    changes: dict[str, Any] = {}
    for item in fields(document):
        value = getattr(document, item.name)
        if isinstance(value, str):
            cleaned: Any = _clean(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], str):
            cleaned = tuple(map(_clean, value))
        else:
            continue
        if cleaned != value:
            changes[item.name] = cleaned
    return replace(document, **changes) if changes else document


class _Rows:
    """Fetch single rows of a Parquet file, a few row groups at a time in memory."""

    def __init__(self, parquet: pq.ParquetFile) -> None:
        self._parquet = parquet
        self._starts = [0]
        for index in range(parquet.num_row_groups):
            self._starts.append(self._starts[-1] + parquet.metadata.row_group(index).num_rows)
        self._cache: OrderedDict[int, pa.Table] = OrderedDict()

    def group(self, index: int) -> pa.Table:
        if index not in self._cache:
            self._cache[index] = self._parquet.read_row_group(index)
            if len(self._cache) > _CACHED_GROUPS:
                self._cache.popitem(last=False)
        self._cache.move_to_end(index)
        return self._cache[index]

    def __getitem__(self, row: int) -> Document:
        index = next(i for i, start in enumerate(self._starts[1:]) if row < start)
        return _document_of(self.group(index).slice(row - self._starts[index], 1).to_pylist()[0])

    def __iter__(self) -> Iterator[tuple[int, Document]]:
        row = 0
        for index in range(self._parquet.num_row_groups):
            for values in self.group(index).to_pylist():
                yield row, _document_of(values)
                row += 1


def _document_of(row: dict[str, Any]) -> Document:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Document(**values)


def _merge_repeats(spill: Path, batches: _Batches, ledger: _Ledger) -> None:
    """Copy all rows, each document once: where its first row stands, merged with the later ones."""
    with pq.ParquetFile(spill) as parquet:
        rows = _Rows(parquet)
        for number, document in rows:
            repeated = ledger.repeats.get(document.doc_id)
            if repeated is None:
                batches.add(document)
            elif repeated[0] == number:
                batches.add(_merged([document, *(rows[other] for other in repeated[1:])]))
    batches.flush()


def _merged(documents: list[Document]) -> Document:
    """Return the document with the most text, its gaps filled from the others."""
    best = max(documents, key=lambda document: document.n_chars)
    changes: dict[str, Any] = {}
    for other in documents:
        same_language = other.language == best.language or None in (other.language, best.language)
        for item in fields(best):
            name = item.name
            # Text in another language would make one document of two languages.
            fits = same_language or name not in (*_TEXTS, "claims", "independent")
            if fits and not getattr(best, name) and not changes.get(name) and getattr(other, name):
                changes[name] = getattr(other, name)
    paths = dict.fromkeys(document.source_path for document in documents)
    others = tuple(_ALSO_READ + path for path in paths if path != best.source_path)
    return replace(best, **{**changes, "warnings": best.warnings + others})


def _current(workspace: Workspace, n_files: int) -> Outcome:
    n_repeated = sum(
        warning.startswith(_ALSO_READ)
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
    return _outcome(workspace, facts, current=True)


def _outcome(workspace: Workspace, facts: dict[str, int], *, current: bool) -> Outcome:
    n_warned = sum(
        bool(warnings)
        for batch in artifacts.read_batches(workspace.documents, kind=DOCUMENTS.kind, columns=["warnings"])
        for warnings in batch.column("warnings").to_pylist()
    )
    notes = []
    if facts["failures"]:
        notes.append(f"{facts['failures']} could not be read: {workspace.failures} names each and why")
    return Outcome(
        stage="ingest",
        current=current,
        facts={**facts, "documents with warnings": n_warned},
        warnings=tuple(notes),
        outputs=(workspace.documents, workspace.failures),
    )


def _nothing_read(paths: Sequence[str | Path], ledger: _Ledger) -> SourceError:
    rows = ledger.failure_rows()
    given = ", ".join(Path(path).as_posix() for path in paths[:3]) or "no path"
    if not rows:
        return SourceError(f"there is no file to read at {given}", hint="give files, folders or archives of patents")
    reasons = "; ".join(f"{row['source_path']}: {row['message']}" for row in rows[:_SHOWN_FAILURES])
    more = f"; and {len(rows) - _SHOWN_FAILURES} more" if len(rows) > _SHOWN_FAILURES else ""
    return SourceError(
        f"nothing could be read at {given}: {len(rows)} failures: {reasons}{more}",
        hint=rows[0]["hint"] or "see failures.parquet",
    )
