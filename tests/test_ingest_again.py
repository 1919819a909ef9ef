"""Ingest over many workers and many times: the same bytes, nothing read twice, nothing torn, nobody left behind."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from patentclust import pipeline
from patentclust.errors import ArtifactError, ConfigError, SourceError
from patentclust.params import IngestParams, Resources
from patentclust.stages import ingest
from patentclust.stages.reading import read_task
from patentclust.workspace import Workspace
from tests.test_ingest import Recorder
from tests.test_readers_suite import DATA

GRANT = (DATA / "us_grant.xml").read_bytes()


def numbered(number):
    return GRANT.replace(b"09900001", b"%08d" % number)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(ingest, "_POOL_BYTES", 0)
    monkeypatch.setattr(ingest, "_PART_BYTES", 20_000)
    monkeypatch.setattr(ingest, "_GROUP_BYTES", 6_000)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    (path / "week.xml").write_bytes(b"\n".join(numbered(9910000 + i) for i in range(30)))
    (path / "week.xml.gz").write_bytes(gzip.compress(b"\n".join(numbered(9920000 + i) for i in range(20)), mtime=0))
    with zipfile.ZipFile(path / "week.zip", "w") as archive:
        archive.writestr("broken.xml", "<PATDOC></PATDOC>")
        archive.writestr("inner.xml", b"\n".join(numbered(9910025 + i) for i in range(30)))
        archive.writestr("drawing.tif", b"II*\x00" + bytes(30_000))
        for number in range(20):
            archive.writestr(
                f"{number}.xml", os.urandom(1500).hex().join(["<!-- ", " -->"]).encode() + numbered(9930000 + number)
            )
    for number in range(30):
        (path / f"one{number}.xml").write_bytes(numbered(9940000 + number))
    (path / "table.jsonl").write_text(
        "\n".join(json.dumps({"id": f"US{8000000 + i}B2", "title": "T"}) for i in range(500))
    )
    (path / "empty.xml").touch()
    return path


def written(workspace):
    return workspace.documents.read_bytes(), workspace.failures.read_bytes()


def test_the_bytes_do_not_depend_on_the_workers(tmp_path, folder, small_parts):
    found = []
    for workers in ("1", "2", "5"):
        workspace = Workspace(tmp_path / workers)
        outcome = ingest.run(workspace, [folder], resources=Resources(workers=workers))
        assert outcome.facts["documents"] == 30 + 20 + 25 + 20 + 30 + 500
        assert outcome.facts["duplicates"] == 5
        assert outcome.facts["failures"] == 2
        found.append(written(workspace))
    assert found[0] == found[1] == found[2]


def test_the_bytes_do_not_depend_on_how_files_are_cut(tmp_path, folder, monkeypatch):
    whole, cut = Workspace(tmp_path / "whole"), Workspace(tmp_path / "cut")
    ingest.run(whole, [folder])
    monkeypatch.setattr(ingest, "_PART_BYTES", 7_000)
    ingest.run(cut, [folder])
    assert len(list(cut.readings.iterdir())) > len(list(whole.readings.iterdir()))
    assert written(whole) == written(cut)


def test_only_new_and_changed_files_are_read_again(tmp_path, folder, small_parts):
    again, fresh = Workspace(tmp_path / "again"), Workspace(tmp_path / "fresh")
    ingest.run(again, [folder])
    (folder / "one3.xml").write_bytes(numbered(9950000))
    (folder / "one4.xml").unlink()
    (folder / "new.xml").write_bytes(numbered(9960000))
    recorder = Recorder()
    ingest.run(again, [folder], progress=recorder)
    assert recorder.totals["reading"] == 2 * len(GRANT)
    ingest.run(fresh, [folder])
    assert written(again) == written(fresh)


def test_a_change_under_the_same_size_and_time_is_seen(tmp_path, folder):
    workspace, path = Workspace(tmp_path / "out"), folder / "one3.xml"
    ingest.run(workspace, [folder])
    stat = path.stat()
    path.write_bytes(numbered(9950000))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    ingest.run(workspace, [folder])
    assert "US-9950000-B2" in pq.read_table(workspace.documents)["doc_id"].to_pylist()


def test_other_families_read_nothing_again_and_other_params_all(tmp_path, folder):
    workspace = Workspace(tmp_path / "out")
    ingest.run(workspace, [folder])
    recorder = Recorder()
    ingest.run(workspace, [folder], IngestParams(family="extended"), progress=recorder)
    assert recorder.totals["reading"] == 0
    ingest.run(workspace, [folder], IngestParams(prefer_language="de"), progress=recorder)
    assert recorder.totals["reading"] > 0


def test_readings_no_longer_wanted_are_deleted_and_damaged_ones_made_again(tmp_path, folder):
    workspace = Workspace(tmp_path / "out")
    ingest.run(workspace, [folder])
    before = written(workspace)
    for path in workspace.readings.glob("*.documents.parquet"):
        path.write_bytes(b"not parquet")
    workspace.documents.unlink()
    ingest.run(workspace, [folder])
    assert written(workspace) == before
    ingest.run(workspace, [folder / "one1.xml"])
    assert len(list(workspace.readings.iterdir())) == 1


def deadly_for_one17(task, tell):
    # Stands for a crash in a foreign library, as no file is known that causes one.
    def watch(item):
        tell(item)
        if task.pieces[item].file.path.name == "one17.xml" and task.pieces[item].sources is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return read_task(task, watch)


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_file_that_kills_its_worker_is_one_failure_and_is_tried_again(tmp_path, folder, small_parts, monkeypatch):
    for name in ("week.xml", "week.xml.gz", "week.zip"):
        (folder / name).unlink()
    workspace = Workspace(tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "read_task", deadly_for_one17)
        outcome = ingest.run(workspace, [folder], resources=Resources(workers="2"))
    assert outcome.facts["documents"] == 529
    failures = {row["source_path"]: row for row in pq.read_table(workspace.failures).to_pylist()}
    row = failures[(folder / "one17.xml").as_posix()]
    assert row["error"] == "WorkerDiedError"
    assert "SIGKILL" in row["message"]
    outcome = ingest.run(workspace, [folder])
    assert not outcome.current
    assert outcome.facts["documents"] == 530


@pytest.fixture
def running(tmp_path):
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc to see processes")
    big = tmp_path / "big.xml"
    with big.open("wb") as out:
        for number in range(6_000):
            out.write(numbered(10_000_000 + number) + b"\n")
    command = [sys.executable, "-m", "patentclust", "ingest", str(big), "-w", str(tmp_path / "out"), "--workers", "2"]
    # Tests that were started in the background of a shell have SIGINT ignored, and would hand that on.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").glob("readings/*.documents.parquet")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process, Workspace(tmp_path / "out"), big


def session(process):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == process.pid and fields[0] != "Z":
            found.append(path)
    return found


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_run_that_is_stopped_leaves_no_process_and_is_taken_up_again(running, number):
    process, workspace, big = running
    os.kill(process.pid, getattr(signal, number))
    process.communicate(timeout=30)
    assert process.returncode in (-getattr(signal, number), 130)
    deadline = time.monotonic() + 10
    while session(process):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not workspace.documents.exists()
    n_read = sum(pq.read_metadata(path).num_rows for path in workspace.readings.glob("*.documents.parquet"))
    assert 0 < n_read < 6_000
    assert ingest.run(workspace, [big]).facts["documents"] == 6_000


def test_documents_that_are_in_no_path_any_more_are_counted(tmp_path):
    workspace = Workspace(tmp_path / "w")
    for name in ("old", "new"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"title": "{name} trap", "abstract": "A trap."}}\n')
    ingest.run(workspace, [tmp_path / "old.jsonl"])
    assert "1 document of the last ingest" in ingest.run(workspace, [tmp_path / "new.jsonl"]).warnings[0]
    assert ingest.run(workspace, [tmp_path / "new.jsonl", tmp_path / "old.jsonl"]).warnings == ()


def test_a_wrong_path_is_refused_before_anything_is_written(tmp_path, folder):
    workspace = Workspace(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"no such file or folder: .*nowhere"):
        pipeline.ingest(workspace, [folder, tmp_path / "nowhere"])
    assert not workspace.root.exists()
    pipeline.ingest(workspace, [folder])
    before = written(workspace)
    with pytest.raises(ConfigError):
        list(pipeline.run(workspace, [folder / "one1.xm"]))
    assert written(workspace) == before


def test_an_ingest_that_reads_nothing_leaves_a_good_workspace_as_it_is(tmp_path, folder):
    workspace = Workspace(tmp_path / "out")
    pipeline.ingest(workspace, [folder])
    before = written(workspace)
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("nothing to see")
    with pytest.raises(SourceError, match="no reader accepts it") as caught:
        pipeline.ingest(workspace, [other / "notes.txt"])
    assert "left as they are" in caught.value.hint
    assert written(workspace) == before


def test_damage_inside_a_reading_is_told_as_damage_and_mended_by_its_hint(tmp_path, folder):
    workspace = Workspace(tmp_path / "out")
    ingest.run(workspace, [folder])
    before = written(workspace)
    path = max(workspace.readings.glob("*.documents.parquet"), key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[-8:-4], "little")
    content[4 : len(content) - length - 8] = bytes(len(content) - length - 12)
    path.write_bytes(content)
    workspace.documents.unlink()
    with pytest.raises(ArtifactError, match=f"{path.name} is damaged") as caught:
        ingest.run(workspace, [folder])
    assert "delete it" in caught.value.hint
    path.unlink()
    ingest.run(workspace, [folder])
    assert written(workspace) == before
