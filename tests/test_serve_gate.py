"""Who gets in, how much they may send, what answers carry, and what the log leaves out."""

from __future__ import annotations

import json
import logging
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patentclust import serve
from patentclust.cli import app
from patentclust.errors import ConfigError
from patentclust.params import Resources
from patentclust.progress import Quiet
from patentclust.serve import keys
from patentclust.serve.settings import Settings, is_loopback
from patentclust.workspace import Workspace

httpx = pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
from patentclust.serve.gate import LOG, JsonLines  # noqa: E402
from tests.serving import serving  # noqa: E402

ASK = {"input": "a secret invention"}


@pytest.fixture(scope="module")
def guarded(tiny_f32: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Workspace]]:
    root = tmp_path_factory.mktemp("guarded")
    limits = {"most_body_bytes": 10_000, "most_upload_bytes": 20_000}
    with serving(root, str(tiny_f32), origins=("https://listed.example",), **limits) as (url, _):
        yield url, Workspace(root)


def ask(url: str, body: Any = ASK, **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(url + "/v1/embeddings", json=body, headers=names, timeout=30)


def test_this_machine_needs_no_key_and_others_do(guarded: Any) -> None:
    url, workspace = guarded
    assert ask(url).status_code == 200
    # Behind a proxy on this machine may be anybody.
    refused = ask(url, x_forwarded_for="203.0.113.9")
    assert refused.status_code == 401 and "www-authenticate" in refused.headers
    text = keys.add(workspace.keys, "lab", ["embed"])
    assert ask(url, x_forwarded_for="203.0.113.9", authorization=f"Bearer {text}").status_code == 200
    assert ask(url, x_forwarded_for="203.0.113.9", authorization=f"Bearer {text}x").status_code == 401
    clusters = httpx.get(url + "/v1/clusters", headers={"authorization": f"Bearer {text}", "via": "a proxy"})
    assert clusters.status_code == 403
    keys.revoke(workspace.keys, "lab")
    assert ask(url, via="a proxy", authorization=f"Bearer {text}").status_code == 401


def test_a_browser_gives_the_key_as_its_password(guarded: Any) -> None:
    url, workspace = guarded
    text = keys.add(workspace.keys, "page", ["search"])
    away = {"x-real-ip": "203.0.113.9"}
    assert httpx.get(url, headers=away).status_code == 401
    found = httpx.get(url, headers=away, auth=("anybody", text))
    assert found.status_code == 404 and "patentclust report" in found.text
    assert httpx.get(url + "/metrics", headers=away, auth=("anybody", text)).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"host": "rebound.example"}, {"origin": "null"}]
)
def test_pages_of_other_sites_are_not_this_machine(guarded: Any, headers: dict[str, str]) -> None:
    assert ask(guarded[0], **headers).status_code == 401


def test_only_listed_origins_may_call_from_a_browser(guarded: Any) -> None:
    listed = ask(guarded[0], origin="https://listed.example")
    assert listed.headers["access-control-allow-origin"] == "https://listed.example"
    preflight = {"access-control-request-method": "POST", "origin": "https://evil.example"}
    answer = httpx.options(guarded[0] + "/v1/embeddings", headers=preflight)
    assert "access-control-allow-origin" not in answer.headers


def test_bodies_have_limits_declared_or_not(guarded: Any) -> None:
    def parts() -> Iterator[bytes]:
        yield from [b"x" * 1000] * 30

    assert ask(guarded[0], {"input": "x" * 20_000}).status_code == 413
    for path in ("/v1/embeddings", "/v1/similar/file"):
        answer = httpx.post(guarded[0] + path, content=parts(), headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert "larger than" in answer.json()["error"]["message"]


def test_answers_carry_security_headers(guarded: Any) -> None:
    for answer in (ask(guarded[0]), httpx.get(guarded[0] + "/nothing"), ask(guarded[0], via="a proxy")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
        assert answer.status_code == 200 or set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_the_log_tells_of_requests_and_never_of_texts(guarded: Any, caplog: pytest.LogCaptureFixture) -> None:
    LOG.propagate = True
    with caplog.at_level(logging.INFO, logger=LOG.name):
        ask(guarded[0])
        httpx.get(guarded[0] + "/v1/explain/US-1234-B2?secret=1")
        ask(guarded[0], {"input": "secret", "dimensions": "secret"})
        deadline = time.monotonic() + 10  # a line is written after its answer has gone out
        while sum(record.name == LOG.name for record in caplog.records) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == LOG.name]
    assert [line["route"] for line in lines] == ["/v1/embeddings", "/v1/explain/{publication}", "/v1/embeddings"]
    assert lines[0]["texts"] == 1 and lines[0]["tokens"] > 1
    assert not any(word in json.dumps(lines) for word in ("secret", "1234"))


def test_an_open_address_without_keys_is_refused(tmp_path: Path, tiny_f32: Path) -> None:
    settings = Settings(host="0.0.0.0")
    with pytest.raises(ConfigError, match="no key"):
        serve.run(Workspace(tmp_path), str(tiny_f32), settings, resources=Resources(), progress=Quiet(), on_ready=print)


def test_keys_are_kept_as_hashes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app(["keys", "add", "lab", "--scope", "search", "-w", str(tmp_path)], standalone_mode=False)
    text = capsys.readouterr().out.strip()
    (path,) = Workspace(tmp_path).keys.iterdir()
    assert text not in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.holder(Workspace(tmp_path).keys, text).scopes == ("search",)
    app(["keys", "list", "-w", str(tmp_path)], standalone_mode=False)
    assert "lab" in capsys.readouterr().out
    app(["keys", "revoke", "lab", "-w", str(tmp_path)], standalone_mode=False)
    assert keys.holder(Workspace(tmp_path).keys, text) is None


@pytest.mark.parametrize(("name", "scopes"), [("../x", ["embed"]), ("", ["embed"]), ("a", ["root"]), ("a", [])])
def test_wrong_names_and_scopes_are_told(tmp_path: Path, name: str, scopes: list[str]) -> None:
    with pytest.raises(ConfigError):
        keys.add(tmp_path, name, scopes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True), ("0.0.0.0", False), ("x.org", False)],
)
def test_loopback_is_told_from_other_addresses(host: str, own: bool) -> None:
    assert is_loopback(host) is own
