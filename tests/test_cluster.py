import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from patentclust import artifacts
from patentclust.analysis import texts
from patentclust.artifacts import Stamp
from patentclust.errors import ArtifactError
from patentclust.params import ClusterParams, Resources
from patentclust.schemas import DOCUMENTS, embeddings
from patentclust.stages import cluster
from patentclust.workspace import Workspace

PARAMS = ClusterParams(n_components=5)
FIELDS = (
    ("solid electrolyte of a lithium battery", "固体电解质 锂离子电池", "H01M10/0562"),
    ("beam steering of an antenna array", "天线阵列 波束", "H01Q3/26"),
    ("absorbent article with a leakage barrier", "吸收性物品", "A61F13/15"),
)
DIM = 16


def document(index, **changes):
    title = f"{FIELDS[index % 3][0]} number {index}"
    row = {field.name: [] if str(field.type).startswith("list") else None for field in DOCUMENTS.schema}
    row |= {
        "doc_id": f"US-{index:05d}-A1",
        "representative": True,
        "title": title,
        "abstract": f"Improved {title}.",
        "claims": [f"1. A {title}, wherein said part is new."],
        "independent": [True],
        "description": "",
        "language": "en",
        "ipc": [FIELDS[index % 3][2]],
        "source_path": f"{index}.xml",
        "source_sha256": "0" * 64,
        "source_format": "test",
    }
    return row | changes


def vectors_of(n, spread=0.25, seed=0):
    """Rows near one of three axes, by the field of the document with that index."""
    rng = np.random.default_rng(seed)
    rows = np.eye(3, DIM)[np.arange(n) % 3] + rng.normal(size=(n, DIM), scale=spread / 4)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def write_documents(workspace, documents):
    stamp = Stamp(kind="documents", params={"n": [d["doc_id"] for d in documents]})
    artifacts.write_rows(workspace.documents, DOCUMENTS, stamp, documents)


def write_embeddings(workspace, documents, vectors, selection="tac", shard_rows=40, task="cluster"):
    fields = texts.text_fields(selection)
    rows = []
    for row, vector in zip(documents, vectors, strict=True):
        text = texts.compose([row[field] for field in fields])
        if text:
            rows.append(
                {
                    "unit_id": row["doc_id"],
                    "text_sha256": texts.text_sha256(text),
                    "vector": list(vector),
                    "n_tokens": 100,
                    "n_tokens_used": 100,
                    "n_windows": 2 if row["doc_id"].endswith("07-A1") else 1,
                    "truncated": row["doc_id"].endswith("08-A1"),
                }
            )
    for index, start in enumerate(range(0, max(len(rows), 1), shard_rows)):
        shard = rows[start : start + shard_rows]
        stamp = Stamp(
            kind="embeddings",
            params={"model": "made-up", "task": task, "text": selection},
            inputs={"texts": texts.text_sha256("".join(r["text_sha256"] for r in shard))},
            model={"name": "made-up", "dim": DIM},
        )
        artifacts.write_rows(workspace.shard(task, index), embeddings(DIM), stamp, shard)


def workspace_of(root, n, vectors=None, **changes):
    workspace = Workspace(root)
    documents = [document(index, **changes) for index in range(n)]
    write_documents(workspace, documents)
    write_embeddings(workspace, documents, vectors_of(n) if vectors is None else vectors)
    return workspace


def rows_of(path):
    return pq.read_table(path).to_pylist()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workspace = workspace_of(tmp_path_factory.mktemp("finished"), 90)
    return workspace, cluster.run(workspace, PARAMS)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_few_documents_give_a_map_and_a_warning_instead_of_an_error(tmp_path, n):
    workspace = workspace_of(tmp_path, n, vectors=vectors_of(n, spread=4, seed=1))
    outcome = cluster.run(workspace, replace(PARAMS, min_cluster_size=20))
    rows = rows_of(workspace.clusters)
    assert len(rows) == n
    assert {row["cluster_id"] for row in rows} == {-1}
    assert all(np.isfinite([row["x"], row["y"]]).all() for row in rows)
    assert rows_of(workspace.topics) == []
    assert outcome.facts["noise"] == n
    assert any("noise" in warning for warning in outcome.warnings)
    assert any("too few for UMAP" in warning for warning in outcome.warnings) == (n < 16)
    json.loads(workspace.scores.read_text(), parse_constant=pytest.fail)


