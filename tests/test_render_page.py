import base64
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from patentclust.render import page
from patentclust.render.palette import N_COLOURS, assign_colours
from patentclust.render.payload import Frame, Outline, embed_json, pack_json, text_limits
from patentclust.render.readings import read_scores
from patentclust.stages import report
from tests.test_report import document, failure, page_data, small_workspace, topic, unit, write_workspace

TEMPLATES = Path(page.__file__).parent / "templates"
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!-- <script>",
    "a\u2028b\u2029c",
    "\u202egnp.exe\u202c",
    "' onload=alert(1) x='",
    "]]>",
    "{{ 7 * 7 }}",
    "&lt;b&gt; &amp;",
]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    workspace = small_workspace(tmp_path_factory.mktemp("workspace"))
    report.run(workspace)
    return workspace.report.read_text(encoding="utf-8")


def hash_of(content):
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def test_the_policy_allows_exactly_the_inlined_script_and_style(text):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text).group(1)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.S)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.S)
    assert policy == (
        f"default-src 'none'; script-src '{hash_of(script)}'; style-src '{hash_of(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_page_carries_no_inline_style_handler_or_foreign_address(text):
    markup = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", text, flags=re.S)
    assert not re.search(r"\s(style|on\w+)=", markup)
    assert not re.search(r'(src|href)="(?!#)', markup)


def test_the_script_never_writes_html_or_evaluates(text):
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.S)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "fetch("):
        assert word not in script


@pytest.mark.parametrize("name", sorted(path.name for path in TEMPLATES.iterdir() if path.suffix in (".css", ".js")))
def test_no_template_can_end_its_own_element(name):
    content = page._template(name)
    assert not re.search(r"</(script|style)|<!--", content, re.I)


def test_the_fingerprint_stands_near_the_top(text):
    assert re.fullmatch(r"[0-9a-f]{64}", page.read_fingerprint(text.encode()[: page.HEAD_BYTES].decode()))
    assert page.read_fingerprint("<html>") is None


def test_a_long_title_does_not_push_the_fingerprint_out(tmp_path):
    workspace = small_workspace(tmp_path)
    params = report.ReportParams(title="<x>" * 5_000)
    report.run(workspace, params)
    assert report.run(workspace, params).current


def test_hostile_text_adds_no_element_anywhere(tmp_path):
    def made(folder, texts):
        documents = []
        for i, value in enumerate(texts):
            columns = ("applicants", "assignees", "inventors", "ipc", "cpc", "claims", "warnings")
            lists = {key: [value] for key in columns}
            names = ("title", "abstract", "family_id", "language", "country", "kind", "source_format")
            documents.append(
                document(
                    i, **lists, **dict.fromkeys(names, value),
                    doc_id=f"{value}{i}", source_path=f"{value}{i}", independent=[True],
                )
            )  # fmt: skip
        units = [unit(d["doc_id"], i % 2, i, i) for i, d in enumerate(documents[:-1])]
        terms = [{"term": value, "weight": 1.0} for value in texts]
        topics = [topic(c, 4, [documents[c]["doc_id"]], label=texts[c], terms=terms) for c in range(2)]
        fails = [failure(v + str(i), message=v, hint=v, reader=v) for i, v in enumerate(texts)]
        workspace = write_workspace(folder, documents, units, topics, fails, scores={texts[0]: texts[1]})
        report.run(workspace, report.ReportParams(title=texts[0]))
        return workspace.report.read_text(encoding="utf-8")

    harmless = made(tmp_path / "a", [f"w{i:03} word" for i in range(len(HOSTILE))])
    hostile = made(tmp_path / "b", HOSTILE)
    assert re.findall(r"<[a-z/!][a-z0-9]*", hostile, re.I) == re.findall(r"<[a-z/!][a-z0-9]*", harmless, re.I)
    assert not set("\u2028\u2029\u202e\u202c") & set(hostile)


def test_embedded_json_reads_back_and_holds_no_markup():
    value = {"a": [*HOSTILE, None, 1.5]}
    text = embed_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_packed_blocks_are_plain_letters():
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", pack_json(HOSTILE))


