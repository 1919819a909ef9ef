"""embeddings/retrieve/ -> search/: the passages as they are searched, vectors and words, mapped from disk.

The folder is made from the passages and the documents when either has changed, and may be deleted. The only door to
bm25s.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from patentclust import artifacts
from patentclust.analysis.retrieval import best, words
from patentclust.analysis.segment import installed, segmenters
from patentclust.analysis.texts import text_sha256
from patentclust.artifacts import Header, canonical_json
from patentclust.errors import ArtifactError
from patentclust.params import PASSAGE_TASK, EmbedParams
from patentclust.progress import Progress
from patentclust.schemas import counted
from patentclust.stages import StageState, cells
from patentclust.stages.atlas import embedded_as
from patentclust.stages.cells import Cells
from patentclust.stages.units import read_texts, read_wholes
from patentclust.stages.wholes import Wholes, open_wholes, write_wholes
from patentclust.workspace import Workspace

# What an index is made of besides its inputs; a change makes it anew.
_REVISION = 3
_BLOCK_ROWS = 8_192
_COUNTS = "counts.json"
_HINT = f"run: patentclust embed --task {PASSAGE_TASK}"


@dataclass(frozen=True)
class Coverage:
    """How much of the documents is searched; units (families or documents) without text have no passages.

    Attributes:
        passages: passages that have a vector.
        of_passages: passages that all texts have.
        units: units with a vector for at least one passage.
        of_units: units with text.
        failed: passages that were tried and got no vector.
    """

    passages: int
    of_passages: int
    units: int
    of_units: int
    failed: int

    @property
    def is_whole(self) -> bool:
        """Tell whether every passage was embedded, or at least tried."""
        return self.passages + self.failed == self.of_passages

    def sentences(self) -> list[str]:
        """Return what a reader of answers must know; nothing where all is searched."""
        told = []
        if not self.is_whole:
            told.append(
                f"only {self.passages:,} of {counted(self.of_passages, 'passage')}, of {self.units:,} of"
                f" {counted(self.of_units, 'unit')}, are embedded and searched; {_HINT}"
            )
        if self.failed:
            told.append(f"not searched, for want of a vector: {counted(self.failed, 'passage')}")
        return told


@dataclass(frozen=True)
class Passages:
    """All passages, a row each, in the order of the documents.

    Attributes:
        header: metadata of the vectors; params and model are the same in all.
        parents: ids of the families or documents that have passages, in order.
        owners: for each row, the place of its parent in `parents`.
        spans: shape (n, 2), first character and the one after the last.
        vectors: shape (n, dim), float32, unit length, mapped from disk.
        cells: an index of the vectors, None where all of them are looked at.
        coverage: how much of the documents they are.
    """

    header: Header
    parents: list[str]
    owners: np.ndarray
    spans: np.ndarray
    vectors: np.ndarray
    cells: Cells | None
    coverage: Coverage
    _wholes: Wholes
    _bm25: Any

    def nearest(
        self, vector: np.ndarray, n: int, *, shown: np.ndarray | None = None, exact: bool = False
    ) -> np.ndarray:
        """Return the `n` rows nearest to a unit vector, of those `shown` (one flag a row), nearest first.

        All that are shown are looked at if `exact`; else, where there are cells, only while these are no more than
        cells.SCANNED_VALUES numbers.
        """
        if shown is None:
            shown = np.ones(len(self.vectors), bool)
        if exact or self.cells is None:
            return best(np.where(shown, self.by_meaning(vector), -np.inf), n)
        if shown.sum() * self.vectors.shape[1] > cells.SCANNED_VALUES:
            rows = np.sort(self.cells.candidates(vector, shown, n))
        else:
            rows = np.flatnonzero(shown)
        # By blocks: rows taken from here and there are copied.
        blocks = np.array_split(rows, len(rows) // _BLOCK_ROWS + 1)
        similarities = np.concatenate([self.by_meaning(vector, block) for block in blocks])
        return rows[best(similarities, n)]

    def by_meaning(self, vector: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the cosine of rows to a unit vector."""
        # Rounded, so that equal vectors tie whatever the order of a sum was.
        return np.round(self.vectors[rows] @ vector.astype(np.float32), 6)

    def by_words(self, query: str) -> np.ndarray:
        """Return the BM25 score of every row; 0 where no word of the query occurs."""
        known = [word for word in words(query, None, segmenters()) if word in self._bm25.vocab_dict]
        scores = self._bm25.get_scores(known) if known else np.zeros(len(self.owners))
        return np.round(scores, 5)

    def text(self, row: int) -> str:
        """Return a passage."""
        start, stop = self.spans[row]
        return self._wholes.text(int(self.owners[row]))[start:stop]

    @property
    def params(self) -> EmbedParams:
        """Return how the passages were embedded."""
        return embedded_as(self.header)


