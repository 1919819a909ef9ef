"""Walking the knowledge graph of the page, and writing corrections there."""

import tomllib

import numpy as np
import pytest

from patentclust.stages import report
from tests.test_render_browser import CHROMIUM, browser
from tests.test_report import DIM, document, topic, unit, write_workspace

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
GROUPS = (
    "(async () => { const { relations, here } = reader.walk;"
    " const found = await relations.neighbours(relations.node(here));"
    " return Object.fromEntries(found.map(g => [g.link, g.items.map(i => relations.id(i.node))])); })()"
)


def walked(root):
    """Eight publications of seven families in two clusters; the second cites the first, by a number without kind."""
    families = {0: "F", 2: "F"}
    documents = [
        document(
            i, family_id=families.get(i), inventors=[f"Ada {i % 2}", "Bo"], applicants=[f"Applicant {i % 4}"],
            cited=["US-10000000", "US-1-B2"] if i == 1 else [],
        )
        for i in range(8)
    ]  # fmt: skip
    places = {i: (i % 2, i, i) for i in range(8)} | {2: (0, 0, 0)}
    units = [unit(d["doc_id"], *places[i]) for i, d in enumerate(documents)]
    rows = [topic(c, 4, [documents[c]["doc_id"], documents[c + 4]["doc_id"]]) for c in range(2)]
    vectors = np.eye(DIM)[[i % 2 for i in range(8)]] + 0.02 * np.arange(8)[:, None] * np.eye(DIM)[2]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return write_workspace(root, documents, units, rows, embedded=vectors)


@pytest.fixture
def page(tmp_path):
    made = walked(tmp_path / "workspace")
    report.run(made)
    with browser(tmp_path / "profile") as opened:
        opened.screen(1440, 900)
        opened.open(made.report)
        yield opened
        assert opened.complaints() == []
        assert opened.requests() == [made.report.as_uri()]


def groups(page):
    return page.evaluate(GROUPS)


def go(page, node):
    page.evaluate(f"reader.walk.go('{node}')")


def test_a_patent_is_linked_to_all_that_it_has_to_do_with(page):
    go(page, "patent:US-10000000-B2")
    found = groups(page)
    similar = found.pop("similar")
    assert found == {
        "filed_by": ["assignee:APPLICANT 0"],
        "invented_by": ["inventor:Ada 0", "inventor:Bo"],
        "same_family": ["patent:US-10000002-B2"],
        "cited_by": ["patent:US-10000001-B2"],
        "member_of": ["cluster:0"],
        "classified_in": ["class:H01M", "class:H01Q"],
    }
    assert "patent:US-10000002-B2" in similar
    go(page, "patent:US-10000001-B2")
    assert groups(page)["cites"] == ["patent:US-10000000-B2"]


@pytest.mark.parametrize(
    ("node", "links"),
    [
        ("cluster:0", {"assignees", "inventors", "near_clusters", "described_by", "classes", "patents"}),
        ("assignee:APPLICANT 0", {"inventors", "clusters", "classes", "patents"}),
        ("inventor:Ada 0", {"assignees", "inventors", "clusters", "classes", "patents"}),
        ("class:H01M", {"assignees", "inventors", "clusters", "patents"}),
        ("term:cell", {"clusters"}),
    ],
)
def test_every_kind_of_node_has_its_neighbours(page, node, links):
    go(page, node)
    assert page.evaluate("reader.walk.here") == node
    assert set(groups(page)) == links


def test_one_walks_by_clicking_and_back_and_by_the_keyboard(page):
    page.evaluate("reader.walk.start()")
    page.until("document.querySelector('#walk .centre') !== null")
    page.evaluate("document.querySelector('#walk button[data-node=\"class:H01M\"]').click()")
    page.until("reader.walk.here === 'class:H01M'")
    page.until("document.activeElement.className === 'centre'")
    page.evaluate("document.querySelector('#walk-back').click()")
    page.until("reader.walk.here === 'cluster:0'")
    page.evaluate("document.querySelector('#walk-forward').click()")
    page.until("reader.walk.here === 'class:H01M'")
    page.evaluate("document.querySelector('#walk .right button[data-node]').focus()")
    wanted = page.evaluate("document.activeElement.dataset.node")
    page.key("Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    page.until(f"reader.walk.here === '{wanted}'")
    assert page.evaluate("document.querySelectorAll('#walk svg path[d]').length") > 1


def test_a_node_is_found_by_name_and_kept_in_the_address(page):
    page.evaluate("reader.walk.start()")
    page.evaluate("reader.walk.input.value = 'applicant 3'; reader.walk.find()")
    page.until("reader.walk.here === 'assignee:APPLICANT 3'")
    address = page.evaluate("reader.address.writeNow(); location.hash")
    assert "g=assignee" in address
    page.evaluate("reader.walk.input.value = 'nobody'; reader.walk.find()")
    page.until("reader.walk.said.textContent !== ''")
    go(page, "patent:nothing")
    assert page.evaluate("reader.walk.here") == "assignee:APPLICANT 3"


def test_members_of_a_family_share_a_point_and_the_card_says_so(page):
    page.evaluate("reader.open(0, reader.map.marks)")
    page.until("document.getElementById('card').innerText.includes('These 2 publications')")
    assert "US-10000002-B2" in page.evaluate("document.getElementById('card').innerText")


def snippet(page, kind, **fields):
    for name, value in fields.items():
        page.evaluate(f"document.getElementById('k-{name}').value = {value!r}")
    page.evaluate(f"reader.curation.field('kind').value = '{kind}'; reader.curation.show(); reader.curation.add()")
    return tomllib.loads(page.evaluate("reader.curation.area.value"))


def test_corrections_are_written_as_the_file_takes_them(page, tmp_path):
    exemplars = ["US-10000000-B2", "US-10000004-B2"]
    snippet(page, "rename", cluster="0", label='"Cells" \\ more')
    snippet(page, "pin", cluster="1")
    snippet(page, "note", cluster="0", text="see A")
    page.evaluate("reader.open(5, reader.map.marks)")
    snippet(page, "exclude")
    page.evaluate("reader.open(3, reader.map.marks)")
    written = snippet(page, "move", other="0")
    assert written["rename"] == [{"members": exemplars, "label": '"Cells" \\ more'}]
    assert written["pin"] == [{"members": ["US-10000001-B2", "US-10000005-B2"], "label": "antenna, cell"}]
    assert written["exclude"] == [{"members": ["US-10000005-B2"]}]
    assert written["move"] == [{"members": ["US-10000003-B2"], "near": exemplars}]
    made = walked(tmp_path / "again")
    made.curation.write_text(page.evaluate("reader.curation.area.value"), encoding="utf-8")
    report.run(made)
    text = made.report.read_text(encoding="utf-8")
    for part in ("label kept", "see A", "is taken off the map by curation.toml"):
        assert part in text


def test_a_correction_without_what_it_needs_says_so(page):
    assert snippet(page, "split", label="x") == {}
    assert "Choose documents first" in page.evaluate("reader.curation.said.textContent")
    assert snippet(page, "rename", cluster="0", label="") == {}
    assert snippet(page, "merge", cluster="1", other="1") == {}
