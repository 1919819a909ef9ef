"""The stage: every document one row, every failure one row, the same bytes each time, and never all in memory."""

import io
import json
import re
import time
import tracemalloc
import zipfile
from datetime import date

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from patentclust import artifacts
from patentclust.console import Live
from patentclust.errors import ConfigError, SourceError
from patentclust.params import IngestParams
from patentclust.progress import Quiet
from patentclust.schemas import DOCUMENTS, FAILURES
from patentclust.stages import ingest
from patentclust.workspace import Workspace
from tests.test_readers_suite import DATA, SAMPLES
from tests.test_readers_suite import documents as read_sample


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "out")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


def rows(path):
    return pq.read_table(path).to_pylist()


def table(path, *entries):
    path.write_text("\n".join(json.dumps(entry) for entry in entries), encoding="utf-8")
    return path


def entry(number, **fields):
    return {"id": f"US{number}B2", "title": f"Title {number}", "lang": "en", **fields}


@pytest.fixture(scope="module")
def samples():
    """Return all documents of all samples; no two of them are one publication."""
    return [document for name in SAMPLES for document in read_sample(DATA / name)]


def test_all_samples_become_rows_that_follow_the_contract(workspace, samples):
    outcome = ingest.run(workspace, [DATA])
    assert outcome.stage == "ingest"
    assert not outcome.current
    assert outcome.facts == {
        "files": len(SAMPLES),
        "documents": len(samples),
        "failures": 0,
        "duplicates": 0,
        "documents with warnings": sum(bool(document.warnings) for document in samples),
    }
    assert outcome.outputs == (workspace.documents, workspace.failures)
    written = pq.read_schema(workspace.documents)
    assert written.remove_metadata().equals(DOCUMENTS.schema.remove_metadata())
    assert pq.read_schema(workspace.failures).remove_metadata().equals(FAILURES.schema.remove_metadata())


def test_a_row_holds_what_the_reader_found(workspace):
    ingest.run(workspace, [DATA / "us_grant.xml"])
    row = rows(workspace.documents)[0]
    assert row["doc_id"] == "US-9900001-B2"
    assert row["publication_date"] == date(2018, 2, 20)
    assert row["inventors"] == ["Ada N. Okafor", "Jan van der Berg"]
    assert row["independent"] == [True, False, True]
    assert row["source_format"] == "us-st36"
    assert row["family_id"].startswith("simple:JP-2015052001+")
    assert row["representative"]


def test_a_failure_becomes_a_row_and_a_warning(workspace, folder):
    (folder / "page.pdf").write_text("<html></html>")
    table(folder / "good.jsonl", entry(8000001), {"id": "empty"})
    outcome = ingest.run(workspace, [folder, folder / "missing.xml"])
    failures = rows(workspace.failures)
    assert [row["source_path"].rsplit("/", 1)[1] for row in failures] == ["good.jsonl#2", "missing.xml", "page.pdf"]
    assert [row["reader"] for row in failures] == ["table", "", ""]
    assert {row["error"] for row in failures} == {"SourceError"}
    assert [len(row["source_sha256"]) for row in failures] == [64, 0, 64]
    assert all(row["message"] for row in failures)
    assert outcome.facts["failures"] == 3
    assert "3 could not be read" in outcome.warnings[0]


def test_nothing_readable_is_an_error_after_the_failures_are_written(workspace, folder):
    (folder / "a.pdf").write_text("<html></html>")
    (folder / "b.xml").write_text("<PATDOC></PATDOC>")
    with pytest.raises(SourceError, match=r"nothing could be read.*2 failures.*HTML page.*PATDOC"):
        ingest.run(workspace, [folder])
    assert len(rows(workspace.failures)) == 2
    assert not workspace.documents.exists()
    assert list(workspace.root.glob("*.tmp-*")) == []