def open_passages(workspace: Workspace, progress: Progress) -> Passages:
    """Open the passages of a workspace, after making what is searched where it is missing or old.

    Raises:
        ArtifactError: none were embedded, or the documents have changed since.
    """
    paths = workspace.shards(PASSAGE_TASK)
    if not paths:
        raise ArtifactError(f"{workspace.root} has no passages to search", hint=_HINT)
    headers = [artifacts.read_header(path, kind="embeddings") for path in paths]
    if any(header.metadata[key] != headers[0].metadata[key] for header in headers for key in ("params", "model")):
        raise ArtifactError("the passages were embedded by different models or parameters", hint=_HINT)
    folder = workspace.search / _fingerprint(workspace, paths)
    if not folder.is_dir():
        _make(workspace, paths, folder, progress)
    return _open(paths, headers[0], folder, progress)


def look(workspace: Workspace) -> StageState:
    """Look at the passages and their index, by fingerprints and counts; texts are read where no index counted them.

    Raises:
        ArtifactError: the passages or the documents are damaged.
    """
    paths = workspace.shards(PASSAGE_TASK)
    if not paths:
        return StageState("search", "missing", f"no passages; {_HINT}")
    folder = workspace.search / _fingerprint(workspace, paths)
    header = artifacts.read_header(paths[0], kind="embeddings")
    if folder.is_dir():
        count = _counted(folder)
        told = f"{header.json('model')['name']}, passages of {counted(count.units, 'unit')}"
        state, detail = "current" if count.is_whole else "stale", "; ".join(count.sentences()) or told
    else:
        n_with, n_all = len(_read_owners(paths)[0]), _n_with_text(workspace, EmbedParams(**header.json("params")))
        known = workspace.search.is_dir() and any(workspace.search.iterdir())
        state = "stale" if known or n_with < n_all else "current"
        made = "the documents or the passages changed since the index was made" if known else "no index yet"
        more = f"; {_HINT}" if n_with < n_all else ""
        detail = f"passages of {n_with:,} of {counted(n_all, 'unit')}{more}; {made}: the next search makes it"
    n_rows = sum(artifacts.read_header(path, kind="embeddings").n_rows for path in paths)
    n_bytes = sum(path.stat().st_size for path in [*paths, *workspace.search.rglob("*")] if path.is_file())
    return StageState("search", state, detail, n_rows, n_bytes, artifacts.embeddings_fingerprint(paths))


def _n_with_text(workspace: Workspace, params: EmbedParams) -> int:
    """Return how many units have passages when all are embedded; of whole texts the short fields tell as much."""
    told_by = replace(params, text="tac") if params.text == "full" else params
    return sum(bool(whole.text) for whole in read_wholes(workspace, told_by))


def _counted(folder: Path) -> Coverage:
    return Coverage(**json.loads((folder / _COUNTS).read_text("utf-8")))


def _fingerprint(workspace: Workspace, paths: list[Path]) -> str:
    made_of = {
        "revision": _REVISION,
        "documents": artifacts.read_header(workspace.documents, kind="documents").fingerprint,
        "passages": artifacts.embeddings_fingerprint(paths),
        "segmenters": sorted(installed()),
    }
    return hashlib.sha256(canonical_json(made_of).encode()).hexdigest()[:16]


def _open(paths: list[Path], header: Header, folder: Path, progress: Progress) -> Passages:
    import bm25s

    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    parents, owners, spans = _read_owners(paths)
    return Passages(
        header=header,
        parents=parents,
        owners=owners,
        spans=spans,
        vectors=vectors,
        cells=cells.open_cells(vectors, folder / "cells.faiss", progress),
        coverage=_counted(folder),
        _wholes=open_wholes(folder),
        _bm25=bm25s.BM25.load(folder / "words", mmap=True),
    )


