import base64
import csv
import json
import re
import zlib
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from patentclust import artifacts
from patentclust.analysis import assignees
from patentclust.artifacts import Stamp
from patentclust.errors import ArtifactError
from patentclust.params import ClusterParams, ReportParams
from patentclust.schemas import CLUSTERS, DOCUMENTS, FAILURES, embeddings, topics
from patentclust.stages import report
from patentclust.workspace import Workspace

DIM = 4
FIELDS = ["battery", "antenna", "antibody", "turbine", "display", "catalyst"]
SCORES = {
    "n_units": 30,
    "n_clusters": 3,
    "noise_share": 0.1,
    "silhouette_cosine": 0.21,
    "silhouette_reduced": None,
    "ipc_subclass": {"ari": 0.4, "ami": 0.5, "v_measure": 0.6, "n": 30},
    "something_new": 0.125,
}


def document(number, **changed):
    """One row of documents.parquet."""
    row = {
        "doc_id": f"US-{10_000_000 + number}-B2",
        "family_id": None,
        "title": f"{FIELDS[number % len(FIELDS)].title()} assembly {number}",
        "abstract": "An assembly is disclosed.",
        "claims": ["1. An assembly.", "2. The assembly of claim 1."],
        "independent": [True, False],
        "description": "",
        "language": "en",
        "country": "US",
        "kind": "B2",
        "application_number": None,
        "priorities": [],
        "priority_date": date(2012, 3, 4),
        "filing_date": date(2013, 3, 4),
        "publication_date": date(2015, 5, 6),
        "applicants": [f"Applicant {number % 4}"],
        "assignees": [],
        "inventors": ["Ada Lovelace"],
        "inventor_countries": ["GB"],
        "cpc": ["H01M10/0525"],
        "ipc": ["H01M10/0525", "H01Q1/00"],
        "additional_classes": [],
        "cited": [],
        "source_path": f"in/{number}.xml",
        "source_sha256": "0" * 64,
        "source_format": "uspto-grant",
        "warnings": [],
        "representative": True,
    }
    row |= changed
    return {"assignee_names": list(assignees.apply(row["assignees"] or row["applicants"], {}))} | row


def unit(doc_id, cluster_id, x=0.0, y=0.0, **changed):
    """One row of clusters.parquet."""
    noise = cluster_id == -1
    row = {"unit_id": doc_id, "layer": 0, "cluster_id": cluster_id, "probability": 0.0 if noise else 0.9}
    row |= {"outlier_score": 0.1, "silhouette": None if noise else 0.25, "x": float(x), "y": float(y)}
    return row | changed


def topic(cluster_id, size, exemplars, **changed):
    """One row of topics.parquet."""
    row = {"layer": 0, "cluster_id": cluster_id, "size": size, "label": f"{FIELDS[cluster_id % 6]}, cell"}
    row |= {"terms": [{"term": "cell", "weight": 0.5}, {"term": "anode", "weight": 0.25}], "exemplars": exemplars}
    return row | {"centroid": [1.0, 0, 0, 0], "persistence": 0.4, "silhouette": 0.2} | changed


def failure(path, **changed):
    """One row of failures.parquet."""
    row = {"source_path": path, "source_sha256": "", "reader": "", "error": "SourceError"}
    return row | {"message": "no reader accepts it", "hint": "convert it to XML"} | changed


def write_vectors(workspace, units, vectors):
    """Write one shard of embeddings and return the fingerprint that clusters state."""
    rows = [
        {"unit_id": u["unit_id"], "text_sha256": "", "vector": v.astype(np.float16), "n_tokens": 1, "n_tokens_used": 1}
        | {"n_windows": 1, "truncated": False}
        for u, v in zip(units, vectors, strict=True)
    ]
    path = workspace.shard("cluster", 0)
    artifacts.write_rows(path, embeddings(vectors.shape[1]), Stamp(kind="embeddings", params={}), rows)
    return artifacts.embeddings_fingerprint([path])


def write_workspace(root, documents, units, topic_rows, failures=(), *, stale=False, scores=SCORES, embedded=None):
    """Write the artifacts that a report reads, as the stages before it would."""
    workspace = Workspace(Path(root))
    made = Stamp(kind="documents", params={}, inputs={"ids": ",".join(d["doc_id"] for d in documents)})
    artifacts.write_rows(workspace.documents, DOCUMENTS, made, list(documents))
    artifacts.write_rows(workspace.failures, FAILURES, Stamp(kind="failures", params={}), list(failures))
    vectors = "e" * 64 if embedded is None else write_vectors(workspace, units, embedded)
    shared = {
        "params": vars(ClusterParams()),
        "inputs": {"documents": "old" if stale else made.fingerprint, "embeddings": vectors},
        "model": {"name": "minilm", "sha256": "a" * 64, "template": "Cluster: {text}"},
        "libraries": ("numpy",),
    }
    artifacts.write_rows(workspace.clusters, CLUSTERS, Stamp(kind="clusters", **shared), list(units))
    artifacts.write_rows(workspace.topics, topics(DIM), Stamp(kind="topics", **shared), list(topic_rows), scores=scores)
    return workspace


