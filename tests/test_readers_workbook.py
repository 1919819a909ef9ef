"""Workbooks and Parquet: what Excel users hold, and what is made to hurt."""

import io
import zipfile
from datetime import date

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patentclust.errors import SourceError
from patentclust.readers import limits, workbook
from tests.test_readers_suite import DATA, documents, failures

HEADER = ["Publication number", "Title", "Abstract", "Publication date"]
ROW = ["US9990001B2", "Cup", "A cup.", date(2099, 4, 25)]


@pytest.fixture
def book(tmp_path):
    """Return a function that saves sheets, each a list of rows, as a workbook."""

    def save(**sheets):
        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for name, rows in sheets.items():
            sheet = workbook.create_sheet(name)
            for row in rows:
                sheet.append(row)
        path = tmp_path / "book.xlsx"
        workbook.save(path)
        return path

    return save


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), data)
    return path


def test_a_row_is_a_document_and_says_its_row(book):
    (found,) = documents(book(Sheet1=[HEADER, ROW]))
    assert (found.doc_id, found.title, found.publication_date) == ("US-9990001-B2", "Cup", date(2099, 4, 25))
    assert found.source_path.endswith("book.xlsx#2")


def test_every_sheet_of_patents_is_read_and_others_are_not(book):
    other = ["EP9990002A1", "Bowl", "A bowl.", None]
    path = book(first=[HEADER, ROW], notes=[["made by", "me"]], second=[["a search"], [], HEADER, other])
    assert [d.source_path.split("#")[1] for d in documents(path)] == ["first!2", "second!4"]


def test_hidden_sheets_are_left_out(book):
    path = book(first=[HEADER, ROW], second=[HEADER, ["EP9990002A1", "Bowl", "A bowl.", None]])
    workbook = openpyxl.load_workbook(path)
    workbook["second"].sheet_state = "hidden"
    workbook.save(path)
    assert [d.title for d in documents(path)] == ["Cup"]


def test_numbers_saved_as_numbers_are_numbers(book):
    (found,) = documents(book(Sheet1=[["Publication number", "Country", "Title"], [9990001.0, "US", "Cup"]]))
    assert found.doc_id == "US-9990001"


def test_a_formula_is_its_saved_value_and_never_evaluated(book):
    rows = [["Publication number", "Title", "Abstract"], ["US9990001B2", "=cmd|'/c calc'!A1", "A cup."]]
    (found,) = documents(book(Sheet1=rows))
    assert "cmd" not in found.title


def test_a_workbook_without_text_lists_its_columns(book):
    (failure,) = failures(book(Sheet1=[["colour", "size"], ["red", 3]]))
    assert "colour, size" in str(failure)
    assert "--map" in failure.hint


def test_an_empty_workbook_is_a_failure(book):
    (failure,) = failures(book(Sheet1=[]))
    assert "no cells" in str(failure)


def test_another_office_file_is_a_failure(tmp_path):
    (failure,) = failures(zipped(tmp_path / "letter.docx", word__document_DOT_xml="<w:document/>"))
    assert "Office" in str(failure)


def test_a_bomb_is_stopped(tmp_path):
    bomb = zipped(tmp_path / "bomb.xlsx", xl__workbook_DOT_xml=b"\0" * (limits.MAX_WORKBOOK_BYTES + 1024**2))
    (failure,) = failures(bomb)
    assert "expands to more" in str(failure)


def test_two_cells_at_the_far_corners_of_a_sheet_are_a_failure(book):
    path = book(Sheet1=[HEADER, ROW])
    far = openpyxl.load_workbook(path)
    far["Sheet1"]["XFD1048576"] = "far"
    far.save(path)
    (failure,) = failures(path)
    assert "memory" in str(failure)


def test_a_long_text_in_every_cell_is_stopped(book, monkeypatch, tmp_path):
    path = book(Sheet1=[HEADER, *[["US9990001B2", "Cup", "x" * 30_000, None]] * 100])
    monkeypatch.setattr(limits, "MAX_WORKBOOK_CELLS_BYTES", 1_000_000)
    with pytest.raises(SourceError, match="more than 1,000,000"):
        workbook.spool_rows(str(path), str(tmp_path / "rows"))


def test_external_entities_are_not_fetched(book, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    source = book(Sheet1=[HEADER, ROW])
    path = tmp_path / "xxe.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "xl/sharedStrings.xml":
                data = data.replace(b"<sst", f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><sst'.encode())
                data = data.replace(b"Cup", b"&e;")
            new.writestr(entry, data)
    assert not any("SECRET" in d.title + d.abstract for d in documents(path))
    assert documents(path) or failures(path)


@pytest.mark.parametrize("name", ["patents.xlsx", "patents.xls", "patents.parquet"])
def test_noise_in_the_middle_is_a_reason_not_a_crash(tmp_path, name):
    data = bytearray((DATA / name).read_bytes())
    for start in range(64, len(data), max(1, len(data) // 12)):
        broken = data[:start] + bytes(range(32)) + data[start + 32 :]
        path = tmp_path / name
        path.write_bytes(broken)
        assert documents(path) or failures(path)


def test_a_parquet_file_inside_an_archive_is_read(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(DATA / "patents.parquet", "in/patents.parquet")
    (tmp_path / "in.zip").write_bytes(buffer.getvalue())
    assert [d.doc_id for d in documents(tmp_path / "in.zip")] == ["US-9970004-B2", "EP-9970005-A1"]


def test_a_parquet_file_without_text_lists_its_columns(tmp_path):
    pq.write_table(pa.table({"colour": ["red"]}), tmp_path / "x.parquet")
    (failure,) = failures(tmp_path / "x.parquet")
    assert "colour" in str(failure)


def test_the_documents_of_another_workspace_are_read_as_they_are(tmp_path):
    from patentclust.stages import ingest
    from patentclust.workspace import Workspace

    workspace = Workspace(tmp_path / "out")
    ingest.run(workspace, [DATA / "us_grant.xml"])
    (first,) = documents(DATA / "us_grant.xml")
    (again,) = documents(workspace.documents)
    for name in ("doc_id", "title", "abstract", "claims", "ipc", "cpc", "inventors", "publication_date", "priorities"):
        assert getattr(again, name) == getattr(first, name), name
