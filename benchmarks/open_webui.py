"""Make a knowledge base in a running Open WebUI from patents, and ask it each one's title.

    python benchmarks/open_webui.py http://127.0.0.1:8080 PATENTS.jsonl.gz [--n 30]

Open WebUI must run with WEBUI_AUTH=False and with this project's server as its embedding engine
(docs/open-webui.md). A patent becomes a text file of its abstract and claims, without its title; the title is then
the question, and the file of that patent the right answer.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path
from typing import Any

import httpx


def patents(path: Path, n: int) -> list[dict[str, Any]]:
    """Return n patents with a title and an abstract, spread evenly over the file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row.get("title") and row.get("abstract")]
    return rows[:: max(1, len(rows) // n)][:n]


class WebUI:
    """The few calls of Open WebUI's API that a knowledge base needs."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/api/v1", timeout=120)
        token = self.call("POST", "/auths/signin", json={"email": "", "password": ""})["token"]
        self.http.headers["authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Return what the API answers, or stop."""
        answer = self.http.request(method, path, **more)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def add(self, base: str, name: str, text: str) -> None:
        """Upload a text file, wait until it is embedded, and put it into a knowledge base."""
        content = {"file": (name, text.encode(), "text/plain")}
        found = self.call("POST", "/files/?process_in_background=false", files=content)
        self.call("POST", f"/knowledge/{base}/file/add", json={"file_id": found["id"]})

    def ask(self, base: str, question: str) -> list[str]:
        """Return the names of the files whose chunks are nearest."""
        asked = {"collection_names": [base], "query": question, "k": 3, "hybrid": False}
        found = self.call("POST", "/retrieval/query/collection", json=asked)
        return [meta["name"] for meta in found["metadatas"][0]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("patents", type=Path)
    parser.add_argument("--n", type=int, default=30)
    chosen = parser.parse_args()
    webui = WebUI(chosen.url)
    engine = webui.call("GET", "/retrieval/embedding")
    print("engine:", engine["RAG_EMBEDDING_ENGINE"], engine["RAG_EMBEDDING_MODEL"], engine["openai_config"]["url"])
    about = {"name": "patents", "description": "abstracts and claims"}
    base = webui.call("POST", "/knowledge/create", json=about)["id"]
    rows = patents(chosen.patents, chosen.n)
    start = time.monotonic()
    for row in rows:
        webui.add(base, f"{row['id']}.txt", "\n\n".join([row["abstract"], *row.get("claims", [])]))
    print(f"{len(rows)} patents embedded in {time.monotonic() - start:.1f} s")
    first = within = 0
    for row in rows:
        names = webui.ask(base, row["title"])
        first += names[0] == f"{row['id']}.txt"
        within += f"{row['id']}.txt" in names
    print(f"the title finds its patent first: {first} of {len(rows)}; among three chunks: {within}")
    example = rows[len(rows) // 2]
    print(f"example: {example['title']!r} (of {example['id']}) ->", ", ".join(webui.ask(base, example["title"])))


if __name__ == "__main__":
    main()