def small_workspace(root, **changed):
    """Thirty documents, three clusters, three noise, two left out, one failure."""
    documents = [document(i) for i in range(30)] + [
        document(30, title="", abstract="", claims=[], independent=[]),
        document(31),
    ]
    rng = np.random.default_rng(0)
    units = []
    for i in range(30):
        cluster = -1 if i >= 27 else i % 3
        x, y = rng.normal(size=2) + 6 * np.array([cluster, cluster % 2])
        units.append(unit(documents[i]["doc_id"], cluster, x, y))
    rows = [topic(c, 9, [documents[c]["doc_id"], documents[c + 3]["doc_id"]]) for c in range(3)]
    return write_workspace(root, documents, units, rows, [failure("in/broken.pdf")], **changed)


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def page_data(workspace):
    text = workspace.report.read_text(encoding="utf-8")
    return unpacked(re.search(r'<script type="text/plain" id="data">(.*?)</script>', text, re.S).group(1))


def unpacked(block):
    return json.loads(zlib.decompress(base64.b64decode(block)))


def details(workspace, block=0):
    text = workspace.report.read_text(encoding="utf-8")
    packed = re.search(rf'id="details-{block}">(.*?)</script>', text).group(1)
    return unpacked(packed)


def test_report_writes_the_page_and_both_tables(tmp_path):
    workspace = small_workspace(tmp_path)
    outcome = report.run(workspace)
    assert not outcome.current
    assert all(path.stat().st_size > 0 for path in outcome.outputs)
    assert outcome.facts == {"documents": 32, "clusters": 3, "noise": 3, "left_out": 2, "failures": 1}