def test_positions_keep_their_shape_and_turn_upside_down():
    frame = Frame.around(np.array([0.0, 2.0, 1.0]), np.array([0.0, 1.0, np.nan]))
    assert frame.at(0, 1) == (0, 0)
    assert frame.at(2, 0) == (65535, 32768)
    assert frame.at(1, float("nan")) is None


@pytest.mark.parametrize("points", [[], [np.nan], [3.0]])
def test_degenerate_maps_have_a_frame(points):
    values = np.array(points, dtype=np.float32)
    assert Frame.around(values, values).at(3.0, 3.0) is not None


def test_outline_takes_the_inner_members():
    outline = Outline.of(np.array([[0.0, float(y)] for y in range(11)] + [[np.nan, 1.0]]))
    assert 2 <= outline.y <= 8
    assert outline.y_low < outline.y < outline.y_high
    assert np.isnan(Outline.of(np.empty((0, 2))).x)


def test_the_outline_of_a_cluster_in_two_places_lies_in_one_of_them():
    apart = np.array([[float(i % 3), 0.0] for i in range(12)] + [[100.0 + i % 3, 50.0] for i in range(11)])
    outline = Outline.of(apart)
    assert (0 <= outline.x <= 2 and outline.y == 0) or (100 <= outline.x <= 102 and outline.y == 50)


def test_first_clusters_get_colours_of_their_own_and_neighbours_differ():
    centres = np.array([[i, 0.0] for i in range(3 * N_COLOURS)])
    colours = assign_colours(centres)
    assert colours[:N_COLOURS] == list(range(N_COLOURS))
    assert all(a != b for a, b in pairwise(colours))
    assert assign_colours(np.empty((0, 2))) == []
    assert len(assign_colours(np.full((3, 2), np.nan))) == 3


def test_text_limits_shrink_with_the_corpus_but_never_to_nothing():
    assert text_limits(0) == text_limits(100) == (4000, 2000)
    assert text_limits(20_000) == (800, 400)
    assert text_limits(10**6) == (140, 70)


def test_scores_are_tolerant_of_what_they_do_not_know():
    unknown = {"zeta": "x", "deep": {"er": {"ami": float("nan")}}}
    scores = unknown | {"noise_share": 0.25, "dbcv": None, "n_units": 1200}
    lines, (table,) = read_scores(scores)
    shown = [(score.name, score.value) for score in lines]
    assert shown == [
        ("Units on the map", "1,200"),
        ("Noise, share", "25.0%"),
        ("DBCV", "n/a"),
        ("Zeta", "x"),
    ]
    assert ([column.name for column in table.columns], table.rows) == (
        ["Adjusted mutual information"],
        [("Deep, Er", ["n/a"])],
    )
    assert read_scores({}) == ([], [])


def test_what_is_taken_at_several_levels_is_one_table_and_explained_once():
    taken = {"ami": 0.5, "purity": 0.25}
    scores = {
        "n_clusters": 3,
        "layers": {"1": {"n_clusters": 2, "ipc:section": taken}},
        "ipc:class": taken,
        "ipc:section": taken,
    }
    lines, tables = read_scores(scores)
    assert [line.name for line in lines] == ["Clusters"]
    assert [[name for name, _ in table.rows] for table in tables] == [
        ["IPC section", "IPC class", "IPC section, layer 1"],
        ["layer 1"],
    ]
    assert tables[0].rows[0][1] == ["0.500", "25.0%"]
    sentences = [score.reading for score in (*lines, *(column for table in tables for column in table.columns))]
    assert len([sentence for sentence in sentences if sentence]) == len(set(sentences) - {""}) == 3


def test_page_data_holds_no_more_than_the_page_says(tmp_path):
    documents = [document(0, title="T" * 1000, applicants=[f"name {i}" for i in range(100)])]
    workspace = write_workspace(tmp_path, documents, [unit(documents[0]["doc_id"], -1)], [])
    report.run(workspace)
    data = page_data(workspace)
    assert len(data["titles"][0]) == 300
    assert len(data["owners"][0]) == 30
