"""A map made again after patents came or went keeps what is still there."""

from __future__ import annotations

import numpy as np
import pytest

from patentclust import artifacts, pipeline
from patentclust.errors import ArtifactError
from patentclust.stages import diff
from patentclust.workspace import Workspace
from tests.test_cluster import PARAMS, document, vectors_of, write_documents, write_embeddings


def corpus(workspace: Workspace, indices: list[int]) -> None:
    documents = [document(i) for i in indices]
    for shard in workspace.shards("cluster"):
        shard.unlink()
    write_documents(workspace, documents)
    write_embeddings(workspace, documents, vectors_of(max(indices) + 1)[indices])


def clusters(workspace: Workspace) -> dict[int, set[int]]:
    """The units of each cluster of the finest layer, by id."""
    found: dict[int, set[int]] = {}
    for row in artifacts.read_table(workspace.clusters, kind="clusters").to_pylist():
        if row["layer"] == 0 and row["cluster_id"] >= 0:
            found.setdefault(row["cluster_id"], set()).add(int(row["unit_id"][3:8]) % 3)
    return found


def names(workspace: Workspace) -> dict[int, str]:
    topics = artifacts.read_table(workspace.topics, kind="topics").to_pylist()
    return {topic["cluster_id"]: topic["label"] for topic in topics if topic["layer"] == 0}


def places(workspace: Workspace) -> dict[str, np.ndarray]:
    rows = artifacts.read_table(workspace.clusters, kind="clusters").to_pylist()
    return {row["unit_id"]: np.array([row["x"], row["y"]]) for row in rows if row["layer"] == 0}


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """Sixty documents of field 1, forty of field 0, twenty of field 2: their ids are 0, 1, 2 by size."""
    made = Workspace(tmp_path / "w")
    corpus(made, [3 * i + 1 for i in range(60)] + [3 * i for i in range(40)] + [3 * i + 2 for i in range(20)])
    pipeline.cluster(made, PARAMS)
    assert clusters(made) == {0: {1}, 1: {0}, 2: {2}}
    return made


def test_clusters_keep_their_ids_and_names_when_others_outgrow_them(workspace):
    before, were = names(workspace), places(workspace)
    corpus(workspace, [3 * i + 1 for i in range(60)] + [3 * i for i in range(40)] + [3 * i + 2 for i in range(35)])
    outcome = pipeline.update(workspace)
    assert not outcome.current
    assert clusters(workspace) == {0: {1}, 1: {0}, 2: {2}}
    assert names(workspace) == before
    now = places(workspace)
    # The map lies as it lay: the centres of the fields stay in their order around it.
    for number in range(3):
        own = [unit for unit in were if int(unit[3:8]) % 3 == number]
        centre = {m: np.mean([m_[unit] for unit in own], axis=0) for m, m_ in (("then", were), ("now", now))}
        others = [np.mean([now[u] for u in were if int(u[3:8]) % 3 == other], axis=0) for other in range(3)]
        nearest = int(np.argmin([np.linalg.norm(centre["then"] - other) for other in others]))
        assert nearest == number


def test_an_id_that_went_is_not_given_again(workspace):
    corpus(workspace, [3 * i + 1 for i in range(60)] + [3 * i for i in range(40)])
    outcome = pipeline.update(workspace)
    assert set(clusters(workspace)) == {0, 1}
    assert any(line.startswith("went: “") for line in outcome.warnings)
    corpus(workspace, [3 * i + 1 for i in range(60)] + [3 * i for i in range(40)] + [3 * i + 2 for i in range(20)])
    outcome = pipeline.update(workspace)
    assert clusters(workspace) == {0: {1}, 1: {0}, 3: {2}}
    assert any(line.startswith("came: “") for line in outcome.warnings)


def test_an_updated_map_is_current_until_its_patents_change_and_every_reader_takes_its_ids(workspace, tmp_path):
    first = Workspace(tmp_path / "first")
    first.root.mkdir()
    for path in (workspace.clusters, workspace.topics):
        (first.root / path.name).write_bytes(path.read_bytes())
    corpus(workspace, [3 * i for i in range(40)] + [3 * i + 2 for i in range(20)])
    pipeline.update(workspace)
    assert set(clusters(workspace)) == {1, 2}
    assert pipeline.update(workspace).current
    assert pipeline.cluster(workspace, PARAMS).current
    found = diff.run(first, workspace)
    assert [change.kind for change in found.changes].count("kept") == 2
    corpus(workspace, [3 * i for i in range(40)] + [3 * i + 2 for i in range(30)])
    assert not pipeline.cluster(workspace, PARAMS).current
    assert set(clusters(workspace)) == {0, 1}


def test_without_a_map_there_is_nothing_to_update(tmp_path):
    empty = Workspace(tmp_path / "w")
    corpus(empty, list(range(30)))
    with pytest.raises(ArtifactError, match="no map"):
        pipeline.update(empty)
