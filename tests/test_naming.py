"""Who names clusters: terms, the model that made the vectors, a chat server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from patentclust.analysis import topics
from patentclust.analysis.topics import Nearness
from patentclust.embedders import chat
from patentclust.errors import ConfigError
from patentclust.params import ClusterParams, Resources
from patentclust.progress import Quiet


class ChatServer(ThreadingHTTPServer):
    """Answers chat requests with what `answers` hold, in turn: a status and a text."""

    def __init__(self, answers: list[tuple[int, str]]) -> None:
        super().__init__(("127.0.0.1", 0), Chat)
        self.answers, self.requests = answers, []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Chat(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append((self.path, asked))
        status, text = self.server.answers.pop(0) if self.server.answers else (200, "battery")
        said = {"choices": [{"message": {"content": text}}]} if status == 200 else {"error": {"message": text}}
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serving(monkeypatch) -> Iterator:
    monkeypatch.setattr(chat, "_FIRST_WAIT_SECONDS", 0.01)
    servers = []

    def start(*answers: tuple[int, str]) -> ChatServer:
        server = ChatServer(list(answers))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("Solid-state battery electrolytes", "Solid-state battery electrolytes"),
        ('  "Heart valves."\nBecause the titles say so.', "Heart valves"),
        ("<think>let me see\nvalves</think>\n**Heart valves**", "Heart valves"),
        ("<think>never ends", ""),
        ("<script>alert(1)</script>", "alert(1)"),
        ("a\x1b[31mred\u202e name", "a [31mred name"),
        ("", ""),
        ("...", ""),
        ("锂离子电池", "锂离子电池"),
        ("word " * 2000, ("word " * 16).strip()),
    ],
)
def test_what_a_model_answers_becomes_a_short_plain_line(answer, name):
    assert chat.cleaned(answer) == name
    assert len(chat.cleaned(answer)) <= chat.LONGEST_NAME


def test_a_server_is_asked_once_and_only_with_terms_and_titles(serving, tmp_path):
    server = serving((200, "Battery electrolytes"), (200, "Heart valves"))
    asked = [
        chat.question(None, terms=["electrolyte", "sulfide"], titles=["A battery\ncell"]),
        chat.question(None, terms=["valve"], titles=["A valve"]),
    ]
    params, kept = ClusterParams(labels="llm", labels_model="small", seed=3), tmp_path / "names.jsonl"
    resources = Resources(chat_url=server.url, offline=True)
    found = chat.names(asked, params, resources, kept, Quiet())
    assert found == (["Battery electrolytes", "Heart valves"], "")
    path, request = server.requests[0]
    assert path == "/v1/chat/completions"
    assert request["temperature"] == 0 and request["seed"] == 3 and request["model"] == "small"
    assert "electrolyte, sulfide" in request["messages"][0]["content"]
    assert "- A battery cell" in request["messages"][0]["content"]
    # A torn line is asked again; what is whole is not.
    kept.write_text(kept.read_text().splitlines()[0] + '\n{"question": "to')
    server.answers = [(200, "Valves of the heart")]
    assert chat.names(asked, params, resources, kept, Quiet())[0] == ["Battery electrolytes", "Valves of the heart"]
    assert len(server.requests) == 3


def test_a_server_that_fails_for_a_while_is_asked_again_and_one_that_refuses_is_not(serving, tmp_path):
    params = ClusterParams(labels="llm")
    server = serving((503, "loading"), (429, "slow down"), (200, "Valves"))
    found = chat.names(["q"], params, Resources(chat_url=server.url), tmp_path / "a", Quiet())
    assert found == (["Valves"], "")
    server = serving((200, "Valves"), (401, "who are you"))
    found, problem = chat.names(["q", "r"], params, Resources(chat_url=server.url), tmp_path / "b", Quiet())
    assert found == ["Valves", ""]
    assert "401: who are you" in problem
    assert len(server.requests) == 2


def test_no_server_another_machine_and_an_empty_prompt_are_refused(tmp_path, monkeypatch):
    monkeypatch.delenv(chat.URL_VARIABLE, raising=False)
    params, kept = ClusterParams(labels="llm"), tmp_path / "names"
    with pytest.raises(ConfigError, match="needs a chat server"):
        chat.names(["q"], params, Resources(), kept, Quiet())
    with pytest.raises(ConfigError, match="another machine"):
        chat.names(["q"], params, Resources(chat_url="http://example.com/v1", offline=True), kept, Quiet())
    with pytest.raises(ConfigError, match="neither"):
        chat.question("Name it!", terms=[], titles=[])


def test_terms_near_the_centre_lead_and_repetitions_fall_behind():
    directions = {"battery": [1, 0.1], "batteries pack": [0.99, 0.14], "cathode": [0.8, -0.6], "housing": [0, 1]}

    def encode(terms: list[str]) -> np.ndarray:
        rows = np.array([directions[t] for t in terms], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    terms = [topics.Term("housing", 4.0), topics.Term("battery", 3.0), topics.Term("batteries pack", 2.0)]
    terms.append(topics.Term("cathode", 2.8))
    nearness = Nearness(np.array([[1, 0]], np.float32), encode)
    ranked = [t.term for t in topics._near(terms, 0, nearness)]
    assert ranked == ["battery", "cathode", "batteries pack", "housing"]
    assert topics._near([], 0, nearness) == []


def test_terms_are_ranked_in_each_language_for_its_own_places():
    texts = ["battery cell housing"] * 6 + ["电池 外壳"] * 4
    labels, languages = np.zeros(10, int), ["en"] * 6 + ["zh"] * 4
    nearness = Nearness(np.array([[1, 0]], np.float32), lambda terms: np.eye(2, dtype=np.float32)[[0] * len(terms)])
    found = topics.extract(texts, labels, languages, nearness=nearness)[0]
    plain = topics.extract(texts, labels, languages)[0]
    assert {t.term for t in found} == {t.term for t in plain}


def test_a_language_that_the_model_does_not_read_is_left_to_the_terms():
    texts = ["battery cell housing anode"] * 6 + ["电池 外壳 电极 密钥"] * 6
    labels, languages = np.repeat([0, 1], 6), ["en"] * 6 + ["zh"] * 6
    asked: list[str] = []

    def encode(terms: list[str]) -> np.ndarray:
        asked.extend(terms)
        return np.eye(2, dtype=np.float32)[[0] * len(terms)]

    nearness = Nearness(np.eye(2, dtype=np.float32), encode, languages=("en",))
    found = topics.extract(texts, labels, languages, nearness=nearness)
    assert asked and all(term.isascii() for term in asked)
    assert found[1] == topics.extract(texts, labels, languages)[1]
