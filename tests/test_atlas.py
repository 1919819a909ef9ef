"""Looking things up in a finished map: explain, assign, diff, by function and by command."""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from patentclust import pipeline, standing
from patentclust.cli import app
from patentclust.errors import ArtifactError, ConfigError, PatentclustError, SourceError
from patentclust.params import ClusterParams, EmbedParams
from patentclust.stages import atlas, cluster, diff, explain, similar
from patentclust.workspace import Workspace
from tests.corpora import workspace_with
from tests.test_cluster import workspace_of

PARAMS = replace(ClusterParams(), n_components=5)


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = workspace_of(tmp_path_factory.mktemp("atlas"), 90)
    cluster.run(workspace, PARAMS)
    return workspace


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, minilm: Path) -> Workspace:
    workspace = workspace_with(tmp_path_factory.mktemp("mapped") / "out", 60)
    pipeline.embed(workspace, EmbedParams(model="minilm"))
    pipeline.cluster(workspace, PARAMS)
    return workspace


def test_an_explanation_names_the_cluster_and_what_speaks_for_it(clustered: Workspace) -> None:
    found = explain.run(clustered, "US-00004-A1")
    assert found.doc_id == "US-00004-A1"
    assert "antenna" in found.cluster
    assert found.cluster != found.runner_up
    assert found.margin is not None and found.margin > 0
    assert found.classes == {"H01Q": 1.0}
    assert set(found.terms) & {"beam steering", "antenna array"}
    assert all(near.cluster == found.cluster for near in (*found.nearest, *found.exemplars))
    assert "US-00004-A1" not in [near.doc_id for near in (*found.nearest, *found.exemplars)]


@pytest.mark.parametrize("spelled", ["US00004A1", "US-00004", " US-00004-A1 ", "US 00004 A1"])
def test_a_patent_is_found_however_its_number_is_written(clustered: Workspace, spelled: str) -> None:
    assert atlas.read_numbers(clustered, "document").unit(spelled) == "US-00004-A1"


@pytest.mark.parametrize("spelled", ["US-99999-A1", "", "battery", "US-00004-B2"])
def test_what_is_no_document_of_the_map_is_told(clustered: Workspace, spelled: str) -> None:
    if spelled == "US-00004-B2":  # another kind code of a known number is that number
        assert atlas.read_numbers(clustered, "document").unit(spelled) == "US-00004-A1"
        return
    with pytest.raises(ArtifactError, match="no document"):
        explain.run(clustered, spelled)


def test_a_map_differs_from_itself_in_nothing(clustered: Workspace) -> None:
    found = diff.run(clustered, clustered)
    assert (found.n_common, found.n_came, found.n_went, found.ari) == (90, 0, 0, 1.0)
    assert {change.kind for change in found.changes} == {"kept"}


def test_new_and_lost_patents_are_counted(clustered: Workspace, tmp_path: Path) -> None:
    larger = workspace_of(tmp_path / "larger", 120)
    cluster.run(larger, PARAMS)
    found = diff.run(clustered, larger)
    assert (found.n_common, found.n_came, found.n_went) == (90, 30, 0)
    assert len(found.changes) == 3


def test_maps_without_a_common_unit_are_not_compared(clustered: Workspace, mapped: Workspace) -> None:
    with pytest.raises(ArtifactError):
        diff.run(clustered, mapped)


def test_clusters_of_other_vectors_are_refused(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, 90)
    cluster.run(workspace, PARAMS)
    workspace_of(tmp_path, 80)
    workspace.shards("cluster")[-1].unlink()
    with pytest.raises(ArtifactError, match="other vectors"):
        explain.run(workspace, "US-00004-A1")