def test_every_document_is_in_the_table_and_the_page(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    rows = read_csv(workspace.documents_csv)
    assert [row["doc_id"] for row in rows] == [f"US-{10_000_000 + i}-B2" for i in range(32)]
    assert page_data(workspace)["ids"] == [row["doc_id"] for row in rows]
    text = workspace.report.read_text(encoding="utf-8")
    assert all(re.search(rf'data-doc="\d+">{row["doc_id"]}</a>', text) for row in rows)


def test_noise_is_minus_one_and_left_out_documents_have_no_cluster(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    rows = read_csv(workspace.documents_csv)
    assert [row["cluster_id"] for row in rows[25:]] == ["1", "2", "-1", "-1", "-1", "", ""]
    assert rows[0]["cluster_label"] == "battery, cell"
    assert rows[28]["cluster_label"] == rows[31]["cluster_label"] == ""
    assert rows[31]["x"] == ""
    text = workspace.report.read_text(encoding="utf-8")
    assert "Not on the map: 2 documents" in text
    assert "has no title, abstract or claims" in text
    assert "has no vector on this map" in text


def test_figures_in_the_table_are_numbers(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    row = read_csv(workspace.documents_csv)[0]
    assert (row["probability"], row["silhouette"], row["outlier_score"]) == ("0.9", "0.25", "0.1")
    assert float(row["x"]) == pytest.approx(0.125730, abs=1e-4)
    assert row["ipc"] == "H01M10/0525; H01Q1/00"
    assert row["publication_date"] == "2015-05-06"


def test_clusters_table_counts_applicants_and_classes(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    rows = read_csv(workspace.clusters_csv)
    assert [row["cluster_id"] for row in rows] == ["0", "1", "2"]
    batteries, antennas = rows[0]["top_ipc"].split("; ")
    assert batteries.startswith("H01M Processes or means, e.g. batteries,") and batteries.endswith("(9, lift 1.00)")
    assert antennas == "H01Q Antennas, i.e. radio aerials (9, lift 1.00)"
    assert rows[0]["top_applicants"].startswith("APPLICANT 0 (3, lift ")
    assert rows[0]["exemplars"] == "US-10000000-B2; US-10000003-B2"
    assert rows[0]["share"] == "0.3"


def test_failures_stand_on_the_page_with_reason_and_hint(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    text = workspace.report.read_text(encoding="utf-8")
    for part in ("in/broken.pdf", "no reader accepts it", "convert it to XML", "1 source could not be read"):
        assert part in text


def test_known_scores_come_with_a_sentence_and_unknown_ones_are_shown(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    text = workspace.report.read_text(encoding="utf-8")
    for part in ("10.0%", "0.210", "n/a", "IPC subclass</th>", "Something new", "0.125"):
        assert part in text


def test_two_runs_give_the_same_bytes(tmp_path):
    outputs = []
    for name in ("a", "b"):
        outcome = report.run(small_workspace(tmp_path / name))
        outputs.append([path.read_bytes() for path in outcome.outputs])
    assert outputs[0] == outputs[1]


def test_a_second_run_finds_everything_current(tmp_path):
    workspace = small_workspace(tmp_path)
    first = report.run(workspace)
    stamps = [path.stat().st_mtime_ns for path in first.outputs]
    second = report.run(workspace)
    assert second.current
    assert second.facts == first.facts
    assert [path.stat().st_mtime_ns for path in second.outputs] == stamps


@pytest.mark.parametrize("victim", ["report", "documents_csv", "clusters_csv"])
def test_a_missing_output_is_made_again(tmp_path, victim):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    getattr(workspace, victim).unlink()
    assert not report.run(workspace).current
    assert getattr(workspace, victim).exists()


def test_another_title_makes_the_page_again(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    outcome = report.run(workspace, ReportParams(title="Batteries & beyond"))
    assert not outcome.current
    assert "<title>Batteries &amp; beyond</title>" in workspace.report.read_text(encoding="utf-8")


def test_clusters_of_other_documents_are_refused(tmp_path):
    workspace = small_workspace(tmp_path, stale=True)
    with pytest.raises(ArtifactError, match="the clusters are stale") as caught:
        report.run(workspace)
    assert caught.value.hint == "run: patentclust cluster"
    assert not workspace.report.exists()


def test_clusters_of_another_task_are_refused(tmp_path):
    workspace = small_workspace(tmp_path)
    with pytest.raises(ArtifactError, match="task 'cluster'") as caught:
        report.run(workspace, ReportParams(task="classify"))
    assert caught.value.hint == "run: patentclust cluster --task classify"


@pytest.mark.parametrize("victim", ["documents", "clusters", "topics", "failures"])
def test_a_missing_input_is_named(tmp_path, victim):
    workspace = small_workspace(tmp_path)
    getattr(workspace, victim).unlink()
    with pytest.raises(ArtifactError, match=f"{victim}.parquet is missing"):
        report.run(workspace)


def test_a_failed_run_leaves_the_old_page(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    before = workspace.report.read_bytes()
    workspace.clusters_csv.unlink()
    workspace.clusters_csv.mkdir()
    with pytest.raises(ArtifactError, match="cannot write"):
        report.run(workspace, ReportParams(title="New"))
    assert workspace.report.read_bytes() == before
    assert not list(tmp_path.glob("*.tmp-*"))


def test_all_noise_says_so(tmp_path):
    documents = [document(i) for i in range(5)]
    units = [unit(d["doc_id"], -1, i, i) for i, d in enumerate(documents)]
    workspace = write_workspace(tmp_path, documents, units, [], scores={})
    assert report.run(workspace).facts == {"documents": 5, "clusters": 0, "noise": 5, "left_out": 0, "failures": 0}
    text = workspace.report.read_text(encoding="utf-8")
    assert "all 5 documents are noise" in text
    assert "every source was read" in text
    assert [row["cluster_id"] for row in read_csv(workspace.documents_csv)] == ["-1"] * 5
    assert read_csv(workspace.clusters_csv) == []


def test_one_document_makes_a_page(tmp_path):
    documents = [document(0)]
    workspace = write_workspace(tmp_path, documents, [unit(documents[0]["doc_id"], -1)], [])
    report.run(workspace)
    assert page_data(workspace)["x"] == [0]


def test_no_document_on_the_map_makes_a_page(tmp_path):
    workspace = write_workspace(tmp_path, [document(0, title="", abstract="", claims=[], independent=[])], [], [])
    report.run(workspace)
    assert "No document has a place on this map" in workspace.report.read_text(encoding="utf-8")


def test_positions_that_are_not_numbers_are_left_off_the_map(tmp_path):
    documents = [document(i) for i in range(3)]
    units = [unit(d["doc_id"], 0, x, 1.0) for d, x in zip(documents, [1.0, 2.0, float("nan")], strict=True)]
    workspace = write_workspace(tmp_path, documents, units, [topic(0, 3, [documents[0]["doc_id"]])])
    report.run(workspace)
    assert page_data(workspace)["x"] == [0, 65535, None]
    assert read_csv(workspace.documents_csv)[2]["x"] == ""


def test_beyond_the_limit_rows_are_made_by_the_script(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_LISTED", 10)
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    text = workspace.report.read_text(encoding="utf-8")
    assert 'id="table" data-rows' in text
    assert "US-10000011-B2</a>" not in text
    assert len(read_csv(workspace.documents_csv)) == 32


def test_large_corpora_get_short_texts_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "text_limits", lambda n: (12, 5))
    monkeypatch.setattr(report, "MOST_LISTED", 10)
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    text = workspace.report.read_text(encoding="utf-8")
    assert details(workspace)[0][:2] == ["An assembly…", "1. A…"]
    assert "Abstracts are cut after 12 and first claims after 5 characters" in text


def test_texts_that_the_page_cuts_are_whole_beside_it_and_no_file_is_there_without_them(tmp_path):
    workspace = small_workspace(tmp_path)
    outcome = report.run(workspace)
    assert not workspace.texts_csv.exists() and workspace.texts_csv not in outcome.outputs
    long = write_workspace(tmp_path / "long", [document(0, abstract="x" * 5_000)], [unit("US-10000000-B2", -1)], [])
    assert long.texts_csv in report.run(long).outputs
    assert [len(row["abstract"]) for row in read_csv(long.texts_csv)] == [5_000]
    assert "The texts of 1 document are cut" in long.report.read_text(encoding="utf-8")
    assert report.run(long).current
    long.texts_csv.unlink()
    assert not report.run(long).current
