"""Search: passages of a text, words of a text, ranks fused, and a question to a workspace."""

import csv
import json
import shutil
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from patentclust import artifacts, pipeline, standing
from patentclust.analysis.passages import MOST_TOKENS, spans
from patentclust.analysis.retrieval import best, fuse, words
from patentclust.analysis.texts import estimate_tokens
from patentclust.cli import app
from patentclust.errors import ArtifactError, ConfigError
from patentclust.params import ClusterParams, EmbedParams
from patentclust.progress import Quiet
from patentclust.stages import StageState, passages, search
from patentclust.stages.passages import Coverage
from patentclust.stages.similar import Where
from patentclust.workspace import Workspace
from tests.corpora import rows, workspace_with, write_documents

TEXTS = [
    "",
    " \n ",
    "One.",
    "A cell of 0.7 V. " * 300,
    "x" * 9000,
    "一种电池。" * 400,
    "\n\n".join(["para " * 50] * 20),
]


@pytest.mark.parametrize("text", TEXTS)
def test_passages_hold_all_of_a_text_and_fit_the_model(text: str) -> None:
    found = spans(text)
    covered = {i for start, stop in found for i in range(start, stop)}
    assert all(i in covered or text[i].isspace() for i in range(len(text)))
    assert all(estimate_tokens(text[start:stop]) <= MOST_TOKENS * 1.1 for start, stop in found)
    assert found == sorted(set(found))
    assert bool(found) == bool(text.strip())


def test_passages_overlap_and_no_number_is_cut() -> None:
    text = TEXTS[3]
    found = spans(text)
    assert all(later[0] < earlier[1] for earlier, later in pairwise(found))
    assert all(text[start:stop].startswith("A cell") for start, stop in found)


def test_words_are_folded_and_runs_without_spaces_give_pairs() -> None:
    assert words("Solid ELECTROLYTES, glass; 5G", "en", {}) == ["solid", "electrolyte", "glass", "5g"]
    assert words("锂离子电池", "zh", {}) == ["锂离", "离子", "子电", "电池"]
    assert words("锂离子电池", "zh", {"zh": lambda run: [run[:3], run[3:]]}) == ["锂离子", "电池"]


def test_best_rows_come_highest_first_and_ties_by_row() -> None:
    assert best(np.array([1.0, 3.0, 3.0, -np.inf, 2.0]), 3).tolist() == [1, 2, 4]
    assert best(np.array([-np.inf, 1.0]), 9).tolist() == [1]
    assert best(np.array([]), 3).tolist() == []


def test_what_both_rankings_know_wins() -> None:
    assert [item for item, _ in fuse([1, 2, 3], [2, 4])] == [2, 1, 4, 3]


@pytest.fixture(scope="module")
def searchable(tmp_path_factory: pytest.TempPathFactory, minilm: Path) -> Workspace:
    workspace = workspace_with(tmp_path_factory.mktemp("search") / "out", 24)
    pipeline.embed(workspace, EmbedParams(model="minilm", task="retrieve"))
    return workspace


def test_a_question_finds_its_topic_and_shows_the_passage(searchable: Workspace) -> None:
    found = pipeline.search(searchable, "lithium battery cathode", where=Where(top=5)).hits
    assert len(found) == 5
    assert all(hit.title.startswith("Battery") for hit in found)
    assert len({hit.doc_id for hit in found}) == 5
    assert all("lithium" in hit.snippet or "cathode" in hit.snippet for hit in found)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert found == pipeline.search(searchable, "lithium battery cathode", where=Where(top=5)).hits


def test_filters_hold(searchable: Workspace) -> None:
    assert pipeline.search(searchable, "antenna", where=Where(office="CN")).hits == []
    assert len(pipeline.search(searchable, "antenna", where=Where(ipc="H01M", top=3)).hits) == 3
    with pytest.raises(ArtifactError, match="no map"):
        pipeline.search(searchable, "antenna", where=Where(cluster=0))
    with pytest.raises(ConfigError, match="empty"):
        pipeline.search(searchable, " ")


