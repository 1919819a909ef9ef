"""Answers of the USPTO's public search, and parts of applications as filed."""

import json
from datetime import date

import pyarrow.parquet as pq
import pytest

from patentclust.readers import uspto
from patentclust.readers.claims import split_claims
from patentclust.stages import ingest
from patentclust.workspace import Workspace
from tests.test_readers_suite import DATA, documents, failures

ROWS = json.loads((DATA / "us_ppubs.json").read_text(encoding="utf-8"))
PARTS = (DATA / "us_parts.xml").read_text(encoding="utf-8")
CLAIMS = """<pat:ClaimsDocument xmlns:pat="urn:us:gov:doc:uspto:patent"><pat:DocumentCode>CLM</pat:DocumentCode>
<pat:DocumentHeaderDetails><pat:ApplicationHeaderDetails><pat:ApplicationNumber>13962001</pat:ApplicationNumber>
</pat:ApplicationHeaderDetails></pat:DocumentHeaderDetails><pat:MailRoomDate>2014-11-18</pat:MailRoomDate>
<pat:ClaimSet><pat:ClaimList>
<pat:Claim><pat:ClaimText>IN THE CLAIMS This listing will replace all prior versions.</pat:ClaimText></pat:Claim>
<pat:Claim><pat:ClaimNumber>1</pat:ClaimNumber><pat:ClaimText><pat:ClaimLabelText>1. </pat:ClaimLabelText>(Currently
Amended) A lid, comprising: </pat:ClaimText><pat:ClaimText><pat:BoundaryData><pat:HeaderText>Page 3</pat:HeaderText>
</pat:BoundaryData> a plate.</pat:ClaimText>
<pat:ClaimStatusCategory>currently amended</pat:ClaimStatusCategory></pat:Claim>
<pat:Claim><pat:ClaimNumber>2</pat:ClaimNumber><pat:ClaimText>Claim 2 (Previously presented): The lid of claim
<pat:ClaimReference>1</pat:ClaimReference>, of brass.</pat:ClaimText></pat:Claim>
<pat:Claim><pat:ClaimNumber>3</pat:ClaimNumber><pat:ClaimText>3. (Canceled)</pat:ClaimText></pat:Claim>
</pat:ClaimList></pat:ClaimSet></pat:ClaimsDocument>"""


def written(tmp_path, text):
    path = tmp_path / "some.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def grant():
    return documents(DATA / "us_ppubs.json")[0]


@pytest.fixture(scope="module")
def application():
    return documents(DATA / "us_ppubs.json")[1]


def test_a_grant_of_the_search_is_read_in_its_fields(grant):
    assert (grant.doc_id, grant.kind, grant.language) == ("US-6103001-A", "A", "en")
    assert grant.family_id == "docdb:26732001"
    assert grant.application_number == "US-09089001"
    assert (grant.publication_date, grant.filing_date) == (date(2000, 8, 15), date(1998, 6, 3))
    assert (grant.ipc, grant.cpc) == (("A47J31/06", "B65D51/24"), ("A47J31/0626", "Y10S438/977"))
    assert (grant.applicants, grant.assignees) == ((), ("Brass & Copper Ltd.",))
    assert grant.inventors == ("Ada N. Okafor", "Jan van der Berg")
    assert grant.cited == ("US-4006001", "EP-379001")


def test_html_of_the_search_becomes_text_without_the_numbers_of_the_service(grant):
    assert grant.title == "Kettle lid of H2O & brass"
    assert grant.abstract == "A lid, of a Smart Cut™ brass."
    assert grant.description.split("\n") == [
        "BACKGROUND",
        "Lids are known.",
        "(7) remains a number of the text.",
        "As FIG. 1 shows, x < y in [formula] .",
        "The end.",
    ]
    assert grant.claims == ("1. A lid, comprising:\na plate; and\na vent.", "2. The lid of claim 1, of brass.")


def test_an_application_of_the_search_is_read_in_its_fields(application):
    assert application.doc_id == "US-20230008001-A1"
    assert application.family_id is None
    assert application.priorities == ("EP-19214001", "US-63220001", "US-16428001")
    assert application.priority_date == date(2019, 5, 31)
    assert (application.ipc, application.cpc) == (("A23F3/06",), ("A23F3/163", "A23F3/08"))
    assert application.description.split("\n") == [
        "CROSS-REFERENCE",
        "This application claims priority.",
        "FIELD",
        "It concerns tea.",
        "Cups of 5 μm of H2O are:",
        "red; and",
        "blue, see www.alpha.com/a.mu.b.",
    ]
    assert application.claims == ("1. A method of making tea.", "5. The method of claim 1, with milk.")


def test_a_provisional_application_told_in_prose_is_a_priority():
    prose = "This application claims the benefit of U.S. Provisional Application No. 60/053,999, filed Jul. 25, 1997."
    assert uspto.related([prose]) == ([("US-60053999", date(1997, 7, 25))], [])


