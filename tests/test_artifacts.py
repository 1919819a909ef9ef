from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from patentclust import artifacts, schemas
from patentclust.artifacts import Stamp
from patentclust.errors import ArtifactError
from patentclust.schemas import DOCUMENTS, FAILURES
from patentclust.workspace import Workspace
from tests.corpora import rows

STAMP = Stamp(kind="documents", params={"a": 1}, inputs={"sources": "x"}, libraries=("numpy", "no-such-library"))


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        artifacts.write_rows(tmp_path / name, DOCUMENTS, STAMP, rows(3))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_says_what_made_it_and_nothing_of_when_or_where(tmp_path: Path) -> None:
    path = tmp_path / "documents.parquet"
    artifacts.write_rows(path, DOCUMENTS, STAMP, rows(2))
    header = artifacts.read_header(path, kind="documents")
    assert header.n_rows == 2
    assert header.json("params") == {"a": 1}
    assert "numpy" in header.json("libraries")
    assert set(header.metadata) <= set(schemas.METADATA_KEYS)
    assert str(tmp_path).encode() not in path.read_bytes()


def test_every_column_is_described_in_the_file(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "documents.parquet"
    artifacts.write_rows(path, DOCUMENTS, STAMP, rows(1))
    assert all(field.metadata[b"description"] for field in pq.read_schema(path))


@pytest.mark.parametrize(
    "change", [{"params": {"a": 2}}, {"inputs": {"sources": "y"}}, {"model": {"m": 1}}, {"unit": "family"}]
)
def test_whatever_changes_the_answer_changes_the_fingerprint(change: dict[str, object]) -> None:
    from dataclasses import replace

    assert replace(STAMP, **change).fingerprint != STAMP.fingerprint


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "documents.parquet"
    artifacts.write_rows(path, DOCUMENTS, STAMP, rows(1))
    before = path.read_bytes()
    with pytest.raises(RuntimeError), artifacts.table_writer(path, DOCUMENTS, STAMP):
        raise RuntimeError("stop")
    assert path.read_bytes() == before
    assert [left.name for left in tmp_path.iterdir()] == ["documents.parquet"]


def test_a_key_may_not_be_null(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="null"):
        artifacts.write_rows(tmp_path / "d", DOCUMENTS, STAMP, [rows(1)[0] | {"doc_id": None}])


def test_missing_damaged_foreign_and_old_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "documents.parquet"
    with pytest.raises(ArtifactError, match="is missing"):
        artifacts.read_header(path, kind="documents")
    path.write_bytes(b"PAR1 no")
    with pytest.raises(ArtifactError, match="is damaged"):
        artifacts.read_header(path, kind="documents")
    artifacts.write_rows(path, FAILURES, Stamp(kind="failures", params={}), [])
    with pytest.raises(ArtifactError, match="expected documents, got failures"):
        artifacts.read_header(path, kind="documents")


def test_another_schema_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "documents.parquet"
    monkeypatch.setattr(artifacts, "SCHEMA_VERSION", 99)
    artifacts.write_rows(path, DOCUMENTS, STAMP, rows(1))
    monkeypatch.undo()
    with pytest.raises(ArtifactError, match="expected schema 1, got 99"):
        artifacts.read_header(path, kind="documents")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "page.html"

    def write_to_a_full_disk(_path: Path, data: bytes) -> None:
        with Path("/dev/full").open("wb", 0) as full:
            full.write(data)

    monkeypatch.setattr(Path, "write_bytes", write_to_a_full_disk)
    with pytest.raises(ArtifactError, match="No space left"):
        artifacts.write_text(target, "text")
    assert not target.exists()


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArtifactError, match="cannot write"):
        artifacts.write_text(tmp_path / "file" / "page.html", "text")


def _hold(root: Path, ready: object, done: object) -> None:
    with Workspace(root).lock():
        ready.set()
        done.wait(20)


def test_two_runs_never_write_one_workspace(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, ready, done))
    other.start()
    assert ready.wait(60)
    with pytest.raises(ArtifactError, match="another patentclust run"), Workspace(tmp_path).lock():
        pass
    other.kill()  # a dead run holds nothing
    other.join()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with Workspace(tmp_path).lock():
                return
        except ArtifactError:
            time.sleep(0.05)
    pytest.fail("the lock outlived its holder")


def test_leftovers_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    leftover = tmp_path / "embeddings" / "cluster" / "part-00000.parquet.tmp-123"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    with Workspace(tmp_path).lock():
        assert not leftover.exists()


def test_the_contract_page_is_what_the_schemas_say() -> None:
    page = Path(__file__).parents[1] / "docs" / "contract.md"
    assert page.read_text(encoding="utf-8") == schemas.markdown(), (
        "run: python -m patentclust.schemas > docs/contract.md"
    )


def test_a_file_of_an_older_version_says_which_column_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "documents.parquet"
    artifacts.write_rows(path, DOCUMENTS, Stamp(kind="documents", params={}), [])
    for read in (artifacts.read_table, lambda *a, **k: list(artifacts.read_batches(*a, **k))):
        with pytest.raises(ArtifactError, match="has no column colour") as caught:
            read(path, kind="documents", columns=["doc_id", "colour"])
        assert "ingest" in caught.value.hint