def test_no_vector_at_all_is_an_error_that_says_why(tmp_path):
    empty = {"title": "", "abstract": "", "claims": [], "independent": []}
    workspace = workspace_of(tmp_path, 3, **empty)
    with pytest.raises(ArtifactError, match="no document has text"):
        cluster.run(workspace, PARAMS)


def test_documents_that_are_all_alike_are_noise(tmp_path):
    workspace = workspace_of(tmp_path, 30, vectors=np.tile(vectors_of(1), (30, 1)))
    outcome = cluster.run(workspace, PARAMS)
    assert outcome.facts["clusters"] == 0
    assert "no cluster was found" in " ".join(outcome.warnings)


def test_a_single_cluster_is_mapped_and_told(tmp_path):
    workspace = workspace_of(tmp_path, 30)
    outcome = cluster.run(workspace, ClusterParams(method="kmeans", n_clusters=1, labels="terms"))
    assert outcome.facts["clusters"] == 1 and {row["cluster_id"] for row in rows_of(workspace.clusters)} == {0}
    assert any("only one cluster was found" in warning for warning in outcome.warnings)
    assert json.loads(workspace.scores.read_text(encoding="utf-8"))["silhouette_cosine"] is None


def test_a_size_that_does_not_fit_is_told_with_the_command_that_brings_a_map_back(tmp_path):
    workspace = workspace_of(tmp_path, 60)
    outcome = cluster.run(workspace, replace(PARAMS, min_cluster_size=61))
    said = " ".join(outcome.warnings)
    assert "60 documents cannot form a cluster of 61" in said and "patentclust cluster --min-size 10" in said
    assert "stability" not in outcome.facts
    scores = json.loads(workspace.scores.read_text(encoding="utf-8"))
    assert scores["stability"] is None and "no cluster was found" in scores["how_to_read"]["stability"]
    assert cluster.run(workspace, replace(PARAMS, min_cluster_size=12)).facts["clusters"] == 3


def test_three_fields_become_three_named_clusters(finished):
    workspace, outcome = finished
    rows = rows_of(workspace.clusters)
    groups = {row["cluster_id"]: set() for row in rows if row["cluster_id"] >= 0}
    for index, row in enumerate(rows):
        if row["cluster_id"] >= 0:
            groups[row["cluster_id"]].add(index % 3)
    assert sorted(map(sorted, groups.values())) == [[0], [1], [2]]
    assert outcome.facts["clusters"] == 3
    named = " | ".join(topic["label"] for topic in rows_of(workspace.topics))
    assert all(word in named for word in ("battery", "antenna", "absorbent"))


def test_rows_follow_the_order_of_the_vectors_and_the_contract(finished):
    workspace, _ = finished
    rows = rows_of(workspace.clusters)
    assert [row["unit_id"] for row in rows] == [f"US-{i:05d}-A1" for i in range(90)]
    for row in rows:
        noise = row["cluster_id"] == -1
        assert (row["silhouette"] is None) == noise
        assert (row["probability"] == 0) == noise
        assert row["layer"] == 0


def test_topics_say_size_terms_exemplars_and_centroid(finished):
    workspace, _ = finished
    members = [row["cluster_id"] for row in rows_of(workspace.clusters)]
    topics = rows_of(workspace.topics)
    assert [topic["cluster_id"] for topic in topics] == [0, 1, 2]
    assert [topic["size"] for topic in topics] == [members.count(i) for i in range(3)]
    assert len({topic["label"] for topic in topics}) == 3
    for topic in topics:
        assert len(topic["exemplars"]) == 5
        assert np.linalg.norm(np.array(topic["centroid"], np.float32)) == pytest.approx(1, abs=1e-3)
        assert topic["terms"]
        assert 0 <= topic["persistence"] <= 1


