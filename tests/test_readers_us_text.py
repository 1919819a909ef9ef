"""US patents as tagged text: the Green Book of 1976 to 2001 and the BRS search system."""

import tracemalloc
from datetime import date

import pytest

from patentclust.params import IngestParams
from patentclust.readers import characters, find_files, read_file, uspto
from tests.test_readers_suite import DATA, documents, failures

APS = (DATA / "us_aps.txt").read_text(encoding="ascii")


def written(tmp_path, text, encoding="ascii"):
    path = tmp_path / "some.txt"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture(scope="module")
def grant():
    return documents(DATA / "us_aps.txt")[0]


@pytest.fixture(scope="module")
def design():
    return documents(DATA / "us_aps.txt")[1]


@pytest.fixture(scope="module")
def brs():
    return documents(DATA / "us_brs.txt")[0]


def test_a_green_book_grant_has_its_numbers_and_dates(grant):
    assert (grant.doc_id, grant.kind) == ("US-5700647-A", "A")
    assert grant.application_number == "US-08568680"
    assert (grant.publication_date, grant.filing_date) == (date(1997, 12, 23), date(1995, 12, 7))
    assert grant.priorities == ("DE-4120001",)
    assert grant.priority_date == date(1991, 6, 21)


def test_people_classes_and_citations_of_a_green_book_grant(grant):
    assert grant.inventors == ("Wayne W. Leaf", "Luc Branch, Jr.")
    assert grant.assignees == ("Tea Works Kabushiki Kaisha",)
    assert grant.ipc == ("A47J31/06", "C12Q1/68")
    assert grant.cited == ("US-3770001", "US-RE29785", "JP-H02191001")


def test_lines_are_joined_and_codes_are_characters(grant):
    assert grant.title == "Kettle with a β-brass lid, and a long title that goes on over the end of the line"
    assert grant.abstract == "A kettle for H2O at 90° C., of 5 μm brass: [formula]"
    assert grant.description.split("\n") == [
        "This is a division of application Ser. No. 07/900,302.",
        "BACKGROUND",
        "1. Field of the Invention",
        "Lids with α1 ≤5±1 are known, e.g. those of 10-3 m.",
        "BRIEF DESCRIPTION OF THE DRAWINGS",
        "FIG. 1 is a view.",
        "DETAILED DESCRIPTION",
        "The following holds:",
        "[formula]",
        "See the table.",
        "[table]",
        "The end.",
    ]


def test_claims_of_a_green_book_grant_keep_their_steps(grant):
    assert grant.claims == (
        "1. A kettle, comprising:\na lid; and\na spout of copper.",
        "2. The kettle according to claim 1, which is red.",
        "3. A spout.",
    )
    assert grant.independent == (True, False, True)


def test_a_design_has_its_one_claim_and_no_ipc(design):
    assert (design.doc_id, design.kind) == ("US-D399001-S", "S")
    assert design.claims == ("1. The ornamental design for a kettle lid, as shown and described.",)
    assert design.ipc == ()
    assert design.description == "FIG. 1 is a view of a lid."


def test_a_wrong_check_digit_is_said(tmp_path):
    document = documents(written(tmp_path, APS.replace("057006474", "057006475")))[0]
    assert document.doc_id == "US-5700647-A"
    assert "check digit of WKU 057006475 is wrong" in document.warnings[0]


def test_a_number_without_check_digit_is_taken_whole(tmp_path):
    assert documents(written(tmp_path, APS.replace("057006474", "05700647")))[0].doc_id == "US-5700647-A"


def test_one_bad_document_of_a_week_costs_only_itself(tmp_path):
    path = written(tmp_path, APS.replace("WKU  057006474", "WKU  "))
    assert [document.doc_id for document in documents(path)] == ["US-D399001-S"]
    (failure,) = failures(path)
    assert "expected WKU" in str(failure)
    assert failure.source_path.endswith("#1")


@pytest.mark.parametrize(
    "text", ["PATN\nWKU  057006474\nSRC  8\n", "*** BRS DOCUMENT BOUNDARY ***\nDID US 9204581 B2\n"]
)
def test_a_document_that_is_cut_before_its_texts_is_a_failure(tmp_path, text):
    assert "the file may be cut" in str(failures(written(tmp_path, text))[0])


def test_windows_line_ends_and_foreign_bytes_are_read(tmp_path):
    text = APS.replace("Tea Works", "Th\u00e9 Works").replace("\n", "\r\n")
    assert documents(written(tmp_path, text, "cp1252"))[0].assignees == ("Thé Works Kabushiki Kaisha",)


