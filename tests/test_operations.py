"""The server as an operator runs it: a process behind nginx with TLS, watched by Prometheus, stopped by a signal."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from patentclust.serve import keys
from patentclust.workspace import Workspace
from tests.tiny_model import SAMPLE

httpx = pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")

EXAMPLES = Path(__file__).parents[1] / "examples" / "operations"
SECRET = "a secret invention"


def needs(*programs: str) -> Any:
    missing = [name for name in programs if shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin") is None]
    return pytest.mark.skipif(bool(missing), reason=f"not on the path: {', '.join(missing)}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(answers: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if answers():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("it never answered")


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def served(folder: Path, model: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    command = [sys.executable, "-m", "patentclust", "serve", "-w", str(folder), "--model", str(model)]
    with running([*command, "--port", str(port), "--threads", "1"], folder / "log") as process:
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200)
        yield port, process


def embed(port: int, texts: list[str]) -> Any:
    return httpx.post(f"http://127.0.0.1:{port}/v1/embeddings", json={"input": texts}, timeout=60)


def test_a_signal_stops_it_after_what_is_in_flight_and_the_log_holds_no_text(tmp_path: Path, tiny_f32: Path) -> None:
    with served(tmp_path, tiny_f32) as (port, process), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(embed, port, [SECRET + SAMPLE * 4] * 250)
        time.sleep(0.7)
        assert not asked.done()
        process.send_signal(signal.SIGTERM)
        answer = asked.result()
        process.wait(30)
    assert answer.status_code == 200 and len(answer.json()["data"]) == 250
    address, *lines = (tmp_path / "log").read_text("utf-8").splitlines()
    assert address == f"http://127.0.0.1:{port}"
    facts = [json.loads(line) for line in lines]
    (request,) = [line for line in facts if line.get("route") == "/v1/embeddings"]
    assert (request["status"], request["texts"]) == (200, 250)
    assert "secret" not in (tmp_path / "log").read_text("utf-8")


@needs("nginx", "openssl", "curl")
def test_nginx_brings_tls_and_demands_a_key(tmp_path: Path, tiny_f32: Path) -> None:
    name, https = "patents.example.org", free_port()
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    make += ["-addext", f"subjectAltName=DNS:{name}", "-keyout", f"{tmp_path}/key", "-out", f"{tmp_path}/cert"]
    subprocess.run(make, check=True, capture_output=True)
    with served(tmp_path, tiny_f32) as (port, _):
        site = (EXAMPLES / "nginx.conf").read_text("utf-8")
        for old, new in (
            ("/etc/ssl/certs/patents.example.org.pem", f"{tmp_path}/cert"),
            ("/etc/ssl/private/patents.example.org.key", f"{tmp_path}/key"),
            ("listen 443", f"listen 127.0.0.1:{https}"),
            ("127.0.0.1:8321", f"127.0.0.1:{port}"),
        ):
            assert site.count(old) == 1
            site = site.replace(old, new)
        spools = "".join(
            f"{kind}_temp_path {tmp_path}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        log = f"access_log off; error_log {tmp_path}/nginx-errors; pid {tmp_path}/pid;".split(" pid")
        whole = f"daemon off; pid{log[1]} events {{}} http {{ {log[0]} {spools} {site} }}"
        (tmp_path / "nginx.conf").write_text(whole)
        nginx = str(shutil.which("nginx", path="/usr/sbin:/usr/bin"))
        with running([nginx, "-p", str(tmp_path), "-c", f"{tmp_path}/nginx.conf"], tmp_path / "nginx-log"):
            curl = ["curl", "-s", "--cacert", f"{tmp_path}/cert", "--resolve", f"{name}:{https}:127.0.0.1"]

            def ask(path: str, *more: str) -> tuple[int, str]:
                command = [*curl, "-w", "\n%{http_code}", f"https://{name}:{https}{path}", *more]
                body, _, status = subprocess.run(command, capture_output=True, text=True).stdout.rpartition("\n")
                return int(status), body

            until(lambda: ask("/health")[0] == 200)
            body = ["-H", "content-type: application/json", "-d", json.dumps({"input": "a cell"})]
            assert ask("/v1/embeddings", *body)[0] == 401
            key = ["-H", f"authorization: Bearer {keys.add(Workspace(tmp_path).keys, 'lab', ['embed'])}"]
            status, answer = ask("/v1/embeddings", *body, *key)
            assert status == 200 and len(json.loads(answer)["data"]) == 1
            assert ask("/metrics", *key)[0] == 404
            (tmp_path / "large").write_bytes(b"x" * (65 << 20))
            assert ask("/v1/similar/file", *key, "--data-binary", f"@{tmp_path}/large")[0] == 413
            assert (
                "strict-transport-security"
                in subprocess.run(
                    [*curl, "-I", f"https://{name}:{https}/health"], capture_output=True, text=True
                ).stdout.lower()
            )


@needs("prometheus")
def test_every_query_of_the_dashboard_finds_figures_in_prometheus(tmp_path: Path, tiny_f32: Path) -> None:
    with served(tmp_path, tiny_f32) as (port, _):
        settings = (EXAMPLES / "prometheus.yml").read_text("utf-8")
        assert "15s" in settings and "127.0.0.1:8321" in settings
        settings = settings.replace("15s", "1s").replace("127.0.0.1:8321", f"127.0.0.1:{port}")
        (tmp_path / "prometheus.yml").write_text(settings)
        address = f"127.0.0.1:{free_port()}"
        command = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
        command = ["prometheus", *command, f"--web.listen-address={address}"]
        with running(command, tmp_path / "prometheus-log"):
            until(lambda: httpx.get(f"http://{address}/-/ready").status_code == 200)
            dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text("utf-8"))
            queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
            assert len(queries) == 21
            for query in queries:
                until(lambda asked=query: finds(port, address, asked))


def finds(port: int, prometheus: str, query: str) -> bool:
    """Let the server work, and tell whether a query of the dashboard gives numbers."""
    assert embed(port, ["a cell", "an antenna"]).status_code == 200
    asked = {"query": query.replace("$__rate_interval", "30s")}
    found = httpx.get(f"http://{prometheus}/api/v1/query", params=asked).json()
    assert found["status"] == "success", (query, found)
    values = [float(row["value"][1]) for row in found["data"]["result"]]
    return bool(values) and all(value == value for value in values)
