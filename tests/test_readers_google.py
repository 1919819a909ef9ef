"""Google Patents: the article and nothing beside it, leaves of the classification, one of two languages."""

import json
from datetime import date

import pytest

from patentclust.params import IngestParams
from tests.test_readers_suite import DATA, documents, failures

PAGE = (DATA / "google.html").read_text(encoding="utf-8")
ROWS = [json.loads(line) for line in (DATA / "google.jsonl").read_text(encoding="utf-8").splitlines()]


def written(tmp_path, text, name="some.txt"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def one(path, **params):
    (document,) = documents(path, IngestParams(**params))
    return document


@pytest.fixture(scope="module")
def page():
    return one(DATA / "google.html")


def test_only_the_article_itself_is_read_not_what_it_cites_or_resembles(page):
    assert (page.doc_id, page.title) == ("CN-199999003-B", "输送茶叶的装置")
    assert page.publication_date == date(2020, 7, 7)
    assert (page.inventors, page.assignees) == (("王小叶", "李茶"), ("绿叶机械有限公司",))
    assert page.cited == ("US-4999475-A",)


def test_only_leaves_of_the_classification_are_taken(page):
    assert (page.cpc, page.ipc) == (("A23F3/06",), ())


def test_the_first_class_goes_before_and_additional_ones_are_told(tmp_path):
    entry = (
        '<li itemprop="classifications" itemscope><span itemprop="Code">{}</span>&mdash;<meta itemprop="Leaf" '
        'content="true">{}<meta itemprop="IsCPC" content="true"></li>'
    )
    mark = '<meta itemprop="{}" content="true">'
    more = [
        entry.format("A23B1/00", mark.format("Additional")),
        entry.format("B65G15/30", mark.format("FirstCode")),
        entry.format("A23V2002/00", mark.format("Additional")),
    ]
    text = (DATA / "google.html").read_text(encoding="utf-8")
    end = "</ul></li></ul></section>"
    assert text.count(end) == 1
    path = tmp_path / "page.html"
    path.write_text(text.replace(end, f"{''.join(more)}{end}"), encoding="utf-8")
    page = one(path)
    assert page.cpc == ("B65G15/30", "A23F3/06", "A23B1/00", "A23V2002/00")
    assert page.additional_classes == ("A23B1/00", "A23V2002/00")


def test_family_application_and_priority_are_in_the_written_form(page):
    assert (page.family_id, page.application_number, page.priorities) == (
        "docdb:99000777",
        "CN-201811999777",
        ("US-62999111",),
    )


def test_a_translated_page_gives_the_original(page):
    assert page.language == "zh"
    assert page.abstract == "一种茶叶输送机。它是红色的。"
    assert page.description == "技术领域\n本发明涉及CO2茶。\n见图1。"
    assert page.claims == ("1.一种输送机，包括：\n辊。", "2.根据权利要求1所述的输送机。")
    assert page.independent == (True, False)


def test_the_translation_is_given_where_it_is_preferred():
    english = one(DATA / "google.html", prefer_language="en")
    assert english.language == "en"
    assert english.abstract == "A conveyor for tea leaves. It is red."
    assert english.description == "Technical field\nThe invention relates to CO2 tea.\nSee FIG. 1."
    assert english.claims == ("1. A conveyor comprising:\na roll.", "2. The conveyor of claim 1.")


def test_a_page_without_its_first_lines_is_still_a_page(tmp_path, page):
    document = one(written(tmp_path, "window.x = true;\n" + PAGE[PAGE.index("<body") :]))
    assert (document.doc_id, document.claims) == (page.doc_id, page.claims)


def test_a_page_that_ends_early_or_nests_without_end_says_so(tmp_path):
    document = one(written(tmp_path, PAGE[: PAGE.index("<section><h2>Similar")]))
    assert document.warnings == ("the page is cut: it ends before its article does",)
    deep = one(written(tmp_path, PAGE.replace('<div num="0001"', "<div>" * 100_000 + '<div num="0001"')))
    assert "read as far as it goes" in deep.warnings[0]


def test_a_page_without_article_is_refused_with_advice(tmp_path):
    text = '<html><link href="https://patents.google.com/"><script src="patent-search.search"></script></html>'
    (failure,) = failures(written(tmp_path, text))
    assert "no <article>" in str(failure)


def test_claims_without_markup_are_split_at_their_numbers(tmp_path):
    text = PAGE.replace('num="0001" class="claim"', "").replace('num="0002" class="claim"', "")
    assert [claim[:2] for claim in one(written(tmp_path, text)).claims] == ["1.", "2."]


def test_rows_of_bigquery_give_one_language():
    first, _ = documents(DATA / "google.jsonl")
    assert (first.doc_id, first.language, first.title) == ("JP-2019999004-A", "ja", "茶の搬送装置")
    assert (first.abstract, len(first.claims), first.independent) == ("茶を運ぶ。", 2, (True, False))
    assert first.priorities == ("US-62999111",)
    assert (first.publication_date, first.filing_date) == (date(2019, 7, 4), date(2018, 12, 20))
    assert (first.ipc, first.cpc) == (("A23F3/06", "B65G15/30"), ("A23F3/163", "A23V2002/00"))
    assert (first.assignees, first.cited) == (("緑葉機械株式会社",), ("US-5556839-A",))


def test_a_preferred_language_of_a_row_is_taken_alone():
    first = documents(DATA / "google.jsonl", IngestParams(prefer_language="en"))[0]
    assert (first.language, first.title, first.abstract) == ("en", "TEA CONVEYOR", "A conveyor for tea.")
    assert first.claims == ()
    assert first.warnings == ("claims left out: only in ja, not in en",)


def test_details_of_a_scraper_are_read_as_rows():
    second = documents(DATA / "google.jsonl")[1]
    assert (second.doc_id, second.application_number) == ("US-9999005-B2", "US-16999111")
    assert (second.inventors, second.assignees) == (("Jo Leaf",), ("Tea Works Inc",))
    assert (second.cpc, second.cited) == (("A23F3/06",), ("US-4999475-A", "DE-3999475-A1"))
    assert second.independent == (True, False)


def test_an_array_of_rows_reads_as_lines_of_them(tmp_path):
    array = documents(written(tmp_path, json.dumps(ROWS)))
    assert [document.doc_id for document in array] == ["JP-2019999004-A", "US-9999005-B2"]


def test_a_row_without_number_or_text_is_a_failure_and_the_rest_goes_on(tmp_path):
    rows = [ROWS[0], {**ROWS[1], "publication_number": "none"}, {"publication_number": "US-1234567-A"}, ROWS[1]]
    path = written(tmp_path, "\n".join(map(json.dumps, rows)))
    assert len(documents(path)) == 2
    assert [failure.source_path.rsplit("#")[1] for failure in failures(path)] == ["2", "3"]


def test_a_text_that_the_source_cut_is_said_to_be_cut(tmp_path):
    row = json.loads(json.dumps(ROWS[0]))
    row["claims_localized"][0]["truncated"] = True
    assert one(written(tmp_path, json.dumps(row))).warnings == ("claims: cut by the source",)
