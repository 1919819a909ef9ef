"""What one application takes over from another: parents that make no family of their own, and text struck out."""

from datetime import date

import pyarrow.parquet as pq
import pytest

from patentclust.readers import characters, uspto
from patentclust.stages import ingest
from patentclust.workspace import Workspace
from tests.test_readers_beside_sources import changed, written
from tests.test_readers_suite import DATA, documents

RELATED = "us-related-documents"


def relation(kind, number, day):
    parent = f"<parent-doc><document-id><country>US</country><doc-number>{number}</doc-number><date>{day}</date>"
    return f"<{kind}><relation>{parent}</document-id></parent-doc></relation></{kind}>"


def provisional(number, day):
    stated = f"<country>US</country><doc-number>{number}</doc-number><date>{day}</date>"
    return f"<us-provisional-application><document-id>{stated}</document-id></us-provisional-application>"


def grant(number, application, *relations):
    text = (DATA / "us_grant.xml").read_text(encoding="utf-8")
    for start, end, new in (
        ("<priority-claims>", "</priority-claims>", ""),
        (f"<{RELATED}>", f"</{RELATED}>", f"<{RELATED}>{''.join(relations)}</{RELATED}>"),
    ):
        old = text[text.index(start) : text.index(end) + len(end)]
        text = text.replace(old, new)
    return text.replace("09900001</doc-number>", f"{number}</doc-number>").replace(
        "14999001</doc-number><date>20160315", f"{application}</doc-number><date>20160315"
    )


PROVISIONAL = provisional("62000001", "20100101")
FIRST = ("continuation", "12000001", "20110101")
SECOND = ("division", "13000001", "20130101")
IN_PART = ("continuation-in-part", "12000001", "20110101")


@pytest.mark.parametrize(
    ("relations", "priorities"),
    [
        ((PROVISIONAL,), ("US-62000001",)),
        ((PROVISIONAL, relation(*FIRST)), ("US-62000001",)),
        ((relation(*SECOND), PROVISIONAL, relation(*FIRST)), ("US-62000001",)),
        ((relation(*SECOND), relation(*FIRST)), ("US-12000001",)),
        ((relation("reissue", "12000001", "20110101"),), ("US-12000001",)),
        ((PROVISIONAL, relation(*IN_PART)), ("US-62000001", "US-12000001")),
        ((relation(*SECOND), PROVISIONAL, relation(*IN_PART)), ("US-62000001", "US-12000001")),
        ((provisional("62000009", "20120101"), relation(*FIRST)), ("US-62000009", "US-12000001")),
    ],
)
def test_of_the_parents_of_a_continuation_only_the_first_counts_and_only_where_nothing_is_older(
    tmp_path, relations, priorities
):
    (found,) = documents(written(tmp_path, grant("9900001", "14999001", *relations), "a.xml"))
    assert found.priorities == priorities


def test_continuations_divisions_and_reissues_are_of_the_family_of_their_parent_and_those_in_part_are_not(tmp_path):
    files = {
        "parent": ("9900001", "12000001", PROVISIONAL),
        "continuation": ("9900002", "13000001", PROVISIONAL, relation(*FIRST)),
        "division": ("9900003", "14000001", PROVISIONAL, relation(*SECOND), relation(*FIRST)),
        "reissue": ("RE049001", "15000001", PROVISIONAL, relation("reissue", "12000001", "20110101")),
        "part": ("9900005", "13000005", PROVISIONAL, relation(*IN_PART)),
    }
    paths = [written(tmp_path, grant(*facts), f"{name}.xml") for name, facts in files.items()]
    workspace = Workspace(tmp_path / "ws")
    ingest.run(workspace, paths)
    found = {row["doc_id"]: row["family_id"] for row in pq.read_table(workspace.documents).to_pylist()}
    apart = found.pop("US-9900005-B2")
    assert len(found) == 4
    assert set(found.values()) == {"simple:US-62000001"}
    assert apart not in found.values()


@pytest.mark.parametrize(
    ("entry", "claimed", "continued"),
    [
        ("division parent-doc US 13303416 20111123 US 8947892", [], ["US-13303416"]),
        ("continuation-in-part parent-doc US 12857413 20100816 US 8325495 20121204", ["US-12857413"], []),
        ("parent US continuation 16428791 20190531 \n child US 17828585", [], ["US-16428791"]),
        ("us-provisional-application US 62010600 20140611", ["US-62010600"], []),
        ("continuation parent-doc US PCT/US2021/041988 20210716 PENDING", [], ["WO-PCTUS2021041988"]),
    ],
)
def test_relations_told_in_words_are_told_apart(entry, claimed, continued):
    found = uspto.related([entry])
    assert tuple([number for number, _ in filings] for filings in found) == (claimed, continued)


