"""Tables joined to full texts by publication number: gaps are filled, nothing is overwritten, nothing is added."""

import json

import pyarrow.parquet as pq
import pytest

from patentclust.errors import ConfigError, SourceError
from patentclust.params import IngestParams
from patentclust.stages import ingest
from patentclust.workspace import Workspace
from tests.test_readers_suite import DATA

TEXTS = [
    {"id": "US9000001B2", "title": "Cup", "abstract": "A cup.", "lang": "en"},
    {"id": "EP9000002A1", "title": "Bowl", "abstract": "A bowl.", "lang": "en", "assignee": "Own GmbH"},
    {"id": "EP9000003", "title": "Dish", "abstract": "A dish.", "lang": "en"},
]
HEADER = "Publication Number,Assignee,CPC,DOCDB Family ID,Title"


@pytest.fixture
def join(tmp_path):
    """Return a function that ingests TEXTS with a table of facts, given as lines below HEADER."""

    def run(*lines, header=HEADER, name="facts.csv", **params):
        texts, facts = tmp_path / "texts.jsonl", tmp_path / name
        texts.write_text("\n".join(map(json.dumps, TEXTS)), encoding="utf-8")
        facts.write_text("\n".join([header, *lines]), encoding="utf-8")
        workspace = Workspace(tmp_path / "out")
        outcome = ingest.run(workspace, [texts], IngestParams(**params), metadata=[facts])
        return {row["doc_id"]: row for row in pq.read_table(workspace.documents).to_pylist()}, outcome

    return run


def test_gaps_are_filled_and_what_is_there_stays(join):
    rows, _ = join("US9000001B2,Acme Inc,A47G19/22,777,Another title", "EP9000002A1,Other AG,A47G19/02,778,")
    cup, bowl = rows["US-9000001-B2"], rows["EP-9000002-A1"]
    assert (cup["title"], cup["assignees"], cup["cpc"]) == ("Cup", ["Acme Inc"], ["A47G19/22"])
    assert (cup["family_id"], cup["assignee_names"]) == ("777", ["ACME"])
    assert (bowl["assignees"], bowl["cpc"], bowl["family_id"]) == (["Own GmbH"], ["A47G19/02"], "778")
    assert any("facts.csv" in warning for warning in cup["warnings"])


def test_a_table_adds_no_documents_and_says_how_many_it_had_more(join):
    rows, outcome = join("US9000001B2,Acme Inc,,,", "US8000000B2,Nobody,,,A title")
    assert len(rows) == 3
    assert any("1 row of --metadata" in warning for warning in outcome.warnings)


def test_a_row_without_kind_serves_every_kind(join):
    rows, _ = join("EP9000002,Acme Inc,A47G19/22,777,")
    assert rows["EP-9000002-A1"]["cpc"] == ["A47G19/22"]


def test_a_row_of_another_kind_does_not_serve(join):
    rows, _ = join("EP9000002B1,Acme Inc,A47G19/22,777,")
    assert rows["EP-9000002-A1"]["cpc"] == []


def test_a_document_without_kind_takes_the_only_row_of_its_number(join):
    rows, _ = join("EP9000003A1,Acme Inc,A47G19/22,777,")
    assert rows["EP-9000003"]["assignees"] == ["Acme Inc"]


def test_a_document_without_kind_takes_none_of_several(join):
    rows, _ = join("EP9000003A1,Acme Inc,,,", "EP9000003B1,Beta Inc,,,")
    assert rows["EP-9000003"]["assignees"] == []


def test_columns_of_the_table_may_be_named(tmp_path):
    facts = tmp_path / "facts.csv"
    facts.write_text("which,family\nUS9900001B2,777\n", encoding="utf-8")
    workspace, params = (
        Workspace(tmp_path / "out"),
        IngestParams(mapping=(("doc_id", "which"), ("family_id", "family"))),
    )
    ingest.run(workspace, [DATA / "us_grant.xml"], params, metadata=[facts])
    (row,) = pq.read_table(workspace.documents).to_pylist()
    assert row["family_id"] == "777"


def test_a_changed_table_is_joined_anew(join):
    join("US9000001B2,Acme Inc,,,")
    _, again = join("US9000001B2,Acme Inc,,,")
    assert again.current
    rows, outcome = join("US9000001B2,Beta Inc,,,")
    assert not outcome.current
    assert rows["US-9000001-B2"]["assignees"] == ["Beta Inc"]


def test_a_table_without_numbers_is_a_mistake(join):
    with pytest.raises((SourceError, ConfigError)) as caught:
        join("red,3", header="colour,size")
    assert caught.value.hint


def test_what_is_no_table_is_a_mistake(join):
    with pytest.raises(SourceError, match="no table"):
        join(name="facts.xml", header="<us-patent-grant/>")


def test_a_table_that_is_not_there_is_a_mistake(join, tmp_path):
    texts = tmp_path / "texts.jsonl"
    texts.write_text(json.dumps(TEXTS[0]), encoding="utf-8")
    with pytest.raises(SourceError):
        ingest.run(Workspace(tmp_path / "out"), [texts], metadata=[tmp_path / "missing.csv"])


def test_a_row_of_a_family_serves_all_its_publications_but_its_dates_only_the_first(join):
    header = "Publication Number,Assignee,Family ID,Publication Date"
    rows, outcome = join("US9000001B2 ; EP9000003A1 ; JP2020123456A,Acme Inc,777,2019-04-25", header=header)
    cup, dish = rows["US-9000001-B2"], rows["EP-9000003"]
    assert (cup["assignees"], cup["family_id"], str(cup["publication_date"])) == (["Acme Inc"], "777", "2019-04-25")
    assert (dish["assignees"], dish["family_id"], dish["publication_date"]) == (["Acme Inc"], "777", None)
    assert not any("--metadata" in warning for warning in outcome.warnings)


def test_what_was_counted_is_counted_again_when_nothing_changed(join):
    lines = ("US9000001B2,Acme Inc,,,", 'EP9000002A1,"Too",many,cells,in,this,row')
    _, first = join(*lines)
    _, again = join(*lines)
    assert again.current
    assert again.facts == first.facts
    assert (first.facts["failures"], first.facts["duplicates"]) == (1, 0)