def test_an_empty_folder_is_an_error_that_says_so(workspace, folder):
    with pytest.raises(SourceError, match="no file to read"):
        ingest.run(workspace, [folder])


def test_the_same_input_again_is_current_with_the_same_facts(workspace, folder):
    table(folder / "a.jsonl", entry(8000001), entry(8000001, abstract="More"), {"id": "empty"})
    first = ingest.run(workspace, [folder])
    second = ingest.run(workspace, [folder])
    assert (first.current, second.current) == (False, True)
    assert first.facts == second.facts
    assert first.warnings == second.warnings


def test_a_changed_file_or_parameter_or_a_lost_output_is_done_again(workspace, folder):
    path = table(folder / "a.jsonl", entry(8000001))
    ingest.run(workspace, [folder])
    table(path, entry(8000002))
    assert not ingest.run(workspace, [folder]).current
    assert not ingest.run(workspace, [folder], IngestParams(prefer_language="en")).current
    workspace.failures.unlink()
    assert not ingest.run(workspace, [folder], IngestParams(prefer_language="en")).current


def test_two_runs_are_byte_identical(tmp_path, folder):
    table(folder / "a.jsonl", *(entry(8000000 + i) for i in range(50)), entry(8000001, abstract="again"), {"id": "x"})
    first, second = Workspace(tmp_path / "one"), Workspace(tmp_path / "two")
    for workspace in (first, second):
        ingest.run(workspace, [DATA, folder])
    assert first.documents.read_bytes() == second.documents.read_bytes()
    assert first.failures.read_bytes() == second.failures.read_bytes()


def test_a_document_met_again_is_one_row_that_keeps_the_richer_fields(workspace, folder):
    table(folder / "a.jsonl", entry(8000001, applicant="Firm Ltd.", date="2020-01-02"))
    table(folder / "b.jsonl", entry(8000001, abstract="A long abstract of the thing.", claims=["1. A thing."]))
    outcome = ingest.run(workspace, [folder])
    (row,) = rows(workspace.documents)
    assert row["abstract"] == "A long abstract of the thing."
    assert row["claims"] == ["1. A thing."]
    assert row["independent"] == [True]
    assert row["applicants"] == ["Firm Ltd."]
    assert row["publication_date"] == date(2020, 1, 2)
    assert row["source_path"].endswith("b.jsonl#1")
    assert row["warnings"] == [f"also read from {(folder / 'a.jsonl').as_posix()}#1"]
    assert (outcome.facts["documents"], outcome.facts["duplicates"]) == (1, 1)


def test_text_of_another_language_is_not_mixed_in(workspace, folder):
    table(folder / "a.jsonl", entry(8000001, abstract="An abstract in English, and a long one."))
    table(folder / "b.jsonl", entry(8000001, lang="de", description="Beschreibung."))
    ingest.run(workspace, [folder])
    (row,) = rows(workspace.documents)
    assert (row["language"], row["description"]) == ("en", "")


def test_duplicates_far_apart_and_many_times_are_merged_in_order(workspace, folder):
    first = [entry(8000000 + i) for i in range(3000)]
    again = [entry(8000000 + i, abstract="More") for i in range(0, 3000, 3)]
    table(folder / "a.jsonl", *first)
    table(folder / "b.jsonl", *again)
    table(folder / "c.jsonl", *again[:10])
    outcome = ingest.run(workspace, [folder])
    found = rows(workspace.documents)
    assert [row["doc_id"] for row in found] == [f"US-{8000000 + i}-B2" for i in range(3000)]
    assert [row["abstract"] for row in found[:4]] == ["More", "", "", "More"]
    assert len(found[0]["warnings"]) == 2
    assert outcome.facts["duplicates"] == 1010


def test_text_is_cleaned_and_unicode_kept(workspace, folder):
    table(folder / "a.jsonl", entry(8000001, title="A\x00B\x08C\ud800D", abstract="x\r\ny\tz\x1b Käse 東京 𝒜 \u2062"))
    ingest.run(workspace, [folder])
    (row,) = rows(workspace.documents)
    assert row["title"] == "ABCD"
    assert row["abstract"] == "x\ny\tz Käse 東京 𝒜 \u2062"


