"""Where the stages of a workspace stand: what is there, how large, what is stale. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from patentclust import artifacts
from patentclust.errors import ArtifactError, ConfigError, MissingArtifactError
from patentclust.params import STAGE_PARAMS, ReportParams, load_params_file, resolve
from patentclust.schemas import counted
from patentclust.stages import StageState
from patentclust.workspace import Workspace


def status(workspace: Workspace, *, task: str = "cluster") -> list[StageState]:
    """Look at every stage of a workspace without changing it."""
    states: list[StageState] = []
    looks = (_look_ingest, _look_embed, _look_cluster, _look_report)
    for stage, look in zip(STAGE_PARAMS, looks, strict=True):
        state = _looked(stage, look, workspace, task)
        if state.state == "current" and any(earlier.state == "stale" for earlier in states):
            state = replace(state, state="stale", detail="an earlier stage is stale")
        states.append(state)
    return [*states, _looked("search", _look_search, workspace, task)]


def _looked(stage: str, look: Callable[[Workspace, str], StageState], workspace: Workspace, task: str) -> StageState:
    try:
        return look(workspace, task)
    except MissingArtifactError:
        return StageState(stage, "missing")
    except ArtifactError as error:
        return StageState(stage, "damaged", str(error))


def _n_bytes(*paths: Path) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def _look_ingest(workspace: Workspace, _task: str) -> StageState:
    header = artifacts.read_header(workspace.documents, kind="documents")
    n_failures = artifacts.read_header(workspace.failures, kind="failures").n_rows
    size = _n_bytes(workspace.documents, workspace.failures)
    return StageState("ingest", "current", counted(n_failures, "failure"), header.n_rows, size, header.fingerprint)


def _look_embed(workspace: Workspace, task: str) -> StageState:
    from patentclust.stages import embed as stage

    paths = workspace.shards(task)
    if not paths:
        return StageState("embed", "missing")
    headers = [artifacts.read_header(path, kind="embeddings") for path in paths]
    fingerprint = artifacts.embeddings_fingerprint(paths)
    model = headers[0].json("model")["name"]
    n_rows = sum(header.n_rows for header in headers)
    current = stage.is_current(workspace, task)
    detail = f"{model}, {counted(len(paths), 'shard')}" if current else "the documents, or some shards, changed since"
    return StageState("embed", "current" if current else "stale", detail, n_rows, _n_bytes(*paths), fingerprint)


def _look_cluster(workspace: Workspace, _task: str) -> StageState:
    header = artifacts.read_header(workspace.topics, kind="topics")
    task = header.json("params")["task"]
    expected = {
        "documents": artifacts.read_header(workspace.documents, kind="documents").fingerprint,
        "embeddings": artifacts.embeddings_fingerprint(workspace.shards(task)),
    }
    # A map that was updated names the one before it, too, which is no more.
    inputs = header.json("inputs")
    changed = [kind for kind, fingerprint in expected.items() if inputs.get(kind) != fingerprint]
    scores = header.json("scores")
    detail = f"the {' and '.join(changed)} changed since" if changed else counted(scores["n_clusters"], "cluster")
    artifacts.read_header(workspace.clusters, kind="clusters")
    size = _n_bytes(workspace.clusters, workspace.topics, workspace.scores)
    return StageState("cluster", "stale" if changed else "current", detail, scores["n_units"], size, header.fingerprint)


def _look_report(workspace: Workspace, _task: str) -> StageState:
    from patentclust.stages import report as stage

    if not workspace.report.is_file():
        return StageState("report", "missing")
    fingerprint = stage.page_fingerprint(workspace)
    why = stage.why_stale(workspace, kept_params(workspace).get("report", ReportParams()))
    size = _n_bytes(workspace.report, workspace.documents_csv, workspace.clusters_csv)
    return StageState("report", "stale" if why else "current", why, 0, size, fingerprint)


def _look_search(workspace: Workspace, _task: str) -> StageState:
    from patentclust.stages import passages

    return passages.look(workspace)


def kept_params(workspace: Workspace) -> dict[str, Any]:
    """Return the parameters of the stages that have run. The file is a record: one broken by hand counts as empty."""
    if not workspace.params.exists():
        return {}
    try:
        tables = load_params_file(workspace.params)
        return {name: resolve(STAGE_PARAMS[name](), table, {}) for name, table in tables.items()}
    except ConfigError:
        return {}
