"""Where a workspace stands, told by what its files say and not by how an error is worded."""

from __future__ import annotations

from pathlib import Path

from patentclust import standing
from patentclust.workspace import Workspace
from tests.corpora import workspace_with


def states(workspace: Workspace) -> dict[str, str]:
    return {state.stage: state.state for state in standing.status(workspace)}


def test_a_damaged_file_is_damaged_whatever_its_folder_is_called(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path / "what is missing (no embeddings)", 3)
    workspace.documents.write_bytes(b"PAR1 and nothing else")
    assert states(workspace)["ingest"] == "damaged"
    workspace.documents.unlink()
    assert states(workspace)["ingest"] == "missing"
