"""The command line as a user types it: exit codes, what goes to stdout, and errors that say what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpora import workspace_with

EXAMPLES = Path(__file__).parents[1] / "examples" / "patents"


def patentclust(*args: str | Path, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "patentclust", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=os.environ | env)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_q8: Path) -> Path:
    """Return a workspace that `run` has gone through, with the tiny model."""
    root = tmp_path_factory.mktemp("run") / "out"
    result = patentclust("run", EXAMPLES, "-w", root, "-m", tiny_q8, "--threads", "2")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [str(root / "report.html")]
    return root


def test_run_leaves_every_file_of_the_contract(finished: Path) -> None:
    names = {path.name for path in finished.rglob("*") if path.is_file()}
    assert names >= {
        "documents.parquet",
        "failures.parquet",
        "part-00000.parquet",
        "clusters.parquet",
        "topics.parquet",
        "scores.json",
        "report.html",
        "documents.csv",
        "clusters.csv",
        "params.toml",
        "run.jsonl",
    }


def test_a_second_run_finds_everything_current(finished: Path, tiny_q8: Path) -> None:
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.suffix in (".parquet", ".html", ".csv")}
    result = patentclust("run", EXAMPLES, "-w", finished, "-m", tiny_q8, "--json")
    assert [stage["current"] for stage in json.loads(result.stdout)] == [True] * 4
    assert before == {path: path.read_bytes() for path in before}


def test_the_four_commands_in_their_order_give_what_run_gives(finished: Path, tmp_path: Path, tiny_q8: Path) -> None:
    env = {"PATENTCLUST_WORKSPACE": str(tmp_path / "out")}
    assert patentclust("ingest", EXAMPLES, **env).returncode == 0
    assert patentclust("embed", "-m", tiny_q8, **env).returncode == 0
    assert patentclust("cluster", "--min-size", "10", **env).returncode == 0
    result = patentclust("report", **env)
    assert result.stdout.splitlines()[0] == str(tmp_path / "out" / "report.html")
    for name in ("documents.parquet", "clusters.parquet", "topics.parquet", "report.html", "documents.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (finished / name).read_bytes(), name


def test_status_tells_each_stage(finished: Path) -> None:
    states = json.loads(patentclust("status", "-w", finished, "--json").stdout)
    assert [(s["stage"], s["state"]) for s in states] == [
        *((stage, "current") for stage in ("ingest", "embed", "cluster", "report")),
        ("search", "missing"),
    ]
    assert all(len(s["fingerprint"]) == 64 for s in states[:-1])
    assert "fingerprint" in patentclust("status", "-w", finished).stdout


def test_status_of_an_empty_folder_is_missing_everywhere(tmp_path: Path) -> None:
    states = json.loads(patentclust("status", "-w", tmp_path, "--json").stdout)
    assert {s["state"] for s in states} == {"missing"}


def test_status_sees_what_went_stale(tmp_path: Path, finished: Path, tiny_q8: Path) -> None:
    import shutil

    root = tmp_path / "out"
    shutil.copytree(finished, root)
    assert patentclust("ingest", EXAMPLES / "pdf", "-w", root).returncode == 0
    states = {s["stage"]: s["state"] for s in json.loads(patentclust("status", "-w", root, "--json").stdout)}
    stale = dict.fromkeys(("embed", "cluster", "report"), "stale")
    assert states == {"ingest": "current", **stale, "search": "missing"}
    result = patentclust("cluster", "-w", root)
    assert result.returncode == 1
    assert "patentclust embed" in result.stderr


def test_json_goes_to_stdout_and_nothing_else_does(tmp_path: Path) -> None:
    result = patentclust("ingest", EXAMPLES / "pdf", "-w", tmp_path, "--json")
    (stage,) = json.loads(result.stdout)
    assert stage["facts"]["documents"] == 14
    assert result.stderr == ""


def test_strict_makes_a_failure_the_exit_code(tmp_path: Path) -> None:
    bad = tmp_path / "in" / "bad.xml"
    bad.parent.mkdir()
    bad.write_text("<nothing/>")
    args = ("ingest", bad, EXAMPLES / "pdf", "-w", tmp_path / "out")
    assert patentclust(*args).returncode == 0
    assert patentclust(*args, "--strict").returncode == 1


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    result = patentclust("ingest", tmp_path / "none", "-w", tmp_path / "out")
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["embed", "-m", "nope"], "no model is called 'nope'"),
        (["embed", "-m", "qwen3-embedding-4b", "--offline"], "Qwen3-Embedding-4B-Q4_K_M.gguf"),
        (["embed", "-m", "minilm", "--text", "some"], "allowed: full, tac, ta"),
        (["embed", "-m", "minilm", "--dim", "7"], "cannot be cut to 7"),
        (["cluster", "--min-size", "1"], "give 2 or more"),
        (["cluster"], "patentclust embed"),
        (["report"], "patentclust cluster"),
        (["cluster", "--params", "nowhere.toml"], "cannot read the params file"),
        (["models", "path", "nope"], "known: "),
        (["run", "x", "-m", "minilm", "--gpu-layers", "some"], "allowed: auto, all"),
        (["ingest", "x", "--map", "title"], "--map takes FIELD=COLUMN"),
        (["similar", " "], "nothing was given to look for"),
        (["similar", EXAMPLES], "is a folder, expected a publication number or a file"),
        (["similar", "x", "--json", "--csv", "-"], "two flags would write to stdout"),
        (["similar", "x", "--csv", "/no/such/folder/x.csv"], "cannot write /no/such/folder/x.csv"),
        (["cluster", "--labels", "llm"], "--labels llm needs a chat server"),
    ],
)
def test_a_users_mistake_ends_in_one_message_and_exit_code_1(args: list[str], complaint: str, tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path / "out", 3)
    result = patentclust(*args, PATENTCLUST_WORKSPACE=str(workspace.root), HF_HUB_CACHE=str(tmp_path / "hub"))
    assert result.returncode == 1, result.stderr
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_flag_is_exit_code_2(tmp_path: Path) -> None:
    assert patentclust("cluster", "--min-sise", "3").returncode == 2
    assert patentclust("cluster", "--min-samples", "ten").returncode == 2
    assert "give a number such as 10, or auto" in patentclust("cluster", "--min-size", "ten").stderr


def test_a_workspace_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = patentclust("ingest", EXAMPLES / "pdf", "-w", tmp_path / "file" / "out")
    assert result.returncode == 1
    assert "--workspace" in result.stderr
    assert "Traceback" not in result.stderr


def test_markup_in_a_message_is_shown_as_text(tmp_path: Path) -> None:
    result = patentclust("embed", "-m", "[bold]x[/bold].gguf", "-w", workspace_with(tmp_path, 1).root)
    assert "[bold]x[/bold].gguf" in result.stderr


def test_the_version_and_the_models_are_told() -> None:
    assert patentclust("--version").stdout.startswith("patentclust 0.")
    names = [model["name"] for model in json.loads(patentclust("models", "list", "--json").stdout)]
    assert "qwen3-embedding-4b" in names
    assert "minilm" in patentclust("models", "list").stdout


def test_the_command_pages_are_what_help_says() -> None:
    page = (Path(__file__).parents[1] / "docs" / "cli.md").read_text(encoding="utf-8")
    from tests.help_pages import markdown

    assert page == markdown(), "run: python -m tests.help_pages > docs/cli.md"


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--dim", "9999"], "cannot be cut to 9999"),
        (["--task", "nope"], "no template for the task 'nope'"),
        (["--backend", "openai"], "--backend openai needs a server"),
        (["--map", "titel=Title"], "no such field"),
        (["--params", "labels.toml"], "--labels llm needs a chat server"),
        (["--params", "window.toml"], "max-tokens is 9999; minilm reads 512"),
    ],
)
def test_what_no_run_could_end_with_is_refused_before_the_first_file_is_read(
    flags: list[str], complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "labels.toml").write_text('[cluster]\nlabels = "llm"\n')
    (tmp_path / "window.toml").write_text("[embed]\nmax_tokens = 9999\n")
    result = patentclust("run", EXAMPLES / "pdf", "-m", "minilm", *flags, cwd=tmp_path)
    assert result.returncode == 1, result.stderr
    assert complaint in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.toml", "window.toml"]


def test_a_refused_ingest_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for args in ([tmp_path / "empty"], [EXAMPLES / "pdf", "--map", "titel=Title"]):
        result = patentclust("ingest", *args, "-w", tmp_path / "out" / "map")
        assert result.returncode == 1, result.stderr
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty", "out"]
        (tmp_path / "out").rmdir()


def test_a_file_in_the_place_of_the_workspace_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder")
    for command in (["status"], ["ingest", EXAMPLES / "pdf"], ["report"], ["similar", "US-1"]):
        result = patentclust(*command, PATENTCLUST_WORKSPACE=str(tmp_path / "out"))
        assert (result.returncode, result.stdout) == (1, "")
        assert "is a file, expected a folder" in result.stderr


def test_csv_to_stdout_takes_the_place_of_the_table(finished: Path, tmp_path: Path) -> None:
    result = patentclust("similar", "US-98040004-B1", "-w", finished, "--top", "3", "--csv", "-", cwd=tmp_path)
    header, *rows = result.stdout.splitlines()
    assert header.startswith("asked,doc_id,similarity,year,")
    assert len(rows) == 3
    drawn = patentclust("sweep", "-w", finished, "--size", "5", "--svg", "-", cwd=tmp_path)
    assert drawn.stdout.startswith("<svg") and drawn.stdout.rstrip().endswith("</svg>")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["status"], ["models", "list", "--json"], ["score"]])
def test_what_cannot_be_printed_is_told(command: list[str], unbuffered: str, finished: Path) -> None:
    env = os.environ | {"PATENTCLUST_WORKSPACE": str(finished), "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        args = [sys.executable, "-m", "patentclust", *command]
        result = subprocess.run(args, stdout=full, stderr=subprocess.PIPE, text=True, env=env)
    assert result.returncode == 1
    assert result.stderr.startswith("error: stdout cannot be written: No space left on device\nhint: ")
    assert len(result.stderr.splitlines()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes")
def test_a_reader_that_has_left_hears_nothing(finished: Path) -> None:
    args = [sys.executable, "-m", "patentclust", "status", "-w", str(finished)]
    process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 1)
