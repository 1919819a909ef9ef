import json

import pytest

from patentclust.errors import ConfigError
from patentclust.stages import report
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
    "text",
    [
        "x = [",
        '[[renam]]\nmembers = ["a"]\n', '[[rename]]\nmembers = ["a"]\n', '[[split]]\nmembers = "a"\nlabel = "b"\n',
        '[[rename]]\nmembers = ["a"]\nlabel = 3\n', "rename = 3\n", '[[exclude]]\nmembers = []\n',
    ],
)  # fmt: skip
def test_a_wrong_file_is_named(tmp_path, text):
    with pytest.raises(ConfigError, match=r"curation\.toml"):
        made(tmp_path, text)
