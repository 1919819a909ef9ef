"""What every reader must do, whatever it reads: one small file of each kind in tests/data/readers."""

import gzip
import io
import tarfile
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import REGISTRY, find_files, limits, read_file
from patentclust.records import Document

DATA = Path(__file__).parent / "data" / "readers"
SAMPLES = {
    "us_grant.xml": "us-st36",
    "us_application.xml": "us-st36",
    "us_patdoc.xml": "us-patdoc",
    "us_patdoc.sgm": "us-patdoc",
    "us_pap.xml": "us-pap",
    "us_aps.txt": "us-aps",
    "us_brs.txt": "us-brs",
    "us_ppubs.json": "us-ppubs",
    "us_parts.xml": "us-st96-parts",
    "ep_b1.xml": "ep-st36",
    "ep_a1_euro_pct.xml": "ep-st36",
    "epo_docdb.xml": "epo-docdb",
    "epo_ops.xml": "epo-ops",
    "wo_a1.xml": "wo-st36",
    "st96.xml": "st96",
    "cn_st36.xml": "cn-st36",
    "cn_st96.xml": "cn-st96",
    "tw_grant.xml": "tw-st36",
    "jp_st36.xml": "jp-st36",
    "jp_st96.xml": "jp-st96",
    "kipris.xml": "kipris-xml",
    "kipris.json": "kipris-json",
    "google.html": "google-html",
    "google.jsonl": "google-json",
    "patent.pdf": "pdf",
    "patents.csv": "table",
    "patents.jsonl": "table",
    "patents.xlsx": "workbook",
    "patents.xls": "workbook",
    "patents.parquet": "parquet",
}


def items(path, params=IngestParams()):
    found = find_files([path])
    assert len(found) == 1
    return list(read_file(found[0], params, sha256=found[0].sha256()))


def documents(path, params=IngestParams()):
    return [item for item in items(path, params) if isinstance(item, Document)]


def failures(path):
    return [item for item in items(path) if isinstance(item, SourceError)]


def contents(path):
    """Documents without where they were read."""
    bare = ("source_path", "source_sha256")
    return [
        {name: getattr(document, name) for name in document.__slots__ if name not in bare}
        for document in documents(path)
    ]


@pytest.fixture(params=SAMPLES, ids=str)
def sample(request):
    return DATA / request.param


def test_every_registered_reader_has_a_sample_here():
    assert set(SAMPLES.values()) == set(REGISTRY)


def test_a_sample_is_read_without_failure_or_repair(sample):
    found = items(sample)
    assert found
    assert all(isinstance(item, Document) for item in found)
    if sample.name not in ("ep_a1_euro_pct.xml", "us_parts.xml"):
        assert [item.warnings for item in found] == [()] * len(found)


def test_exactly_one_reader_accepts_a_sample(sample):
    head = sample.read_bytes()[: limits.HEAD_BYTES]
    accepting = [name for name, module in REGISTRY.items() if import_module(module).accepts(head, sample.name)]
    assert accepting == [SAMPLES[sample.name]]


def test_a_document_says_what_it_is_and_where_it_came_from(sample):
    sha256 = find_files([sample])[0].sha256()
    for document in documents(sample):
        assert document.doc_id
        assert document.title
        assert document.source_path.split("#")[0] == sample.as_posix()
        assert document.source_sha256 == sha256
        assert document.source_format == SAMPLES[sample.name]
        assert len(document.claims) == len(document.independent)


def test_symbols_and_numbers_are_in_the_written_form(sample):
    for document in documents(sample):
        for symbol in (*document.cpc, *document.ipc):
            assert symbol == symbol.upper()
            assert " " not in symbol
        if document.country:
            assert document.doc_id.startswith(f"{document.country}-")


def test_text_has_no_markup_no_double_blanks_and_no_carriage_returns(sample):
    for document in documents(sample):
        for text in (document.title, document.abstract, document.description, *document.claims):
            assert text == text.strip()
            assert "\r" not in text
            assert "  " not in text
            assert "</" not in text


def test_the_extension_does_not_matter(sample, tmp_path):
    if sample.suffix == ".csv":
        pytest.skip("separated text under a foreign name is covered by its known header below")
    copy = tmp_path / "unnamed.dat"
    copy.write_bytes(sample.read_bytes())
    assert contents(copy) == contents(sample)


def test_reading_twice_gives_the_same(sample):
    assert items(sample) == items(sample)


def test_a_file_in_a_zip_reads_as_outside(sample, tmp_path):
    path = tmp_path / "week.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(sample, f"folder/{sample.name}")
    assert contents(path) == contents(sample)
    assert documents(path)[0].source_path.startswith(f"{path.as_posix()}!folder/{sample.name}")


def test_a_gzipped_file_reads_as_outside(sample, tmp_path):
    path = tmp_path / f"{sample.name}.gz"
    path.write_bytes(gzip.compress(sample.read_bytes()))
    assert contents(path) == contents(sample)


def test_a_file_in_a_tar_gz_reads_as_outside(sample, tmp_path):
    path = tmp_path / "week.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(sample, f"folder/{sample.name}")
    assert contents(path) == contents(sample)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.8, 0.97])
def test_a_truncated_file_gives_documents_or_a_reason_never_a_crash_or_silence(sample, tmp_path, share):
    path = tmp_path / sample.name
    data = sample.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    found = items(path)
    assert found
    assert all(str(item) for item in found if isinstance(item, SourceError))


@pytest.mark.parametrize("noise", [b"\x00" * 7, b"\xff\xfe\xfd", b"<", b"&", b"]]>", b"\x1b\x08"])
def test_noise_in_the_middle_gives_documents_or_a_reason(sample, tmp_path, noise):
    path = tmp_path / sample.name
    data = sample.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + noise + data[middle:])
    assert items(path)


def test_a_failure_names_its_source_and_what_was_expected(sample, tmp_path):
    path = tmp_path / sample.name
    path.write_bytes(sample.read_bytes()[:40])
    for failure in failures(path):
        assert failure.source_path.startswith(path.as_posix())
        assert len(str(failure)) > 10


def test_a_zip_of_all_samples_gives_all_their_documents(tmp_path):
    path = tmp_path / "all.zip"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in SAMPLES:
            archive.write(DATA / name, name)
    path.write_bytes(buffer.getvalue())
    assert failures(path) == []
    assert len(documents(path)) == sum(len(documents(DATA / name)) for name in SAMPLES)
