"""PCT publications in ST.36 and publications in ST.96, made from the standards: no real file is at hand."""

from datetime import date

import pytest

from patentclust.params import IngestParams
from tests.test_readers_suite import DATA, documents, failures

WO = (DATA / "wo_a1.xml").read_text(encoding="utf-8")
ST96 = (DATA / "st96.xml").read_text(encoding="utf-8")


def written(tmp_path, text):
    path = tmp_path / "some.xml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wo():
    return documents(DATA / "wo_a1.xml")[0]


@pytest.fixture(scope="module")
def st96():
    return documents(DATA / "st96.xml")[0]


def test_a_pct_publication_has_its_numbers_and_dates(wo):
    assert wo.doc_id == "WO-2019999004-A1"
    assert wo.application_number == "WO-PCTFR2018099977"
    assert wo.priorities == ("FR-1799111", "WO-PCTIB2018050001")
    assert (wo.publication_date, wo.filing_date) == (date(2019, 7, 4), date(2018, 12, 20))
    assert wo.priority_date == date(2017, 12, 28)


def test_a_pct_publication_is_read_in_its_own_language(wo):
    assert wo.language == "fr"
    assert wo.title == "CONVOYEUR DE THÉ"
    assert wo.abstract == "Un convoyeur (1) pour le thé."
    assert wo.description.split("\n") == ["Domaine", "L'invention concerne le thé en CO2.", "Il est vert."]
    assert wo.claims[0] == "1. Convoyeur (1) comprenant :\n- un rouleau ; et\n- une bande."
    assert wo.independent == (True, False)


def test_a_preferred_language_is_taken_alone_and_what_it_costs_is_said():
    (document,) = documents(DATA / "wo_a1.xml", IngestParams(prefer_language="en"))
    assert (document.language, document.title) == ("en", "TEA CONVEYOR")
    assert document.claims == ()
    assert document.warnings == (
        "description left out: only in fr, not in en",
        "claims left out: only in fr, not in en",
    )


def test_applicants_for_the_united_states_only_are_inventors(wo):
    assert wo.applicants == ("THÉ VERT S.A.",)
    assert wo.inventors == ("Anne FEUILLE", "Luc BRANCHE")


def test_pct_classes_and_the_citations_of_the_search_report_are_read(wo):
    assert wo.ipc == ("A23F3/06", "B65G15/30")
    assert wo.cited == ("FR-2999123-A1",)


def test_both_names_of_root_and_bibliography_are_read(tmp_path, wo):
    text = WO.replace("wo-bibliographic-data", "bibliographic-data")
    (document,) = documents(written(tmp_path, text.replace("wo-published-application", "wo-patent-document")))
    assert (document.doc_id, document.title, document.priorities) == (wo.doc_id, wo.title, wo.priorities)


def test_texts_that_are_page_images_are_named(tmp_path):
    start, end = WO.index('<description lang="fr">'), WO.index("</claims>") + len("</claims>")
    pages = '<description><doc-page file="1.tif"/></description><claims><doc-page file="2.tif"/></claims>'
    (document,) = documents(written(tmp_path, WO[:start] + pages + WO[end:]))
    assert document.warnings == ("description, claims: page images only, no text",)
    assert document.abstract


@pytest.mark.parametrize(
    ("country", "number", "expected"),
    [
        ("PCT", "EP2024078738", "WO-PCTEP2024078738"),
        ("AT", "AT2025/060321", "WO-PCTAT2025060321"),
        ("US", "PCT/US98/16128", "WO-PCTUS1998016128"),
        ("SG", "PCT/SG03/00062", "WO-PCTSG2003000062"),
    ],
)
def test_an_international_application_is_written_one_way(tmp_path, country, number, expected):
    old = "<country>FR</country><doc-number>PCT/FR2018/099977</doc-number>"
    new = f"<country>{country}</country><doc-number>{number}</doc-number>"
    assert documents(written(tmp_path, WO.replace(old, new)))[0].application_number == expected


def test_a_pct_file_without_bibliography_is_refused(tmp_path):
    path = written(tmp_path, "<wo-published-application><abstract><p>A</p></abstract></wo-published-application>")
    assert "no bibliographic data" in str(failures(path)[0])


def test_st96_names_are_read_as_those_of_st36(st96):
    assert st96.doc_id == "AU-2019999005-A1"
    assert st96.title == "Conveyor for tea"
    assert st96.abstract == "Tea is conveyed."
    assert st96.description.split("\n") == ["Field", "The invention is about CO2 tea.", "See [table] it."]
    assert st96.claims == (
        "1. A conveyor comprising:\na roll; and\na belt.",
        "2. The conveyor of claim 1, wherein the belt is red.",
    )
    assert st96.independent == (True, False)


def test_st96_bibliographic_data_are_read(st96):
    assert st96.application_number == "AU-2018999777"
    assert st96.priorities == ("NZ-799111",)
    assert (st96.publication_date, st96.filing_date) == (date(2019, 7, 4), date(2018, 12, 20))
    assert st96.ipc == ("A23F3/06", "A23F3/08")
    assert st96.cpc == ("A23F3/163",)
    assert (st96.applicants, st96.inventors) == (("Tea Works Pty Ltd",), ("Jo Leaf",))
    assert st96.cited == ("US-5556839-A",)


def test_an_st96_grant_is_known_by_its_patent_number(tmp_path):
    text = ST96.replace("PatentPublicationIdentification", "PatentGrantIdentification")
    text = text.replace("pat:PublicationNumber", "pat:PatentNumber").replace("com:PublicationDate", "pat:GrantDate")
    (document,) = documents(written(tmp_path, text.replace("pat:PatentPublication", "pat:GrantPublication")))
    assert (document.doc_id, document.publication_date) == ("AU-2019999005-A1", date(2019, 7, 4))


def test_st96_in_the_namespace_of_an_office_is_left_to_its_own_reader(tmp_path):
    text = ST96.replace("pat:PatentPublication ", 'x:PatentPublication xmlns:x="urn:office" ', 1)
    text = text.replace("</pat:PatentPublication>", "</x:PatentPublication>")
    assert "no reader accepts it" in str(failures(written(tmp_path, text))[0])
