"""The knowledge graph, opened by the readers it is written for."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from patentclust import pipeline
from patentclust.analysis.graph import EDGE_KINDS, GraphBuilder, Node
from patentclust.cli import app
from patentclust.errors import ArtifactError
from patentclust.schemas import EDGES, NODES
from patentclust.stages import cluster, graph
from patentclust.workspace import Workspace
from tests.test_cluster import PARAMS, document, vectors_of, write_documents, write_embeddings

HOSTILE = "\x00=cmd|' /C calc'!A0<script>alert(1)</script>\u202e\t\"]]>\n&amp;" + "x" * 40_000
PATENTCLUST = "urn:patentclust:"


def mapped(root, n=60, **changes):
    documents = [document(index, **changes) for index in range(n)]
    documents[0] |= {
        "title": HOSTILE,
        "inventors": [HOSTILE, "\x00", "Ada  Lovelace"],
        "assignee_names": ["=1+1", "ACME"],
    }
    documents[1] |= {"inventors": ["ada lovelace"], "applicants": ["Acme"], "cited": ["US-00000", "US-9999999-B2"]}
    documents[2] |= {"cited": ["US-00001-A1", "US-00001-B2", "US-00002-A1"], "cpc": ["H01M4/00", "Y02E60/10"]}
    documents[n - 1] |= {"title": "", "abstract": "", "claims": [], "independent": []}
    workspace = Workspace(root)
    write_documents(workspace, documents)
    write_embeddings(workspace, documents, vectors_of(n))
    cluster.run(workspace, PARAMS)
    return workspace


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    workspace = mapped(tmp_path_factory.mktemp("graph"))
    return workspace, graph.run(workspace)


def nodes_of(workspace):
    return {row["node_id"]: row for row in pq.read_table(workspace.graph_files["nodes"]).to_pylist()}


def edges_of(workspace, kind):
    rows = pq.read_table(workspace.graph_files["edges"]).to_pylist()
    return {(row["source"], row["target"]): row["weight"] for row in rows if row["kind"] == kind}


def test_nodes_and_edges_follow_the_contract(drawn):
    workspace, outcome = drawn
    for name, artifact in (("nodes", NODES), ("edges", EDGES)):
        table = pq.read_table(workspace.graph_files[name])
        assert table.schema.remove_metadata().equals(artifact.schema.remove_metadata())
        rows = table.select(list(artifact.key)).to_pylist()
        assert len({tuple(row.values()) for row in rows}) == len(rows) == outcome.facts[name]
    ids = set(nodes_of(workspace))
    edges = pq.read_table(workspace.graph_files["edges"]).to_pylist()
    assert {edge["source"] for edge in edges} | {edge["target"] for edge in edges} <= ids
    assert {edge["kind"] for edge in edges} == set(EDGE_KINDS)


def test_every_patent_is_a_node_and_one_off_the_map_has_no_place(drawn):
    patents = [row for row in nodes_of(drawn[0]).values() if row["kind"] == "patent"]
    assert [row["key"] for row in patents] == [f"US-{index:05d}-A1" for index in range(60)]
    assert patents[-1]["cluster_id"] is None and patents[-1]["x"] is None
    assert patents[-1]["label"] == "US-00059-A1"
    assert all(row["x"] is not None for row in patents[:-1])


def test_citations_stay_inside_the_corpus_and_the_others_are_counted(drawn):
    workspace, outcome = drawn
    assert set(edges_of(workspace, "cites")) == {
        ("patent:US-00001-A1", "patent:US-00000-A1"),
        ("patent:US-00002-A1", "patent:US-00001-A1"),
    }
    assert outcome.facts["cited_outside"] == 1


def test_names_meet_whatever_their_case_and_classes_are_subclasses(drawn):
    workspace, _ = drawn
    invented = edges_of(workspace, "invented_by")
    assert [source for source, target in invented if target == "inventor:ADA LOVELACE"] == [
        "patent:US-00000-A1",
        "patent:US-00001-A1",
    ]
    assert nodes_of(workspace)["inventor:ADA LOVELACE"]["label"] == "Ada Lovelace"
    assert {t for s, t in edges_of(workspace, "filed_by")} == {"assignee:=1+1", "assignee:ACME"}
    classes = {target for source, target in edges_of(workspace, "classified_in") if source == "patent:US-00002-A1"}
    assert classes == {"class:A61F", "class:H01M", "class:Y02E"}
    assert nodes_of(workspace)["class:H01M"]["label"].startswith("H01M ")


def test_similar_patents_are_linked_once_by_their_cosine(drawn):
    workspace, _ = drawn
    similar = edges_of(workspace, "similar")
    assert all(source < target and (target, source) not in similar for source, target in similar)
    assert all(0 < weight <= 1.001 for weight in similar.values())
    vectors = vectors_of(60).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors[0] @ vectors[:59].T
    cosines[0] = -1
    best = int(np.argmax(cosines))
    assert similar["patent:US-00000-A1", f"patent:US-{best:05d}-A1"] == pytest.approx(cosines[best], abs=2e-3)


def test_networkx_reads_the_graphml_with_all_nodes_and_edges(drawn):
    networkx = pytest.importorskip("networkx", reason="networkx is not installed")
    workspace, outcome = drawn
    read = networkx.read_graphml(workspace.graph_files["graphml"], force_multigraph=True)
    assert read.is_directed()
    assert (read.number_of_nodes(), read.number_of_edges()) == (outcome.facts["nodes"], outcome.facts["edges"])
    for name, row in nodes_of(workspace).items():
        known = {key: value for key, value in row.items() if value not in (None, []) and key not in ("node_id", "key")}
        known |= {"printed": "; ".join(row["printed"])} if row["printed"] else {}
        assert read.nodes[name].keys() == known.keys()
        for key, value in known.items():
            assert read.nodes[name][key] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value)
    kinds = {data["kind"] for _, _, data in read.edges(data=True)}
    assert kinds == set(EDGE_KINDS)


def test_rdflib_reads_the_json_ld_with_all_links(drawn):
    rdflib = pytest.importorskip("rdflib", reason="rdflib is not installed")
    workspace, outcome = drawn
    read = rdflib.Graph().parse(workspace.graph_files["jsonld"], format="json-ld")
    for kind in EDGE_KINDS:
        links = list(read.subject_objects(rdflib.URIRef(PATENTCLUST + kind)))
        assert len(links) == outcome.facts[kind]
        assert all(isinstance(target, rdflib.URIRef) for _, target in links)
    assert len(set(read.subjects(rdflib.RDFS.label))) == outcome.facts["nodes"]
    (label,) = read.objects(rdflib.URIRef(f"{PATENTCLUST}patent:US-00000-A1"), rdflib.RDFS.label)
    assert str(label) == nodes_of(workspace)["patent:US-00000-A1"]["label"]


def vos_rows(path):
    """Read a VOSviewer file as its manual describes them: tabs, quotes around what holds a separator."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle, delimiter="\t", strict=True))


