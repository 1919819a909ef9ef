"""Faults that were found by reading documents beside their sources, each shown on a sample made up for it."""

import json
from datetime import date

import pyarrow.parquet as pq
import pytest

from patentclust.analysis.families import Member, find_families
from patentclust.readers import characters, numbers, us_st96_parts
from patentclust.readers.claims import refers_to_claim, split_claims
from patentclust.readers.pdf_front import read_front
from patentclust.readers.pdf_layout import composed, lay_out
from patentclust.readers.pdf_masthead import read_masthead
from patentclust.readers.xml import parse, text_of
from patentclust.stages import ingest
from patentclust.workspace import Workspace
from tests.test_readers_pdf import TEXT, make_pdf
from tests.test_readers_suite import DATA, documents

PROSE = [
    "The indicator moves on wheels over the table, and its wheels turn two potentiometers that tell where it is."
] * 9


def written(tmp_path, content, name="made.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def changed(tmp_path, sample, *pairs):
    text = (DATA / sample).read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return documents(written(tmp_path, text, sample))[0]


@pytest.mark.parametrize(
    ("office", "printed", "published", "doc_id"),
    [
        ("JP", "61105664", "19860500", "JP-S61105664"),
        ("JP", "61105664", "19980600", "JP-S61105664"),
        ("JP", "61-105664", "", "JP-S61105664"),
        ("JP", "2191674", "19900700", "JP-H02191674"),
        ("JP", "02-191674", "19900700", "JP-H02191674"),
        ("JP", "9154408", "19970600", "JP-H09154408"),
        ("JP", "201045940", "20100200", "JP-2010045940"),
        ("JP", "0193904", "19841100", "JP-S59193904"),
        ("JP", "0193904", "19890400", "JP-H01093904"),
        ("JP", "0193904", "20040700", "JP-2004193904"),
        ("JP", "0193904", "", "JP-193904"),
        ("JP", "2014-006757", "20140100", "JP-2014006757"),
        ("JP", "2500001", "19960529", "JP-2500001"),
        ("JP", "H06-143669", "19940500", "JP-H06143669"),
        ("WO", "2060546", "20020800", "WO-2002060546"),
        ("WO", "9925133", "19990500", "WO-1999025133"),
        ("WO", "WO 02/060546", "20020800", "WO-2002060546"),
        ("US", "2060546", "19360900", "US-2060546"),
    ],
)
def test_a_citation_takes_its_year_from_its_date(office, printed, published, doc_id):
    assert numbers.dated_id(office, printed, "", published) == doc_id


def test_citations_of_a_grant_are_of_their_era(tmp_path):
    old = "<references-cited>"
    text = (DATA / "us_grant.xml").read_text(encoding="utf-8")
    old = "<us-references-cited>" if "<us-references-cited>" in text else old
    stated = "<country>JP</country><doc-number>61105664</doc-number><kind>A</kind><date>19860500</date>"
    entry = f"<us-citation><patcit><document-id>{stated}</document-id></patcit></us-citation>"
    assert "JP-S61105664-A" in changed(tmp_path, "us_grant.xml", (old, old + entry)).cited


PCT = (
    "<pct-or-regional-filing-data><document-id><country>WO</country><doc-number>PCT/IB2009/005131</doc-number>"
    "<date>20090331</date></document-id></pct-or-regional-filing-data>"
)


def test_a_national_stage_that_claims_nothing_is_of_the_family_of_its_international_application(tmp_path):
    text = (DATA / "us_grant.xml").read_text(encoding="utf-8")
    claims = text[text.index("<priority-claims>") : text.index("</priority-claims>") + len("</priority-claims>")]
    related = text[text.find("<us-related-documents>") : text.find("</us-related-documents>") + 23]
    pairs = [(claims, PCT), *([(related, "")] if related.startswith("<us-related") else [])]
    alone = changed(tmp_path, "us_grant.xml", *pairs)
    assert (alone.priorities, alone.priority_date) == (("WO-PCTIB2009005131",), date(2009, 3, 31))
    beside = changed(tmp_path, "us_grant.xml", (claims, claims + PCT))
    assert beside.priorities
    assert "WO-PCTIB2009005131" not in beside.priorities


def test_an_answer_of_the_search_and_a_euro_pct_file_name_their_international_application(tmp_path):
    row = json.loads((DATA / "us_ppubs.json").read_text(encoding="utf-8"))[0]
    row |= {"pctFilingNumber": ["PCT/EP2019/086695"], "pctFilingDate": ["2019-12-20T00:00:00Z"]}
    (found,) = documents(written(tmp_path, json.dumps([row]), "a.json"))
    assert (found.priorities, found.priority_date) == (("WO-PCTEP2019086695",), date(2019, 12, 20))
    text = (DATA / "ep_b1.xml").read_text(encoding="utf-8")
    block = text[text.index("<B300>") : text.rindex("</B300>") + len("</B300>")]
    b860 = "<B860><B861><dnum><anum>JP0107711</anum></dnum><date>20010905</date></B861></B860>"
    pairs = [(block, ""), ("</SDOBI>", f"<B800>{b860}</B800></SDOBI>")]
    if "<B800>" in text:
        pairs[1] = ("<B800>", f"<B800>{b860}")
    found = changed(tmp_path, "ep_b1.xml", *pairs)
    assert (found.priorities, found.priority_date) == (("WO-PCTJP2001007711",), date(2001, 9, 5))


def test_a_patdoc_grant_and_a_pap_application_name_their_international_application(tmp_path):
    text = (DATA / "us_patdoc.xml").read_text(encoding="utf-8")
    start = text.index("<B300>") if "<B300>" in text else text.index("<B600>")
    gone = text[start : text.index("</B600>") + len("</B600>")]
    kept = "".join(gone[gone.find(f"<{tag}>") : gone.find(f"</{tag}>") + 7] for tag in ("B400", "B500") if tag in gone)
    document = "<DOC><DNUM><PDAT>PCT/NO98/00107</PDAT></DNUM><DATE><PDAT>19980402</PDAT></DATE></DOC>"
    international = f"<B800><B860><B861>{document}</B861></B860></B800>"
    found = changed(tmp_path, "us_patdoc.xml", (gone, kept), ("</SDOBI>", f"{international}</SDOBI>"))
    assert (found.priorities, found.priority_date) == (("WO-PCTNO1998000107",), date(1998, 4, 2))


def test_the_international_application_beside_priorities_does_not_part_a_simple_family():
    members = [
        Member("EP-1-A1", None, "EP-1", ("NO-971605",)),
        Member("US-2-B1", None, "US-2", ("NO-971605", "WO-PCTNO1998000107")),
        Member("WO-3-A1", None, "WO-PCTNO1999000009", ()),
        Member("US-4-B2", None, "US-4", ("WO-PCTNO1999000009",)),
    ]
    families = find_families(members)
    assert families == ["simple:NO-971605"] * 2 + ["simple:WO-PCTNO1999000009"] * 2
    assert (
        find_families([members[1], Member("US-5-A", None, "US-5", ("WO-PCTNO1998000107",))], mode="extended")
        == ["extended:NO-971605"] * 2
    )


@pytest.mark.parametrize(
    "claim",
    [
        "4. Vorrichtung nach einem der vorangegangenen Ansprüche.",
        "4. Panel according to the first or second claim.",
        "5. Panel according to the fourth claim.",
        "8. Manufacturing procedure of the previously claimed panel.",
    ],
)
def test_a_claim_refers_to_others_by_words_too(claim):
    assert refers_to_claim(claim)


def test_a_cancelled_range_with_two_points_is_a_range():
    claims = ["18. A unit.", "19.-27. (canceled)", "28. A device.", "29. The device of claim 28."]
    assert split_claims("\n".join(["1. A lid.", "2-17. (canceled)", *claims]))[2:] == claims


def test_what_an_old_patent_prints_below_its_claims_is_none_of_them(tmp_path):
    row = json.loads((DATA / "us_ppubs.json").read_text(encoding="utf-8"))[0] | {"type": "USOCR"}
    row["claimsHtml"] = "1. A tree.<br />2. A bush. References Cited UNITED STATES PATENTS 3,304,434 2/1967 Doe"
    (found,) = documents(written(tmp_path, json.dumps([row]), "a.json"))
    assert found.claims == ("1. A tree.", "2. A bush.")


@pytest.mark.parametrize(
    ("opening", "n_claims"), [("I claim: 10 1.", 2), ("What is claimed is: 1.", 2), ("We said 1.", 0)]
)
def test_a_scan_of_the_search_whose_text_is_one_has_its_claims_apart(tmp_path, opening, n_claims):
    row = json.loads((DATA / "us_ppubs.json").read_text(encoding="utf-8"))[0] | {"type": "USOCR", "claimsHtml": None}
    row |= {"backgroundTextHtml": None, "briefHtml": None}
    row["descriptionHtml"] = (
        "FOG MAKER I claim: 1. nothing here. A machine is described at length, which makes fog, and again, "
        f"and again, and once more, till it makes fog. {opening} A fog maker, comprising a pump. "
        "2. The fog maker of claim 1, of brass. 55 60 65 No references cited. DOE, Examiner"
    )
    (found,) = documents(written(tmp_path, json.dumps([row]), "a.json"))
    expected = ("1. A fog maker, comprising a pump.", "2. The fog maker of claim 1, of brass.")
    assert found.claims == expected[:n_claims]
    assert found.independent == (True, False)[:n_claims]
    assert found.description.endswith("till it makes fog." if n_claims else "DOE, Examiner")


def test_the_micro_sign_of_the_search_is_told_from_the_point_of_a_product():
    text = "a film of 25 .Math.m, a .Math.-law coder and 2.Math.d or X .Math. m"
    assert characters.without_codes(text) == "a film of 25 μm, a μ-law coder and 2·d or X · m"


@pytest.mark.parametrize(("entity", "character"), [("SACUTE", "Ś"), ("OUML", "Ö"), ("SZLIG", "ß"), ("NOSUCH", None)])
def test_an_entity_in_capitals_is_a_character_too(entity, character):
    assert characters.named(entity) == character
    if character:
        assert text_of(parse(f"<a>x&{entity};</a>".encode()).root) == f"x{character}"


def test_the_mark_of_a_figure_is_no_text_of_an_abstract(tmp_path):
    text = (DATA / "epo_docdb.xml").read_text(encoding="utf-8")
    end = text.index("</exch:p>", text.index("It is green"))
    found = documents(written(tmp_path, f"{text[:end]} of &lt;CHEM&gt; here. &lt;IMAGE&gt;{text[end:]}", "a.xml"))[0]
    assert found.abstract.endswith("of [formula] here.")


def test_a_json_object_may_name_its_publication_in_parts_and_number_its_paragraphs(tmp_path):
    row = {
        "document_id": {"country": "EP", "doc_number": "1999000", "kind": "A1"},
        "description": "[0001]    A brick.\n\n[0002] Another [0003] brick.",
    }
    (found,) = documents(written(tmp_path, json.dumps(row, indent=2), "answer.xml"))
    assert found.doc_id == "EP-1999000-A1"
    assert found.description == "A brick.\nAnother [0003] brick."


def test_a_number_of_the_us_without_its_kind_is_the_publication_of_that_number(tmp_path):
    rows = [
        {"publication_number": "US 8000001 B2", "title": "A lid", "abstract": "A lid of brass and no other thing."},
        {"publication_number": "US 8000001", "title": "A lid", "applicants": "Firm Ltd."},
        {"publication_number": "US 8000002", "title": "A pot of clay, which is alone under its number"},
        {"publication_number": "EP 1999001", "title": "A cup"},
        {"publication_number": "EP 1999001 A1", "title": "A cup"},
    ]
    path = written(tmp_path, "\n".join(map(json.dumps, rows)), "rows.jsonl")
    outcome = ingest.run(Workspace(tmp_path / "ws"), [path])
    found = pq.read_table(Workspace(tmp_path / "ws").documents).to_pylist()
    assert [row["doc_id"] for row in found] == ["US-8000001-B2", "US-8000002", "EP-1999001", "EP-1999001-A1"]
    assert (found[0]["kind"], found[0]["applicants"]) == ("B2", ["Firm Ltd."])
    assert outcome.facts["duplicates"] == 1


def test_the_head_of_an_old_patent_is_read_though_it_has_no_codes():
    found = read_masthead(
        [
            "Filed June 21, 1967 3 Sheets-Sheet 1",
            "3,541,999 POSITION INDICATOR",
            "Jane B. Roe, Palo Alto, and John Doe, Newton, Calif., assignors to Acme Research Institute, Menlo Park, "
            "Calif., a corporation of California",
            "Filed June 21, 1967, Ser. No. 647,999 Int. Cl. H01j 29/70 U.S. Cl. 340-324",
        ]
    )
    assert (found.filing_date, found.application_number) == (date(1967, 6, 21), "US-04647999")
    assert found.inventors == ("Jane B. Roe", "John Doe")
    assert found.assignees == ("Acme Research Institute",)
    assert found.ipc == ("H01J29/70",)


def test_a_serial_number_of_no_known_series_is_left_out_and_a_firm_keeps_its_form():
    found = read_masthead(
        ["J. Doe, Yonkers, N. Y., assignor to Resin, Ltd., Bath.", "Application filed July 13, 1907."]
    )
    assert (found.filing_date, found.application_number, found.assignees) == (date(1907, 7, 13), None, ("Resin, Ltd.",))
    found = read_masthead(["Application filed July 13, 1907. Serial No. 383,684."])
    assert (found.filing_date, found.application_number) == (date(1907, 7, 13), None)
    assert read_masthead([]) == read_masthead(["Nothing of this."])


def test_line_numbers_and_twice_escaped_signs_of_a_part_as_filed_go(tmp_path):
    text = (DATA / "us_parts.xml").read_text(encoding="utf-8")
    end = text.rindex("</com:P>") if "</com:P>" in text else text.rindex("</pat:P>")
    more = " x &amp;gt;3 y, a powered- actuator of two- and three-fold use"
    found = documents(written(tmp_path, f"{text[:end]}{more}{text[end:]}", "a.xml"))[0]
    assert "a powered-actuator of two- and three-fold use" in found.description
    assert "x >3 y" in found.description
    lines = ["30 The server", "30 (e) receiving", "100 apparatus", "20 mm of brass"]
    assert [us_st96_parts.without_line_number(line) for line in lines] == ["The server", "(e) receiving", *lines[2:]]


def test_accents_that_stand_before_their_letters_are_put_on_them():
    assert (
        composed("Gr´egory Mouni´e, Franc¸ois, K¨uhn and ˇCapek; 5 ´ 6")
        == "Grégory Mounié, François, Kühn and Čapek; 5 ´ 6"
    )


def test_numbers_of_pages_and_specks_are_taken_off_a_scan_and_its_small_words_mended():
    pages = [
        ["3,541,999", "3", *PROSE],
        ["3,541,999 5 indicator control 16 is on the cabinet; . . . . . . .", "FIG. 2 is a view. - . . . .", *PROSE],
        ["3,541,999", *PROSE, "a method, Which was known to be of the Web"],
    ]
    layout = lay_out(["\n".join(page) for page in pages], scanned=True)
    _, text = layout.claims_and_description(skip_front=False)
    assert "3,541,999" not in text
    assert "\nindicator control 16 is on the cabinet;\nFIG. 2 is a view." in f"\n{text}".replace(
        " indicator", "\nindicator"
    )
    assert "a method, which was known to be of the Web" in text
    assert " . ." not in text


def test_a_heading_over_the_words_that_open_the_claims_is_no_paragraph(tmp_path):
    page = [
        "The pot is never dry in the summer.",
        "CLAIMS",
        "What is claimed is:",
        "1. A pot.",
        "2. The pot of claim 1.",
    ]
    (found,) = documents(written(tmp_path, make_pdf([TEXT[0], page]), "a.pdf"))
    assert found.claims == ("1. A pot.", "2. The pot of claim 1.")
    assert "CLAIMS" not in found.description


def test_a_scan_has_its_small_letters_and_zeros_mended():
    pages = [
        [
            "United States Patent (19)",
            "(11) 3,541,999",
            "(54) MICRoCOMPUTER FOR USE WITH A",
            "DISPLAY",
            "(75) Inventor: Jane Roe",
            "(51) int. Cl.' HO4N 9/44",
            "(57) ABSTRACT",
            "A pot that has one Weight and",
            "Y shaped wheels, of the Web and of Work, and other PCBs, which turn in the wall of the pot.",
        ],
        [*PROSE, "The score has a Weighting factor."],
    ]
    layout = lay_out(["\n".join(page) for page in pages], scanned=True)
    front = read_front(layout)
    assert (front.title, front.ipc) == ("MICROCOMPUTER FOR USE WITH A DISPLAY", ("H04N9/44",))
    assert front.abstract == (
        "A pot that has one weight and Y shaped wheels, of the Web and of work, and other PCBs, which turn in the "
        "wall of the pot."
    )
    assert "a weighting factor" in layout.claims_and_description(skip_front=True)[1]


def test_a_front_page_that_goes_on_has_its_citations_and_provisionals_of_all_its_pages():
    front = [
        "(12) United States Patent",
        "(10) Patent No.: US 12,999,551 B2",
        "(72) Inventors: Jane Roe, Shanghai (ČN)",
        "(73) Assignee: Acme Corporation, Boston, MA (US)",
        "Notice: Subject to any disclaimer, the term of this",
        "patent is extended or adjusted under 35",
        "(60) Provisional application No. 62/868,999, filed on Jun.",
        "28, 2019, provisional application No. 62/858,999,",
        "(52) U.S. Cl.",
        "C09D 5/24 (2013.01); C09D 7/20",
        "(2018.01)",
        "(56) References Cited",
        "5,424,999A 6/1995 Roe et al.",
        "2009/0009326 A1* 1/2009 Doe ... C09D 7/70",
        "WO WO 2009/099008A1 1/2009",
    ]
    second = [
        "US 12,999,551 B2",
        "Page 2",
        "(56) References Cited",
        "7,566,999 B2 * 7/2009 Poe",
        "JP 2005/209999 A 8/2005",
    ]
    layout = lay_out(["\n".join(page) for page in (front, second, PROSE)])
    found = read_front(layout)
    assert found.cited == (
        "US-5424999-A",
        "US-20090009326-A1",
        "WO-2009099008-A1",
        "US-7566999-B2",
        "JP-2005209999-A",
    )
    assert found.cpc == ("C09D5/24", "C09D7/20")
    assert (found.inventors, found.assignees) == (("Jane Roe",), ("Acme Corporation",))
    assert found.priorities == ("US-62868999", "US-62858999")
    assert found.priority_date == date(2019, 6, 28)
    assert "Poe" not in layout.claims_and_description(skip_front=True)[1]


def test_a_certificate_of_correction_is_no_part_of_the_description():
    certificate = [
        "UNITED STATES PATENT OFFICE CERTIFICATE OF CORRECTION",
        "It is certified that error appears.",
        *PROSE,
    ]
    layout = lay_out(["\n".join(page) for page in (["(54) POT"], ["The pot is dry.", *PROSE], certificate)])
    _, text = layout.claims_and_description(skip_front=True)
    assert "The pot is dry." in text
    assert "certified" not in text


def test_a_pdf_without_a_publication_number_says_so(tmp_path):
    (found,) = documents(written(tmp_path, make_pdf([PROSE, PROSE]), "paper.pdf"))
    assert found.doc_id.startswith("sha256:")
    assert any("no publication number was found" in warning for warning in found.warnings)
    (patent,) = documents(DATA / "patent.pdf")
    assert not any("no publication number" in warning for warning in patent.warnings)
