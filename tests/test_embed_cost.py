"""What a run costs before it starts: time, memory, and what would lower them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patentclust import models
from patentclust.analysis import packing
from patentclust.analysis.texts import estimate_tokens
from patentclust.embedders import memory
from patentclust.embedders.llama import LlamaModel
from patentclust.errors import ModelError
from patentclust.params import EmbedParams, Resources
from patentclust.stages import cost, embed
from tests.corpora import rows, workspace_with, write_documents

QWEN_4B = memory.Geometry(
    layers=36,
    hidden=2560,
    kv_heads=8,
    key_length=128,
    value_length=128,
    n_vocab=151_669,
    causal=True,
    weights_bytes=2_496_703_776,
)
ONE = Resources(threads=1)


def test_memory_is_weights_cache_and_less_than_400_mib() -> None:
    need = memory.needed(QWEN_4B, 32_768)
    assert need.cache == 4608 << 20  # as llama.cpp's own log says
    assert need.buffers < 400 << 20
    assert memory.needed(QWEN_4B, 32_768, kv_type="q8_0").cache == 2448 << 20


def test_an_encoder_has_no_cache_and_a_row_of_the_vocabulary_for_every_token() -> None:
    encoder = replace(QWEN_4B, causal=False, n_vocab=250_002)
    assert memory.needed(encoder, 512).cache == 0
    assert memory.needed(encoder, 8192).buffers > 8192 * 250_002 * 4
    counts = [memory.n_side_by_side(replace(encoder, n_vocab=n), 512, 8) for n in (30_522, 100_000, 250_002, 10**6)]
    assert counts == [8, 5, 2, 1]
    assert memory.n_side_by_side(QWEN_4B, 512, 8) == 1
    with pytest.raises(ModelError) as caught:
        memory.check("m", encoder, 8192, kv_type="f16", free_bytes=5 << 30)
    tokens = int(caught.value.hint.split("--max-tokens ")[1].split(",")[0])
    assert memory.check("m", encoder, tokens, kv_type="f16", free_bytes=5 << 30).total <= 5 << 30


def test_a_machine_without_the_memory_is_told_what_to_lower() -> None:
    free = 5 << 30
    with pytest.raises(ModelError, match=r"needs 7\.\d GiB .* has 5\.0 GiB free") as caught:
        memory.check("m", QWEN_4B, 32_768, kv_type="f16", free_bytes=free)
    tokens = int(caught.value.hint.split("--max-tokens ")[1].split(",")[0])
    assert "--kv-type q8_0" in caught.value.hint
    assert memory.check("m", QWEN_4B, tokens, kv_type="f16", free_bytes=free).total <= free
    with pytest.raises(ModelError) as hopeless:
        memory.check("m", QWEN_4B, 512, kv_type="q8_0", free_bytes=1 << 30)
    assert "--max-tokens" not in hopeless.value.hint
    assert "smaller model" in hopeless.value.hint


def test_a_card_gets_as_many_layers_as_it_holds() -> None:
    layers = [memory.layers_that_fit(QWEN_4B, gib << 30, 32_768) for gib in (0, 2, 4, 6, 8, 24)]
    assert layers[0] == 0
    assert layers[-1] == -1
    assert layers[:4] == sorted(layers[:4])
    assert 0 < layers[2] < 36
    assert memory.layers_that_fit(QWEN_4B, 6 << 30, 2048) == -1  # short texts leave room for all


def test_the_machine_says_how_much_is_free() -> None:
    assert memory.available_bytes() > 10 << 20


def test_a_files_facts_are_read_without_its_weights(tiny_f32: Path) -> None:
    facts, whole = LlamaModel(tiny_f32, vocabulary_only=True), LlamaModel(tiny_f32)
    assert facts.geometry == whole.geometry
    assert (facts.dim, facts.n_ctx_train, facts.pooling) == (whole.dim, whole.n_ctx_train, whole.pooling)
    assert facts.tokenize("a battery").tolist() == whole.tokenize("a battery").tolist()
    assert (whole.geometry.layers, whole.geometry.kv_heads, whole.geometry.key_length) == (2, 2, 32)


def test_tokens_are_estimated_alike_in_every_script() -> None:
    assert estimate_tokens("battery " * 90) == pytest.approx(160)
    assert estimate_tokens("电池" * 50) == pytest.approx(100)
    assert estimate_tokens("") == 1


def test_a_fit_finds_the_time_of_a_token_and_of_attention() -> None:
    n = np.array([64, 128, 256, 512, 1024, 2048, 4096])
    a, b = cost._fit(list(zip(n.tolist(), (n * (1e-3 + 1e-7 * n)).tolist(), strict=True)))
    assert (a, b) == (pytest.approx(1e-3), pytest.approx(1e-7))
    speed = cost.Speed(a, b, 4096, 1.0)
    assert speed.seconds([4096.0]) == pytest.approx(4096 * (1e-3 + 4096e-7), rel=1e-6)
    # Windows end the growth with length.
    assert speed.seconds([40_960.0]) == pytest.approx(10 * speed.seconds([4096.0]))


def test_a_dry_run_says_the_cost_and_embeds_nothing(tmp_path: Path, tiny_q8: Path) -> None:
    workspace = workspace_with(tmp_path, 30)
    params = EmbedParams(model=str(tiny_q8), unit="document")
    found = embed.estimate(workspace, params, resources=ONE)
    assert workspace.shards("cluster") == []
    outcome = embed.run(workspace, params, resources=ONE)
    assert (found.documents, found.cached) == (30, 0)
    assert found.tokens == pytest.approx(outcome.facts["tokens"], rel=0.25)
    assert found.memory is not None
    assert found.memory.total < found.free_bytes
    assert 0 < found.shorter["--text ta"] < found.seconds
    text = "\n".join(cost.sentences(found))
    assert "30 documents" in text
    assert "shorter with --text ta: about" in text
    again = embed.estimate(workspace, params, resources=ONE)
    assert list(cost.sentences(again)) == ["nothing to embed: all vectors are there, 30 in the workspace"]


def test_a_dry_run_leaves_nothing_behind(tmp_path: Path, tiny_q8: Path) -> None:
    workspace = workspace_with(tmp_path / "w", 3)
    params = EmbedParams(model=str(tiny_q8), unit="document")
    vectors = models.vectors_folder()
    before = sorted(tmp_path.rglob("*"))
    assert embed.estimate(workspace, params, resources=ONE).documents == 3
    assert (sorted(tmp_path.rglob("*")), list(vectors.iterdir())) == (before, [])
    embed.run(workspace, params, resources=ONE)
    kept = {path.name: path.read_bytes() for path in vectors.iterdir()}
    shutil.rmtree(workspace.embeddings("cluster"))
    assert embed.estimate(workspace, params, resources=ONE).cached == 3
    assert {path.name: path.read_bytes() for path in vectors.iterdir()} == kept


def test_no_model_is_needed_where_all_vectors_are_there(tmp_path: Path, tiny_q8: Path) -> None:
    own = Path(shutil.copy(tiny_q8, tmp_path / "own.gguf"))
    workspace, params = workspace_with(tmp_path / "w", 3), EmbedParams(model=str(own), unit="document")
    embed.run(workspace, params, resources=ONE)
    own.unlink()
    assert embed.estimate(workspace, params, resources=ONE).unchanged == 3
    assert embed.run(workspace, params, resources=ONE).current
    write_documents(workspace, rows(5), tag="b")
    for need in (embed.estimate, embed.run):
        with pytest.raises(ModelError, match="no model file at"):
            need(workspace, params, resources=ONE)


def test_a_cost_and_a_run_tell_new_from_cached_from_unchanged(
    tmp_path: Path, tiny_q8: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SHARD_UNITS", 4)
    params = EmbedParams(model=str(tiny_q8), unit="document")
    other, workspace = workspace_with(tmp_path / "other", 6), workspace_with(tmp_path / "w", 4)
    embed.run(workspace, params, resources=ONE)
    embed.run(other, params, resources=ONE)
    write_documents(workspace, rows(6) + rows(3, seed=9, start=100), tag="b")
    found = embed.estimate(workspace, params, resources=ONE)
    assert (found.documents, found.cached, found.unchanged) == (3, 2, 4)
    first = next(iter(cost.sentences(found)))
    assert first.endswith("vectors of others are there, 2 in the cache and 4 in the workspace")
    facts = embed.run(workspace, params, resources=ONE).facts
    assert [facts[name] for name in ("vectors", "new", "from_cache", "unchanged")] == [9, 3, 2, 4]
    facts = embed.run(workspace, params, resources=ONE).facts
    assert [facts[name] for name in ("vectors", "new", "from_cache", "unchanged")] == [9, 0, 0, 9]


def test_times_are_said_as_people_say_them() -> None:
    seconds = (0.2, 42, 100, 5400, 30 * 3600, 40 * 86_400)
    assert [cost.duration(s) for s in seconds] == [
        "1 second",
        "42 seconds",
        "1.7 minutes",
        "1.5 hours",
        "30 hours",
        "40 days",
    ]
