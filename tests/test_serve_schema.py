"""The API keeps to its own description, whatever it is sent (schemathesis)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patentclust import pipeline
from patentclust.params import ClusterParams, EmbedParams
from tests.corpora import workspace_with
from tests.tiny_model import write_tiny_qwen3

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
from hypothesis import HealthCheck, settings  # noqa: E402

from tests.serving import serving  # noqa: E402


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder: Path = tmp_path_factory.mktemp("described")
    workspace = workspace_with(folder / "out", 30)
    model = str(write_tiny_qwen3(folder / "tiny.gguf"))
    pipeline.embed(workspace, EmbedParams(model=model, text="ta"))
    pipeline.cluster(workspace, replace(ClusterParams(), n_components=5))
    with serving(workspace.root, model) as (url, _):
        yield schemathesis.openapi.from_url(url + "/openapi.json")


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_answers_are_as_described(case: Any) -> None:
    case.call_and_validate()
