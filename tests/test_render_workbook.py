import csv
import zipfile

import openpyxl
import pytest

from patentclust.params import ReportParams
from patentclust.render.workbook import open_workbook
from patentclust.stages import report
from tests.test_report import document, small_workspace, topic, unit, write_workspace

SHEETS = [
    "documents", "clusters", "Families a cluster", "clusters_by_year", "clusters_by_assignee", "clusters_by_ipc",
    "clusters_by_cpc", "clusters_by_office", "clusters_by_inventor_country", "years", "Families a year",
]  # fmt: skip


def test_the_workbook_has_the_tables_frozen_filtered_and_drawn(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    book = openpyxl.load_workbook(workspace.workbook)
    assert book.sheetnames == SHEETS
    documents = book["documents"]
    assert (documents.max_row, documents.freeze_panes) == (33, "B2")
    assert documents.auto_filter.ref.startswith("A1:")
    assert documents["A2"].hyperlink.target == "https://patents.google.com/patent/US10000000B2/en"
    assert documents.column_dimensions["B"].width > 40
    assert len(book["Families a cluster"]._charts) == 1


def test_sheets_and_csv_say_the_same(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    sheet = openpyxl.load_workbook(workspace.workbook)["clusters_by_assignee"]
    with workspace.cross_csv("assignee").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    assert [[str(cell.value) for cell in row[:4]] for row in sheet] == [row[:4] for row in rows]
    assert len(rows) > 3


@pytest.mark.parametrize(
    "hostile", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "https://example.com", "\x00=1", "x" * 40_000]
)
def test_no_hostile_text_becomes_a_formula_or_a_link(tmp_path, hostile):
    documents = [document(0, title=hostile, applicants=[hostile], assignee_names=[hostile], ipc=[hostile])]
    topics = [topic(0, 1, ["US-10000000-B2"], label=hostile, terms=[{"term": hostile, "weight": 1.0}])]
    workspace = write_workspace(tmp_path, documents, [unit("US-10000000-B2", 0)], topics)
    report.run(workspace)
    for sheet in openpyxl.load_workbook(workspace.workbook).worksheets:
        for row in sheet.iter_rows():
            assert not [cell for cell in row if cell.data_type == "f"]
            assert not [cell for cell in row if isinstance(cell.value, str) and len(cell.value) > 32_767]
            assert not [cell for cell in row if cell.hyperlink and "example.com" in str(cell.hyperlink.target)]


@pytest.mark.parametrize("text", ["<r><t>bold</t></r>", "a < b & c > d", "]]>", "表面 𝒳", "'", "007"])
def test_a_cell_says_what_was_written(tmp_path, text):
    path = tmp_path / "book.xlsx"
    with open_workbook(path) as book:
        book.sheet(
            "rows", ("name", "n", "share", "whole"), [[text, 1, 0.1234567890, True], ["", None, float("nan"), []]]
        )
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(path)["rows"]]
    assert rows[1] == [text, 1, 0.123457, True]
    assert len(rows) == 2 or rows[2] == [None] * 4


def test_what_excel_would_read_as_an_escape_is_escaped(tmp_path):
    with open_workbook(tmp_path / "book.xlsx") as book:
        book.sheet("rows", ("name",), [["_x003D_1+1"], ["max_xyz_"]])
    sheet = zipfile.ZipFile(tmp_path / "book.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert "<t>_x005F_x003D_1+1</t>" in sheet
    assert "<t>max_xyz_</t>" in sheet


def test_the_same_input_gives_the_same_workbook(tmp_path):
    books = []
    for name in ("a", "b"):
        workspace = small_workspace(tmp_path / name)
        report.run(workspace)
        books.append(workspace.workbook.read_bytes())
    assert books[0] == books[1]


def test_a_byte_order_mark_and_no_workbook_on_request(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace, ReportParams(bom=True, workbook=False))
    assert workspace.documents_csv.read_bytes().startswith(b"\xef\xbb\xbfdoc_id,")
    assert not workspace.workbook.exists()


@pytest.mark.parametrize("reader", ["duckdb", "polars", "pandas"])
def test_artifacts_open_as_they_are(tmp_path, reader):
    library = pytest.importorskip(reader)
    workspace = small_workspace(tmp_path)
    path = str(workspace.clusters)
    read = {
        "duckdb": lambda: len(library.sql(f"select * from '{path}'").fetchall()),
        "polars": lambda: library.read_parquet(path).height,
        "pandas": lambda: len(library.read_parquet(path)),
    }
    assert read[reader]() == 30


def test_years_after_the_last_complete_one_are_marked(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    with workspace.cross_csv("year").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {(row["year"], row["complete"]) for row in rows} == {("2012", "True")}
    assert sum(int(row["n_families"]) for row in rows) == 27


def test_rows_beyond_a_sheet_go_on_in_the_next(tmp_path):
    path = tmp_path / "book.xlsx"
    with open_workbook(path, most_rows=4) as book:
        n = book.sheet("rows", ("doc_id", "n"), ([f"d{i}", i] for i in range(7)))
    sheets = openpyxl.load_workbook(path)
    assert n == 7
    assert sheets.sheetnames == ["rows", "rows 2", "rows 3"]
    assert [[row[0].value for row in sheet] for sheet in sheets] == [
        ["doc_id", "d0", "d1", "d2"],
        ["doc_id", "d3", "d4", "d5"],
        ["doc_id", "d6"],
    ]