def test_vosviewer_files_keep_to_its_manual(drawn):
    workspace, _ = drawn
    header, *items = vos_rows(workspace.graph_files["vos_map"])
    assert header == ["id", "label", "description", "url", "x", "y", "cluster", "weight<Links>", "score<Year>"]
    assert all(len(item) == len(header) for item in items)
    ids = [int(item[0]) for item in items]
    assert len(items) == len(set(ids)) == 59 and min(ids) > 0
    raw = workspace.graph_files["vos_map"].read_text(encoding="utf-8").splitlines()[1:]
    for cell in (cell for line in raw for cell in line.split("\t")):
        assert not set(",;") & set(cell) or (cell.startswith('"') and cell.endswith('"') and cell.count('"') == 2)
    for item in items:
        float(item[4]), float(item[5])
        assert 1 <= int(item[6]) <= 1000 and int(item[7]) >= 0
        assert "<" not in item[2]
    links = vos_rows(workspace.graph_files["vos_network"])
    pairs = [(int(a), int(b)) for a, b, _ in links]
    assert pairs == sorted(set(pairs)) and all(a < b for a, b in pairs)
    assert {number for pair in pairs for number in pair} <= set(ids)
    assert all(float(strength) > 0 for _, _, strength in links)


def test_hostile_titles_are_shown_as_text_everywhere(drawn):
    workspace, _ = drawn
    row = nodes_of(workspace)["patent:US-00000-A1"]
    assert len(row["label"]) == 300 and row["label"].startswith("=cmd|") and row["label"].endswith("…")
    for path in workspace.graph_files.values():
        assert not {"\x00", "\u202e"} & set(path.read_bytes().decode("utf-8", "replace")) or path.suffix == ".parquet"
    lines = workspace.graph_files["graphml"].read_text(encoding="utf-8")
    assert "<script>" not in lines
    json.loads(workspace.graph_files["jsonld"].read_text(encoding="utf-8"))