def test_two_failures_of_one_path_are_one_row(workspace, folder):
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.write(DATA / "us_grant.xml", "good.xml")
        archive.writestr("same.xml", "<PATDOC></PATDOC>")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("same.xml", "<root></root>")
    ingest.run(workspace, [folder])
    (row,) = rows(workspace.failures)
    assert "PATDOC" in row["message"]
    assert "<root>" in row["message"]


def test_a_mapping_for_a_file_that_is_not_there_is_a_mistake_of_the_user(workspace):
    with pytest.raises(ConfigError, match=r"orbits\.csv:title: no file of that name"):
        ingest.run(workspace, [DATA / "us_grant.xml"], IngestParams(mapping=(("orbits.csv:title", "x"),)))


def test_a_wrong_mapping_is_a_mistake_of_the_user_whatever_the_input(workspace):
    with pytest.raises(ConfigError, match="no such field"):
        ingest.run(workspace, [DATA / "us_grant.xml"], IngestParams(mapping=(("titel", "x"),)))


def test_a_mistake_of_the_user_leaves_nothing_half_written(workspace):
    with pytest.raises(ConfigError, match="no such column"):
        ingest.run(workspace, [DATA], IngestParams(mapping=(("title", "Nowhere"),)))
    assert [path.name for path in workspace.root.rglob("*") if path.is_file()] == []


def test_the_stamp_holds_params_and_sources_but_no_path(workspace):
    ingest.run(workspace, [DATA / "us_grant.xml"], IngestParams(prefer_language="en"))
    header = artifacts.read_header(workspace.documents, kind="documents")
    assert header.json("params")["prefer_language"] == "en"
    assert set(header.json("inputs")) == {"sources", "thesaurus"}
    assert "us_grant" not in json.dumps(dict(header.metadata))


class Recorder(Quiet):
    def __init__(self):
        self.done, self.totals, self.notes = {}, {}, []

    def task(self, label, *, total, unit):
        self.totals[label], self.done[label] = total, 0
        recorder = self

        class Task:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                return None

            def advance(self, amount=1, *, note=None):
                recorder.done[label] += amount
                recorder.notes += [note] if note else []

        return Task()


def test_progress_reaches_its_total_and_counts_documents(workspace, samples):
    recorder = Recorder()
    ingest.run(workspace, [DATA], progress=recorder)
    assert recorder.done == recorder.totals
    assert recorder.notes[-1] == f"{len(SAMPLES)} files, {len(samples)} documents"


def test_the_bar_shows_files_documents_speed_and_what_is_left(workspace):
    shown = io.StringIO()
    live = Live(Console(file=shown, force_terminal=True, width=160))
    ingest.run(workspace, [DATA], progress=live)
    assert re.search(r"reading .*files, \d+ documents", shown.getvalue())
    with live.task("reading", total=10e6, unit="bytes") as bar:
        for count in range(1, 5):
            time.sleep(0.02)
            bar.advance(2e6, note=f"{count} files, {count} documents")
    line = r"80 % of 10\.0 MB, [\d.]+ MB/s\D*4 files, 4 documents\D*ETA\D*\d:\d\d:\d\d"
    assert re.search(line, re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", shown.getvalue()))


def test_memory_stays_bounded(workspace, folder):
    text = "word " * 20_000
    with (folder / "big.jsonl").open("w", encoding="utf-8") as out:
        for number in range(1500):
            out.write(json.dumps(entry(8000000 + number, description=f"{number} {text}")) + "\n")
    tracemalloc.start()
    ingest.run(workspace, [folder])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # 150 MB of text go through; a batch is 32 million characters.
    assert peak < 120 * 1024**2
