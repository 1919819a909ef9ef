"""The map of the example corpus, made as a user makes it: the seven technologies come out, and nothing is lost."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

import pytest
from sklearn.metrics import adjusted_rand_score

from patentclust import artifacts, pipeline
from patentclust.params import ClusterParams, EmbedParams
from patentclust.workspace import Workspace

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from making.source import load

EXAMPLES = Path(__file__).parents[1] / "examples"
TELLING = {
    "machine_learning": {"neural network", "training", "gradient"},
    "wireless_communication": {"uplink", "channel", "transmission", "terminal"},
    "gene_editing": {"guide rna", "nuclease", "gene", "editing"},
    "battery_materials": {"lithium", "electrolyte", "positive electrode"},
    "image_processing": {"image", "pixels", "frame"},
    "blockchain": {"ledger", "transactions", "block"},
    "robot_control": {"robot", "torque", "joint"},
}


@pytest.fixture(scope="module")
def technologies() -> dict[str, str]:
    with (EXAMPLES / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return {line["doc_id"]: line["technology"] for line in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("english") / "out")
    pipeline.ingest(workspace, [EXAMPLES / "patents"])
    return workspace


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("multilingual") / "out")
    pipeline.ingest(workspace, [EXAMPLES / "multilingual"])
    return workspace


@pytest.fixture(scope="module")
def embedded(minilm: Path, english: Workspace) -> Workspace:
    pipeline.embed(english, EmbedParams(model="minilm"))
    return english


def rows(path: Path, kind: str) -> list[dict[str, object]]:
    return artifacts.read_table(path, kind=kind).to_pylist()


def documents(workspace: Workspace) -> list[dict[str, object]]:
    return rows(workspace.documents, "documents")


def clustered(workspace: Workspace, params: ClusterParams) -> dict[str, int]:
    """Return each document's cluster: that of its family."""
    pipeline.cluster(workspace, params)
    cluster_of = {row["unit_id"]: row["cluster_id"] for row in rows(workspace.clusters, "clusters")}
    return {document["doc_id"]: cluster_of[document["family_id"]] for document in documents(workspace)}


def priority_numbers(document: dict[str, object]) -> set[str]:
    # A table may print a Japanese number with a stroke after the year.
    return {number.replace("-", "") for number in document["priorities"]}


def test_units_that_the_model_cannot_read_are_told(minilm, embedded, multilingual):
    pipeline.embed(multilingual, EmbedParams(model="minilm"))
    told, silent = (" ".join(pipeline.cluster(w, ClusterParams()).warnings) for w in (multilingual, embedded))
    assert "35 families in languages that the model was not trained on" in told
    assert "languages" not in silent


def test_application_and_grant_are_one_family(english):
    found = documents(english)
    assert len({document["family_id"] for document in found}) == 106
    assert sum(document["representative"] for document in found) == 106


def test_every_english_document_is_read_whole_and_none_fails(english, technologies):
    found = {document["doc_id"]: document for document in documents(english)}
    assert rows(english.failures, "failures") == []
    assert len(found) == 120
    assert set(found) <= set(technologies)
    assert {document["language"] for document in found.values()} == {"en"}
    parts = ("title", "abstract", "claims", "description")
    assert [(key, part) for key, document in found.items() for part in parts if not document[part]] == []
    assert [key for key, document in found.items() if document["warnings"]] == []


@pytest.mark.parametrize("seed", [ClusterParams().seed, 1, 2, 3])
def test_the_seven_technologies_come_out_whatever_the_seed(embedded, technologies, seed):
    found = clustered(embedded, ClusterParams(seed=seed))
    assert len(found) == 120
    # Noise, cluster -1, counts as a class of its own.
    assert adjusted_rand_score([technologies[key] for key in found], list(found.values())) > 0.9


def test_the_seven_largest_clusters_are_named_by_telling_words_of_their_technologies(embedded, technologies):
    found = clustered(embedded, ClusterParams())
    topics = sorted(rows(embedded.topics, "topics"), key=lambda topic: -topic["size"])[:7]
    named = {}
    for topic in topics:
        members = Counter(technologies[key] for key, cluster in found.items() if cluster == topic["cluster_id"])
        named[members.most_common(1)[0][0]] = {term["term"] for term in topic["terms"]}
    assert set(named) == set(TELLING)
    assert [technology for technology, names in named.items() if not names & TELLING[technology]] == []


def test_every_chinese_and_japanese_document_is_read_whole_and_none_fails(multilingual, technologies):
    found = {document["doc_id"]: document for document in documents(multilingual)}
    assert rows(multilingual.failures, "failures") == []
    assert Counter(document["language"] for document in found.values()) == {"zh": 21, "ja": 14}
    assert Counter(technologies[key] for key in found) == dict.fromkeys(TELLING, 5)
    parts = ("title", "abstract", "claims", "description", "family_id", "priorities")
    assert [(key, part) for key, document in found.items() for part in parts if not document[part]] == []


def test_priorities_tie_foreign_documents_to_the_english_ones_of_their_family(english, multilingual):
    corpus = load(EXAMPLES / "source").values()
    wanted = {
        (foreign.doc_id, other.doc_id)
        for foreign in corpus
        for other in corpus
        if foreign.family == other.family and foreign.language != "en" and other.language == "en"
    }
    found = {
        (foreign["doc_id"], other["doc_id"])
        for foreign in documents(multilingual)
        for other in documents(english)
        if priority_numbers(foreign) & priority_numbers(other)
    }
    assert len(wanted) >= 18
    assert found == wanted
