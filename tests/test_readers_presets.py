"""The exports that analysts have, by their headers: each preset reads what its vendor writes."""

import csv
from datetime import date

import pytest

from tests.test_readers_suite import documents, failures

LENS = (
    ",",
    ["#", "Jurisdiction", "Kind", "Display Key", "Lens ID", "Publication Date", "Application Number",
     "Application Date", "Priority Numbers", "Earliest Priority Date", "Title", "Abstract", "Applicants", "Inventors",
     "Owners", "CPC Classifications", "IPCR Classifications"],
    ["1", "US", "A1", "US 2099/0101709 A1", "000-111-222-333-444", "2099-04-25", "US 201113280001 A", "2011-10-24",
     "US 201113280001 A", "2011-10-24", "Cup", "A cup.", "Acme Inc", "Doe Jane;;Roe Rick", "Acme Inc;;Beta Llc",
     "A23L2/02;;A23L2/04", "A23L2/02"],
)  # fmt: skip
DERWENT = (
    ",",
    ["Publication Number", "Title - Original", "Title - DWPI", "Abstract - Original", "Assignee/Applicant",
     "Assignee - Current US", "Inventor", "IPC - Current", "CPC - Current", "Publication Date", "Application Number",
     "Priority Number", "Priority Date - Earliest", "DWPI Accession Number", "Cited Refs - Patent"],
    ["US20990101709A1", "Cup", "Cup with lid", "A cup.", "Acme Inc", "Acme Inc | Beta Llc", "Doe Jane | Roe Rick",
     "A23L000202", "A23L 2/02 | A23L 2/04", "2099-04-25", "US2011280001A", "US2011280001A", "2011-10-24", "2099A12345",
     "US5000001A | EP1000001B1"],
)  # fmt: skip
ORBIT = (
    ";",
    ["Questel unique family ID (FAN)", "Representative publication number", "Title", "English abstract",
     "Current assignees", "Inventors", "IPC - International classification", "Earliest publication date",
     "Earliest priority date"],
    ["99000001", "US20990101709 A1", "Cup", "A cup.", "ACME INC\nBETA LLC", "DOE JANE\nROE RICK", "A23L-002/02",
     "2099-04-25", "2011-10-24"],
)  # fmt: skip
PATSNAP = (
    ",",
    ["公开(公告)号", "标题", "摘要", "当前申请(专利权)人", "发明人", "IPC分类号", "公开(公告)日", "最早优先权日"],
    ["US20990101709A1", "Cup", "A cup.", "Acme Inc | Beta Llc", "Doe Jane | Roe Rick", "A23L2/02", "2099-04-25",
     "2011-10-24"],
)  # fmt: skip
INCOPAT = (
    ",",
    ["序号", "标题 (中文)", "标题 (英文)", "摘要 (中文)", "摘要 (英文)", "申请人", "公开（公告）号", "公开（公告）日",
     "申请号", "申请日", "公开国别", "链接到incoPat", "首项权利要求", "独立权利要求", "IPC主分类", "IPC",
     "当前权利人", "发明人", "最早优先权日", "引证专利", "DocDB同族ID"],
    ["1", "Cup", "The cup", "A cup.", "The cup.", "Acme Inc", "US20990101709A1", "2099-04-25", "US13280001",
     "2011-10-24", "US", "https://x", "1. A cup.", "1. A cup.", "A23L2/02", "A23L2/02",
     "Acme Inc; Beta Llc", "Doe Jane; Roe Rick", "2011-10-24", "US5000001A; EP1000001B1", "99000001"],
)  # fmt: skip
ESPACENET = (
    ",",
    ["No", "Title", "Inventors", "Applicants", "Publication number", "Earliest priority", "IPC", "CPC",
     "Publication date", "Earliest publication", "Family number"],
    ["1", "Cup", "Doe Jane\nRoe Rick", "ACME INC", "US20990101709A1", "2011-10-24", "A23L2/02", "A23L2/02 (EP)",
     "2099-04-25", "2013-04-25", "99000001"],
)  # fmt: skip
PATENTSCOPE = (
    ",",
    ["Application Id", "Application Number", "Application Date", "Publication Number", "Publication Date", "Country",
     "Title", "Abstract", "I P C", "Applicants", "Inventors", "Priorities Data"],
    ["US99001", "13280001", "24.10.2011", "20990101709", "25.04.2099", "US", "Cup", "A cup.", "A23L 2/02",
     "Acme Inc", "Doe Jane;Roe Rick", ""],
)  # fmt: skip
GOOGLE = (
    ",",
    ["id", "title", "assignee", "inventor/author", "priority date", "filing/creation date", "publication date",
     "grant date", "result link", "representative figure link"],
    ["US-20990101709-A1", "Cup", "Acme Inc", "Doe Jane", "2011-10-24", "2011-10-24", "2099-04-25", "", "https://x", ""],
)  # fmt: skip
PATENTSVIEW = (
    "\t",
    ["patent_id", "patent_type", "patent_date", "patent_title", "patent_abstract", "wipo_kind", "num_claims"],
    ["9990001", "utility", "2099-04-25", "Cup", "A cup.", "B2", "7"],
)
EXPORTS = {
    "lens": LENS, "derwent": DERWENT, "orbit": ORBIT, "patsnap": PATSNAP, "incopat": INCOPAT,
    "espacenet": ESPACENET, "patentscope": PATENTSCOPE, "google": GOOGLE, "patentsview": PATENTSVIEW,
}  # fmt: skip


