"""Very many vectors, searched without looking at all: an inverted file, whose cells near the question are read.

Made once beside the vectors, by one thread, so that equal vectors give equal bytes. The only door to faiss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from patentclust import artifacts
from patentclust.analysis.neighbours import one_thread
from patentclust.progress import Progress

# So many numbers are looked at one by one in less than a tenth of a second: 128,000 vectors of 1,024.
SCANNED_VALUES = 2**27
# Of 2,048 cells for a million vectors; what this finds is written down in benchmarks/search.md.
_CELLS_READ = 256
_LEARNED_FROM = 40
_BLOCK_ROWS = 16_384
_SEED = 42
_INSTALL = "python -m pip install faiss-cpu"


@dataclass(frozen=True)
class Cells:
    """An inverted file over the rows of a matrix: which rows lie in which cell, and eight bits a number of each."""

    _index: Any

    def candidates(self, vector: np.ndarray, shown: np.ndarray, n: int) -> np.ndarray:
        """Return about the `n` rows nearest to a unit vector, of those `shown` (one flag a row), in no order."""
        import faiss

        # Where few rows are shown, as many of them are met only if more cells are read.
        n_read = min(self._index.nlist, math.ceil(_CELLS_READ * len(shown) / max(int(shown.sum()), 1)))
        selector = faiss.IDSelectorBitmap(np.packbits(shown, bitorder="little"))
        wanted = faiss.SearchParametersIVF(nprobe=n_read, sel=selector)
        _, rows = self._index.search(vector[None].astype(np.float32), n, params=wanted)
        return rows[0][rows[0] >= 0]


def open_cells(vectors: np.ndarray, path: Path, progress: Progress) -> Cells | None:
    """Open the index of these vectors, mapped from disk, after making it where it is missing.

    None where the vectors are few enough to be looked at one by one, or faiss is not installed.
    """
    if vectors.size <= SCANNED_VALUES:
        return None
    try:
        import faiss
    except ImportError:
        progress.note(f"all {len(vectors):,} passages are looked at; an index is faster: {_INSTALL}")
        return None
    if path.is_file():
        try:
            return Cells(faiss.read_index(str(path), faiss.IO_FLAG_MMAP))
        except RuntimeError:
            progress.note(f"{path} is damaged and made again")
    with artifacts.atomic_path(path) as attempt:
        _make(vectors, attempt, progress)
    return Cells(faiss.read_index(str(path), faiss.IO_FLAG_MMAP))


def _make(vectors: np.ndarray, path: Path, progress: Progress) -> None:
    import faiss

    n_rows, dim = vectors.shape
    n_cells = 2 ** round(math.log2(2 * math.sqrt(n_rows)))
    index = faiss.index_factory(dim, f"IVF{n_cells},SQ8", faiss.METRIC_INNER_PRODUCT)
    n_learned = min(n_rows, _LEARNED_FROM * n_cells)
    rows = np.sort(np.random.default_rng(_SEED).choice(n_rows, n_learned, replace=False))
    with one_thread(), progress.task("indexing vectors", total=n_rows, unit="passages") as task:
        index.train(vectors[rows])
        for start in range(0, n_rows, _BLOCK_ROWS):
            block = np.asarray(vectors[start : start + _BLOCK_ROWS])
            index.add(block)
            task.advance(len(block))
    faiss.write_index(index, str(path))