def test_a_second_run_has_nothing_to_do_and_equal_work_gives_equal_bytes(drawn, tmp_path):
    workspace, outcome = drawn
    again = graph.run(workspace)
    assert again.current and again.facts == outcome.facts and again.outputs == outcome.outputs
    other = mapped(tmp_path)
    graph.run(other)
    for name, path in workspace.graph_files.items():
        assert path.read_bytes() == other.graph_files[name].read_bytes()


def test_a_missing_file_is_written_again(tmp_path):
    workspace = mapped(tmp_path, 30)
    graph.run(workspace)
    workspace.graph_files["graphml"].unlink()
    assert not graph.run(workspace).current
    assert workspace.graph_files["graphml"].is_file()


def test_a_map_of_other_documents_is_refused(tmp_path):
    workspace = mapped(tmp_path, 30)
    write_documents(workspace, [document(index) for index in range(29)])
    with pytest.raises(ArtifactError, match="other documents"):
        graph.run(workspace)


def test_the_command_prints_the_files(drawn, capsys):
    workspace, _ = drawn
    app(["graph", "-w", str(workspace.root), "-q"], standalone_mode=False)
    assert capsys.readouterr().out.split() == [str(path) for path in workspace.graph_files.values()]
    app(["graph", "-w", str(workspace.root), "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)[0]["facts"]["nodes"] == len(nodes_of(workspace))
    assert pipeline.graph(workspace).current


def test_equal_edges_keep_the_heaviest_and_nothing_links_to_itself():
    builder = GraphBuilder()
    a, b = (builder.add(Node("patent", key, key)) for key in "ab")
    for weight in (0.25, 0.75, 0.5):
        builder.link(a, b, "similar", weight)
    builder.link(a, a, "cites")
    drawn = builder.finish()
    assert [(edge.source, edge.target, edge.kind, edge.weight) for edge in drawn.edges()] == [(0, 1, "similar", 0.75)]
    assert [node.n_links for node in drawn.nodes] == [1, 1]


def test_an_empty_graph_is_a_graph():
    drawn = GraphBuilder().finish()
    assert (drawn.nodes, list(drawn.edges()), list(drawn.by_source())) == ([], [], [])


def test_the_names_that_an_analyst_gave_are_in_the_graph(tmp_path):
    workspace = mapped(tmp_path)
    graph.run(workspace)
    inside = [key for key, node in nodes_of(workspace).items() if node["kind"] == "patent" and node["cluster_id"] == 0]
    chosen = [key.removeprefix("patent:") for key in inside[:3]]
    workspace.curation.write_text(
        f'[[rename]]\nmembers = {json.dumps(chosen[:2])}\nlabel = "Cells"\n[[exclude]]\nmembers = ["{chosen[2]}"]\n',
        encoding="utf-8",
    )
    assert not graph.run(workspace).current
    nodes = nodes_of(workspace)
    assert nodes["cluster:0"]["label"] == "Cells"
    assert nodes[inside[2]]["cluster_id"] is None
    assert inside[2] not in {source for source, _ in edges_of(workspace, "member")}
    assert graph.run(workspace).current
