"""The page on paper: what Chromium prints to PDF."""

import base64
import io

import pytest

from patentclust.stages import report
from tests.test_render_browser import CHROMIUM, NAMES, browser
from tests.test_report import small_workspace

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"none of {NAMES} is on the path")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the text of each printed page."""
    pypdf = pytest.importorskip("pypdf")
    made = small_workspace(tmp_path_factory.mktemp("workspace"))
    report.run(made)
    with browser(tmp_path_factory.mktemp("profile")) as page:
        page.open(made.report)
        printed = base64.b64decode(page.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed)).pages]


def test_the_first_page_has_heading_figures_legend_and_clusters(pages):
    for part in ("Technology map", "Documents", "antenna", "Clusters", "Terms are weighed"):
        assert part in pages[0]


def test_every_printed_page_is_used_and_controls_stay_away(pages):
    assert all(len(text) > 300 for text in pages[:-1])
    for control in ("Clear filters", "Lasso", "Correct the map", "Go to"):
        assert control not in "".join(pages)