def test_a_cluster_of_the_map_can_be_asked_for(tmp_path: Path, minilm: Path) -> None:
    workspace = workspace_with(tmp_path / "out", 45)
    for task in ("cluster", "retrieve"):
        pipeline.embed(workspace, EmbedParams(model="minilm", task=task))
    pipeline.cluster(workspace, ClusterParams(n_components=5, min_cluster_size=5))
    found = pipeline.search(workspace, "lithium battery", where=Where(top=3)).hits
    cluster_id = found[0].cluster_id
    assert cluster_id is not None and found[0].cluster
    inside = pipeline.search(workspace, "antenna", where=Where(cluster=cluster_id, top=3)).hits
    assert {hit.cluster_id for hit in inside} == {cluster_id}


def test_a_row_says_whose_passage_it_is(searchable: Workspace) -> None:
    table = artifacts.read_table(searchable.shards("retrieve")[0], kind="embeddings")
    first = table.to_pylist()[0]
    assert first["unit_id"] == f"{first['parent_id']}#{first['start']}-{first['stop']}"


def test_without_passages_or_with_other_documents_nothing_is_searched(searchable: Workspace, tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path / "out", 3)
    with pytest.raises(ArtifactError, match="no passages"):
        pipeline.search(workspace, "antenna")
    pipeline.embed(workspace, EmbedParams(model="minilm", task="retrieve"))
    pipeline.search(workspace, "antenna")
    write_documents(workspace, rows(3, seed=9), tag="b")
    documents = [row | {"claims": [], "independent": []} for row in rows(3, seed=9)]
    write_documents(workspace, documents, tag="c")
    with pytest.raises(ArtifactError, match="changed since"):
        pipeline.search(workspace, "antenna")


def test_an_old_index_goes_when_a_new_one_is_made(tmp_path: Path, minilm: Path) -> None:
    workspace = workspace_with(tmp_path / "out", 3)
    for n in (3, 4):
        write_documents(workspace, rows(n), tag=str(n))
        pipeline.embed(workspace, EmbedParams(model="minilm", task="retrieve"))
        opened = passages.open_passages(workspace, Quiet())
        assert len(opened.parents) == n
        assert len(list(workspace.search.iterdir())) == 1
    assert np.allclose(np.linalg.norm(opened.vectors, axis=1), 1, atol=1e-5)


def test_a_query_is_not_compared_with_vectors_of_another_model(searchable: Workspace) -> None:
    opened = passages.open_passages(searchable, Quiet())
    model = opened.header.json("model") | {"sha256": "0" * 64}
    header = replace(opened.header, metadata=dict(opened.header.metadata) | {"model": json.dumps(model)})
    with pytest.raises(ArtifactError, match="another"):
        search.encode(replace(opened, header=header), "antenna", resources=search.Resources())


def test_the_command_prints_json_and_csv(searchable: Workspace, tmp_path: Path) -> None:
    table = tmp_path / "hits.csv"
    command = ["search", "antenna uplink", "-w", str(searchable.root), "--top", "2", "--json", "--csv", str(table)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    hits = json.loads(result.stdout)
    with table.open(encoding="utf-8-sig", newline="") as handle:
        assert [row["doc_id"] for row in csv.DictReader(handle)] == [hit["doc_id"] for hit in hits]
    assert CliRunner().invoke(app, command[:-3]).exit_code == 0


@pytest.mark.parametrize(
    ("flags", "n"),
    [
        (["--assignee", "exam"], 20),
        (["--assignee", "nobody"], 0),
        (["--ipc", "H01M10"], 20),
        (["--ipc", "A61"], 0),
        (["--office", "us"], 20),
        (["--office", "CN"], 0),
        (["--language", "en"], 20),
        (["--language", "zh"], 0),
        (["--years", "2019-2023"], 0),
        (["--years", "1990-", "--top", "3"], 3),
        (["--top", "7"], 7),
    ],
)
def test_the_commands_flags_hold(tmp_path: Path, searchable: Workspace, flags: list[str], n: int) -> None:
    documents = [row | {"publication_date": date(1995, 1, 2)} for row in rows(24)]
    workspace = Workspace(tmp_path / "dated")
    write_documents(workspace, documents)
    shutil.copytree(searchable.embeddings("retrieve"), workspace.embeddings("retrieve"))
    result = CliRunner().invoke(app, ["search", "antenna", "--json", "-w", str(workspace.root), *flags])
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)) == n


