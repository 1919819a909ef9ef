"""The scorecard of a workspace: what it is held against, and what a wrong wish is answered."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from patentclust.errors import ConfigError
from patentclust.params import ClusterParams
from patentclust.scores import SCORES
from patentclust.stages import cluster, score
from patentclust.workspace import Workspace
from tests.test_cluster import document, vectors_of, write_documents, write_embeddings


@pytest.fixture(scope="module")
def clustered(tmp_path_factory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("score") / "out")
    workspace.root.mkdir()
    documents = [
        document(i, family_id=f"f{i}", cited=[f"US-{i + 3:05d}"], language=("en", "de")[i % 2]) for i in range(90)
    ]
    write_documents(workspace, documents)
    write_embeddings(workspace, documents, vectors_of(90))
    cluster.run(workspace, replace(ClusterParams(), n_components=5))
    return workspace


def figures(lines: list[score.Line], against: str = "") -> dict[str, float]:
    return {line.score: line.value for line in lines if line.against == against}


def test_clusters_of_one_field_each_score_full_marks(clustered: Workspace) -> None:
    found = figures(score.run(clustered), "ipc:subclass")
    assert found == pytest.approx(
        {"n_classified": 90, "ami": 1, "ari": 1, "v_measure": 1, "purity": 1, "inverse_purity": 1}
    )
    assert figures(score.run(clustered), "ipc:section")["purity"] == 1


def test_citations_inside_clusters_are_counted(clustered: Workspace) -> None:
    found = figures(score.run(clustered))
    assert found["n_citations"] == 87
    assert found["citations_inside"] == 1
    assert found["citations_expected"] == pytest.approx(3 * 30 * 29 / (90 * 89))


def test_languages_that_mix_score_about_nothing(clustered: Workspace) -> None:
    assert figures(score.run(clustered))["language_ami"] == pytest.approx(0, abs=0.05)


def test_the_file_of_scores_holds_what_the_command_prints(clustered: Workspace) -> None:
    page = json.loads(clustered.scores.read_text(encoding="utf-8"))
    for line in score.run(clustered):
        against, _, layer = line.against.partition(", layer ")
        place = page["layers"][layer] if layer else page
        assert (place[against] if against else place)[line.score] == line.value


def test_every_score_says_how_to_read_it(clustered: Workspace) -> None:
    assert {line.score for line in score.run(clustered)} <= set(SCORES)


def test_own_classes_come_from_a_table_with_or_without_kind_codes(clustered: Workspace, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    rows = [f"US{i:05d}{'A1' if i % 2 else ''},{'abc'[i % 3]}" for i in range(60)]
    table.write_text("number,class\n" + "\n".join(rows), encoding="utf-8")
    found = figures(score.run(clustered, [str(table)]), str(table))
    assert found["n_classified"] == 60
    assert found["ari"] == pytest.approx(1)


def test_a_column_of_the_documents_serves_as_classes(clustered: Workspace) -> None:
    assert figures(score.run(clustered, ["column:language"]), "column:language")["purity"] == pytest.approx(0.5)


def test_classes_that_no_document_has_are_told_as_none(clustered: Workspace) -> None:
    assert figures(score.run(clustered, ["cpc:section"]), "cpc:section") == {"n_classified": 0}


@pytest.mark.parametrize("wish", ["ipc", "ipc:family", "column:nothing", "column:representative", "no-such-file.csv"])
def test_a_wish_that_is_none_is_answered_with_what_is_allowed(clustered: Workspace, wish: str) -> None:
    with pytest.raises(ConfigError) as caught:
        score.run(clustered, [wish])
    assert caught.value.hint


def test_the_command_prints_a_table_and_json(clustered: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    from patentclust.cli import app

    app(["score", "-w", str(clustered.root)], standalone_mode=False)
    assert "Purity" in capsys.readouterr().out
    app(["score", "-w", str(clustered.root), "--json"], standalone_mode=False)
    assert {"score", "value", "against"} == set(json.loads(capsys.readouterr().out)[0])
