"""Names for clusters from a chat server that speaks `/v1/chat/completions`. Sends what `question` holds, nothing else.

What a server answers is kept, so that a question is asked once and a map made again has the same names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import unicodedata
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from patentclust.embedders import openai
from patentclust.errors import ConfigError, ModelError
from patentclust.params import ClusterParams, Resources
from patentclust.progress import Progress
from patentclust.schemas import counted

URL_VARIABLE = "PATENTCLUST_LABELS_URL"
# A name that is longer fits no map; an answer that is longer than this many tokens is no name.
LONGEST_NAME, _MOST_TOKENS = 80, 400
_ATTEMPTS, _FIRST_WAIT_SECONDS = 6, 0.5
_TITLES, _TITLE_CHARS, _TERMS = 5, 200, 10
_THOUGHTS = re.compile(r"<think>.*?(</think>|$)", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"<[^<>]*>|[*_`#\"“”„«»]+")


def check(params: ClusterParams, resources: Resources) -> None:
    """Refuse what could not be asked, before there is something to ask.

    Raises:
        ConfigError: no server was named, --offline forbids it, or the prompt has no place for what is asked.
    """
    _url(resources)
    question(params.labels_prompt, terms=(), titles=())


def question(template: str | None, *, terms: Sequence[str], titles: Sequence[str]) -> str:
    """Return what a server is asked of one cluster: its leading terms and the titles of its medoids, in a template.

    Raises:
        ConfigError: the template lacks `{terms}` and `{titles}`.
    """
    text = template or (files("patentclust.models") / "label_prompt.txt").read_text(encoding="utf-8")
    if "{terms}" not in text and "{titles}" not in text:
        raise ConfigError("the prompt holds neither {terms} nor {titles}", hint="put them where they belong in it")
    listed = "\n".join(f"- {' '.join(title.split())[:_TITLE_CHARS]}" for title in titles[:_TITLES])
    return text.replace("{terms}", ", ".join(terms[:_TERMS])).replace("{titles}", listed)


def names(
    questions: Sequence[str], params: ClusterParams, resources: Resources, kept: Path, progress: Progress
) -> tuple[list[str], str]:
    """Return a name for each question, empty where there is none, and why not.

    Args:
        questions: of `question`.
        params: names the model.
        resources: its first `chat_url` is asked; the environment's where it has none.
        kept: a file of answers, read first and added to.
        progress: told before anything is sent.

    Raises:
        ConfigError: no server was named, or --offline forbids it.
    """
    url = _url(resources)
    answers = _read(kept)
    keys = [_key(params.labels_model, text) for text in questions]
    missing = [i for i, key in enumerate(keys) if key not in answers]
    problem = ""
    if missing:
        progress.note(
            f"{openai.shown(url)} is asked to name {counted(len(missing), 'cluster')}: it is sent their leading terms"
            f" and the titles of {_TITLES} patents of each, nothing else"
        )
        with progress.task("asking for names", total=len(missing), unit="clusters") as task, openai.client() as client:
            for i in missing:
                try:
                    answers[keys[i]] = _ask(client, url, params, questions[i])
                except ModelError as error:
                    problem = f"{error}; clusters without an answer keep the names made of their terms"
                    break
                _keep(kept, keys[i], answers[keys[i]])
                task.advance(1)
    found = [cleaned(answers.get(key, "")) for key in keys]
    if not problem and not all(found):
        problem = f"{counted(found.count(''), 'answer')} held no name; these clusters keep names made of their terms"
    return found, problem


def cleaned(answer: str) -> str:
    """Return a model's answer as a name: one line of plain text, LONGEST_NAME characters at most; else empty."""
    text = _MARKUP.sub(" ", _THOUGHTS.sub(" ", answer))
    lines = [line for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    kept = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in first)
    name = " ".join(kept.split()).strip(" .:;,-–'")
    if len(name) > LONGEST_NAME:
        name = name[:LONGEST_NAME].rsplit(" ", 1)[0]
    return name if any(c.isalnum() for c in name) else ""


def _url(resources: Resources) -> str:
    url = resources.chat_url or os.environ.get(URL_VARIABLE, "")
    if not url:
        raise ConfigError(
            "--labels llm needs a chat server", hint=f"give --labels-url http://HOST:PORT/v1, or {URL_VARIABLE}"
        )
    return openai.allowed(url, resources)


def _key(model: str | None, text: str) -> str:
    return hashlib.sha256(f"{model}\n{text}".encode(errors="replace")).hexdigest()


def _read(kept: Path) -> dict[str, str]:
    """Return answers by key; a line that a crash tore is asked again."""
    found = {}
    for line in kept.read_text(encoding="utf-8", errors="replace").splitlines() if kept.exists() else []:
        try:
            row = json.loads(line)
            found[str(row["question"])] = str(row["answer"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _keep(kept: Path, key: str, answer: str) -> None:
    with kept.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"question": key, "answer": answer}) + "\n")


def _ask(client: Any, url: str, params: ClusterParams, text: str) -> str:
    """Return what the server answers to one question; try again where that may help."""
    import httpx

    request = {
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "seed": params.seed,
        "max_tokens": _MOST_TOKENS,
    } | ({"model": params.labels_model} if params.labels_model else {})
    wait, said = _FIRST_WAIT_SECONDS, ""
    for attempt in range(_ATTEMPTS):
        asked_wait = 0.0
        try:
            answer = client.post(f"{url}/chat/completions", json=request)
            if answer.status_code == 200:
                return _content(answer, url)
            said = f"{answer.status_code}: {openai.words(answer)}"
            if answer.status_code not in openai.TRY_AGAIN:
                break
            asked_wait = openai.seconds(answer.headers.get("retry-after", ""))
        except httpx.TransportError as error:
            said = str(error) or type(error).__name__
        if attempt + 1 < _ATTEMPTS:
            time.sleep(max(asked_wait, wait))
        wait *= 2
    raise ModelError(f"{openai.shown(url)} gave no name: {said}", hint="is the chat server up, and --labels-url right?")


def _content(answer: Any, url: str) -> str:
    try:
        return str(answer.json()["choices"][0]["message"]["content"] or "")
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelError(
            f"{openai.shown(url)} gave no chat answer but: {openai.words(answer)}",
            hint="does it speak /v1/chat/completions?",
        ) from error
