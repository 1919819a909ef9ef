"""Archives and concatenated files: opened in memory, metered, never extracted; and what is none of ours is named."""

import gzip
import io
import pickle
import random
import tarfile
import tracemalloc
import zipfile

import pytest

from patentclust.errors import SourceChangedError
from patentclust.params import IngestParams
from patentclust.readers import containers, find_files, limits, open_file, read_file
from patentclust.readers.source import Source
from tests.test_readers_suite import DATA, documents, failures, items

GRANT = (DATA / "us_grant.xml").read_bytes()
TIFF = b"II*\x00" + b"\x00" * 100


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), data)
    return buffer.getvalue()


@pytest.fixture
def saved(tmp_path):
    def save(data, name="archive.zip"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return save


def test_companions_in_an_archive_are_passed_over(saved):
    listings = {
        "s_DOT_xml": '<?xml version="1.0"?><ST26SequenceListing><SequenceData/></ST26SequenceListing>',
        "s_DOT_txt": "                 SEQUENCE LISTING\n\n<110>  Firm\n<400> 1\nacgtacgtac 10\n",
    }
    data = zipped(a_DOT_xml=GRANT, a_DOT_TIF=TIFF, lst_DOT_txt="US9900001\n", rpt_DOT_html="<html></html>", **listings)
    found = items(saved(data))
    assert [item.doc_id for item in found] == ["US-9900001-B2"]


def test_a_zip_in_a_zip_in_a_zip_is_opened_and_no_deeper(saved):
    inner = zipped(a_DOT_xml=GRANT)
    path = saved(zipped(c_DOT_zip=zipped(b_DOT_zip=inner)))
    assert documents(path)[0].source_path == f"{path.as_posix()}!c.zip!b.zip!a.xml"
    deeper = saved(zipped(d_DOT_zip=path.read_bytes()), "deeper.zip")
    assert "nested deeper than 3" in str(failures(deeper)[0])


def test_a_bomb_is_stopped_early(saved, monkeypatch):
    monkeypatch.setattr(limits, "FREE_EXPANDED_BYTES", 1_000_000)
    bomb = zipped(a_DOT_xml=b"<us-patent-grant>" + b" " * 50_000_000)
    assert len(bomb) < 100_000
    found = items(saved(bomb))
    assert "expands to more than" in str(found[0])


def test_a_bomb_of_bombs_is_stopped_early(saved, monkeypatch):
    monkeypatch.setattr(limits, "FREE_EXPANDED_BYTES", 1_000_000)
    inner = zipped(**{f"x{i}_DOT_xml": b"<us-patent-grant>" + b" " * 900_000 for i in range(50)})
    found = items(saved(zipped(**{f"y{i}_DOT_zip": inner for i in range(50)})))
    assert len(found) < 10
    assert any("expands to more than" in str(item) for item in found)


def test_a_gzip_bomb_is_stopped_early(saved, monkeypatch):
    monkeypatch.setattr(limits, "FREE_EXPANDED_BYTES", 1_000_000)
    found = items(saved(gzip.compress(b'{"title": "' + b"x" * 50_000_000), "x.jsonl.gz"))
    assert "expands to more than" in str(found[0])


def test_too_many_members_are_a_failure(saved, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ARCHIVE_MEMBERS", 3)
    found = items(saved(zipped(**{f"m{i}_DOT_txt": b"x" for i in range(9)})))
    assert "more than 3 members" in str(found[0])


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.xml", "/etc/passwd.xml", "C:\\windows\\x.xml", "a\x1b[31m\u202e.xml"]
)
def test_a_hostile_member_name_is_only_a_name(saved, tmp_path, name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, GRANT)
    before = sorted(tmp_path.rglob("*"))
    path = saved(buffer.getvalue())
    shown = documents(path)[0].source_path
    assert shown.startswith(f"{path.as_posix()}!")
    assert shown.isprintable()
    assert sorted(tmp_path.rglob("*")) == [*before, path]


def test_an_encrypted_member_is_one_failure(saved):
    data = bytearray(zipped(a_DOT_xml=GRANT, b_DOT_xml=GRANT.replace(b"09900001", b"09900002")))
    # The first member's flag in its local header and in the central directory.
    data[6] |= 1
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    path = saved(bytes(data))
    assert "encrypted" in str(failures(path)[0])
    assert [found.doc_id for found in documents(path)] == ["US-9900002-B2"]


def test_a_damaged_member_is_one_failure(saved):
    good, bad = GRANT.replace(b"09900001", b"09900002"), GRANT
    data = bytearray(zipped(a_DOT_xml=bad, b_DOT_xml=good))
    middle = data.index(b"PK\x03\x04", 10) // 2
    data[middle : middle + 20] = bytes(20)
    path = saved(bytes(data))
    assert "damaged" in str(failures(path)[0])
    assert [found.doc_id for found in documents(path)] == ["US-9900002-B2"]


def test_a_truncated_zip_is_a_failure(saved):
    assert "damaged" in str(failures(saved(zipped(a_DOT_xml=GRANT)[:-40]))[0])


def test_a_truncated_gzip_gives_a_failure(saved):
    assert "damaged" in str(failures(saved(gzip.compress(GRANT)[:-300], "a.xml.gz"))[0])


def test_an_archive_of_nothing_we_read_says_so(saved):
    assert "nothing in it" in str(failures(saved(zipped(a_DOT_TIF=TIFF)))[0])
    assert "nothing in it" in str(failures(saved(zipped()))[0])


def test_an_office_file_is_named(saved):
    data = zipped(**{"[Content_Types]_DOT_xml": b"<Types/>", "xl__workbook_DOT_xml": b"<workbook/>"})
    failure = failures(saved(data, "export.xlsx"))[0]
    assert "Office" in str(failure)
    assert "CSV" in failure.hint


def test_links_and_folders_in_a_tar_are_passed_over(saved):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind, name in ((tarfile.SYMTYPE, "link.xml"), (tarfile.DIRTYPE, "folder"), (tarfile.FIFOTYPE, "pipe")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        entry = tarfile.TarInfo("../a.xml")
        entry.size = len(GRANT)
        archive.addfile(entry, io.BytesIO(GRANT))
    assert [item.doc_id for item in items(saved(buffer.getvalue(), "a.tar"))] == ["US-9900001-B2"]


def many(n):
    return b"".join(GRANT.replace(b"09900001", f"{9900000 + i:08}".encode()) for i in range(1, n + 1))


def test_a_weekly_file_is_split_at_each_declaration(saved):
    path = saved(many(25), "week.xml")
    found = documents(path)
    assert [document.doc_id for document in found] == [f"US-{9900000 + i}-B2" for i in range(1, 26)]
    assert [document.source_path for document in found] == [f"{path.as_posix()}#{i}" for i in range(1, 26)]


def test_a_weekly_file_larger_than_a_chunk_is_split_whole(saved):
    padded = GRANT.replace(b'<p id="p-0002"', b"<p>" + b"word " * 30_000 + b'</p><p id="p-0002"')
    data = b"".join(padded.replace(b"09900001", f"{9900000 + i:08}".encode()) for i in range(1, 31))
    found = documents(saved(data, "week.xml"))
    assert len(found) == 30
    assert {document.warnings for document in found} == {()}
    assert len({len(document.description) for document in found}) == 1


def test_a_weekly_file_without_declarations_is_split_at_document_types(saved):
    bare = many(3).replace(b'<?xml version="1.0" encoding="UTF-8"?>\n', b"")
    assert len(documents(saved(bare, "week.xml"))) == 3


@pytest.mark.parametrize("chunk_bytes", [1000, 2**20])
def test_documents_on_disk_are_sent_as_their_places_and_those_of_archives_as_bytes(saved, monkeypatch, chunk_bytes):
    monkeypatch.setattr(containers, "_CHUNK_BYTES", chunk_bytes)
    week = b"\n \n".join(many(1).rstrip() + b"\n" + b"<!-- -->" * number for number in range(5))
    for data, is_on_disk in ((week, True), (gzip.compress(week), False)):
        (file,) = find_files([saved(data, "week.xml")])
        for found in open_file(file, sha256="0"):
            sent = pickle.dumps(found)
            assert (len(sent) < 1000) == is_on_disk
            arrived = pickle.loads(sent)
            assert (arrived.path, arrived.head, arrived.read()) == (found.path, found.head, found.read())
            assert arrived.read().startswith(b"<?xml")


def test_one_bad_document_of_a_weekly_file_costs_only_itself(saved):
    data = GRANT + GRANT.replace(b"<doc-number>09900001</doc-number>", b"") + GRANT[:3000] + GRANT
    path = saved(data, "week.xml")
    assert len(documents(path)) == 3
    assert [failure.source_path for failure in failures(path)] == [f"{path.as_posix()}#2"]


def test_a_mixed_file_is_sniffed_document_by_document(saved):
    path = saved(GRANT + (DATA / "ep_b1.xml").read_bytes(), "mixed.xml")
    assert [found.source_format for found in documents(path)] == ["us-st36", "ep-st36"]


def test_an_endless_document_is_a_failure(saved, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DOCUMENT_BYTES", 500_000)
    path = saved(GRANT + b"<?xml version='1.0'?><us-patent-grant>" + b" " * 3_000_000, "week.xml")
    assert len(documents(path)) == 0
    assert "more than 500,000 bytes" in str(failures(path)[0])


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"\xef\xbb\xbf<kr:KR_PatentDocument/>", "KIPO"),
        (b"<!-- a comment <x> --><patent-document/>", "CLEF"),
        (b"<110> Firm\n<120> Gene\n", "sequence listing"),
    ],
)
def test_a_dialect_that_is_not_read_is_named_with_those_that_are(saved, data, named):
    failure = failures(saved(data, "x.xml"))[0]
    assert named in str(failure)
    assert "us-patent-grant" in failure.hint


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"<html><body>no</body></html>", "an HTML page"),
        (b"<root><x/></root>", "XML with the root <root>"),
        (b"Dear reader", "plain text"),
        (TIFF, "a TIFF image"),
        (b"\x00\x01\x02" * 50, "binary data"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 50, "an old Office file"),
        (b"Rar!\x1a\x07", "a RAR archive"),
    ],
)
def test_a_file_that_is_none_of_ours_is_named_for_what_it_is(saved, data, got):
    failure = failures(saved(data, "patent.pdf"))[0]
    assert got in str(failure) or (got == "a TIFF image" and "nothing in it" in str(failure))


