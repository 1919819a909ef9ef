"""Foreign text on the page in a real browser: it stays text, runs nothing and asks for nothing."""

import pytest

from patentclust.stages import report
from tests.test_render_browser import CHROMIUM, NAMES, browser
from tests.test_report import document, topic, unit, write_workspace

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"none of {NAMES} is on the path")
HOSTILE = [
    "<script>window.pwned=1</script>",
    "</script><img src=x onerror=window.pwned=1>",
    "<!--<script>",
    "\u2028window.pwned=1//\u2029",
    "\u202eesrever\u202c \u2066\u2067",
    "{{ 7*7 }} ${7*7} %s",
    "\" onmouseover=window.pwned=1 x=\"",
    "javascript:window.pwned=1",
    "https://example.com/beacon.png",
]  # fmt: skip


def hostile_workspace(root):
    documents = []
    for i in range(24):
        text = HOSTILE[i % len(HOSTILE)]
        documents.append(
            document(
                i, doc_id=f"{text} {i}", title=text, abstract=text, claims=[text], independent=[True], family_id=text,
                language=text, country=text, kind=text, applicants=[text], assignees=[text], inventors=[text],
                cpc=[text], ipc=[text], source_path=f"{text} {i}", source_format=text, warnings=[text],
            )
        )  # fmt: skip
    units = [unit(d["doc_id"], i % 2, i, i % 5) for i, d in enumerate(documents[:-2])]
    terms = [{"term": text, "weight": 1.0} for text in HOSTILE]
    topics = [topic(c, 11, [documents[c]["doc_id"]], label=" ".join(HOSTILE), terms=terms) for c in range(2)]
    return write_workspace(root, documents, units, topics, scores={HOSTILE[0]: HOSTILE[1]})


def test_hostile_text_stays_text(tmp_path):
    made = hostile_workspace(tmp_path / "workspace")
    report.run(made)
    with browser(tmp_path / "profile") as page:
        page.screen(1440, 900)
        page.open(made.report)
        for index in range(24):
            page.evaluate(f"reader.hover({index}, 5, 5); reader.open({index}, reader.map.marks)")
        page.evaluate("reader.search('script')")
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.evaluate("new Promise(done => setTimeout(done, 200))")
        assert page.evaluate("document.documentElement.dataset.drawn") == "22"
        assert page.evaluate("window.pwned") is None
        assert page.evaluate("document.querySelectorAll('img, iframe, object, [onerror], [onmouseover]').length") == 0
        assert page.evaluate("reader.corpus.titles[0]") == HOSTILE[0]
        assert page.complaints() == []
        assert page.requests() == [made.report.as_uri()]
