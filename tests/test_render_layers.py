"""Coarser layers on the page: a tree that reads without JavaScript, groups to filter and colour by, names far out."""

import re

import pytest

from patentclust.render.content import Cluster, Group, Topic
from patentclust.render.tree import tree
from patentclust.stages import report
from tests.test_render_browser import CHROMIUM, browser
from tests.test_report import document, page_data, small_workspace, topic, unit, write_workspace


def layered(root):
    """Four clusters of six in two groups of another layer, which itself is one layer below nothing; two of noise."""
    documents = [document(i) for i in range(26)]
    fine = [-1 if i >= 24 else i % 4 for i in range(26)]
    units = [
        unit(d["doc_id"], c, 10 * max(c, 0) + i % 3, i % 5)
        for i, (d, c) in enumerate(zip(documents, fine, strict=True))
    ]
    units += [{**u, "layer": 1, "cluster_id": u["cluster_id"] // 2} for u in units]
    rows = [topic(c, 6, [documents[c]["doc_id"]], label=f"fine {c}") for c in range(4)]
    rows += [topic(c, 12, [documents[c]["doc_id"]], label=f"coarse {c}", layer=1) for c in range(2)]
    return write_workspace(root, documents, units, rows)


def fine(cluster_id):
    return Cluster(Topic(cluster_id, f"fine {cluster_id}", 5, [], [], None, None), 0.1, 0, [])


def test_a_tree_holds_every_cluster_once():
    layers = [[Group(0, "A", 10, [0, 1, 2])], [Group(0, "a", 5, [0]), Group(1, "b", 5, [1, 2])]]
    branches = tree(layers, [fine(c) for c in range(4)])
    assert [(b.label, b.size) for b in branches] == [("A", 15), ("fine 3", 5)]
    assert [(b.label, [leaf.label for leaf in b.branches]) for b in branches[0].branches] == [
        ("a", ["fine 0"]),
        ("b", ["fine 1", "fine 2"]),
    ]


def test_the_tree_stands_on_the_page_as_a_list(tmp_path):
    workspace = layered(tmp_path)
    report.run(workspace)
    text = workspace.report.read_text(encoding="utf-8")
    shown = re.search(r'<ul class="tree">(.*?)<div class="cards">', text, re.S).group(1)
    assert re.findall(r"<bdi>([^<]+)</bdi>", shown) == ["coarse 0", "fine 0", "fine 1", "coarse 1", "fine 2", "fine 3"]
    assert [(g["label"], g["size"], g["clusters"]) for g in page_data(workspace)["groups"]] == [
        ("coarse 0", 12, [0, 1]),
        ("coarse 1", 12, [2, 3]),
    ]


def test_a_corrected_cluster_stays_in_the_group_of_its_members(tmp_path):
    workspace = layered(tmp_path)
    workspace.curation.write_text('[[split]]\nmembers = ["US-10000002-B2", "US-10000006-B2"]\nlabel = "new"\n')
    report.run(workspace)
    assert page_data(workspace)["groups"][1]["clusters"] == [2, 3, 4]


def test_one_layer_has_no_tree(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    text = workspace.report.read_text(encoding="utf-8")
    assert 'class="tree"' not in text
    assert 'id="f-group"' not in text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
def test_groups_filter_and_colour_the_map_and_name_it_far_out(tmp_path):
    workspace = layered(tmp_path / "workspace")
    report.run(workspace)
    with browser(tmp_path / "profile") as page:
        page.screen(1440, 900)
        page.open(workspace.report)
        assert page.evaluate("reader.map.labels.shown().map(t => t.label)") == ["coarse 0", "coarse 1"]
        page.evaluate("reader.map.zoom(3)")
        assert page.evaluate("reader.map.labels.shown().length") == 4
        page.evaluate("reader.reset(); reader.filters.set('group', '1')")
        assert page.evaluate("reader.map.emphasis.reduce((a, b) => a + b)") == 12
        page.evaluate("reader.reset(); reader.colourBy('group')")
        colours = page.evaluate("[0, 1, 2, 3].map(c => reader.corpus.colour(c))")
        assert colours[0] == colours[1] != colours[2] == colours[3]
        assert page.complaints() == []
