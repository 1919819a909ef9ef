"""What we write for stores and for Grafana, held against the types that they publish for TypeScript.

PATENTCLUST_TEST_NPM names a folder made by
`npm i typescript @types/node @elastic/elasticsearch @opensearch-project/opensearch @qdrant/js-client-rest
weaviate-client @pinecone-database/pinecone @grafana/schema`. All of these but Pinecone's are generated from the maker's
own specification. Each type must also turn down a body that was spoilt, else it would prove nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from patentclust import pipeline
from patentclust.workspace import Workspace
from tests.test_export import mapped as mapped

NPM = os.environ.get("PATENTCLUST_TEST_NPM", "")
DASHBOARD = Path(__file__).parents[1] / "examples" / "operations" / "grafana-dashboard.json"
OPENSEARCH = "./node_modules/@opensearch-project/opensearch/api"


@dataclass(frozen=True)
class Case:
    """A body of ours, the published type it must have, and how to spoil it."""

    imported: str
    expected: str
    body: Callable[[Path], Any]
    spoil: Callable[[Any], Any]


def first(name: str) -> Callable[[Path], Any]:
    """Return how to read the first line of a file of an export, or all of it where it is one line."""
    return lambda folder: json.loads((folder / name).read_text("utf-8").splitlines()[0])


def record(folder: Path) -> Any:
    (row, *_) = pq.read_table(folder).to_pylist()
    return row | {"metadata": json.loads(row["metadata"])}


def put(value: Any, *path: Any) -> Callable[[Any], Any]:
    """Return how to spoil a body: another value at one place of it."""

    def spoil(body: Any) -> Any:
        at = body
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        return body

    return spoil


ELASTIC = 'import type { estypes } from "@elastic/elasticsearch";'
QDRANT = 'import type { Schemas } from "@qdrant/js-client-rest";'
WEAVIATE = 'import type { definitions } from "./node_modules/weaviate-client/dist/node/esm/openapi/schema.js";'
CASES = {
    "elasticsearch_index": Case(
        ELASTIC,
        'Omit<estypes.IndicesCreateRequest, "index">',
        first("index.json"),
        put("16", "mappings", "properties", "vector", "dims"),
    ),
    "elasticsearch_inference": Case(
        ELASTIC,
        'Omit<estypes.InferencePutOpenaiRequest, "task_type" | "openai_inference_id">',
        first("inference.json"),
        put("other", "service"),
    ),
    "elasticsearch_pipeline": Case(
        ELASTIC,
        'Omit<estypes.IngestPutPipelineRequest, "id">',
        first("pipeline.json"),
        put([], "processors", 0, "inference", "model_id"),
    ),
    "elasticsearch_bulk": Case(
        ELASTIC, "estypes.BulkOperationContainer", first("bulk-00000.ndjson"), put(1, "index", "_index")
    ),
    "opensearch_index": Case(
        f'import type {{ Indices_Create_RequestBody }} from "{OPENSEARCH}/indices/create.d.ts";',
        "Indices_Create_RequestBody",
        first("index.json"),
        put("16", "mappings", "properties", "vector", "dimension"),
    ),
    "opensearch_bulk": Case(
        f'import type {{ OperationContainer }} from "{OPENSEARCH}/_types/_core.bulk.d.ts";',
        "OperationContainer",
        first("bulk-00000.ndjson"),
        put(1, "index", "_index"),
    ),
    "qdrant_collection": Case(
        QDRANT, 'Schemas["CreateCollection"]', first("collection.json"), put("cosine", "vectors", "distance")
    ),
    "qdrant_points": Case(
        QDRANT, 'Schemas["PointInsertOperations"]', first("points-00000.json"), put({}, "points", 0, "id")
    ),
    "weaviate_class": Case(
        WEAVIATE, 'definitions["Class"]', first("class.json"), put("text", "properties", 0, "dataType")
    ),
    "weaviate_objects": Case(
        WEAVIATE,
        '{ objects: definitions["Object"][] }',
        first("objects-00000.json"),
        put("0.1", "objects", 0, "vector"),
    ),
    "pinecone_record": Case(
        'import type { PineconeRecord } from "@pinecone-database/pinecone";',
        "PineconeRecord",
        record,
        put(None, "metadata", "year"),
    ),
    "grafana_dashboard": Case(
        'import type { Dashboard } from "./node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen.d.ts";',
        "Dashboard",
        lambda _: json.loads(DASHBOARD.read_text("utf-8")),
        put("wide", "panels", 0, "gridPos", "w"),
    ),
}


@pytest.fixture(scope="module")
def said(mapped: Workspace, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what the TypeScript compiler says of all bodies, sound and spoilt, in one run."""
    if not NPM:
        pytest.skip("PATENTCLUST_TEST_NPM names no folder with the stores' published types")
    root = tmp_path_factory.mktemp("types")
    (root / "node_modules").symlink_to(Path(NPM) / "node_modules")
    for name, case in CASES.items():
        store = name.split("_")[0]
        if store != "grafana":
            pipeline.export(mapped, store)
        body = case.body(mapped.exports(store))
        for what, value in (("sound", json.dumps(body)), ("spoilt", json.dumps(case.spoil(body)))):
            code = f"{case.imported}\nexport const body: {case.expected} = {value};\n"
            (root / f"{name}_{what}.ts").write_text(code, "utf-8")
    compiler = NPM + "/node_modules/typescript/bin/tsc"
    options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"]
    files = sorted(path.name for path in root.glob("*.ts"))
    done = subprocess.run(["node", compiler, *options, *files], cwd=root, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", CASES)
def test_it_has_the_published_type(said: str, name: str) -> None:
    assert f"{name}_sound.ts" not in said, said
    assert f"{name}_spoilt.ts" in said, "the published type takes anything here"
