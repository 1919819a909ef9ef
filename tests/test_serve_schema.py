"""The API keeps to its own description, whatever it is sent (schemathesis)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from patentclust import pipeline
from patentclust.params import ClusterParams, EmbedParams
from tests.corpora import workspace_with
from tests.tiny_model import write_tiny_qwen3

pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
from tests.serving import serving

# What a type cannot say (a text that is not blank, one of two fields) is refused with 400.
NOT_CHECKED = "positive_data_acceptance"
OPTIONS = ["--max-examples", "20", "--seed", "1", "--phases", "examples,coverage,fuzzing", "--no-color"]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("described")
    workspace = workspace_with(folder / "out", 30)
    model = str(write_tiny_qwen3(folder / "tiny.gguf"))
    pipeline.embed(workspace, EmbedParams(model=model, text="ta"))
    pipeline.cluster(workspace, replace(ClusterParams(), n_components=5))
    with serving(workspace.root, model) as (url, _):
        yield f"{url}/openapi.json"


def test_answers_are_as_described(described: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", described, "--exclude-checks", NOT_CHECKED, *OPTIONS]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr
    assert "Tested: 15" in run.stdout
