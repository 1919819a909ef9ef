"""What commands print: in columns on a terminal, plain into a pipe, and the unit of every count."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patentclust import console, pasting
from patentclust.stages import Outcome
from patentclust.stages.similar import Hit, Likeness, Place

HEADERS, ROWS = (
    ["document", "cosine", "title"],
    [["US-1-B2", "0.900", "[bold]A\ttin\nof tea[/bold]"], ["US-2-B2", "0.1", ""]],
)
SCRIPT = f"from patentclust import console; console.show_table({HEADERS!r}, {ROWS!r}, numeric={{'cosine'}})"


def test_a_piped_table_is_a_line_a_row_with_tabs_between_cells(capsys):
    console.show_table(HEADERS, ROWS, numeric={"cosine"})
    assert capsys.readouterr().out == (
        "document\tcosine\ttitle\nUS-1-B2\t0.900\t[bold]A tin of tea[/bold]\nUS-2-B2\t0.1\t\n"
    )


def test_piped_output_does_not_depend_on_the_width_of_a_terminal():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env=os.environ | {"COLUMNS": width}, capture_output=True, check=True
        ).stdout
        for width in ("20", "500")
    }
    assert len(outputs) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_gets_columns():
    master, slave = os.openpty()
    subprocess.run([sys.executable, "-c", SCRIPT], stdout=slave, env=os.environ | {"COLUMNS": "80"}, check=True)
    os.close(slave)
    shown = os.read(master, 10_000).decode()
    assert "\t" not in shown and "US-1-B2 " in shown and "[bold]A" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_no_column_and_no_figure_is_lost_on_a_narrow_terminal():
    headers = ["min", *(f"silhouette of {name}" for name in "abcdefghij")]
    script = (
        f"from patentclust import console; console.show_table({headers!r}, [['0.1234'] * 11], numeric=set({headers!r}))"
    )
    master, slave = os.openpty()
    subprocess.run([sys.executable, "-c", script], stdout=slave, env=os.environ | {"COLUMNS": "90"}, check=True)
    os.close(slave)
    shown = os.read(master, 10_000).decode()
    assert shown.splitlines()[-1].split() == ["0.1234"] * 11


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("family", "4 documents, 3 families, 1 family as noise, 2 families left out, 1 family without text"),
        ("document", "4 documents, 3 documents, 1 document as noise, 2 documents left out, 1 document without text"),
    ],
)
def test_counts_of_units_say_what_a_unit_is(capsys, unit, said):
    facts = {"documents": 4, "units": 3, "noise": 1, "left_out": 2, "without_text": 1}
    console.show_outcome(Outcome("report", current=False, facts=facts, unit=unit))
    assert said in capsys.readouterr().err


def test_a_file_of_very_many_documents_does_not_flood_the_terminal(capsys):
    place = Place(-1, "noise", 0.0, "", 0.0, 0.0, ())
    hit = Hit("US-1-B2", "A title", 0.9, 0, "batteries", (), 2020)
    found = [Likeness(f"US-{n}-B2", "", place, (hit,)) for n in range(120)]
    console.show_likeness(found)
    shown = capsys.readouterr()
    assert sum(line.endswith("A title") for line in shown.out.splitlines()) == 10
    assert "and 110 documents more: --csv FILE or --json tells of all" in shown.err


def test_one_of_a_thing_is_said_in_the_singular(capsys):
    facts = {"files": 1, "documents": 2, "failures": 1, "documents with warnings": 1, "from_cache": 1, "shards": 1}
    console.show_outcome(Outcome("ingest", current=False, facts=facts))
    said = "1 file, 2 documents, 1 failure, 1 document with warnings, 1 from cache, 1 shard"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("run: patentclust embed --task retrieve", "run: patentclust embed -w 'my map' --task retrieve"),
        ("see `patentclust keys add NAME` && patentclust status", None),
        ("another patentclust run is writing to x", "another patentclust run is writing to x"),
        ("run: patentclust models pull minilm", "run: patentclust models pull minilm"),
    ],
)
def test_a_command_that_is_named_is_one_that_can_be_pasted(line, completed):
    pasting.forget_workspaces()
    assert pasting.pasteable(line) == line
    pasting.name_workspace(Path("my map"))
    keyed = "see `patentclust keys add -w 'my map' NAME` && patentclust status -w 'my map'"
    assert pasting.pasteable(line) == (completed or keyed)
    pasting.name_workspace(Path("other"))
    assert pasting.pasteable(line) == line
    pasting.forget_workspaces()
