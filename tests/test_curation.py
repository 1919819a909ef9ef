import json

import pytest

from patentclust import pipeline, standing
from patentclust.errors import ConfigError
from patentclust.stages import graph, report
from tests.test_report import page_data, read_csv, small_workspace

FIRST, SECOND = "US-10000000-B2", "US-10000001-B2"


def made(tmp_path, text):
    workspace = small_workspace(tmp_path)
    workspace.curation.write_text(text, encoding="utf-8")
    report.run(workspace)
    return workspace


def labels(workspace):
    return {row["label"]: int(row["size"]) for row in read_csv(workspace.clusters_csv)}


def members(*numbers):
    return json.dumps([f"US-{10_000_000 + number}-B2" for number in numbers])


def test_a_rename_holds_for_the_cluster_that_has_the_members(tmp_path):
    workspace = made(tmp_path, f'[[rename]]\nmembers = {members(1, 4)}\nlabel = "Aerials"\n')
    assert labels(workspace) == {"battery, cell": 9, "Aerials": 9, "antibody, cell": 9}
    assert "Aerials" in workspace.report.read_text(encoding="utf-8")


def test_a_merge_joins_and_a_split_parts(tmp_path):
    text = (
        f'[[merge]]\nmembers = {members(0, 1)}\nlabel = "Both"\n[[split]]\nmembers = {members(2, 5)}\nlabel = "Two"\n'
    )
    workspace = made(tmp_path, text)
    assert labels(workspace) == {"Both": 18, "antibody, cell": 7, "Two": 2}
    clusters = {row["doc_id"]: row["cluster_label"] for row in read_csv(workspace.documents_csv)}
    assert clusters["US-10000005-B2"] == "Two"
    assert clusters[FIRST] == clusters[SECOND] == "Both"


def test_a_move_an_exclusion_and_a_note(tmp_path):
    text = (
        f"[[move]]\nmembers = {members(27)}\nnear = {members(0)}\n[[exclude]]\nmembers = {members(3)}\n"
        f'[[note]]\nmembers = {members(0)}\ntext = "Look <b>twice</b>"\n'
    )
    workspace = made(tmp_path, text)
    rows = {row["doc_id"]: row for row in read_csv(workspace.documents_csv)}
    assert rows["US-10000027-B2"]["cluster_label"] == "battery, cell"
    assert rows["US-10000003-B2"]["cluster_id"] == ""
    assert "Look &lt;b&gt;twice&lt;/b&gt;" in workspace.report.read_text(encoding="utf-8")
    assert page_data(workspace)["clusters"][3] is None
    assert "is taken off the map by curation.toml" in workspace.report.read_text(encoding="utf-8")


def test_a_correction_that_finds_nothing_stands_on_the_page(tmp_path):
    workspace = made(tmp_path, '[[rename]]\nmembers = ["US-1-B2"]\nlabel = "x"\n')
    assert "found nothing to correct: <bdi>rename US-1-B2" in workspace.report.read_text(encoding="utf-8")


def test_a_changed_file_makes_the_page_again(tmp_path):
    workspace = made(tmp_path, f'[[rename]]\nmembers = {members(0)}\nlabel = "A"\n')
    assert report.run(workspace).current
    workspace.curation.write_text(f'[[rename]]\nmembers = {members(0)}\nlabel = "B"\n', encoding="utf-8")
    assert not report.run(workspace).current
    assert "B" in labels(workspace)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('\n\n[[rename]]\nmembers = ["a"\nlabel = "b"\n', "line 5, column 1", "this is not TOML: Unclosed array"),
        ("x = [", "end of document", "this is not TOML: Invalid value"),
        ('\n[[renam]]\nmembers = ["a"]\n', "line 2", "unknown table 'renam' (did you mean 'rename'?)"),
        ('[[exclude]]\nmembers = ["a"]\n[[rename]]\nmembers = ["a"]\n', "line 3", "[[rename]] has no 'label'"),
        ('[[rename]]\nmember = ["a"]\nlabel = "b"\n', "line 2", "unknown key 'member' (did you mean 'members'?)"),
        (
            '[[rename]]\nlabel = "b"\n# no\n"cluster" = 5\n',
            "line 4",
            "is meant by some of its members, not by its number",
        ),
        ('[[split]]\nmembers = "a"\nlabel = "b"\n', "line 2", "members = 'a', expected a list of publication numbers"),
        ('[[split]]\nmembers = [3]\nlabel = "b"\n', "line 2", "members = [3], expected a list of publication numbers"),
        ('[[rename]]\nmembers = ["a"]\nlabel = 3\n', "line 3", "label = 3, expected a text"),
        (
            '[[exclude]]\nmembers = ["a"]\n[[rename]]\nmembers = ["a"]\nlabel = " "\n',
            "line 5",
            "label = ' ', expected a text",
        ),
        ("\nrename = 3\n", "line 2", "rename is 3, expected a table [[rename]]"),
        ('rename = [{ member = ["a"], label = "b" }]\n', "line 1", "unknown key 'member'"),
        ("[[exclude]]\nmembers = []\n", "line 2", "members = [], expected a list"),
    ],
)
def test_a_wrong_file_is_named_with_line_what_was_expected_and_the_next_command(tmp_path, text, line, said):
    with pytest.raises(ConfigError) as caught:
        made(tmp_path, text)
    assert f"curation.toml, {line}: " in str(caught.value)
    assert said in str(caught.value)
    assert "the same command again" in caught.value.hint