def new_patents(path: Path) -> Path:
    lines = [
        {"id": "US11111111B2", "title": "Battery", "abstract": "lithium battery cathode electrolyte anode separator"},
        {"id": "US22222222B2", "title": "Antenna", "abstract": "antenna base station uplink carrier beam channel"},
        {"id": "US10000000B2", "title": "Battery 0", "abstract": "lithium battery electrolyte cathode cell voltage"},
        {"id": "US33333333B2", "title": "", "abstract": ""},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_new_documents_fall_where_their_like_are(mapped: Workspace, tmp_path: Path) -> None:
    before = mapped.clusters.read_bytes()
    _, (battery, antenna, known) = pipeline.assign(mapped, [new_patents(tmp_path / "new.jsonl")])
    assert explain.run(mapped, battery.nearest[0][0]).title.startswith("Battery")
    assert explain.run(mapped, antenna.nearest[0][0]).title.startswith("Wireless")
    assert (battery.known, known.known) == (False, True)
    own = explain.run(mapped, known.doc_id)
    assert (known.cluster_id, known.probability) == (own.cluster_id, own.probability)
    assert mapped.clusters.read_bytes() == before


def test_the_commands_print_tables_json_and_csv(
    mapped: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, new, table = str(mapped.root), str(new_patents(tmp_path / "new.jsonl")), tmp_path / "out.csv"
    app(["assign", new, "-w", root, "--csv", str(table), "-q"], standalone_mode=False)
    assert "US-11111111-B2" in capsys.readouterr().out
    assert table.read_text(encoding="utf-8").startswith("doc_id,title,cluster_id")
    app(["assign", new, "-w", root, "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)[0]["doc_id"] == "US-11111111-B2"
    app(["explain", "US-10000000", "-w", root], standalone_mode=False)
    assert "runner-up" in capsys.readouterr().out
    app(["explain", "US-10000000", "-w", root, "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["doc_id"] == "US-10000000-B2"
    app(["diff", root, root, "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["ari"] == 1
    app(["diff", root, root], standalone_mode=False)
    assert "kept" in capsys.readouterr().out


def test_a_patent_of_the_map_is_where_the_map_has_it(mapped: Workspace) -> None:
    rows = pq.read_table(mapped.clusters).to_pylist()
    for row in [row for row in rows if row["layer"] == 0][::7]:
        (found,) = pipeline.similar(mapped, row["unit_id"])
        place = found.place
        assert (place.cluster_id, place.x, place.y) == (row["cluster_id"], row["x"], row["y"])
        assert place.probability == pytest.approx(row["probability"])


def test_similar_patents_of_a_publication_leave_itself_out(mapped: Workspace) -> None:
    (found,) = pipeline.similar(mapped, "US-10000000-B2")
    assert len(found.hits) == 20
    assert "US-10000000-B2" not in [hit.doc_id for hit in found.hits]
    assert [hit.similarity for hit in found.hits] == sorted((hit.similarity for hit in found.hits), reverse=True)
    assert found.hits[0].title.startswith("Battery")


def test_a_pasted_text_finds_its_like_and_leaves_nothing_behind(mapped: Workspace) -> None:
    files = sorted(mapped.root.rglob("*"))
    text = "guide nuclease genome target sequence vector edit promoter"
    (found,) = pipeline.similar(mapped, "-", text=text)
    assert found.hits[0].title.startswith("Gene")
    assert found.doc_id == "text"
    assert found.place.terms
    assert set(" ".join(found.place.terms).split()) <= set(text.split())
    assert sorted(mapped.root.rglob("*")) == files


def test_each_document_of_a_file_is_asked_about(mapped: Workspace, tmp_path: Path) -> None:
    found = pipeline.similar(mapped, new_patents(tmp_path / "new.jsonl"), where=similar.Where(top=1))
    assert [likeness.doc_id for likeness in found] == ["US-11111111-B2", "US-22222222-B2", "US-10000000-B2"]
    assert [len(likeness.hits) for likeness in found] == [1, 1, 1]
    assert all(likeness.place.terms for likeness in found)


@pytest.mark.parametrize(
    ("where", "n"),
    [
        ({"assignee": "example"}, 59),
        ({"assignee": "nobody"}, 0),
        ({"ipc": "H01M"}, 59),
        ({"ipc": "A61"}, 0),
        ({"office": "EP"}, 0),
        ({"language": "en"}, 59),
        ({"years": (1990, 2030)}, 0),
        ({"cluster": 99}, 0),
    ],
)
def test_hits_are_what_was_asked_for(mapped: Workspace, where: dict, n: int) -> None:
    (found,) = pipeline.similar(mapped, "US-10000000-B2", where=similar.Where(top=100, **where))
    assert len(found.hits) == n


@pytest.mark.parametrize(("text", "span"), [("2019", (2019, 2019)), ("2019-", (2019, 9999)), ("-2023", (0, 2023))])
def test_years_are_a_year_or_a_span(text: str, span: tuple[int, int]) -> None:
    assert similar.years(text) == span


@pytest.mark.parametrize("text", ["", "-", "last", "2019-x", "2030-2010"])
def test_years_that_are_none_are_told(text: str) -> None:
    with pytest.raises(ConfigError):
        similar.years(text)


def test_an_empty_text_is_told(mapped: Workspace) -> None:
    with pytest.raises(PatentclustError):
        pipeline.similar(mapped, "-", text="   ")


@pytest.mark.parametrize(
    ("arguments", "given", "told", "hint"),
    [
        (["similar", "-"], "", "the text is empty", "patentclust similar -"),
        (["similar", "-"], " \n", "the text is empty", "patentclust similar -"),
        (["similar", "nosuch.pdf"], "", "there is no file 'nosuch.pdf'", "check the path"),
        (["similar", "./US-10000000-B2"], "", "there is no file", "check the path"),
        (["similar", "US-99999999-B2"], "", "no document here is 'US-99999999-B2'", "US-10000000-B2; documents.csv"),
        (["explain", "US-99999999-B2"], "", "no document here is 'US-99999999-B2'", "US-10000000-B2; documents.csv"),
    ],
)
def test_what_is_not_here_is_told_with_the_next_step(
    mapped: Workspace, arguments: list[str], given: str, told: str, hint: str
) -> None:
    result = CliRunner().invoke(app, [*arguments, "-w", str(mapped.root)], input=given)
    assert isinstance(result.exception, PatentclustError)
    assert told in str(result.exception) and hint in result.exception.hint


def test_a_file_that_is_no_patent_is_told_without_our_temporary_folder(mapped: Workspace, tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("a battery with a solid electrolyte")
    with pytest.raises(SourceError) as caught:
        pipeline.similar(mapped, plain)
    assert str(plain) in str(caught.value) and "`similar -`" in caught.value.hint
    said = f"{caught.value} {caught.value.hint}".replace(str(plain), "")
    assert tempfile.gettempdir() not in said and "failures.parquet" not in said


@pytest.mark.parametrize(
    "command", ["search x", "similar x", "explain x", "score", "export --to jsonl", "graph", "serve"]
)
def test_a_workspace_that_is_not_there_is_told_as_such(tmp_path: Path, command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "-w", str(tmp_path / "nosuch")])
    assert isinstance(result.exception, ArtifactError)
    assert "there is no workspace at" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_map_of_a_model_of_ones_own_is_asked_from_any_folder(
    tmp_path: Path, tiny_q8: Path, tiny_f32: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What other runs of this test have seen is remembered in the user's own folder.
    monkeypatch.setenv("PATENTCLUST_CACHE", str(tmp_path / "cache"))
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path / "models")
    own = Path(shutil.copy(tiny_q8, "own.gguf")).absolute()
    workspace = workspace_with(tmp_path / "out", 24)
    for task in ("cluster", "retrieve"):
        pipeline.embed(workspace, EmbedParams(model="./own.gguf", task=task))
    pipeline.cluster(workspace, ClusterParams(method="kmeans", n_clusters=3, n_components=5))
    shards = {path: path.read_bytes() for path in workspace.root.rglob("part-*")}
    assert standing.kept_params(workspace)["embed"].model == str(own)
    monkeypatch.chdir(tmp_path)
    text = tmp_path / "text.jsonl"
    new_patents(text)

    def asked(command: list[str], *flags: str) -> Result:
        return CliRunner().invoke(app, [*command, "-w", str(workspace.root), *flags], input="an antenna")

    commands = (["similar", "-"], ["assign", str(text)], ["search", "antenna"])
    for command in commands:
        told = asked(command, "--json")
        assert told.exit_code == 0, told.output
        assert json.loads(told.stdout)
    assert asked(["embed"], "--json").exit_code == 0
    assert {path: path.read_bytes() for path in workspace.root.rglob("part-*") if path in shards} == shards
    moved = own.rename(tmp_path / own.name)
    monkeypatch.chdir(tmp_path / "models")
    assert "no model file" in str(asked(["similar", "-"]).exception)
    assert "made with own.gguf" in str(asked(["similar", "-"], "--model", "minilm").exception)
    for command in commands:
        assert asked(command, "--model", str(moved)).exit_code == 0
    other = shutil.copy(tiny_f32, tmp_path / "models" / own.name)
    for command in commands[:2]:
        assert "not the same sha256" in str(asked(command, "--model", str(other)).exception), command


def test_the_similar_command_prints_json_and_csv(
    mapped: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "hits.csv"
    app(["similar", "US-10000000", "-w", str(mapped.root), "--top", "3", "--csv", str(table)], standalone_mode=False)
    assert "cosine" in capsys.readouterr().out
    assert len(table.read_text(encoding="utf-8").splitlines()) == 4
    app(["similar", "US-10000000", "-w", str(mapped.root), "--json"], standalone_mode=False)
    assert len(json.loads(capsys.readouterr().out)[0]["hits"]) == 20
