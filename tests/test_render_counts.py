"""Cards, tables, the page's graph and the files of `patentclust graph` know one assignee by one name and one count."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest

from patentclust.stages import graph, report
from tests.test_render_browser import CHROMIUM, browser
from tests.test_report import DIM, document, read_csv, topic, unit, write_workspace

SPELLINGS = ["Acme Inc.", "ACME, INC", "The Acme Company", "Beta GmbH"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Ten publications of six families, one of them in two clusters, one with a member off the map."""
    families = ["A", "A", "B", "C", "C", "D", "E", "E", "F", "F"]
    # A's second publication lies in the other cluster; F has one on the map and one off it.
    clusters = [0, 1, 0, 0, 0, 0, 1, 1, -1, None]
    documents = [
        document(i, family_id=family, assignees=[SPELLINGS[i % 4]], applicants=["Ada Lovelace"])
        for i, family in enumerate(families)
    ]
    units = [
        unit(d["doc_id"], c, i, i) for i, (d, c) in enumerate(zip(documents, clusters, strict=True)) if c is not None
    ]
    rows = [topic(c, 4, [documents[6 * c]["doc_id"]]) for c in range(2)]
    vectors = np.eye(DIM)[[0] * len(units)] + 0.05 * np.arange(len(units))[:, None] * np.eye(DIM)[1]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    workspace = write_workspace(tmp_path_factory.mktemp("counts"), documents, units, rows, embedded=vectors)
    report.run(workspace)
    graph.run(workspace)
    return workspace


def table(workspace):
    rows = read_csv(workspace.cross_csv("assignee"))
    return {(int(row["cluster_id"]), row["name"]): int(row["n_families"]) for row in rows}


def nodes(workspace):
    return {row["node_id"]: row for row in pq.read_table(workspace.graph_files["nodes"]).to_pylist()}


def test_one_company_is_one_name_with_the_forms_it_is_printed_in(made):
    found = {name for name in nodes(made) if name.startswith("assignee:")}
    assert found == {"assignee:ACME", "assignee:BETA"}
    assert nodes(made)["assignee:ACME"]["printed"] == sorted(SPELLINGS[:3])
    assert {name for _, name in table(made)} == {"ACME", "BETA"}


def test_a_family_counts_once_and_in_one_cluster(made):
    assert table(made) == {(0, "ACME"): 4, (0, "BETA"): 1, (1, "ACME"): 1, (1, "BETA"): 1}
    known = nodes(made)
    # ACME has a publication in every family, F outside the clusters; BETA in C and E.
    assert {name: known[f"assignee:{name}"]["n_families"] for name in ("ACME", "BETA")} == {"ACME": 6, "BETA": 2}
    sizes = {int(row["cluster_id"]): int(row["n_families"]) for row in csv.DictReader(made.clusters_csv.open())}
    assert sizes == {0: 4, 1: 1} == {c: known[f"cluster:{c}"]["n_families"] for c in (0, 1)}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
def test_the_graph_of_the_page_counts_as_cards_and_files_do(made, tmp_path):
    counts = (
        "(async () => { const { relations } = reader.walk; const found = {};"
        " for (const id of [0, 1]) for (const g of await relations.neighbours({ kind: 'cluster', key: id }))"
        "  if (g.link === 'assignees') for (const i of g.items) found[`${id} ${relations.name(i.node)}`] = i.n;"
        " return found; })()"
    )
    with browser(tmp_path) as page:
        page.screen(1440, 900)
        page.open(made.report)
        page.evaluate("reader.walk.go('assignee:ACME')")
        page.until("document.querySelector('#walk .centre') !== null && reader.walk.here === 'assignee:ACME'")
        assert page.evaluate(counts) == {f"{cluster} {name}": n for (cluster, name), n in table(made).items()}
        middle = page.evaluate("document.querySelector('#walk .centre').innerText")
        assert "6 families, 8 publications" in middle
        assert "Printed as: Acme Inc.; ACME, INC; The Acme Company" in middle
        page.evaluate("reader.walk.input.value = 'the acme company'; reader.walk.find()")
        page.until("reader.walk.here === 'assignee:ACME'")
        page.evaluate("reader.filters.set('owner', 'The Acme Company')")
        assert page.evaluate("reader.selection.rows.length") == 8
        page.evaluate("reader.filters.clear(); reader.search('gmbh')")
        assert page.evaluate("reader.found.documents.length") == 2
        assert page.complaints() == []


def test_the_table_of_documents_names_the_five_nearest_with_their_cosines(made):
    rows = read_csv(made.documents_csv)
    near = rows[0]["nearest"].split("; ")
    assert len(near) == 5 and near[0].startswith("US-10000001-B2 (")
    cosines = [float(item.split("(")[1].rstrip(")")) for item in near]
    assert cosines == sorted(cosines, reverse=True) and cosines[0] > 0.9
    assert rows[0]["assignees"] == "Acme Inc." and rows[0]["assignee_names"] == "ACME"
    assert rows[9]["nearest"] == rows[9]["cluster_id"] == ""
