"""US grants and applications of 2001 to 2004: PATDOC and PAP."""

from datetime import date

import pytest

from tests.test_readers_suite import DATA, documents, failures

PATDOC = (DATA / "us_patdoc.xml").read_text(encoding="utf-8")
PAP = (DATA / "us_pap.xml").read_text(encoding="utf-8")


def written(tmp_path, text):
    path = tmp_path / "some.xml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def grant():
    return documents(DATA / "us_patdoc.xml")[0]


@pytest.fixture(scope="module")
def design():
    return documents(DATA / "us_patdoc.sgm")[0]


@pytest.fixture(scope="module")
def application():
    return documents(DATA / "us_pap.xml")[0]


def test_a_patdoc_grant_has_its_numbers_and_dates(grant):
    assert (grant.doc_id, grant.country, grant.kind) == ("US-6399001-B1", "US", "B1")
    assert grant.application_number == "US-09399001"
    assert (grant.publication_date, grant.filing_date) == (date(2002, 6, 4), date(1999, 9, 20))


def test_priorities_of_a_patdoc_grant_are_foreign_parental_and_provisional(grant):
    assert grant.priorities == ("FR-9812345", "DE-19912345", "US-60115001", "WO-PCTNO1998000107")
    assert grant.priority_date == date(1998, 1, 11)


def test_people_of_a_patdoc_grant_are_in_order_and_the_attorney_is_none_of_them(grant):
    assert grant.inventors == ("Rui R. Teixeira", "Ada Okafor")
    assert grant.assignees == ("Brass & Copper Ltd.",)
    assert grant.applicants == ()


def test_classes_and_citations_of_a_patdoc_grant(grant):
    assert grant.ipc == ("A47J31/06", "B65D51/24")
    assert grant.cited == ("US-4394001-A", "US-D271001", "EP-379001")


def test_texts_of_a_patdoc_grant_are_not_glued_or_split(grant):
    assert grant.title == "Kettle lid for H2O"
    assert grant.abstract == "A lid of area aj+α closes."
    assert grant.description.split("\n") == [
        "CROSS-REFERENCE",
        "This continues another.",
        "DETAILED DESCRIPTION",
        "As FIG. 1 shows, the lid 10 obeys [formula]",
        "[table]",
        "brass",
        "copper",
    ]


def test_claims_of_a_patdoc_grant_keep_steps_and_dependence(grant):
    assert grant.claims == (
        "1. A kettle lid, comprising:\na plate; and\na vent of N1 holes.",
        "2. The lid according to claim 1, of brass.",
        "3. A kettle.",
    )
    assert grant.independent == (True, False, True)


def test_sgml_without_ends_of_empty_elements_loses_nothing_behind_them(design):
    assert design.doc_id == "US-D435001-S"
    assert design.cited == ("US-D298001", "US-RE31002")
    assert design.inventors == ("Hiro Tanabe",)
    assert design.assignees == ("Ada Okafor",)
    assert design.claims == ("1. The ornamental design for a kettle lid, as shown.",)
    assert design.description == "FIG. 1 is a view of a lid."


def test_sgml_without_quotes_loses_nothing_either(tmp_path, design):
    sgml = (DATA / "us_patdoc.sgm").read_text(encoding="utf-8")
    bare = sgml.replace('LVL="7"', "LVL=7").replace('ID="CLM-00001"', "ID=CLM-00001").replace('ID="EMI-1"', "ID=EMI-1")
    (document,) = documents(written(tmp_path, bare))
    assert (document.claims, document.description) == (design.claims, design.description)
    assert document.warnings == ()


def test_locarno_classes_of_a_design_are_no_ipc(design):
    assert design.ipc == ()


def test_many_patdoc_documents_in_one_file_are_all_read(tmp_path):
    sgml = (DATA / "us_patdoc.sgm").read_text(encoding="utf-8")
    found = documents(written(tmp_path, PATDOC + sgml + sgml.replace("D0435001", "D0435002")))
    assert [document.doc_id for document in found] == ["US-6399001-B1", "US-D435001-S", "US-D435002-S"]


def test_empty_references_to_claims_make_a_claim_dependent(tmp_path):
    sgml = (DATA / "us_patdoc.sgm").read_text(encoding="utf-8")
    second = (
        '<CLM ID="CLM-00002"><PARA><PTEXT><PDAT>The design of </PDAT><CLREF ID="CLM-00001"></PTEXT></PARA></CLM></CL>'
    )
    (document,) = documents(written(tmp_path, sgml.replace("</CL>", second)))
    assert document.claims[1] == "2. The design of"
    assert document.independent == (True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PATDOC.replace("<PDAT>06399001</PDAT>", ""), "no publication number"),
        ("<PATDOC><SDOAB/><SDODE/></PATDOC>", "no bibliographic data"),
        (PAP.replace("<doc-number>20010099001</doc-number>", ""), "no publication number"),
        ("<patent-application-publication><x>y</x></patent-application-publication>", "no bibliographic data"),
    ],
)
def test_what_is_missing_is_named(tmp_path, text, expected):
    assert expected in str(failures(written(tmp_path, text))[0])


def test_a_pap_application_has_its_numbers_and_dates(application):
    assert (application.doc_id, application.kind) == ("US-20010099001-A1", "A1")
    assert application.application_number == "US-09728001"
    assert (application.publication_date, application.filing_date) == (date(2001, 10, 18), date(2000, 12, 1))
    assert application.priorities == ("GB-9811001", "US-60087001")
    assert application.priority_date == date(1998, 5, 28)


def test_people_of_a_pap_application_and_who_of_them_applied(application):
    assert application.inventors == ("Wayne W Leaf Jr.", "Kat Branch")
    assert application.applicants == ("Wayne W Leaf Jr.",)
    assert application.assignees == ("Tea Works Pty Ltd",)


def test_classes_and_citations_of_a_pap_application(application):
    assert application.ipc == ("C12N1/20", "A47J31/06")
    assert application.cited == ("US-5616001-A",)


def test_texts_of_a_pap_application_have_no_paragraph_numbers(application):
    assert application.title == "Tea reagent"
    assert application.abstract == "A reagent of Camellia sinensis and CO2."
    assert application.description.split("\n") == [
        "FIELD",
        "The invention concerns tea®, at 90° C.",
        "It obeys: [formula] where x=1.",
        "Sizes: [table]",
        "See 5616001 A US .",
    ]


def test_claims_of_a_pap_application_keep_steps_and_lose_cancelled_ones(application):
    assert application.claims == (
        "1. A reagent, comprising:\n(a) tea; and\n(b) water.",
        "2. The reagent of claim 1, warm.",
        "3. A method of making tea.",
    )
    assert application.independent == (True, False, True)
