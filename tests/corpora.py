"""Small made-up documents, written as the ingest stage writes them."""

from __future__ import annotations

import random
from pathlib import Path

from patentclust import artifacts
from patentclust.artifacts import Stamp
from patentclust.schemas import DOCUMENTS, FAILURES
from patentclust.workspace import Workspace

TOPICS = {
    "battery": ["lithium", "battery", "cathode", "electrolyte", "anode", "separator", "charging", "cell", "voltage"],
    "wireless": ["antenna", "base", "station", "uplink", "carrier", "beam", "channel", "terminal", "handover"],
    "gene": ["guide", "nuclease", "genome", "target", "sequence", "vector", "cell", "edit", "promoter"],
}


def sentence(topic: str, rng: random.Random, n_words: int = 30) -> str:
    return " ".join(rng.choice(TOPICS[topic]) for _ in range(n_words)) + "."


def rows(n: int, *, seed: int = 1, start: int = 0) -> list[dict[str, object]]:
    rng = random.Random(seed)
    names = list(TOPICS)
    return [row(i, names[i % len(names)], rng) for i in range(start, start + n)]


def row(i: int, topic: str, rng: random.Random) -> dict[str, object]:
    empty = {field.name: [] for field in DOCUMENTS.schema if str(field.type).startswith("list")}
    values = {
        "doc_id": f"US-{10_000_000 + i}-B2",
        "title": f"{topic.title()} {i}",
        "abstract": sentence(topic, rng),
        "claims": [f"1. {sentence(topic, rng)}", f"2. The thing of claim 1, {sentence(topic, rng, 8)}"],
        "independent": [True, False],
        "description": "\n".join(sentence(topic, rng) for _ in range(3)),
        "language": "en",
        "country": "US",
        "kind": "B2",
        "applicants": ["Example AG"],
        "assignee_names": ["EXAMPLE"],
        "family_id": f"simple:US-{i}",
        "representative": True,
        "ipc": ["H01M10/0525"],
        "source_path": f"in/{i}.xml",
        "source_sha256": "0" * 64,
        "source_format": "test",
    }
    absent = {field.name: None for field in DOCUMENTS.schema if field.nullable}
    return absent | empty | values


def write_documents(workspace: Workspace, documents: list[dict[str, object]], *, tag: str = "a") -> None:
    stamp = Stamp(kind="documents", params={"tag": tag})
    artifacts.write_rows(workspace.documents, DOCUMENTS, stamp, documents)
    artifacts.write_rows(workspace.failures, FAILURES, Stamp(kind="failures", params={"tag": tag}), [])


def workspace_with(path: Path, n: int) -> Workspace:
    workspace = Workspace(path)
    write_documents(workspace, rows(n))
    return workspace


def file_bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.parquet"))}