def test_scores_are_the_same_in_the_file_and_in_the_metadata_and_each_is_explained(finished):
    workspace, outcome = finished
    page = json.loads(workspace.scores.read_text(encoding="utf-8"))
    scores = artifacts.read_header(workspace.topics, kind="topics").json("scores")
    assert {key: page[key] for key in scores} == scores
    assert set(page["how_to_read"]) == set(scores) - {"ipc:section", "ipc:subclass", "ipc:group"} | set(
        scores["ipc:subclass"]
    )
    assert scores["n_units"] == 90
    assert scores["n_windowed"] == 1
    assert scores["n_truncated"] == 1
    assert scores["ipc:subclass"]["ari"] > 0.8
    assert scores["ipc:section"]["n_classified"] == 90
    assert scores["silhouette_reduced"] > 0
    assert outcome.facts["silhouette_cosine"] == scores["silhouette_cosine"]


def test_stamps_name_both_inputs_and_the_model(finished):
    workspace, _ = finished
    for path, kind in ((workspace.clusters, "clusters"), (workspace.topics, "topics")):
        header = artifacts.read_header(path, kind=kind)
        assert set(header.json("inputs")) == {"documents", "embeddings"}
        assert header.json("model")["name"] == "made-up"
        assert header.json("params")["min_cluster_size"] == 10
        assert "umap-learn" in header.json("libraries")


def test_a_second_run_has_nothing_to_do_and_says_the_same(finished):
    workspace, first = finished
    before = {path: path.stat().st_mtime_ns for path in first.outputs}
    second = cluster.run(workspace, PARAMS)
    assert second.current
    assert not first.current
    assert (second.facts, second.warnings) == (first.facts, first.warnings)
    assert before == {path: path.stat().st_mtime_ns for path in second.outputs}


def test_a_second_run_does_not_load_umap(finished):
    workspace, _ = finished
    code = (
        "import sys; from patentclust.params import ClusterParams; from patentclust.stages import cluster;"
        "from patentclust.workspace import Workspace;"
        f"print(cluster.run(Workspace({str(workspace.root)!r}), ClusterParams(n_components=5)).current,"
        "{'graspologic_native', 'umap', 'hdbscan', 'numba', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["True", "set()\n"]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_another_run_writes_the_same_bytes_with_any_number_of_threads(finished, tmp_path, threads):
    reference, _ = finished
    workspace = workspace_of(tmp_path, 90)
    cluster.run(workspace, PARAMS, resources=Resources(threads=threads))
    for name in ("clusters", "topics", "scores"):
        assert getattr(workspace, name).read_bytes() == getattr(reference, name).read_bytes()


def test_other_params_and_a_missing_or_torn_file_are_done_again(tmp_path):
    workspace = workspace_of(tmp_path, 12)
    assert not cluster.run(workspace, PARAMS).current
    assert not cluster.run(workspace, replace(PARAMS, seed=1)).current
    workspace.topics.unlink()
    assert not cluster.run(workspace, replace(PARAMS, seed=1)).current
    workspace.scores.write_text("{")
    assert not cluster.run(workspace, replace(PARAMS, seed=1)).current
    assert cluster.run(workspace, replace(PARAMS, seed=1)).current


def test_documents_without_text_are_left_out_and_counted(tmp_path):
    workspace = Workspace(tmp_path)
    empty = {"title": " ", "abstract": "", "claims": [], "independent": []}
    documents = [document(i, **(empty if i == 4 else {})) for i in range(12)]
    write_documents(workspace, documents)
    write_embeddings(workspace, documents, vectors_of(12))
    outcome = cluster.run(workspace, PARAMS)
    assert len(rows_of(workspace.clusters)) == 11
    assert outcome.facts["left_out"] == 1
    assert any("1 document left out of the map: no text" in warning for warning in outcome.warnings)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda documents: [*documents, document(50)], "1 unit without a vector (such as US-00050-A1)"),
        (lambda documents: documents[1:], "1 unit gone (such as US-00000-A1)"),
        (
            lambda documents: [documents[0] | {"abstract": "new"}, *documents[1:]],
            "1 unit changed since (such as US-00000-A1)",
        ),
    ],
    ids=["new", "gone", "changed"],
)
def test_stale_embeddings_are_refused_with_what_differs(tmp_path, change, said):
    workspace = workspace_of(tmp_path, 12)
    write_documents(workspace, change([document(i) for i in range(12)]))
    with pytest.raises(ArtifactError) as caught:
        cluster.run(workspace, PARAMS)
    assert said in str(caught.value)
    assert caught.value.hint == "run: patentclust embed"