def read(tmp_path, name, *, encoding="utf-8", before=()):
    separator, header, row = EXPORTS[name]
    path = tmp_path / f"{name}.csv"
    with path.open("w", encoding=encoding, newline="") as handle:
        handle.writelines(f"{line}\n" for line in before)
        writer = csv.writer(handle, delimiter=separator)
        writer.writerows([header, row])
    assert failures(path) == []
    (document,) = documents(path)
    return document


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_gives_number_title_and_date(tmp_path, name):
    document = read(tmp_path, name)
    assert document.doc_id == ("US-9990001-B2" if name == "patentsview" else "US-20990101709" + document.doc_id[14:])
    assert document.kind in ("A1", "B2") or name == "patentscope"
    assert document.title == "Cup"
    assert document.publication_date == date(2099, 4, 25)
    assert document.priority_date == date(2011, 10, 24) or name in ("patentsview", "patentscope")


@pytest.mark.parametrize("name", ["lens", "derwent", "orbit", "patsnap", "incopat"])
def test_owners_stand_beside_applicants_in_order(tmp_path, name):
    document = read(tmp_path, name)
    assert [party.casefold() for party in document.assignees] == ["acme inc", "beta llc"]
    assert [party.casefold() for party in document.inventors] == ["doe jane", "roe rick"]


@pytest.mark.parametrize("name", ["lens", "derwent", "orbit", "patsnap", "incopat", "espacenet", "patentscope"])
def test_classes_are_written_as_everywhere(tmp_path, name):
    document = read(tmp_path, name)
    assert document.ipc == ("A23L2/02",)


@pytest.mark.parametrize("name", ["derwent", "incopat"])
def test_cited_publications_of_an_export_are_numbers(tmp_path, name):
    assert read(tmp_path, name).cited == ("US-5000001-A", "EP-1000001-B1")


def test_an_original_title_goes_before_the_vendors_own(tmp_path):
    assert read(tmp_path, "derwent").title == "Cup"


def test_a_line_about_the_search_above_the_header_is_passed_over(tmp_path):
    assert read(tmp_path, "google", before=["search URL:,https://patents.example/?q=cup"]).title == "Cup"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "gb18030"])
def test_a_chinese_export_is_read_in_its_encodings(tmp_path, encoding):
    assert read(tmp_path, "patsnap", encoding=encoding).assignees == ("Acme Inc", "Beta Llc")
