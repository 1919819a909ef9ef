import csv
import io

import pytest

from patentclust.render import tables
from patentclust.render.links import register_numbers, register_url
from patentclust.render.text import clean, shorten
from patentclust.stages import report
from tests.test_report import document, read_csv, topic, unit, write_workspace

FORMULAS = [
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "  =1",
    "\u3000＝1+1",
    "＋1",
    "－1",
    "＠A",
    "\u200b=1",
    "\n=1",
    "\x00=1",
    "﹦1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_get_an_apostrophe(text):
    assert tables.neutral(text).startswith("'")


@pytest.mark.parametrize("text", ["Battery - a cell", "a=b", "1-2", "’=’", "", "電池＝1", "C++", "x@y"])
def test_harmless_text_stays_as_it_is(text):
    assert tables.neutral(text) == text


def test_a_formula_after_a_semicolon_is_neutralised_too():
    assert tables.neutral("Cell; =1+1") == "Cell; '=1+1"
    assert tables.joined(["a", "=b", "-c"]) == "a; '=b; '-c"


def test_controls_and_overrides_go_and_lines_become_blanks():
    assert tables.neutral("a\x00b\x1bc\u202edef\u2066g\r\nh\u2028i\x85j") == "abcdefg h i j"


@pytest.mark.parametrize("text", ["x" * 40_000, "𝄞" * 20_000, "=" * 40_000])
def test_cells_fit_into_a_spreadsheet(text):
    cell = tables.neutral(text)
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767
    assert cell.endswith("… [cut]")


def test_a_long_list_fits_into_a_cell():
    out = io.StringIO(newline="")
    tables.write_csv(out, ["names"], [[["name"] * 20_000]])
    assert len(out.getvalue().splitlines()[1]) <= 32_767


def test_numbers_are_written_as_numbers():
    out = io.StringIO(newline="")
    tables.write_csv(out, ["a", "b", "c", "d", "e"], [[-1, -0.25, float("nan"), None, 0.1 + 0.2]])
    assert out.getvalue() == "a,b,c,d,e\r\n-1,-0.25,,,0.3\r\n"


def test_quotes_commas_and_umlauts_survive():
    out = io.StringIO(newline="")
    tables.write_csv(out, ["a"], [['He said "no", Köln 東京']])
    out.seek(0)
    assert list(csv.reader(out))[1] == ['He said "no", Köln 東京']
    assert out.getvalue() == 'a\r\n"He said ""no"", Köln 東京"\r\n'


def test_hostile_fields_are_safe_in_every_cell(tmp_path):
    hostile = "=cmd|'/c calc'!A1"
    names = ("applicants", "assignees", "assignee_names", "inventors", "ipc", "cpc", "warnings")
    lists = {key: [hostile, hostile] for key in names}
    plain = ("doc_id", "title", "family_id", "language", "country", "kind", "source_path", "source_format")
    documents = [document(0, **lists, **dict.fromkeys(plain, hostile))]
    topics = [topic(0, 1, [hostile], label=hostile, terms=[{"term": hostile, "weight": 1.0}])]
    workspace = write_workspace(tmp_path, documents, [unit(hostile, 0)], topics)
    report.run(workspace)
    for path in (workspace.documents_csv, workspace.clusters_csv):
        (row,) = read_csv(path)
        assert not [key for key, cell in row.items() if cell[:1] in tuple("=+@-") and cell]
        assert sum(hostile in cell for cell in row.values()) >= 4


@pytest.mark.parametrize(
    ("doc_id", "google", "espacenet"),
    [
        ("US-8672134-B2", "US8672134B2", "US8672134B2"),
        ("US-20130012345-A1", "US20130012345A1", "US2013012345A1"),
        ("US-2013012345-A1", "US20130012345A1", "US2013012345A1"),
        ("US-D912345-S1", "USD912345S1", "USD912345S1"),
        ("EP-123456-B1", "EP0123456B1", "EP0123456B1"),
        ("WO-2015000012-A1", "WO2015000012A1", "WO2015000012A1"),
        ("JP-H0512345-A", "JPH0512345A", "JPH0512345A"),
        ("US-8672134", "US8672134", "US8672134"),
        ("US-20130012345", "US20130012345", "US2013012345"),
        ("US-PP29484", "USPP29484", "USPP29484"),
        ("EP-123456", "", "EP0123456"),
    ],
)
def test_publication_numbers_are_written_as_the_registers_do(doc_id, google, espacenet):
    assert register_numbers(doc_id) == [google, espacenet]


@pytest.mark.parametrize("doc_id", ["sha256:0123456789abcdef", "", "US", "US-1-B2", "us-8672134-b2", "US-8672134-B2 x"])
def test_other_ids_have_no_links(doc_id):
    assert register_numbers(doc_id) == []
    assert register_url(doc_id) is None


def test_a_table_links_to_the_first_register_that_has_the_number():
    assert register_url("US-8672134") == "https://patents.google.com/patent/US8672134/en"
    assert register_url("EP-123456") == "https://worldwide.espacenet.com/patent/search?q=pn%3DEP0123456"


def test_clean_keeps_lines_where_asked():
    assert clean(" a\nb\tc\x07 ", keep_lines=True) == "a\nb c"
    assert clean(None) == ""


def test_shorten_says_that_it_cut():
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 6) == "abcde…"