def test_cancelled_ranges_of_claims_end_the_claim_before():
    claims = ["1. A lid.", "2-4. (canceled)", "5. The lid of claim 1, for 2-3. Of brass.", "6. A kettle."]
    assert split_claims("\n".join(claims)) == claims


def test_wrapped_and_single_answers_are_read(tmp_path):
    wrapped = written(tmp_path, json.dumps({"numFound": 2, "patents": ROWS}))
    assert [document.doc_id for document in documents(wrapped)] == ["US-6103001-A", "US-20230008001-A1"]
    assert [document.doc_id for document in documents(written(tmp_path, json.dumps(ROWS[1])))] == ["US-20230008001-A1"]


def test_a_scan_says_so_and_its_stand_in_is_no_title(tmp_path):
    row = ROWS[0] | {"type": "USOCR", "inventionTitle": "OCR SCANNED DOCUMENT", "guid": "US-PP03823-P"}
    row["claimsHtml"] = "1. A tree.<br />2. The tree ofclaim 1further tall."
    (document,) = documents(written(tmp_path, json.dumps([row])))
    assert (document.doc_id, document.title) == ("US-PP3823-P", "")
    assert "recognised by machine" in document.warnings[0]
    assert document.claims[1] == "2. The tree of claim 1 further tall."
    assert document.independent == (True, False)


def test_fields_of_another_type_are_passed_over(tmp_path):
    odd = {name: {"a": [1]} for name in ROWS[0] if name != "guid"} | {"guid": "US-6103001-A"}
    (document,) = documents(written(tmp_path, json.dumps([odd])))
    assert (document.doc_id, document.title, document.claims) == ("US-6103001-A", "", ())


def test_an_entry_without_a_number_costs_only_itself(tmp_path):
    path = written(tmp_path, json.dumps([*ROWS, ROWS[0] | {"guid": "nothing"}]))
    assert len(documents(path)) == 2
    assert "expected guid" in str(failures(path)[0])


def test_a_specification_as_filed_is_read_with_the_title_before_its_sections():
    (document,) = documents(DATA / "us_parts.xml")
    assert document.title == "KETTLE LID WITH A VENT"
    assert document.description == "TECHNICAL FIELD\nLids are made of brass and copper."
    assert document.application_number == "US-13962001"
    assert document.country is None
    assert document.publication_date is None
    assert document.warnings == ("no publication: the specification of application US-13962001 as of 2013-08-08",)


def test_claims_as_filed_lose_their_states_headers_and_preamble(tmp_path):
    (document,) = documents(written(tmp_path, CLAIMS))
    assert document.claims == ("1. A lid, comprising:\na plate.", "2. The lid of claim 1, of brass.")
    assert document.independent == (True, False)


def test_an_abstract_as_filed_is_an_abstract(tmp_path):
    text = PARTS.replace(">SPEC<", ">ABST<").replace("KETTLE LID", "ABSTRACT").replace("WITH A VENT", "A lid.")
    (document,) = documents(written(tmp_path, text))
    assert document.abstract.startswith("A lid.\nTECHNICAL FIELD")
    assert (document.title, document.description) == ("", "")


def test_the_parts_of_one_application_are_one_document(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    abstract = PARTS.replace(">SPEC<", ">ABST<").replace("KETTLE LID", "ABSTRACT").replace("WITH A VENT", "A lid.")
    parts = {"a.abst": abstract, "b.clm": CLAIMS, "c.spec": PARTS, "d.spec": PARTS.replace("13962001", "13962002")}
    for name, text in parts.items():
        (folder / f"{name}.xml").write_text(text, encoding="utf-8")
    workspace = Workspace(tmp_path / "out")
    ingest.run(workspace, [folder])
    joined, other = pq.read_table(workspace.documents).to_pylist()
    assert joined["title"] == "KETTLE LID WITH A VENT"
    assert joined["description"].startswith("TECHNICAL FIELD")
    assert joined["claims"] == ["1. A lid, comprising:\na plate.", "2. The lid of claim 1, of brass."]
    assert joined["independent"] == [True, False]
    assert joined["abstract"].startswith("A lid.")
    assert sum(warning.startswith("also read from ") for warning in joined["warnings"]) == 2
    assert (other["application_number"], other["claims"]) == ("US-13962002", [])


def test_a_part_without_text_is_a_failure(tmp_path):
    path = written(tmp_path, "<ClaimsDocument><DocumentCode>CLM</DocumentCode></ClaimsDocument>")
    assert "has no text" in str(failures(path)[0])


@pytest.mark.parametrize("broken", ["<pat:2013-08-08/>", "<pat:/>", "<pat:P><pat:/></pat:P>"])
def test_a_tag_that_is_no_name_costs_only_itself(tmp_path, broken):
    text = PARTS.replace('<pat:Heading pat:id="h-2">', f'{broken}<pat:Heading pat:id="h-2">')
    (document,) = documents(written(tmp_path, text))
    assert document.application_number == "US-13962001"
    assert "not well-formed" in document.warnings[0]