def test_unread_xml_in_an_archive_is_reported(saved):
    assert "XML with the root <root>" in str(failures(saved(zipped(a_DOT_xml=b"<root><x/></root>")))[0])


def test_a_sparse_file_of_two_gigabytes_is_a_failure_and_never_held(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DOCUMENT_BYTES", 16 * 1024**2)
    path = tmp_path / "huge.xml"
    with path.open("wb") as out:
        out.write(b"<?xml version='1.0'?><us-patent-grant>")
        out.truncate(2 * 1024**3)
    tracemalloc.start()
    (failure,) = read_file(find_files([path])[0], IngestParams(), sha256="0")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "more than" in str(failure)
    assert peak < 4 * limits.MAX_DOCUMENT_BYTES


def test_the_total_of_an_archive_is_limited_whatever_its_ratio(saved, monkeypatch):
    monkeypatch.setattr(limits, "MAX_EXPANDED_BYTES", 100_000)
    members = {f"a{number}.bin": random.Random(number).randbytes(30_000) for number in range(10)}
    found = failures(saved(zipped(**members)))
    assert any("expands to more than 100,000 bytes" in str(failure) for failure in found)


def test_a_part_of_a_file_that_changed_since_is_a_failure_and_no_other_text(tmp_path):
    path = tmp_path / "week.xml"
    path.write_bytes(GRANT + b"\n" + GRANT)
    (file,) = find_files([path])
    whole = [item.read() for item in open_file(file, sha256="0") if isinstance(item, Source)]
    sent = [pickle.dumps(item) for item in open_file(file, sha256="0")]
    assert [pickle.loads(item).read() for item in sent] == whole
    path.write_bytes(path.read_bytes().upper() + b"\n")
    changed = [pickle.loads(item) for item in sent]
    path.unlink()
    gone = [pickle.loads(item) for item in sent]
    assert len(gone) == 2
    assert {type(item) for item in (*changed, *gone)} == {SourceChangedError}
