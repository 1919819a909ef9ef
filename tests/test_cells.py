"""The index of very many vectors: what it finds beside looking at all, whatever the filter, the same each time."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from patentclust import pipeline
from patentclust.cli import app
from patentclust.params import EmbedParams
from patentclust.progress import Quiet
from patentclust.stages import cells, passages
from patentclust.stages.cells import Cells
from patentclust.stages.similar import Where
from patentclust.workspace import Workspace
from tests.corpora import rows, workspace_with, write_documents

faiss = pytest.importorskip("faiss", reason="the extra `index` is not installed")

N, DIM = 4000, 32


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rng = np.random.default_rng(3)
    made = rng.standard_normal((40, DIM))[rng.integers(0, 40, N)] + 0.7 * rng.standard_normal((N, DIM))
    made[7] = made[8]
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def every_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "SCANNED_VALUES", 0)
    monkeypatch.setattr(cells, "_CELLS_READ", 12)


def opened(vectors: np.ndarray, path: Path) -> Cells:
    found = cells.open_cells(vectors, path, Quiet())
    assert found is not None
    return found


@pytest.mark.parametrize("share", [1.0, 0.3, 0.01])
def test_most_of_the_nearest_are_found_under_any_filter(
    vectors: np.ndarray, tmp_path: Path, every_index: None, share: float
) -> None:
    index = opened(vectors, tmp_path / "cells.faiss")
    shown = np.random.default_rng(5).random(N) < share
    hits = []
    for row in range(0, N, 40):
        expected = np.argsort(np.where(shown, -(vectors @ vectors[row]), np.inf), kind="stable")[:10]
        found = index.candidates(vectors[row], shown, 100)
        assert shown[found].all() and len(set(found)) == len(found) >= 10
        hits.append(np.isin(expected, found).mean())
    assert np.mean(hits) > 0.95


def test_the_index_is_the_same_bytes_whatever_the_threads(
    vectors: np.ndarray, tmp_path: Path, every_index: None
) -> None:
    threads = faiss.omp_get_max_threads()
    try:
        for n in (1, 4):
            faiss.omp_set_num_threads(n)
            opened(vectors, tmp_path / str(n))
    finally:
        faiss.omp_set_num_threads(threads)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "4").read_bytes()


@pytest.mark.parametrize("left", [0, 1000])
def test_a_damaged_index_is_made_again(vectors: np.ndarray, tmp_path: Path, every_index: None, left: int) -> None:
    path = tmp_path / "cells.faiss"
    opened(vectors, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    opened(vectors, path)
    assert path.read_bytes() == whole


def test_few_vectors_are_looked_at_one_by_one(vectors: np.ndarray, tmp_path: Path) -> None:
    assert cells.open_cells(vectors, tmp_path / "cells.faiss", Quiet()) is None
    assert not list(tmp_path.iterdir())


@pytest.fixture
def searchable(tmp_path: Path, minilm: Path) -> Workspace:
    workspace = workspace_with(tmp_path / "out", 24)
    pipeline.embed(workspace, EmbedParams(model="minilm", task="retrieve"))
    return workspace


def test_a_search_by_the_index_gives_what_looking_at_all_gives(searchable: Workspace, every_index: None) -> None:
    wheres = [Where(top=5), Where(top=3, office="US"), Where(office="CN")]
    question = "lithium battery cathode"
    by_index = [pipeline.search(searchable, question, where=where).hits for where in wheres]
    (folder,) = searchable.search.iterdir()
    assert (folder / "cells.faiss").exists()
    cells.SCANNED_VALUES = 2**27  # undone by the fixture
    assert by_index == [pipeline.search(searchable, question, where=where).hits for where in wheres]
    assert [len(found) for found in by_index] == [5, 3, 0]


def test_an_exact_search_does_not_ask_the_index(
    searchable: Workspace, every_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    question, where = "lithium battery cathode", Where(top=5)
    command = ["search", question, "--top", "5", "--json", "-w", str(searchable.root)]
    by_index = pipeline.search(searchable, question, where=where).hits
    monkeypatch.setattr(Cells, "candidates", lambda *_: pytest.fail("the index was asked"))
    assert pipeline.search(searchable, question, where=where, exact=True).hits == by_index
    told = CliRunner().invoke(app, [*command, "--exact"])
    assert told.exit_code == 0, told.output
    assert [hit["doc_id"] for hit in json.loads(told.stdout)] == [hit.doc_id for hit in by_index]


def test_an_exact_search_finds_what_the_index_misses(
    searchable: Workspace, every_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "_CELLS_READ", 1)
    library = passages.open_passages(searchable, Quiet())
    expected = np.argsort(-(library.vectors @ library.vectors[0]), kind="stable")[:60]
    assert set(library.nearest(library.vectors[0], 60, exact=True)) == set(expected)
    assert not set(expected) <= set(library.nearest(library.vectors[0], 60))


def test_what_a_filter_leaves_few_of_is_looked_at_one_by_one(
    searchable: Workspace, every_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = passages.open_passages(searchable, Quiet())
    assert library.cells is not None
    shown = np.arange(len(library.vectors)) % 3 == 0
    monkeypatch.setattr(cells, "SCANNED_VALUES", int(shown.sum()) * library.vectors.shape[1])
    library = replace(library, cells=Cells(None))  # there is nothing in it to ask
    expected = np.flatnonzero(shown)[np.argsort(-library.by_meaning(library.vectors[0])[shown], kind="stable")]
    assert library.nearest(library.vectors[0], 5, shown=shown).tolist() == expected[:5].tolist()


def test_other_passages_get_another_index(searchable: Workspace, every_index: None) -> None:
    before = passages.open_passages(searchable, Quiet())
    write_documents(searchable, rows(12, seed=8), tag="b")
    pipeline.embed(searchable, EmbedParams(model="minilm", task="retrieve"))
    after = passages.open_passages(searchable, Quiet())
    assert before.cells is not None and after.cells is not None
    found = after.cells.candidates(after.vectors[0], np.ones(len(after.vectors), bool), 1000)
    assert found.max() < len(after.vectors) < len(before.vectors)
