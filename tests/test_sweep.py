"""`sweep`, `--min-size auto` and DBCV: sizes side by side, and the one that is taken."""

import csv
import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from patentclust import artifacts
from patentclust.analysis import density, grouping, neighbours, sizes
from patentclust.cli.flags import sized
from patentclust.errors import ConfigError
from patentclust.params import ClusterParams
from patentclust.render.sweep import draw
from patentclust.stages import cluster, sweep
from patentclust.workspace import Workspace
from tests.test_cli import patentclust
from tests.test_cluster import document, vectors_of, write_documents, write_embeddings


@pytest.fixture
def workspace(tmp_path):
    found = Workspace(tmp_path)
    documents = [document(index) for index in range(90)]
    write_documents(found, documents)
    write_embeddings(found, documents, vectors_of(90))
    return found


def blobs(gap, n=40):
    rng = np.random.default_rng(3)
    centres = np.array([[0, 0], [gap, 0], [0, gap]])
    return np.concatenate([centre + rng.normal(size=(n, 2)) for centre in centres]), np.repeat(np.arange(3), n)


def test_dbcv_is_higher_where_clusters_lie_apart():
    apart, near = (density.validity(*blobs(gap)) for gap in (30, 0.5))
    assert apart > 0.7 > 0 > near


def test_dbcv_counts_noise_as_nothing():
    points, labels = blobs(30)
    noisy = np.concatenate([labels, np.full(len(labels), -1)])
    assert density.validity(np.tile(points, (2, 1)), noisy) == pytest.approx(density.validity(points, labels) / 2)


def test_dbcv_has_no_figure_where_there_is_nothing_to_compare():
    points, labels = blobs(30)
    assert np.isnan(density.validity(points, np.zeros_like(labels)))
    assert np.isnan(density.validity(points, np.full_like(labels, -1)))
    assert np.isnan(density.validity(np.empty((0, 2)), np.empty(0, int)))
    assert np.isnan(density.validity(points, np.arange(len(points)) // 2))


def test_dbcv_of_a_sample_is_near_that_of_all(monkeypatch):
    points, labels = blobs(30, n=300)
    whole = density.validity(points, labels)
    monkeypatch.setattr(density, "_MAX_VALIDITY", 450)
    assert density.validity(points, labels) == pytest.approx(whole, abs=0.15)


def test_the_smallest_steady_size_is_taken_else_the_steadiest():
    assert sizes.choose([0.5, 0.85, 0.99]) == 1
    assert sizes.choose([0.5, 0.7, 0.6]) == 1
    assert sizes.choose([np.nan, 0.3]) == 1
    assert sizes.choose([np.nan, np.nan]) == 0


def test_all_noise_is_not_taken_for_being_the_same_each_time():
    vectors = vectors_of(90).astype(np.float32)
    near = neighbours.nearest(vectors, n_neighbors=15, seed=42, threads=1)
    tried = grouping.over_sizes(vectors, near, ClusterParams(), [10, 91], threads=1, done=lambda: None)
    assert len(tried[1].found.persistence) == 0 and np.isnan(tried[1].stability)
    assert np.isnan(sizes.worth(tried[1])) and sizes.worth(tried[0]) == tried[0].stability


@pytest.mark.parametrize("n", [0, 1, 24, 25, 1_000])
def test_a_ladder_has_sizes_that_fit(n):
    found = sizes.ladder(n)
    assert found[0] == 5 and found == sorted(found) and (len(found) == 1 or found[-1] * 5 <= n)


@pytest.mark.parametrize("method", ["hdbscan", "leiden", "kmeans"])
def test_a_sweep_finds_at_each_size_what_a_run_finds(method):
    vectors = vectors_of(90).astype(np.float32)
    params = ClusterParams(method=method)
    near = neighbours.nearest(vectors, n_neighbors=15, seed=42, threads=1)
    together = grouping.over_sizes(vectors, near, params, [5, 20], threads=1, done=lambda: None)
    for size, found in zip([5, 20], together, strict=True):
        own = ClusterParams(method=method, min_cluster_size=size)
        alone = grouping.group(vectors, near, own, threads=1, done=lambda: None)
        assert np.array_equal(found.found.labels, alone.found.labels)
        assert found.stability == alone.stability


def test_auto_takes_the_size_that_a_sweep_marks(workspace):
    rows = sweep.run(workspace)
    marked = [row for row in rows if row.chosen]
    cluster.run(workspace, ClusterParams(auto_size=True))
    scores = artifacts.read_header(workspace.topics, kind="topics").json("scores")
    assert len(marked) == 1
    assert scores["min_cluster_size"] == marked[0].min_cluster_size
    assert scores["n_clusters"] == marked[0].n_clusters
    assert scores["dbcv"] == marked[0].dbcv


def test_auto_decides_for_few_units(tmp_path):
    for n in (1, 2, 9):
        found = Workspace(tmp_path / str(n))
        documents = [document(index) for index in range(n)]
        write_documents(found, documents)
        write_embeddings(found, documents, vectors_of(n))
        cluster.run(found, ClusterParams(auto_size=True))
        assert [row.min_cluster_size for row in sweep.run(found)] == [5]


def test_a_sweep_leaves_the_workspace_as_it_is(workspace):
    before = {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()}
    sweep.run(workspace, tried=[20, 5, 20])
    assert {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()} == before


def test_a_size_of_one_is_refused(workspace):
    with pytest.raises(ConfigError, match="min-size is 1"):
        sweep.run(workspace, tried=[1, 5])


def test_min_size_is_a_number_or_auto():
    assert sized(None) == {}
    assert sized("12") == {"min_cluster_size": 12, "auto_size": False}
    assert sized("auto") == {"auto_size": True}
    with pytest.raises(ConfigError, match="few"):
        sized("few")


def test_the_command_prints_json_and_writes_table_and_drawing(workspace, tmp_path):
    table, picture = tmp_path / "sizes.csv", tmp_path / "sizes.svg"
    done = patentclust(
        "sweep",
        "-w",
        str(workspace.root),
        "--size",
        "5",
        "--size",
        "20",
        "--csv",
        str(table),
        "--svg",
        str(picture),
        "--json",
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["min_cluster_size"] for row in rows] == [5, 20]
    with table.open(newline="") as handle:
        assert [row["min_cluster_size"] for row in csv.DictReader(handle)] == ["5", "20"]
    assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_drawing_bridges_gaps_and_leaves_out_what_has_no_value():
    drawn = draw([5, 10, 20], {"Clusters": [9, 4, 4], "DBCV": [0.1, None, 0.3], "Stability": [None] * 3}, 1)
    tree = ElementTree.fromstring(drawn)
    lines = tree.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert [len(line.get("points").split()) for line in lines] == [3, 2]
    assert "Stability" not in drawn
    ElementTree.fromstring(draw([5], {"Clusters": [3]}, None))