@pytest.mark.parametrize(("code", "n_priorities"), [("74", 1), ("71", 1), ("72", 2)])
def test_a_code_of_the_green_book_tells_a_continuation_in_part(tmp_path, code, n_priorities):
    found = changed(tmp_path, "us_aps.txt", ("RLAP\nCOD  74", f"RLAP\nCOD  {code}"))
    assert found.priorities == ("DE-4120001", "US-07900302")[:n_priorities]


def test_what_the_epo_calls_inactive_is_no_priority(tmp_path):
    inactive = "<exch:priority-active-indicator>N</exch:priority-active-indicator></exch:priority-claim>"
    old = "<kind>W</kind><date>20180105</date></document-id></exch:priority-claim>"
    assert len(changed(tmp_path, "epo_docdb.xml").priorities) == 2
    found = changed(tmp_path, "epo_docdb.xml", (old, old.replace("</exch:priority-claim>", inactive)))
    assert found.priorities == ("US-62999111",)
    assert found.priority_date == date(2017, 12, 28)


START, END = '<?delete-start id="REI-1"  date="20221025" ?>', '<?delete-end id="REI-1" ?>'
ADDED = '<?insert-start id="REI-2" ?>closes <?insert-end id="REI-2" ?>'


def test_a_reissue_leaves_out_what_it_strikes_out(tmp_path):
    claim = '<claim id="CLM-00005" num="00005"><claim-text>5. A kettle with a lid.</claim-text></claim>'
    more = (
        '<claim num="6"><claim-text>6. A pot <claim-text>with a lid.</claim-text></claim-text></claim>'
        '<claim num="7"><claim-text>7. A pan.</claim-text></claim>'
    )
    found = changed(
        tmp_path,
        "us_grant.xml",
        ("It closes\n", f"It {START}opens{END} {ADDED}"),
        (
            'of <claim-ref idref="CLM-00001">claim 1</claim-ref>',
            f'{START}of <claim-ref idref="C">claim 1</claim-ref>{END}',
        ),
        ("<b>2</b>. The lid", "<b>2</b>. A lid"),
        (claim, claim.replace("A kettle with a lid.", f"{START}A kettle with a lid.{END}") + more),
        ("6. A pot ", f"{START}6. A pot "),
        (
            "with a lid.</claim-text></claim-text></claim><claim",
            f"with a lid.{END}</claim-text></claim-text></claim><claim",
        ),
    )
    assert found.abstract == "A kettle lid has a vent. It closes at 96° C. when CO2 leaves."
    assert [claim.split("\n")[0] for claim in found.claims] == [
        "1. A kettle lid, comprising:",
        "2. A lid , wherein the spring is brass.",
        "7. A pan.",
    ]
    assert found.independent == (True, True, True)
    assert found.warnings == ()


@pytest.mark.parametrize("end", ["", "</{}>"])
def test_a_reissue_of_2001_to_2004_leaves_it_out_too(tmp_path, end):
    text = (DATA / "us_patdoc.xml").read_text(encoding="utf-8")
    title = text[text.index("<B540>") : text.index("</B540>")]
    start, stop = f"<DEL-S ID='D1' DATE='20020101'{'' if end else '/'}>", f"<DEL-E ID='D1'{'' if end else '/'}>"
    struck = f"{start}{end.format('DEL-S')}old{stop}{end.format('DEL-E')}"
    found = changed(tmp_path, "us_patdoc.xml", (title, f"<B540><STEXT><PDAT>A {struck} new lid</PDAT></STEXT>"))
    assert found.title == "A new lid"
    assert found.warnings == ()


def test_a_reissue_in_dot_codes_leaves_it_out_too():
    text = "a .[.device.]. .Iadd.lid .Iaddend.of brass [1], .[.1. A pot.]."
    assert " ".join(characters.without_codes(text).split()) == "a lid of brass [1],"
    assert characters.without_codes(".[." * 100_000) == "[" * 100_000


def test_markup_that_is_struck_out_without_end_or_nests_without_end_is_no_trap():
    depth = 200_000
    nested = b"<i>" * depth + b"x" + b"</i>" * depth
    assert uspto.without_struck(b"<p>a<?delete-start?>" + nested + b"<?delete-end?>b</p>") == b"<p>ab</p>"
    endless = b"<p>" + b"<?delete-start?>x" * depth + b"</p>"
    assert uspto.without_struck(endless) == endless
    assert uspto.without_struck(b"<p>a<?delete-start?>b</p><p>c<?delete-end?>d</p>") == b"<p>a</p><p>d</p>"
