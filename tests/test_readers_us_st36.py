"""US grants and applications, v4.x."""

from datetime import date

import pytest

from tests.test_readers_suite import DATA, documents, failures

GRANT = (DATA / "us_grant.xml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def grant():
    return documents(DATA / "us_grant.xml")[0]


@pytest.fixture(scope="module")
def application():
    return documents(DATA / "us_application.xml")[0]


@pytest.fixture
def changed(tmp_path):
    def change(*pairs):
        text = GRANT
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "changed.xml"
        path.write_text(text, encoding="utf-8")
        return path

    return change


def test_a_grant_is_named_without_leading_zero(grant):
    assert (grant.doc_id, grant.country, grant.kind) == ("US-9900001-B2", "US", "B2")


def test_an_application_is_named_by_its_publication(application):
    assert application.doc_id == "US-20110999001-A1"


@pytest.mark.parametrize(
    ("number", "kind", "doc_id"),
    [
        ("D0701016", "S1", "US-D701016-S1"),
        ("PP029484", "P2", "US-PP29484-P2"),
        ("RE046947", "E1", "US-RE46947-E1"),
        ("H0002287", "H1", "US-H2287-H1"),
    ],
)
def test_designs_plants_reissues_and_registrations_are_named(changed, number, kind, doc_id):
    path = changed(
        ("<doc-number>09900001</doc-number><kind>B2</kind>", f"<doc-number>{number}</doc-number><kind>{kind}</kind>")
    )
    assert documents(path)[0].doc_id == doc_id


def test_dates_and_application_are_read(grant):
    assert grant.publication_date == date(2018, 2, 20)
    assert grant.filing_date == date(2016, 3, 15)
    assert grant.application_number == "US-14999001"


def test_priorities_are_foreign_ones_provisionals_and_parents(grant):
    assert grant.priorities == ("JP-2015052001", "US-62111222", "US-13888777")
    assert grant.priority_date == date(2014, 5, 5)


def test_no_priority_is_none(application):
    assert application.priorities == ()
    assert application.priority_date is None


def test_the_language_is_bcp_47(grant):
    assert grant.language == "en"


def test_the_first_class_is_the_main_one(grant):
    assert grant.ipc == ("A47J31/06", "B65D51/24")
    assert grant.cpc == ("A47J31/0626", "B65D51/245")


def test_the_old_fixed_width_classes_are_read(application):
    assert application.ipc == ("H04L12/28", "G06F17/00")


def test_people_and_firms_are_told_apart(grant):
    assert grant.applicants == ("Brass & Copper Ltd.",)
    assert grant.assignees == ("Brass & Copper Ltd.",)
    assert grant.inventors == ("Ada N. Okafor", "Jan van der Berg")


def test_inventors_among_the_applicants_of_old_versions_are_found(application):
    assert application.inventors == ("Maja Lindqvist",)
    assert application.applicants == ("Maja Lindqvist", "Forgetful Networks AB")
    assert application.assignees == ("Forgetful Networks AB",)


def test_cited_patents_are_listed_and_literature_is_not(grant):
    assert grant.cited == ("US-7654321-B1", "US-20120012345-A1")


def test_title_and_abstract_are_one_line_a_paragraph(grant):
    assert grant.title == "Kettle lid with a self-closing vent"
    assert grant.abstract == "A kettle lid has a vent. It closes at 96° C. when CO2 leaves."


def test_the_description_has_one_paragraph_or_heading_a_line(grant):
    assert grant.description.split("\n") == [
        "CROSS-REFERENCE",
        "This continues another application.",
        "DETAILED DESCRIPTION",
        "As FIG. 1 shows, the lid 10 has a vent 12a and a spring with 10-3 m of play.",
        "first, brass",
        "second, copper",
        "Sizes are in [table] and follow [formula] .",
    ]


def test_claims_keep_their_number_and_their_steps(grant):
    assert grant.claims == (
        "1. A kettle lid, comprising:\na plate (10);\na vent, the vent having\na flap, and\na spring.",
        "2. The lid of claim 1, wherein the spring is brass.",
        "5. A kettle with a lid.",
    )
    assert grant.independent == (True, False, True)


def test_a_claim_without_printed_number_gets_that_of_its_element(changed):
    path = changed(("<claim-text>5. A kettle", "<claim-text>A kettle"))
    assert documents(path)[0].claims[-1] == "5. A kettle with a lid."


def test_a_file_without_its_end_keeps_what_it_has(changed):
    document = documents(changed(("</claims>\n</us-patent-grant>\n", "</claims>\n")))[0]
    assert len(document.claims) == 3
    assert "not well-formed" in document.warnings[0]


def test_no_number_is_a_failure(changed):
    path = changed(("<doc-number>09900001</doc-number>", ""))
    assert "no publication number" in str(failures(path)[0])


def test_no_bibliographic_data_is_a_failure(tmp_path):
    path = tmp_path / "bare.xml"
    path.write_text("<us-patent-grant><abstract><p>x</p></abstract></us-patent-grant>")
    assert "no bibliographic data" in str(failures(path)[0])
