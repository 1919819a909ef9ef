"""Instructions, and how alike a model finds terms."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patentclust import artifacts, models
from patentclust.embedders import checks
from patentclust.errors import ConfigError
from patentclust.params import EmbedParams, Resources
from patentclust.stages import embed
from tests.corpora import workspace_with
from tests.tiny_model import write_tiny_qwen3

TERMS = ["cardiac arrest", "myocardial infarction", "arrhythmia", "common cold"]
ONE = Resources(threads=1)


def patentclust(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "patentclust", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_field_of_use_has_an_instruction() -> None:
    assert {"medical", "legal", "finance", "engineering", "code"} <= set(models.instructions())
    spec = models.find("qwen3-embedding-4b")
    assert spec.prompt("cluster", None) == "Cluster: {text}"
    prompt = spec.prompt("cluster", "medical")
    assert prompt.startswith("Instruct: Given a medical")
    assert prompt.endswith("\nQuery:{text}")
    assert spec.prompt("cluster", "Find my keys") == "Instruct: Find my keys\nQuery:{text}"


def test_the_user_adds_instructions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "models.toml"
    own.write_text('[instructions]\nmedical = "Mine"\nfishing = "Given a fish, retrieve fish"\n')
    monkeypatch.setenv("PATENTCLUST_MODELS", str(own))
    assert models.instructions()["medical"] == "Mine"
    assert "fishing" in models.instructions()
    assert "legal" in models.instructions()
    assert "instructions" not in models.registry()
    own.write_text("[instructions]\nmedical = 1\n")
    with pytest.raises(ConfigError, match="must hold names and sentences"):
        models.instructions()


def test_a_model_without_instructions_refuses_one() -> None:
    with pytest.raises(ConfigError, match="trained without instructions"):
        models.find("minilm").prompt("cluster", "medical")


def test_an_instruction_changes_vectors_and_fingerprint(tmp_path: Path, tiny_q8: Path) -> None:
    workspace = workspace_with(tmp_path, 3)
    params = EmbedParams(model=str(tiny_q8), unit="document")
    embed.run(workspace, params, resources=ONE)
    plain = artifacts.read_embeddings(workspace.shards("cluster"))
    outcome = embed.run(workspace, replace(params, instruction="medical"), resources=ONE)
    told = artifacts.read_embeddings(workspace.shards("cluster"))
    assert not outcome.current
    assert plain.fingerprint != told.fingerprint
    assert (plain.vectors * told.vectors).sum(axis=1).max() < 0.9999
    assert told.header.json("model")["template"].startswith("Instruct: Given a medical")


def test_a_model_on_a_server_is_known_by_either_name() -> None:
    assert models.find_served("Qwen/Qwen3-Embedding-4B").name == "qwen3-embedding-4b"
    assert models.find_served("minilm").served_as == "sentence-transformers/all-MiniLM-L6-v2"
    unknown = models.find_served("acme/embedder")
    assert (unknown.served_as, unknown.template("cluster"), unknown.dim) == ("acme/embedder", "{text}", None)


def test_terms_of_one_field_are_nearer_than_a_foreign_one(minilm: Path) -> None:
    params = EmbedParams(model="minilm")
    matrix = checks.similarities(minilm, models.find("minilm"), TERMS, params, ONE)
    assert np.allclose(np.diag(matrix), 1, atol=1e-5)
    assert np.allclose(matrix, matrix.T)
    assert matrix[:3, :3].min() > matrix[:3, 3].max()
    alone = checks.similarities(minilm, models.find("minilm"), TERMS[:2], params, ONE)
    assert alone[0, 1] == matrix[0, 1]


def test_terms_are_shown_as_table_csv_and_json(tmp_path: Path, minilm: Path) -> None:
    listed = tmp_path / "terms.txt"
    listed.write_text("\ufeff" + "\n\n".join(TERMS) + "\n" + TERMS[0], encoding="utf-8")
    table = patentclust("terms", listed, "-m", "minilm")
    assert table.returncode == 0, table.stderr
    assert "1.000" in table.stdout
    as_csv = list(csv.reader(io.StringIO(patentclust("terms", *TERMS, "-m", "minilm", "--csv").stdout)))
    as_json = json.loads(patentclust("terms", listed, "-m", "minilm", "--json").stdout)
    assert as_csv[0] == ["term", *TERMS]
    assert as_json["terms"] == TERMS
    assert [[float(cell) for cell in row[1:]] for row in as_csv[1:]] == as_json["similarity"]


def test_empty_terms_are_refused(tiny_q8: Path) -> None:
    result = patentclust("terms", " ", "-m", tiny_q8)
    assert result.returncode == 1
    assert "terms must not be empty" in result.stderr


def test_a_check_tells_a_file_that_lost_its_closing_token_and_one_of_unknown_making(tmp_path: Path) -> None:
    path = write_tiny_qwen3(tmp_path / "noeos.gguf", add_eos=False)
    found = {check.name: check for check in checks.check_model(path, models.find(str(path)), ONE)}
    assert "added here" in found["closing token"].detail
    assert found["prefix effect"].passed
    assert found["packed as one by one"].passed
    assert found["terms"].passed is None


def test_the_starter_proves_its_terms_and_skips_what_it_cannot_read(minilm: Path) -> None:
    found = {check.name: check for check in checks.check_model(minilm, models.find("minilm"), ONE)}
    assert found["terms: arrhythmia"].passed
    assert found["terms: 心肌梗死"].passed is None
    assert found["prefix effect"].passed is None


def test_the_cache_and_the_cost_have_their_commands(tmp_path: Path, tiny_q8: Path) -> None:
    root = workspace_with(tmp_path, 3).root
    cost = json.loads(patentclust("embed", "-w", root, "-m", tiny_q8, "--dry-run", "--json").stdout)
    assert (cost["documents"], cost["cached"]) == (3, 0)
    assert not (root / "embeddings").exists()
    assert patentclust("embed", "-w", root, "-m", tiny_q8, "--unit", "document").returncode == 0
    (row,) = json.loads(patentclust("cache", "info", "--json").stdout)
    assert row["vectors"] == 3
    assert tiny_q8.name in patentclust("cache", "info").stdout
    assert "freed" in patentclust("cache", "clear").stdout
    assert json.loads(patentclust("cache", "info", "--json").stdout) == []


def test_the_library_talks_only_when_asked(tmp_path: Path, tiny_q8: Path) -> None:
    root = workspace_with(tmp_path, 3).root
    quiet = patentclust("embed", "-w", root, "-m", tiny_q8, "--no-cache")
    assert "llama" not in quiet.stderr
    loud = patentclust("embed", "-w", root, "-m", tiny_q8, "--no-cache", "--dim", "16", "-v")
    assert "llama_model_loader" in loud.stderr


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--main-gpu", "0"], "--main-gpu was given"),
        (["--tensor-split", "1,x"], "tensor-split is"),
        (["--tensor-split", "0"], "tensor-split is"),
        (["--cache", "http://x"], "cache is"),
        (["--kv-type", "q2"], "allowed: f16, q8_0"),
        (["--backend", "openai"], "needs a server"),
    ],
)
def test_flags_that_cannot_be_met_are_errors(flags: list[str], complaint: str, tmp_path: Path, tiny_q8: Path) -> None:
    if flags[0] == "--main-gpu":
        import llama_cpp

        if llama_cpp.llama_supports_gpu_offload():
            pytest.skip("this machine has a GPU backend")
    pytest.importorskip("httpx", reason="the extra `openai` is not installed")
    result = patentclust("embed", "-w", workspace_with(tmp_path, 1).root, "-m", tiny_q8, *flags)
    assert result.returncode == 1
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_a_smaller_cache_format_costs_little_exactness(tiny_f32: Path) -> None:
    from patentclust.embedders import open_embedder
    from tests.test_embedders import TEXTS

    spec = models.find(str(tiny_f32))
    f16, q8 = (
        open_embedder(spec, tiny_f32, params=EmbedParams(model=str(tiny_f32), kv_type=kv), resources=ONE)
        for kv in ("f16", "q8_0")
    )
    cosines = (f16.encode_document(TEXTS).vectors * q8.encode_document(TEXTS).vectors).sum(axis=1)
    assert 0.999 < cosines.min() < 1
