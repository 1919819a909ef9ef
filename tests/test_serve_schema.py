"""The API keeps to its own description, whatever it is sent (schemathesis)."""

from __future__ import annotations

from pathlib import Path

import pytest

from patentclust.params import Resources
from patentclust.progress import Quiet
from patentclust.workspace import Workspace

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
from hypothesis import HealthCheck, settings  # noqa: E402

from patentclust.serve.app import build  # noqa: E402
from patentclust.serve.engine import open_engine  # noqa: E402
from patentclust.serve.metrics import Metrics  # noqa: E402
from patentclust.serve.settings import Settings  # noqa: E402
from tests.tiny_model import write_tiny_qwen3  # noqa: E402


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder: Path = tmp_path_factory.mktemp("described")
    metrics, workspace = Metrics(), Workspace(folder / "out")
    engine = open_engine(
        workspace,
        str(write_tiny_qwen3(folder / "tiny.gguf")),
        resources=Resources(threads=1),
        metrics=metrics,
        most_queued_tokens=10**6,
        progress=Quiet(),
    )
    app = build(engine, workspace, Settings(), metrics)
    yield schemathesis.openapi.from_asgi("/openapi.json", app, headers={"host": "localhost"})
    engine.close()


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: schemathesis.Case) -> None:
    case.call_and_validate(headers={"host": "localhost"})
