"""EP documents: one language only, names turned round, Euro-PCT without text."""

from datetime import date

import pytest

from patentclust.params import IngestParams
from tests.test_readers_suite import DATA, documents


@pytest.fixture(scope="module")
def grant():
    return documents(DATA / "ep_b1.xml")[0]


def in_language(code):
    return documents(DATA / "ep_b1.xml", IngestParams(prefer_language=code))[0]


def test_numbers_and_dates_are_read(grant):
    assert grant.doc_id == "EP-999001-B1"
    assert grant.application_number == "EP-16999001"
    assert grant.publication_date == date(2019, 7, 3)
    assert grant.filing_date == date(2016, 3, 11)
    assert grant.family_id is None


def test_every_priority_is_read_though_they_share_one_block(grant):
    assert grant.priorities == ("DE-102015003001", "US-62111333")
    assert grant.priority_date == date(2015, 3, 12)


def test_the_language_of_the_proceedings_is_taken(grant):
    assert grant.language == "de"
    assert grant.title == "Förderband für Tee"
    assert grant.claims == (
        "1. Förderband (1) mit:\n- einer Rolle (2); und\n- einem Band (3).",
        "2. Förderband nach Anspruch 1, wobei das Band rot ist.",
    )
    assert grant.independent == (True, False)
    assert grant.description.split("\n") == [
        "Gebiet",
        "Die Erfindung betrifft ein Förderband gemäß DE-A-1.",
        "Es fördert Tee, auch grünen.",
    ]


def test_a_preferred_language_is_taken_alone():
    document = in_language("en")
    assert document.language == "en"
    assert document.title == "Conveyor for tea"
    assert document.claims[1] == "2. Conveyor as claimed in claim 1, wherein the belt is red."
    assert document.independent == (True, False)
    assert document.description == ""
    assert document.warnings == ("description left out: only in de, not in en",)


def test_a_language_that_is_not_there_changes_nothing(grant):
    assert in_language("ja") == grant


def test_names_are_turned_round(grant):
    assert grant.inventors == ("Nicholas J. SHERMAN", "Jörg Müller")
    assert grant.assignees == ("Teewerke & Söhne GmbH",)
    assert grant.applicants == ()


def test_classes_are_read_from_padded_text(grant):
    assert grant.ipc == ("A24C5/20", "B65H23/32")
    assert grant.cpc == ("A24C5/205",)


def test_citations_with_the_kind_first_are_read(grant):
    assert grant.cited == ("EP-1186247-A2", "WO-2004045320-A1", "US-RE36154-E")


def test_a_euro_pct_file_keeps_its_data_and_says_where_the_text_is():
    document = documents(DATA / "ep_a1_euro_pct.xml")[0]
    assert document.doc_id == "EP-1999002-A1"
    assert document.title == "PROCESS FOR PAPER"
    assert document.ipc == ("C07C29/44", "C07C31/38")
    assert document.applicants == ("PAPER COMPANY LTD.",)
    assert document.claims == ()
    assert document.warnings == ("the file carries no text, only bibliographic data; it was published as WO02999444",)


def test_patents_that_the_description_cites_are_read_but_not_the_priority(tmp_path):
    entry = "<li><patcit><document-id><country>{}</country><doc-number>{}</doc-number>{}</document-id></patcit></li>"
    entries = (
        entry.format("ES", "2115900", ""),
        entry.format("ES", "1060278", "<kind>U</kind>"),
        entry.format("DE", "102015003001", "<date>20150312</date>"),
    )
    cited = f"<ep-reference-list><p><ul>{''.join(entries)}</ul></p></ep-reference-list></ep-patent-document>"
    text = (DATA / "ep_b1.xml").read_text(encoding="utf-8").replace("</ep-patent-document>", cited)
    path = tmp_path / "a1.xml"
    path.write_text(text, encoding="utf-8")
    assert documents(path)[0].cited[-2:] == ("ES-2115900", "ES-1060278-U")
