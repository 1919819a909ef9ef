"""The embed stage: shards that resume, texts that are what the user chose, vectors that are never mixed."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patentclust import artifacts, models
from patentclust.analysis import packing
from patentclust.embedders import open_embedder
from patentclust.errors import ArtifactError, ConfigError, ModelError
from patentclust.params import ClusterParams, EmbedParams, Resources
from patentclust.stages import cluster, embed
from patentclust.workspace import Workspace
from tests.corpora import file_bytes, row, rows, workspace_with, write_documents

ONE_THREAD = Resources(threads=1)


def params(model: Path, **changes: object) -> EmbedParams:
    return replace(EmbedParams(model=str(model), unit="document"), **changes)


def test_each_document_gets_a_unit_vector_with_its_counts(tiny_q8: Path, tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, 7)
    outcome = embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    table = artifacts.read_table(workspace.shard("cluster", 0), kind="embeddings")
    assert table["unit_id"].to_pylist() == [r["doc_id"] for r in rows(7)]
    assert table["n_windows"].to_pylist() == [1] * 7
    assert table["n_tokens"].to_pylist() == table["n_tokens_used"].to_pylist()
    vectors = artifacts.read_embeddings(workspace.shards("cluster")).vectors
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert outcome.facts["vectors"] == 7
    assert outcome.facts["new"] == 7
    packing = artifacts.read_header(workspace.shard("cluster", 0), kind="embeddings").json("packing")
    assert packing == {"call_tokens": 512, "call_sequences": 64, "alone_from_tokens": 64, "window_tokens": 32768}


def test_a_family_is_embedded_once_by_its_representative(tiny_q8: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    one, two, three = rows(3)
    write_documents(workspace, [one | {"family_id": "f", "representative": False}, two | {"family_id": "f"}, three])
    embed.run(workspace, params(tiny_q8, unit="family"), resources=ONE_THREAD)
    table = artifacts.read_table(workspace.shard("cluster", 0), kind="embeddings")
    assert table["unit_id"].to_pylist() == ["f", three["family_id"]]
    embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    whole = artifacts.read_table(workspace.shard("cluster", 0), kind="embeddings")
    assert whole["unit_id"].to_pylist() == [one["doc_id"], two["doc_id"], three["doc_id"]]
    assert table["text_sha256"][0] == whole["text_sha256"][1]
    assert artifacts.read_header(workspace.shard("cluster", 0), kind="embeddings").metadata["unit"] == "document"


def test_a_second_run_does_nothing(tiny_q8: Path, tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, 5)
    embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    before = {path: path.stat().st_mtime_ns for path in workspace.shards("cluster")}
    assert embed.run(workspace, params(tiny_q8), resources=ONE_THREAD).current
    assert before == {path: path.stat().st_mtime_ns for path in workspace.shards("cluster")}


def test_threads_and_order_of_runs_change_no_byte(tiny_q8: Path, tmp_path: Path) -> None:
    one, two = workspace_with(tmp_path / "1", 30), workspace_with(tmp_path / "2", 30)
    embed.run(one, params(tiny_q8), resources=Resources(threads=1))
    embed.run(two, params(tiny_q8), resources=Resources(threads=3))
    assert file_bytes(one.root) == file_bytes(two.root)


def test_appended_documents_leave_whole_shards_alone(
    tiny_q8: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SHARD_UNITS", 4)
    workspace = workspace_with(tmp_path, 8)
    embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    write_documents(workspace, rows(8) + rows(3, seed=9, start=8), tag="b")
    outcome = embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    assert (outcome.facts["vectors"], outcome.facts["new"], outcome.facts["shards"]) == (11, 3, 3)


def test_shards_of_a_larger_corpus_go_away(tiny_q8: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "SHARD_UNITS", 4)
    workspace = workspace_with(tmp_path, 8)
    embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    write_documents(workspace, rows(4), tag="b")
    assert embed.run(workspace, params(tiny_q8), resources=ONE_THREAD).facts["vectors"] == 4


@pytest.mark.parametrize("change", [{"text": "ta"}, {"dim": 16}, {"max_tokens": 64}, {"long": "truncate"}])
def test_whatever_changes_the_answer_makes_shards_stale(
    change: dict[str, object], tiny_q8: Path, tmp_path: Path
) -> None:
    workspace = workspace_with(tmp_path, 3)
    embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    assert not embed.run(workspace, params(tiny_q8, **change), resources=ONE_THREAD).current


def test_a_changed_text_is_embedded_again(tiny_q8: Path, tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, 3)
    embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    assert embed.is_current(workspace, "cluster")
    changed = rows(3)
    changed[1]["abstract"] = "something else"
    write_documents(workspace, changed, tag="b")
    assert not embed.is_current(workspace, "cluster")
    facts = embed.run(workspace, params(tiny_q8), resources=ONE_THREAD).facts
    assert (facts["new"], facts["from_cache"], facts["unchanged"]) == (1, 2, 0)


def test_a_document_without_text_is_counted_and_has_no_vector(tiny_q8: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    blank = row(99, "gene", random.Random(0)) | {
        "title": " ",
        "abstract": "",
        "claims": [],
        "independent": [],
        "description": "",
    }
    write_documents(workspace, [*rows(2), blank])
    outcome = embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    assert outcome.facts["without_text"] == 1
    assert any("no text" in warning for warning in outcome.warnings)
    assert artifacts.read_embeddings(workspace.shards("cluster")).unit_ids == [r["doc_id"] for r in rows(2)]


def poisoned(model: Path, folder: Path, text: str) -> Path:
    """A copy of a model in which the tokens of `text`, and no others, give vectors that are no numbers."""
    import gguf

    from patentclust.embedders.llama import LlamaModel

    path = Path(shutil.copy(model, folder / "poisoned.gguf"))
    tokens = LlamaModel(model).tokenize(text)
    (weights,) = [t for t in gguf.GGUFReader(path, "r+").tensors if t.name == "token_embd.weight"]
    weights.data[tokens] = np.nan
    weights.data.base.flush() if hasattr(weights.data.base, "flush") else None
    return path


def test_a_vector_that_is_no_number_is_refused_with_the_documents_id(tmp_path: Path, tiny_f32: Path) -> None:
    model = poisoned(tiny_f32, tmp_path, "\u20ac")
    workspace, documents = Workspace(tmp_path / "w"), rows(5)
    documents[2]["abstract"] = "It costs one \u20ac."
    write_documents(workspace, documents)
    outcome = embed.run(workspace, params(model), resources=ONE_THREAD)
    assert (outcome.facts["vectors"], outcome.facts["failures"]) == (4, 1)
    assert any(documents[2]["doc_id"] in warning and "not finite" in warning for warning in outcome.warnings)
    assert documents[2]["doc_id"] in artifacts.read_embeddings(workspace.shards("cluster")).failed
    assert embed.run(workspace, params(model), resources=ONE_THREAD).current
    cluster.run(workspace, ClusterParams(min_cluster_size=2))


def test_a_text_without_a_vector_spoils_neither_its_neighbours_nor_what_follows(tmp_path: Path, tiny_f32: Path) -> None:
    texts = ["first", "one \u20ac", "second", "third " * 100, "\u20ac " * 90, "fourth " * 95]
    sound, spoilt = (
        open_embedder(models.find(str(path)), path, params=params(path), resources=ONE_THREAD)
        for path in (tiny_f32, poisoned(tiny_f32, tmp_path, "\u20ac"))
    )
    encoded = spoilt.encode_document(texts)
    assert sorted(encoded.failures) == [1, 4]
    good = [0, 2, 3, 5]
    cosines = (encoded.vectors * sound.encode_document(texts).vectors).sum(axis=1)
    assert cosines[good].min() > 0.99999


def test_a_model_that_gives_no_vector_at_all_is_an_error(tmp_path: Path, tiny_f32: Path) -> None:
    model = poisoned(tiny_f32, tmp_path, "Cluster: ")
    with pytest.raises(ModelError, match=r"none of 3 texts got a vector; the first, US-10000000-B2"):
        embed.run(workspace_with(tmp_path / "w", 3), params(model), resources=ONE_THREAD)
    assert not (tmp_path / "w" / "embeddings").exists()


def test_no_text_at_all_is_an_error(tiny_q8: Path, tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, 1)
    write_documents(workspace, [rows(1)[0] | {"abstract": ""}])
    with pytest.raises(ArtifactError, match="has text in its abstract"):
        embed.run(workspace, params(tiny_q8, text="abstract"), resources=ONE_THREAD)


def test_a_cut_text_is_flagged_and_told(tiny_q8: Path, tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, 2)
    outcome = embed.run(workspace, params(tiny_q8, max_tokens=32, long="truncate"), resources=ONE_THREAD)
    assert outcome.facts["cut"] == 2
    assert any("cut at the model's window: 2 texts" in warning for warning in outcome.warnings)


def test_vectors_of_two_models_are_never_mixed(
    tiny_q8: Path, tiny_f32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SHARD_UNITS", 2)
    one, two = workspace_with(tmp_path / "1", 4), workspace_with(tmp_path / "2", 4)
    embed.run(one, params(tiny_q8), resources=ONE_THREAD)
    embed.run(two, params(tiny_f32), resources=ONE_THREAD)
    mixed = [one.shard("cluster", 0), two.shard("cluster", 1)]
    with pytest.raises(ArtifactError, match="made with other"):
        artifacts.read_embeddings(mixed)


def test_a_damaged_shard_is_made_anew(tiny_q8: Path, tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, 3)
    embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    whole = file_bytes(tmp_path)
    shard = workspace.shard("cluster", 0)
    shard.write_bytes(shard.read_bytes()[:100])
    embed.run(workspace, params(tiny_q8), resources=ONE_THREAD)
    assert file_bytes(tmp_path) == whole


def test_unknown_models_tasks_and_dimensions_are_told(tmp_path: Path, tiny_q8: Path) -> None:
    workspace = workspace_with(tmp_path, 1)
    with pytest.raises(ConfigError, match="no model is called"):
        embed.run(workspace, EmbedParams(model="nope"))
    with pytest.raises(ConfigError, match="no template"):
        embed.run(workspace, params(tiny_q8, task="dance"))
    with pytest.raises(ConfigError, match="cannot be cut"):
        embed.run(workspace, EmbedParams(model="minilm", dim=100))
    with pytest.raises(ModelError, match="no model file"):
        embed.run(workspace, EmbedParams(model=str(tmp_path / "gone.gguf")))


def test_no_documents_name_the_next_command(tmp_path: Path, tiny_q8: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        embed.run(Workspace(tmp_path), params(tiny_q8))
    assert "patentclust ingest" in caught.value.hint


SCRIPT = """
import sys
from pathlib import Path
from patentclust import pipeline
from patentclust.analysis import packing
from patentclust.params import EmbedParams, Resources
from patentclust.workspace import Workspace
packing.SHARD_UNITS = 5
pipeline.embed(Workspace(Path(sys.argv[1])), EmbedParams(model=sys.argv[2]), resources=Resources(threads=1))
"""


def test_killed_at_any_moment_a_rerun_ends_with_the_same_bytes(tiny_q8: Path, tmp_path: Path) -> None:
    def start(root: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(root), str(tiny_q8)], stderr=subprocess.PIPE)

    undisturbed, killed = workspace_with(tmp_path / "a", 120), workspace_with(tmp_path / "b", 120)
    assert start(undisturbed.root).wait() == 0
    for n_shards in (1, 6, 15):
        process = start(killed.root)
        while process.poll() is None and len(killed.shards("cluster")) < n_shards:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(killed.shards("cluster")) >= n_shards
    assert start(killed.root).wait() == 0
    assert file_bytes(undisturbed.root) == file_bytes(killed.root)
    assert not list(killed.root.rglob("*.tmp-*"))
