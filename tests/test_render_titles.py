"""Titles of classes: WIPO's list whole, and short enough to read."""

from importlib.resources import files

import pytest

from patentclust.render.titles import class_title

DATA = files("patentclust.render") / "data"


def lines(name: str) -> list[list[str]]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


def test_the_list_is_whole_and_says_its_source_and_edition():
    head = (DATA / "ipc_titles.tsv").read_text(encoding="utf-8").splitlines()[:2]
    assert "edition 2019.01" in head[0]
    assert "WIPO" in head[1]
    official = lines("ipc_titles.tsv")
    assert len([symbol for symbol, _ in official if len(symbol) == 4]) == 645
    assert len({symbol for symbol, _ in official}) == len(official)
    assert not {symbol for symbol, _ in official} & {symbol for symbol, _ in lines("later_titles.tsv")}


@pytest.mark.parametrize(
    ("symbol", "title"),
    [
        ("H04W", "Wireless communication networks"),
        ("C07C", "Acyclic or carbocyclic compounds"),
        ("H05G", "X-ray technique"),
        ("C05D", "Inorganic fertilisers not covered by subclasses C05B, C05C"),
        ("Y02E", "Reduction of greenhouse gas emissions, related to energy generation, transmission or distribution"),
        ("H04Z", "Electric communication technique"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_title_reads_in_a_line(symbol, title):
    assert class_title(symbol) == title


def test_no_title_is_long_or_empty():
    assert all(
        0 < len(class_title(symbol)) <= 130 for symbol, _ in [*lines("ipc_titles.tsv"), *lines("later_titles.tsv")]
    )
