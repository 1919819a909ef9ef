"""A finished map asked over HTTP: the same answers as the commands give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from patentclust import pipeline
from patentclust.params import ClusterParams, EmbedParams
from patentclust.stages import explain
from patentclust.workspace import Workspace
from tests.corpora import workspace_with

httpx = pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
from tests.serving import serving  # noqa: E402

GENE = "guide nuclease genome target sequence vector edit promoter"


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, minilm: Path) -> Workspace:
    workspace = workspace_with(tmp_path_factory.mktemp("map") / "out", 60)
    pipeline.embed(workspace, EmbedParams(model="minilm"))
    pipeline.cluster(workspace, replace(ClusterParams(), n_components=5))
    pipeline.report(workspace)
    return workspace


@pytest.fixture(scope="module")
def url(mapped: Workspace) -> Iterator[str]:
    with serving(mapped.root, None) as (address, engine):
        assert engine.spec.name == "minilm"  # the map's own
        yield address


def post(url: str, path: str, **more: Any) -> Any:
    return httpx.post(url + path, timeout=60, **more)


def test_a_text_and_a_number_find_what_the_command_finds(url: str, mapped: Workspace) -> None:
    files = sorted(mapped.root.rglob("*"))
    (found,) = post(url, "/v1/similar", json={"text": GENE, "top": 5}).json()
    (expected,) = pipeline.similar(mapped, "-", text=GENE)
    assert [hit["doc_id"] for hit in found["hits"]] == [hit.doc_id for hit in expected.hits[:5]]
    assert found["hits"][0]["similarity"] == pytest.approx(expected.hits[0].similarity, abs=1e-3)
    assert found["place"]["cluster"] == expected.place.cluster
    (found,) = post(url, "/v1/similar", json={"id": "US10000000", "office": "us", "top": 3}).json()
    assert found["doc_id"] == "US-10000000-B2" and len(found["hits"]) == 3
    assert sorted(mapped.root.rglob("*")) == files


def test_a_dropped_file_falls_where_its_like_are(url: str) -> None:
    patent = json.dumps({"id": "US22222222B2", "title": "Antenna", "abstract": "antenna base station uplink beam"})
    (found,) = post(url, "/v1/similar/file?top=2", content=patent.encode()).json()
    assert found["doc_id"] == "US-22222222-B2"
    assert [hit["title"].split()[0] for hit in found["hits"]] == ["Wireless", "Wireless"]


def test_clusters_explanations_and_the_page(url: str, mapped: Workspace) -> None:
    found = httpx.get(url + "/v1/clusters").json()
    assert [row["cluster_id"] for row in found] == list(range(len(found))) and len(found) == 3
    told = httpx.get(url + "/v1/explain/US-10000004-B2").json()
    assert told == json.loads(json.dumps(asdict(explain.run(mapped, "US-10000004-B2"))))
    page, report = httpx.get(url).text, mapped.report.read_text("utf-8")
    assert page.split("<body>")[1].startswith(report.split("<body>")[1].rpartition("</body>")[0])
    assert "live/live.js" in page and "live/live.js" not in report


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"id": "US1", "text": "a"}, 400),
        ({"text": " "}, 400),
        ({"text": "a", "years": "last"}, 400),
        ({"text": "a", "top": 0}, 400),
        ({"text": "a", "other": 1}, 400),
        ({"id": "US-99999999-B2"}, 404),
    ],
)
def test_wrong_questions_are_told(url: str, body: dict[str, Any], status: int) -> None:
    answer = post(url, "/v1/similar", json=body)
    assert (answer.status_code, set(answer.json())) == (status, {"error"})


@pytest.mark.parametrize("body", [b"", b"\0\1\2 no patent", b"%PDF-1.4 broken"])
def test_files_that_are_no_patent_are_told_without_our_paths(url: str, body: bytes) -> None:
    answer = post(url, "/v1/similar/file", content=body)
    assert answer.status_code in (400, 404, 422)
    assert "/tmp" not in answer.text


def test_a_map_of_another_model_is_not_compared(mapped: Workspace, tiny_f32: Path) -> None:
    with serving(mapped.root, str(tiny_f32)) as (address, _):
        answer = post(address, "/v1/similar", json={"text": GENE})
    assert answer.status_code == 404
    assert "was made with minilm" in answer.json()["error"]["message"]


def test_a_map_in_memory_is_counted_as_such(mapped: Workspace) -> None:
    with serving(mapped.root, None) as (address, _):
        for _ in range(3):
            httpx.get(address + "/v1/clusters")
        mapped.topics.touch()
        httpx.get(address + "/v1/clusters")
        figures = httpx.get(address + "/metrics").text
    assert 'patentclust_cache_hits_total{what="map"} 2.0' in figures
    assert 'patentclust_cache_misses_total{what="map"} 2.0' in figures
    assert 'patentclust_cache_misses_total{what="passages"} 0.0' in figures


def test_the_api_describes_itself(url: str) -> None:
    paths = httpx.get(url + "/openapi.json").json()["paths"]
    assert {"/v1/embeddings", "/v1/models", "/v1/similar", "/v1/clusters", "/health", "/metrics"} <= set(paths)
