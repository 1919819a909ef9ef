"""The way from a document's card to its original file, when the page is opened from disk."""

import pytest

from patentclust.stages import report
from tests.test_render_browser import CHROMIUM, NAMES, browser
from tests.test_report import document, unit, write_workspace

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"none of {NAMES} is on the path")


@pytest.mark.parametrize(
    ("source", "href"),
    [
        ("in/4.xml", None),
        ("javascript:window.pwned=1", None),
        ("//example.com/4.xml", None),
        ("/data/a b/50%.zip!4.xml#2", "file:///data/a%20b/50%25.zip"),
        ("C:\\data\\4.xml", "file:///C:/data/4.xml"),
    ],
)
def test_a_card_links_to_an_original_on_disk(tmp_path, source, href):
    documents = [document(0, source_path=source)]
    made = write_workspace(tmp_path / "w", documents, [unit(documents[0]["doc_id"], -1)], [], scores={})
    report.run(made)
    with browser(tmp_path / "profile") as page:
        page.open(made.report)
        page.evaluate("reader.open(0, reader.map.marks)")
        page.until("document.querySelector('#card dl') !== null")
        assert source in page.evaluate("document.getElementById('card').innerText")
        assert page.evaluate("document.querySelector('#card dl a[href^=\"file:\"]')?.href ?? null") == href
        assert page.complaints() == []
