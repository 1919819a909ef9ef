import csv
import json

import networkx
import numpy as np
import pytest

from patentclust import artifacts
from patentclust.params import ReportParams
from patentclust.stages import report
from tests.test_report import DIM, document, topic, unit, write_workspace


@pytest.fixture
def workspace(tmp_path):
    titles = ["<b>&\"'", "Cell\x00 \u202etwo", "三", "four"]
    documents = [document(i, title=titles[i], cited=["US-10000000-B2", "EP-1-A1"]) for i in range(4)]
    units = [unit(d["doc_id"], i % 2 if i < 3 else -1, i, i) for i, d in enumerate(documents)]
    vectors = np.eye(DIM)[[0, 1, 0, 1]] + 0.01
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [topic(c, 2 - c, [documents[c]["doc_id"]]) for c in range(2)]
    made = write_workspace(tmp_path, documents, units, rows, embedded=vectors)
    report.run(made, ReportParams(graph=True))
    return made


def test_networkx_reads_the_graphml(workspace):
    graph = networkx.read_graphml(workspace.graph("graph.graphml"))
    kinds = networkx.get_node_attributes(graph, "kind")
    assert {kind: list(kinds.values()).count(kind) for kind in set(kinds.values())} == {
        "patent": 5, "cluster": 2, "assignee": 4, "inventor": 1, "class": 2, "term": 2,
    }  # fmt: skip
    assert graph.nodes["patent:US-10000000-B2"]["label"] == "<b>&\"'"
    relations = set(networkx.get_edge_attributes(graph, "relation").values())
    assert relations == {"member", "similar", "cites", "filed_by", "invented_by", "classified_in", "about"}


def test_parquet_holds_the_same_nodes_and_edges(workspace):
    nodes = artifacts.read_table(workspace.graph("nodes.parquet"), kind="nodes")
    edges = artifacts.read_table(workspace.graph("edges.parquet"), kind="edges")
    ids = set(nodes["node_id"].to_pylist())
    assert set(edges["source"].to_pylist()) | set(edges["target"].to_pylist()) <= ids
    graph = networkx.read_graphml(workspace.graph("graph.graphml"))
    assert ids == set(graph.nodes)


def test_json_ld_refers_only_to_what_it_describes(workspace):
    data = json.loads(workspace.graph("graph.jsonld").read_text(encoding="utf-8"))
    described = {node["@id"] for node in data["@graph"]}
    references = [
        ref["@id"] for node in data["@graph"] for value in node.values() if isinstance(value, list) for ref in value
    ]
    assert data["@context"]["@vocab"]
    assert references
    assert set(references) <= described


def test_vosviewer_files_have_items_and_pairs_by_number(workspace):
    with workspace.graph("vosviewer-map.txt").open(encoding="utf-8", newline="") as handle:
        items = list(csv.DictReader(handle, delimiter="\t"))
    assert [item["id"] for item in items] == ["1", "2", "3", "4"]
    assert [item["cluster"] for item in items] == ["1", "2", "1", "3"]
    with workspace.graph("vosviewer-network.txt").open(encoding="utf-8", newline="") as handle:
        pairs = [tuple(map(float, row)) for row in csv.reader(handle, delimiter="\t")]
    assert pairs
    assert all(1 <= low < high <= 4 and 0 <= strength <= 1 for low, high, strength in pairs)


def test_a_second_run_is_current_and_a_lost_file_is_made_again(workspace):
    params = ReportParams(graph=True)
    assert report.run(workspace, params).current
    workspace.graph("graph.jsonld").unlink()
    assert not report.run(workspace, params).current
    assert workspace.graph("graph.jsonld").is_file()
