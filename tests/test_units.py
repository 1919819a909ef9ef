"""What gets a vector: the text of each document, and what stands for it where the chosen fields are empty."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from patentclust import artifacts
from patentclust.analysis import texts
from patentclust.errors import ArtifactError
from patentclust.params import ClusterParams, EmbedParams, Resources
from patentclust.stages import cluster, embed
from patentclust.stages.units import read_wholes
from patentclust.workspace import Workspace
from tests.corpora import row, rows, write_documents

BARE = {"title": "", "abstract": " ", "claims": [], "independent": []}


def only_described(i: int, description: str) -> dict[str, object]:
    return row(i, "gene", random.Random(i)) | BARE | {"description": description}


def test_the_opening_of_the_description_stands_for_a_document_that_has_nothing_else(
    tiny_q8: Path, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path)
    write_documents(workspace, [*rows(9), only_described(50, "A lithium cell. " * 900), only_described(51, "")])
    outcome = embed.run(workspace, EmbedParams(model=str(tiny_q8), text="tac"), resources=Resources(threads=1))
    table = artifacts.read_table(workspace.shard("cluster", 0), kind="embeddings")
    assert table["from_description"].to_pylist() == [False] * 9 + [True]
    assert outcome.facts["without_text"] == 1
    assert any(warning.startswith("1 family with nothing but a description") for warning in outcome.warnings)
    found = cluster.run(workspace, ClusterParams(labels="terms"))
    assert (found.facts["units"], found.facts["left_out"]) == (10, 1)
    assert any(warning.startswith("1 family with nothing but a description") for warning in found.warnings)
    assert artifacts.read_header(workspace.topics, kind="topics").json("scores")["n_from_description"] == 1


@pytest.mark.parametrize(
    ("selection", "text"), [("ta", "About gears."), ("claims", ""), ("description", "About gears."), ("title", "")]
)
def test_a_single_field_that_was_asked_for_is_not_replaced(tmp_path: Path, selection: str, text: str) -> None:
    workspace = Workspace(tmp_path)
    write_documents(workspace, [only_described(1, "About gears.")])
    (whole,) = read_wholes(workspace, EmbedParams(text=selection, unit="document"))
    assert (whole.text, whole.from_description) == (text, selection == "ta")


def test_an_opening_ends_between_words_and_is_no_longer_than_is_read_of_it() -> None:
    cut = texts.opening("word " * 900)
    assert len(cut) <= 2_000 and set(cut.split()) == {"word"}
    assert len(texts.opening("字" * 3_000)) == 2_000
    assert texts.opening("  short \n") == "short"


def test_only_the_row_groups_of_such_documents_are_read(tmp_path: Path) -> None:
    workspace, more = Workspace(tmp_path), artifacts.ROW_GROUP_ROWS
    documents = [*rows(more), *rows(more - 1, start=more), only_described(9_999, "A gear.")]
    write_documents(workspace, documents)
    content = bytearray(workspace.documents.read_bytes())
    schema = pq.read_schema(workspace.documents)
    first = pq.ParquetFile(workspace.documents).metadata.row_group(0).column(leaf_of(schema, "description"))
    start = first.dictionary_page_offset or first.data_page_offset
    content[start : start + first.total_compressed_size] = bytes(first.total_compressed_size)
    workspace.documents.write_bytes(bytes(content))
    wholes = list(read_wholes(workspace, EmbedParams(text="tac", unit="document")))
    assert len(wholes) == 2 * more and wholes[-1].text == "A gear."
    with pytest.raises(ArtifactError, match="damaged"):
        list(read_wholes(workspace, EmbedParams(text="full", unit="document")))


def leaf_of(schema: object, name: str) -> int:
    """Return the number of a column among the leaves of a file: each list here holds one."""
    return schema.names.index(name)
