"""How ingest relates documents: families, representatives and assignees, from files to artifacts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patentclust import artifacts
from patentclust.errors import ConfigError
from patentclust.params import IngestParams
from patentclust.stages import ingest, relate
from patentclust.workspace import Workspace

PAIR = ["DE102019000001"]
LINES = [
    {"id": "US20200000001A1", "title": "Cell", "abstract": "A", "applicant": "Acme Inc.", "priorities": PAIR},
    {"id": "EP3500000A1", "title": "Z", "abstract": "B", "claims": ["1."], "applicant": "ACME INC", "priorities": PAIR},
    {"id": "US9000001B2", "title": "Other", "abstract": "C", "applicant": "Acme Deutschland GmbH"},
]  # fmt: skip


def ingested(root: Path, **params: object) -> list[dict[str, object]]:
    path = root / "in.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in LINES), encoding="utf-8")
    workspace = Workspace(root / "out")
    ingest.run(workspace, [path], IngestParams(**params))
    return artifacts.read_table(workspace.documents, kind="documents").to_pylist()


def test_every_document_gets_a_family_and_one_member_stands_for_it(tmp_path: Path) -> None:
    cell, zelle, other = ingested(tmp_path)
    assert cell["family_id"] == zelle["family_id"] != other["family_id"]
    assert [row["representative"] for row in (cell, zelle, other)] == [False, True, True]


def test_assignees_get_one_name_and_keep_their_own(tmp_path: Path) -> None:
    cell, zelle, other = ingested(tmp_path)
    assert cell["assignee_names"] == zelle["assignee_names"] == ["ACME"]
    assert cell["applicants"] == ["Acme Inc."]
    assert other["assignee_names"] == ["ACME DEUTSCHLAND"]


def test_the_thesaurus_is_applied_at_the_next_ingest(tmp_path: Path) -> None:
    ingested(tmp_path)
    Workspace(tmp_path / "out").thesaurus.write_text('[merge]\n"Acme" = ["Acme Deutschland"]\n')
    assert [row["assignee_names"] for row in ingested(tmp_path)] == [["Acme"]] * 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[merge\n", "cannot read"),
        ("[merge]\na = 'b'\n", "no list"),
        ("[x]\n", "unknown table"),
        ('[merge]\na = ["c"]\nb = ["c"]\n', "stands under"),
    ],
)
def test_a_wrong_thesaurus_is_told(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "assignees.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        relate.load_thesaurus(path)


def test_merges_are_proposed_from_the_documents(tmp_path: Path) -> None:
    lines = [*LINES, {"id": "US9000002B2", "title": "T", "applicant": "Acme Deutschlnad GmbH"}]
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    workspace = Workspace(tmp_path / "out")
    ingest.run(workspace, [path])
    (proposal,) = relate.suggest_merges(workspace, least=90)
    assert {proposal.name, *proposal.variants} == {"ACME DEUTSCHLAND", "ACME DEUTSCHLNAD"}
    workspace.thesaurus.write_text(relate.thesaurus_toml([proposal]), encoding="utf-8")
    assert relate.load_thesaurus(workspace.thesaurus)["ACME DEUTSCHLNAD"] == proposal.name
    ingest.run(workspace, [path])
    rows = artifacts.read_table(workspace.documents, kind="documents").to_pylist()
    assert [row["assignee_names"] for row in rows[2:]] == [[proposal.name]] * 2
    assert [row["applicants"] for row in rows[2:]] == [["Acme Deutschland GmbH"], ["Acme Deutschlnad GmbH"]]
