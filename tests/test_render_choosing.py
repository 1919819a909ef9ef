"""Choosing on the page: filters, timeline, lasso, the table and file that follow, and the address that keeps it all."""

import tomllib
from datetime import date

import numpy as np
import pytest

from patentclust.stages import report
from tests.test_render_browser import CHROMIUM, browser, point_of
from tests.test_report import DIM, document, small_workspace, topic, unit, write_workspace

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
CHOSEN = "reader.map.emphasis ? reader.map.emphasis.reduce((a, b) => a + b) : null"


@pytest.fixture
def page(tmp_path):
    made = small_workspace(tmp_path / "workspace")
    report.run(made)
    with browser(tmp_path / "profile") as opened:
        opened.screen(1440, 900)
        opened.open(made.report)
        yield opened
        assert opened.complaints() == []
        assert opened.requests() == [made.report.as_uri()]


@pytest.mark.parametrize(
    ("name", "value", "chosen"),
    [
        ("owner", "applicant 3", 8), ("klass", "h01q", 32), ("klass", "A99Z", 0), ("office", "US", 32),
        ("language", "en", 32), ("from", "2013", 0), ("to", "2012", 32),
    ],
)  # fmt: skip
def test_filters_choose_documents_and_clear_lets_go(page, name, value, chosen):
    page.evaluate(f"reader.filters.set('{name}', '{value}')")
    assert page.evaluate(CHOSEN) == chosen
    assert page.evaluate("document.getElementById('n-selected').textContent") == str(chosen)
    page.evaluate("document.getElementById('f-clear').click()")
    assert page.evaluate(CHOSEN) is None
    assert page.evaluate("document.getElementById('selection').hidden") is True


def test_a_lasso_chooses_what_lies_inside_and_its_table_follows(page):
    page.evaluate("document.getElementById('lasso').click()")
    x, y = point_of(page, 4)
    corners = [(x - 6, y - 6), (x + 6, y - 6), (x + 6, y + 6), (x - 6, y + 6)]
    page.mouse("mouseMoved", *corners[0])
    page.mouse("mousePressed", *corners[0], button="left", clickCount=1)
    for corner in corners:
        page.mouse("mouseMoved", *corner, button="left", buttons=1)
    page.mouse("mouseReleased", *corners[-1], button="left", clickCount=1)
    assert page.evaluate("reader.map.emphasis[4]") == 1
    assert page.evaluate(CHOSEN) < 5
    assert "US-10000004-B2" in page.evaluate("document.getElementById('selected-rows').innerText")
    snippet = page.evaluate("document.getElementById('k-label').value = 'Aerials'; reader.curation.snippet('split')")
    (rule,) = tomllib.loads(snippet)["split"]
    assert rule["label"] == "Aerials"
    assert "US-10000004-B2" in rule["members"]


def test_the_saved_selection_neutralises_formulas(page):
    page.evaluate("reader.corpus.titles[4] = '=cmd|\"/c calc\"!A1'")
    text = page.evaluate("selectionCsv(reader.corpus, [4])")
    assert text.splitlines()[0].startswith("doc_id,title,")
    assert '"\'=cmd|""/c calc""!A1"' in text


def test_dragging_over_the_timeline_sets_the_years(tmp_path):
    documents = [document(i, priority_date=date(2010 + i, 1, 1)) for i in range(4)]
    units = [unit(d["doc_id"], -1, i, i) for i, d in enumerate(documents)]
    made = write_workspace(tmp_path / "workspace", documents, units, [])
    report.run(made)
    with browser(tmp_path / "profile") as page:
        page.open(made.report)
        page.evaluate("document.getElementById('timeline').scrollIntoView()")
        corner = "(b => [b.left + 5, b.top + 20])(document.getElementById('timeline').getBoundingClientRect())"
        page.click(*page.evaluate(corner))
        assert page.evaluate("document.querySelectorAll('#timeline .off').length") == 3
        assert page.evaluate("[reader.filters.values.from, reader.filters.values.to]") == ["2010", "2010"]


def test_a_timeline_of_one_year_is_not_shown(page):
    assert page.evaluate("document.getElementById('timeline').hidden") is True


def test_the_address_keeps_what_is_shown(page):
    page.evaluate("reader.filters.set('owner', 'Applicant 3'); reader.map.zoom(3); reader.open(3, reader.map.marks)")
    page.until("location.hash.includes('d=US-10000003-B2')")
    address = page.evaluate("reader.address.writeNow(); location.hash")
    page.evaluate("reader.reset()")
    assert page.evaluate("reader.address.writeNow(); location.hash") == ""
    page.evaluate(f"location.hash = '{address}'")
    page.until("reader.map.selected === 3")
    assert page.evaluate(CHOSEN) == 8
    assert page.evaluate("reader.map.view.scale / reader.map.fitScale") == pytest.approx(3, rel=1e-3)


def test_a_hostile_address_does_nothing_bad(page):
    page.evaluate("location.hash = '#view?c=x&s=1,a%20<b>&v=NaN,1&d=%22%3E&from=%3Cimg%20src=x%3E'")
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    assert page.evaluate("reader.cluster") is None
    assert page.evaluate("document.querySelectorAll('img').length") == 0


def test_the_card_names_the_nearest_and_the_runner_up(tmp_path):
    documents = [document(i) for i in range(8)]
    units = [unit(d["doc_id"], i % 2, i, i) for i, d in enumerate(documents)]
    rows = [topic(c, 4, [documents[c]["doc_id"]]) for c in range(2)]
    vectors = np.eye(DIM)[[i % 2 for i in range(8)]] + 0.02 * np.arange(8)[:, None] * np.eye(DIM)[2]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = write_workspace(tmp_path / "workspace", documents, units, rows, embedded=vectors)
    report.run(made)
    with browser(tmp_path / "profile") as page:
        page.open(made.report)
        page.evaluate("reader.open(0, reader.map.marks)")
        page.until("document.querySelector('#card .exemplars') !== null")
        text = page.evaluate("document.getElementById('card').innerText")
        assert "US-10000002-B2" in text
        assert "Runner-up: antenna, cell" in text
        assert page.complaints() == []
