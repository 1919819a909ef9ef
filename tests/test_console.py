"""What commands print: in columns on a terminal, plain into a pipe, and the unit of every count."""

import os
import subprocess
import sys

import pytest

from patentclust import console
from patentclust.stages import Outcome

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