def test_passages_are_not_clustered() -> None:
    with pytest.raises(ConfigError, match="task"):
        ClusterParams(task="retrieve")


def standing_of_search(workspace: Workspace) -> StageState:
    return standing.status(workspace)[-1]


def test_a_search_over_part_of_the_passages_says_so(tmp_path: Path, minilm: Path) -> None:
    workspace = workspace_with(tmp_path / "out", 24)
    assert standing_of_search(workspace).state == "missing"
    pipeline.embed(workspace, EmbedParams(model="minilm", task="retrieve"))
    assert standing_of_search(workspace).state == "current"
    whole = pipeline.search(workspace, "antenna").coverage
    assert whole == Coverage(whole.passages, whole.passages, 24, 24, 0)
    assert whole.sentences() == []
    assert standing_of_search(workspace).state == "current"

    textless = rows(1, start=30)[0] | {"title": "", "abstract": "", "claims": [], "independent": [], "description": ""}
    write_documents(workspace, [*rows(26), textless], tag="more")
    told = standing_of_search(workspace)
    assert told.state == "stale" and "24 of 26 units" in told.detail and "embed --task retrieve" in told.detail
    command = ["search", "antenna", "-w", str(workspace.root), "--top", "2"]
    for more in ([], ["--json"], ["--quiet"]):
        said = CliRunner().invoke(app, [*command, *more])
        assert said.exit_code == 0, said.output
        assert f"only {whole.passages} of " in said.stderr and "of 24 of 26 units" in said.stderr
        assert f"patentclust embed -w {workspace.root} --task retrieve" in said.stderr
        assert "only" not in said.stdout
    assert standing_of_search(workspace).state == "stale"
    pipeline.embed(workspace, EmbedParams(model="minilm", task="retrieve"))
    assert CliRunner().invoke(app, command).stderr == ""
    assert standing_of_search(workspace).state == "current"


def test_the_tail_of_a_text_that_is_not_embedded_is_counted(tmp_path: Path, tiny_q8: Path) -> None:
    workspace = Workspace(tmp_path / "out")
    (long,) = rows(1)
    write_documents(workspace, [long | {"description": "A cell of 0.7 V holds an anode. " * 9_000}])
    pipeline.embed(workspace, EmbedParams(model=str(tiny_q8), task="retrieve"))
    *_, last = workspace.shards("retrieve")
    assert last != workspace.shards("retrieve")[0]
    n_last = artifacts.read_header(last, kind="embeddings").n_rows
    last.unlink()
    found = passages.open_passages(workspace, Quiet()).coverage
    assert found.units == found.of_units == 1
    assert found.of_passages - found.passages == n_last
    assert standing_of_search(workspace).state == "stale"


def test_another_text_of_the_same_length_is_not_searched_by_the_old_vector(tmp_path: Path, minilm: Path) -> None:
    workspace = workspace_with(tmp_path / "out", 3)
    pipeline.embed(workspace, EmbedParams(model="minilm", task="retrieve"))
    documents = rows(3)
    documents[1] |= {"abstract": str(documents[1]["abstract"]).replace("antenna", "annetta")}
    write_documents(workspace, documents, tag="b")
    with pytest.raises(ArtifactError, match="changed since"):
        pipeline.search(workspace, "antenna")
