"""Every Parquet file of a workspace, opened as it is by the programs that people open Parquet with."""

import pyarrow.parquet as pq
import pytest

from patentclust.schemas import SCHEMA_VERSION
from tests.test_graph import mapped

TITLE = "固体电解质 = \U0001f50b <b>"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    from patentclust.stages import graph

    workspace = mapped(tmp_path_factory.mktemp("parquet"), 40, title=TITLE)
    graph.run(workspace)
    tables = [workspace.documents, workspace.clusters, workspace.topics, *workspace.shards("cluster")]
    tables += [workspace.graph_files["nodes"], workspace.graph_files["edges"]]
    return {path.name: path for path in tables}


def expected(path):
    parquet = pq.ParquetFile(path)
    return parquet.metadata.num_rows, parquet.schema_arrow.names


def test_duckdb_opens_them_all_and_joins_them(files):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    for path in files.values():
        read = duckdb.read_parquet(str(path))
        assert (read.shape[0], read.columns) == expected(path)
        read.fetchall()
    joined = duckdb.sql(
        f"select t.label, count(*) n from '{files['clusters.parquet']}' c join '{files['topics.parquet']}' t "
        f"using (layer, cluster_id) join '{files['documents.parquet']}' d on d.doc_id = c.unit_id group by 1"
    ).fetchall()
    clustered = pq.read_table(files["clusters.parquet"])["cluster_id"].to_pylist()
    assert sum(n for _, n in joined) == sum(cluster >= 0 for cluster in clustered) > 0
    found = duckdb.sql(f"select title from '{files['documents.parquet']}' where doc_id = 'US-00003-A1'").fetchall()
    assert found == [(TITLE,)]


def test_polars_opens_them_all_and_scans_them_lazily(files):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    for path in files.values():
        read = polars.read_parquet(path)
        assert (read.height, read.columns) == expected(path)
    documents = polars.scan_parquet(files["documents.parquet"]).filter(polars.col("doc_id") == "US-00003-A1").collect()
    assert documents["title"].to_list() == [TITLE]
    assert documents["ipc"].to_list() == [["H01M10/0562"]]


def test_pandas_opens_them_all_with_vectors_as_rows(files):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    for path in files.values():
        read = pandas.read_parquet(path)
        assert (len(read), list(read.columns)) == expected(path)
    vectors = pandas.read_parquet(files["part-00000.parquet"])["vector"]
    assert {len(vector) for vector in vectors} == {16}
    assert pandas.read_parquet(files["documents.parquet"]).set_index("doc_id").title["US-00003-A1"] == TITLE


def test_every_file_says_what_it_is_to_any_reader(files):
    for name, path in files.items():
        metadata = pq.read_schema(path).metadata
        assert metadata[b"patentclust.schema"] == str(SCHEMA_VERSION).encode(), name
        assert all(field.metadata[b"description"] for field in pq.read_schema(path))