def test_only_the_embedded_fields_count_as_changes(tmp_path):
    workspace = Workspace(tmp_path)
    documents = [document(i) for i in range(12)]
    write_embeddings(workspace, documents, vectors_of(12), selection="ta")
    write_documents(workspace, [row | {"claims": ["another"]} for row in documents])
    assert cluster.run(workspace, PARAMS).facts["units"] == 12


def test_missing_inputs_say_which_command_makes_them(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(ArtifactError) as caught:
        cluster.run(workspace, PARAMS)
    assert "ingest" in caught.value.hint
    write_documents(workspace, [document(0)])
    with pytest.raises(ArtifactError) as caught:
        cluster.run(workspace, replace(PARAMS, task="search"))
    assert caught.value.hint == "run: patentclust embed --task search"


def test_a_zero_vector_is_refused(tmp_path):
    vectors = vectors_of(12)
    vectors[3] = 0
    with pytest.raises(ArtifactError, match="zero or not numbers"):
        cluster.run(workspace_of(tmp_path, 12, vectors=vectors), PARAMS)


def test_without_classes_there_is_no_agreement(tmp_path):
    workspace = workspace_of(tmp_path, 12, ipc=["D0123"])
    cluster.run(workspace, replace(PARAMS, min_cluster_size=2))
    assert not [key for key in json.loads(workspace.scores.read_text()) if key.startswith("ipc")]


def test_much_noise_says_what_to_try(tmp_path):
    rows = np.random.default_rng(0).normal(size=(300, DIM))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    outcome = cluster.run(workspace_of(tmp_path, 300, vectors=vectors), replace(PARAMS, selection="leaf", reduce="pca"))
    assert outcome.facts["clusters"]
    assert outcome.facts["noise_share"] > 0.4
    assert any("--min-samples 3" in warning for warning in outcome.warnings)
    limited = replace(PARAMS, selection="leaf", reduce="pca", max_noise=0.0)
    outcome = cluster.run(workspace_of(tmp_path, 300, vectors=vectors), limited)
    assert outcome.facts["noise_share"] > 0
    assert any("stay noise, more than --max-noise 0" in warning for warning in outcome.warnings)


def test_a_run_leaves_no_temporary_file(finished):
    workspace, _ = finished
    assert not list(workspace.root.rglob("*.tmp-*"))


def test_every_layer_lies_whole_in_the_next_one_and_topics_name_the_parents(tmp_path):
    n_fields, each = 12, 12
    rng = np.random.default_rng(5)
    field = np.repeat(np.arange(n_fields), each)
    # Four groups of three fields each.
    centres = np.eye(n_fields, DIM) + 0.6 * np.eye(4, DIM, k=n_fields)[np.arange(n_fields) // 3]
    rows = centres[field] + rng.normal(size=(len(field), DIM), scale=0.05)
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    workspace = workspace_of(tmp_path, len(field), vectors=vectors)
    cluster.run(workspace, ClusterParams(method="leiden", min_cluster_size=5, labels="terms"))
    topics = {(row["layer"], row["cluster_id"]): row for row in rows_of(workspace.topics)}
    layers = {}
    for row in rows_of(workspace.clusters):
        layers.setdefault(row["layer"], {})[row["unit_id"]] = row["cluster_id"]
    assert sorted(layers) == [0, 1] and len(set(layers[0].values())) == n_fields
    assert len(set(layers[1].values())) == 4
    for unit, below in layers[0].items():
        assert topics[0, below]["parent_id"] == layers[1][unit]
    assert all(row["parent_id"] is None for (layer, _), row in topics.items() if layer == 1)
    held = [sum(row["size"] for row in topics.values() if row["parent_id"] == above) for above in range(4)]
    assert held == [topics[1, above]["size"] for above in range(4)] == [36] * 4