def _read_owners(paths: list[Path]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return whose passages there are, in order, and each passage's owner by number and its span."""
    parents: dict[str, int] = {}
    owners, spans = [], []
    for path in paths:
        table = artifacts.read_table(path, kind="embeddings", columns=["parent_id", "start", "stop"])
        owners += [parents.setdefault(parent, len(parents)) for parent in table["parent_id"].to_pylist()]
        spans.append(np.column_stack([table["start"].to_numpy(), table["stop"].to_numpy()]))
    return list(parents), np.array(owners), np.concatenate(spans)


def _make(workspace: Workspace, paths: list[Path], folder: Path, progress: Progress) -> None:
    """Make the index beside its place and rename it, so that a folder that exists is whole; drop older ones."""
    attempt = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    try:
        attempt.mkdir(parents=True)
        _write_vectors(paths, attempt / "vectors.npy")
        count = _write_words(workspace, paths, attempt / "words", progress)
        (attempt / _COUNTS).write_text(canonical_json(asdict(count)), "utf-8")
        write_wholes(_whole_texts(workspace, paths), attempt)
        if not folder.is_dir():
            attempt.rename(folder)
    except OSError as error:
        raise ArtifactError(
            f"cannot write {folder}: {error.strerror or error}", hint="free space on that disk"
        ) from error
    finally:
        shutil.rmtree(attempt, ignore_errors=True)
    for older in workspace.search.iterdir():
        if older != folder and ".part-" not in older.name:
            shutil.rmtree(older, ignore_errors=True)


def _write_vectors(paths: list[Path], path: Path) -> None:
    n_rows = sum(artifacts.read_header(shard, kind="embeddings").n_rows for shard in paths)
    out: np.memmap | None = None
    row = 0
    for shard in paths:
        column = artifacts.read_table(shard, kind="embeddings", columns=["vector"])["vector"].combine_chunks()
        vectors = column.values.to_numpy(zero_copy_only=False).reshape(len(column), -1).astype(np.float32)
        if out is None:
            shape = (n_rows, vectors.shape[1])
            out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        out[row : row + len(vectors)] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        row += len(vectors)
    if out is not None:
        out.flush()


def _write_words(workspace: Workspace, paths: list[Path], folder: Path, progress: Progress) -> Coverage:
    import bm25s

    vocabulary: dict[str, int] = {}
    counted = []
    headers = [artifacts.read_header(path, kind="embeddings") for path in paths]
    n_rows = sum(header.n_rows for header in headers)
    all_of = Counter[str]()
    with progress.task("indexing words", total=n_rows, unit="passages") as task:
        for text in _embedded_texts(workspace, paths, all_of):
            found = words(text, None, segmenters())
            counted.append([vocabulary.setdefault(word, len(vocabulary)) for word in found])
            task.advance()
    index = bm25s.BM25(method="lucene")
    index.index((counted, vocabulary or {"": 0}), create_empty_token=True, show_progress=False)
    index.save(folder)
    n_failed = len(artifacts.failed_units(headers))
    return Coverage(n_rows, all_of.total(), len(_read_owners(paths)[0]), len(all_of), n_failed)


def _embedded_texts(workspace: Workspace, paths: list[Path], all_of: Counter[str]) -> Iterator[str]:
    """Yield the text of every row, passing over texts without a vector; `all_of` counts the passages of each text."""
    params = EmbedParams(**artifacts.read_header(paths[0], kind="embeddings").json("params"))
    texts = _tallied(read_texts(workspace, params), all_of)
    for path in paths:
        rows = artifacts.read_table(path, kind="embeddings", columns=["unit_id", "text_sha256"])
        for unit_id, digest in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            text = next((text for passage_id, text in texts if passage_id == unit_id), None)
            if text is None or text_sha256(text) != digest:
                raise ArtifactError(f"the documents have changed since {unit_id} was embedded", hint=_HINT)
            yield text
    for _ in texts:  # what comes after the last row is counted too
        pass


def _tallied(texts: Iterator[tuple[str, str]], all_of: Counter[str]) -> Iterator[tuple[str, str]]:
    for passage_id, text in texts:
        all_of[passage_id.rpartition("#")[0]] += 1
        yield passage_id, text


def _whole_texts(workspace: Workspace, paths: list[Path]) -> Iterator[str]:
    """Yield the texts that passages are of, in the order of `parents`; both come in the order of the documents."""
    params = EmbedParams(**artifacts.read_header(paths[0], kind="embeddings").json("params"))
    wholes = read_wholes(workspace, params)
    for parent in _read_owners(paths)[0]:
        yield next(whole.text for whole in wholes if whole.unit_id == parent)