def test_a_weekly_file_streams(tmp_path):
    path = tmp_path / "week.txt"
    body = APS.split("\n", 1)[1]
    filler = "PAR  " + "Words of a long description follow each other.\n      " * 400 + "\n"
    with path.open("w", encoding="ascii") as file:
        for _ in range(300):
            file.write(body.replace("DETD\n", f"DETD\n{filler}"))
    assert path.stat().st_size > 6_000_000
    (found,) = find_files([path])
    tracemalloc.start()
    n_documents = sum(1 for _ in read_file(found, IngestParams(), sha256="0"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_documents == 600
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("wku", "valid"), [("057006474", True), ("039302717", True), ("057006470", False), ("D03990010", True)]
)
def test_check_digits_of_numbers(wku, valid):
    assert uspto.without_check_digit(wku) == (wku[:8], valid)


@pytest.mark.parametrize(
    ("filed", "expected"),
    [
        (date(1978, 12, 31), "US-05123456"),
        (date(1992, 12, 31), "US-07123456"),
        (date(1997, 12, 29), "US-08123456"),
        (date(1997, 12, 30), "US-09123456"),
        (date(2002, 1, 1), "US-123456"),
        (None, "US-123456"),
    ],
)
def test_the_series_of_an_application_follows_from_its_date(filed, expected):
    assert uspto.application("123,456", filed=filed) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("US 2003/0169838 A1 20030900 Greenstreet et al. 375/376 cited by examiner", "US-20030169838-A1"),
        ("US 6249393 B1 Billings 20010600 cited by examiner", "US-6249393-B1"),
        ("4006340 19770200 Gorinas 219/121P", "US-4006340"),
        ("0 379 828 19891200 EP", "EP-379828"),
        ("JP 2014-006757 A 20140100 cited by applicant", "JP-2014006757-A"),
        ("JP A-6-143669 19940500 cited by applicant", "JP-H06143669-A"),
        ("JP 63-12345 A 19880100 cited by applicant", "JP-S63012345-A"),
        ("WO WO 2009/087872 A1 20090700 cited by applicant", "WO-2009087872-A1"),
    ],
)
def test_citations_are_read_as_printed(entry, expected):
    assert uspto.cited([entry]) == (expected,)


def test_codes_become_characters_and_abbreviations_stay():
    text = "e.g. R.sub.1 to X.sup..crclbar. of CH.sub.3 (CH.sub.2).sub.2 OH, i.e..times.2; www.alpha.com"
    assert characters.without_codes(text) == "e.g. R1 to X⊖ of CH3 (CH2)2OH, i.e.×2; www.alpha.com"


@pytest.mark.parametrize(
    ("entity", "expected"),
    [("agr", "α"), ("b.Delta", "Δ"), ("lsqb", "["), ("plus", "+"), ("it", ""), ("ohacgr", "ώ"), ("nosuch", None)],
)
def test_entities_have_their_characters(entity, expected):
    assert characters.named(entity) == expected


def test_a_brs_document_is_read_in_its_fields(brs):
    assert (brs.doc_id, brs.kind, brs.application_number) == ("US-9204001-B2", "B2", "US-13483001")
    assert (brs.publication_date, brs.filing_date) == (date(2015, 12, 1), date(2012, 5, 30))
    assert brs.priorities == ("KR-1020110055001", "US-61559001")
    assert brs.priority_date == date(2010, 11, 14)
    assert brs.ipc == ("A47J31/06", "B65D51/24")
    assert brs.cpc == ("A47J31/0626", "Y10T29/49121")
    assert (brs.applicants, brs.assignees) == (("Brass & Copper Ltd.",), ("Brass & Copper Ltd.",))
    assert brs.inventors == ("Ada N. Okafor", "Jan van der Berg")
    assert brs.cited == ("US-3963001-A", "US-20030002001-A1", "CN-1714001-A", "JP-H06143001-A")


def test_a_brs_document_has_its_texts(brs):
    assert brs.title == "Kettle lid with a self-closing vent and a title of two lines"
    assert brs.abstract == "A lid closes at the 4th minute."
    assert brs.description == "BACKGROUND\nLids of 5 μm are known.\nThe lid 10 has a vent."
    assert brs.claims == (
        "1. A lid, comprising: a plate; and a vent.",
        "2. The lid of claim 1, wherein the plate is brass.",
    )
    assert brs.independent == (True, False)


def test_brs_documents_of_one_file_are_numbered(tmp_path):
    text = (DATA / "us_brs.txt").read_text(encoding="ascii")
    found = documents(written(tmp_path, text + text.replace("9204001", "9204002")))
    assert [document.doc_id for document in found] == ["US-9204001-B2", "US-9204002-B2"]
    assert [document.source_path.rsplit("#")[-1] for document in found] == ["1", "2"]


def test_a_start_line_that_is_no_field_is_a_failure_not_a_crash(tmp_path):
    path = written(tmp_path, "PATN\nWKU  057006474\nTTL  Lid\nPATN \x0b\n")
    assert [document.title for document in documents(path)] == ["Lid"]
    assert "no publication number" in str(failures(path)[0])