def test_brackets_without_end_are_told(tmp_path):
    with pytest.raises(ConfigError, match=r"curation\.toml: its brackets are nested too deep"):
        made(tmp_path, "x = " + "[" * 5_000)


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path):
    workspace = small_workspace(tmp_path)
    workspace.curation.write_bytes(b"# one\n# two\n# \xe9\n")
    with pytest.raises(ConfigError, match=r"curation\.toml, line 3: this is not UTF-8"):
        report.run(workspace)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    assert "Aerials" in labels(made(tmp_path, f'\ufeff[[rename]]\nmembers = {members(1, 4)}\nlabel = "Aerials"\n'))


def test_one_name_for_two_clusters_is_refused_with_both_lines(tmp_path):
    twice = f'[[rename]]\nmembers = {members(0)}\nlabel = "A"\n\n[[pin]]\nmembers = {members(1)}\nlabel = "A"\n'
    with pytest.raises(ConfigError, match="lines 1 and 5: the name 'A' is given to 2 clusters"):
        made(tmp_path, twice)
    again = f'[[rename]]\nmembers = {members(0)}\nlabel = "A"\n\n[[pin]]\nmembers = {members(0)}\nlabel = "A"\n'
    assert "A" in labels(made(tmp_path / "same", again))


def test_what_is_said_twice_is_told(tmp_path):
    first = f'[[rename]]\nmembers = {members(0)}\nlabel = "A"\n'
    other = f'[[pin]]\nmembers = {members(3)}\nlabel = "B"\n'
    workspace = made(tmp_path, first + first + other)
    assert "B" in labels(workspace)
    assert list(report.run(workspace).warnings) == [
        "curation.toml, line 4: [[rename]] says the same as line 1",
    ]
    workspace = made(tmp_path / "other", first + other)
    assert list(report.run(workspace).warnings) == [
        "curation.toml, line 1: [[rename]] is overtaken by line 4, which names the same cluster",
    ]


def test_corrections_apply_in_the_order_of_the_file(tmp_path):
    first = f'[[rename]]\nmembers = {members(0)}\nlabel = "A"\n'
    merge = f"[[merge]]\nmembers = {members(0, 1)}\n"
    last = f'[[rename]]\nmembers = {members(1)}\nlabel = "B"\n'
    assert labels(made(tmp_path, first + merge + last)) == {"B": 18, "antibody, cell": 9}


def test_what_is_not_on_the_map_is_said_at_every_run(tmp_path):
    workspace = made(
        tmp_path,
        f'[[exclude]]\nmembers = ["US-1-B2"]\n[[rename]]\nmembers = {members(0, 999)}\nlabel = "A"\n'
        f"[[merge]]\nmembers = {members(0, 3)}\n",
    )
    outcome = report.run(workspace)
    assert outcome.current
    assert list(outcome.warnings) == [
        "curation.toml, line 1: [[exclude]] found nothing to correct (not on the map: US-1-B2)",
        "curation.toml, line 3: [[rename]]: 1 of 2 are not on the map: US-10000999-B2",
        "curation.toml, line 6: [[merge]] found nothing to correct (its members are in no cluster, or all in one)",
    ]


def test_a_broken_file_is_told_before_a_run_begins_and_by_status(tmp_path):
    workspace = small_workspace(tmp_path)
    report.run(workspace)
    workspace.curation.write_text("[[rename]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"curation\.toml, line 1"):
        next(pipeline.run(workspace, [tmp_path]))
    (state,) = (state for state in standing.status(workspace) if state.stage == "report")
    assert state.state == "stale" and "curation.toml, line 1" in state.detail
    for stage in (pipeline.cluster, pipeline.update, graph.run):
        with pytest.raises(ConfigError, match=r"curation\.toml, line 1"):
            stage(workspace)
