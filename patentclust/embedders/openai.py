"""Texts to unit vectors by servers that speak `/v1/embeddings`: vLLM, SGLang, llama.cpp, Ollama, TEI and the like.

The prompt, the windows, the cut to fewer dimensions and the unit length are ours, as in process; the server only runs
the model. Keys come from the environment alone. Nothing else of the user's data goes anywhere.
"""

from __future__ import annotations

import base64
import itertools
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from patentclust.analysis.texts import estimate_tokens
from patentclust.analysis.vectors import cut
from patentclust.embedders import Encoded, OnDone
from patentclust.embedders.llama import LlamaModel
from patentclust.errors import ConfigError, MissingExtraError, ModelError
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources

BATCH_TEXTS, BATCH_TOKENS = 16, 16_384
KEY_VARIABLES = ("PATENTCLUST_API_KEY", "OPENAI_API_KEY")
URL_VARIABLE = "PATENTCLUST_BASE_URL"
_ATTEMPTS, _FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 6, 0.5, 30.0
_TIMEOUT_SECONDS = 600.0
TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_NOBODYS_TEXT = {401, 403, 404, 405}
_LEAST_AGREEMENT = 0.999
# No model reads less; a text beyond is tried without its last part, and vectors so alike are those of a cut text.
_SURELY_READ_TOKENS, _LAST_PART, _SAME_VECTOR = 120, 16, 1 - 1e-6
_PROBE = "A battery cell with a solid electrolyte."
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _RefusedError(Exception):
    """A server will not take these texts, and said why."""


@dataclass(frozen=True)
class _Piece:
    text: int
    content: str
    n_tokens: float


class ServerEmbedder:
    """Embed texts on one or several servers that run the same model.

    Attributes:
        dim: length of a vector after the Matryoshka cut.
        packing: how texts are sent.
    """

    def __init__(self, path: Path | None, spec: ModelSpec, *, params: EmbedParams, resources: Resources) -> None:
        """Ask each server for one vector; `path` is a GGUF whose tokeniser counts, where one is at hand.

        Raises:
            ConfigError: no server was named.
            ModelError: a server cannot be reached, refuses, or gives other vectors than its fellows.
        """
        self._urls = checked_urls(resources)
        self._client = client()
        self._template = spec.prompt(params.task, params.instruction)
        self._query_template = spec.templates.get("query", self._template)
        self._model, self._long = spec.served_as or spec.name, params.long
        self._format = "base64"
        self._tokenizer = LlamaModel(path, vocabulary_only=True) if path is not None else None
        self._window = params.max_tokens or spec.context_tokens
        self._seen_whole_tokens: float = _SURELY_READ_TOKENS
        self._pool = ThreadPoolExecutor(resources.n_requests * len(self._urls))
        self._next_url = itertools.cycle(range(len(self._urls)))
        full_dim = self._probe()
        if spec.dim not in (None, full_dim):
            raise ModelError(f"{shown(self._urls[0])}: models.toml says dim {spec.dim}, the server gives {full_dim}")
        self.dim = params.dim or full_dim
        if self.dim > full_dim:
            raise ConfigError(f"dim is {self.dim}; {spec.name} gives {full_dim}", hint="lower --dim")
        self.packing: dict[str, int | str] = {"batch_texts": BATCH_TEXTS, "batch_tokens": BATCH_TOKENS}
        if self._window:
            self.packing["window_tokens"] = self._window

    def _probe(self) -> int:
        vectors = []
        for index, url in enumerate(self._urls):
            try:
                vectors.append(self._ask([_PROBE], first_url=index)[0][0])
            except _RefusedError as error:
                raise ModelError(
                    f"{shown(url)} refused a test text: {error}", hint="is it started for embeddings?"
                ) from error
            if vectors[0].shape != vectors[-1].shape or float(vectors[0] @ vectors[-1]) < _LEAST_AGREEMENT:
                raise ModelError(
                    f"{shown(url)} gives other vectors than {shown(self._urls[0])} for the same text",
                    hint="start all servers with the same model file",
                )
        return len(vectors[0])

    def encode_document(
        self, texts: Sequence[str], *, on_done: OnDone | None = None, upcoming: Sequence[str] = ()
    ) -> Encoded:
        """Return one unit-length row per text, in order; `upcoming` is left alone, for servers tokenise themselves."""
        return self._encode(texts, self._template, on_done)

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Return one unit-length row per text, in order, under the query template."""
        return self._encode(texts, self._query_template, None)

    def n_tokens(self, text: str) -> float:
        """Return the tokens of a prompt as the server will see it, or an estimate where no tokeniser is at hand."""
        if self._tokenizer is None:
            return estimate_tokens(text)
        return len(self._tokenizer.head) + len(self._tokenizer.tokenize(text)) + len(self._tokenizer.tail)

    def _encode(self, texts: Sequence[str], template: str, on_done: OnDone | None) -> Encoded:
        out = Encoded.empty(len(texts), self.dim)
        pieces: list[_Piece] = []
        for index, text in enumerate(texts):
            if not text.strip():
                raise ModelError(f"text {index} is empty: it has no vector")
            whole = self.n_tokens(template.replace("{text}", text))
            mine, out.truncated[index] = self._pieces(index, text, template, whole)
            out.n_tokens[index], out.n_windows[index] = round(whole), len(mine)
            pieces += mine
        self._see_whole(pieces)
        sums: dict[int, np.ndarray] = {}
        pending = out.n_windows.copy()
        for batch, answers in self._answers(list(_batches(pieces))):
            ready = []
            for piece, answer in zip(batch, answers, strict=True):
                pending[piece.text] -= 1
                out.n_tokens_used[piece.text] += round(piece.n_tokens)
                if isinstance(answer, str):
                    out.failures[piece.text] = answer
                else:
                    weighted = piece.n_tokens * answer.astype(np.float64)
                    sums[piece.text] = sums.get(piece.text, 0) + weighted
                if pending[piece.text] == 0:
                    ready.append(piece.text)
            self._finish(out, ready, sums)
            if on_done and ready:
                on_done(ready, out.take(ready))
        return out

    def _finish(self, out: Encoded, ready: Sequence[int], sums: dict[int, np.ndarray]) -> None:
        for text in ready:
            if text not in out.failures:
                total = sums.pop(text)
                vector = (total / np.linalg.norm(total)).astype(np.float32)
                out.vectors[text] = cut(vector[None], self.dim)[0]

    def _pieces(self, index: int, text: str, template: str, whole: float) -> tuple[list[_Piece], bool]:
        """Return a text's prompts, each within the window, and whether its tail was cut; pieces end at blanks."""
        window = self._window
        if window is None or whole <= window:
            return [_Piece(index, template.replace("{text}", text), whole)], False
        for n in itertools.count(max(2, int(whole // window))):
            contents = [template.replace("{text}", part) for part in cut_at_blanks(text, n)]
            counts = [self.n_tokens(content) for content in contents]
            if max(counts) <= window:
                break
            if n > len(text):
                raise ConfigError(f"the prompt takes all {window} tokens of a window", hint="raise --max-tokens")
        pieces = [_Piece(index, content, count) for content, count in zip(contents, counts, strict=True)]
        return (pieces[:1], True) if self._long == "truncate" else (pieces, False)

    def _see_whole(self, pieces: Sequence[_Piece]) -> None:
        """Find out a server that cuts in silence, and even counts what it cut: the end of a text must change a vector.

        Tried on the longest text so far, so that a run of any size pays for a few texts.
        """
        longest = max(pieces, key=lambda piece: piece.n_tokens, default=None)
        if longest is None or longest.n_tokens <= self._seen_whole_tokens:
            return
        content, n_tokens = longest.content, round(longest.n_tokens)
        for _ in self._urls:
            try:
                vectors, _n = self._ask([content, content[: -max(1, len(content) // _LAST_PART)]])
            except _RefusedError:
                return  # its own turn comes, and the server's words go on record then
            if float(vectors[0].astype(np.float64) @ vectors[1]) > _SAME_VECTOR:
                raise ModelError(
                    f"the server cuts long texts in silence: one of {n_tokens:,} tokens has the same vector without "
                    f"its last {n_tokens // _LAST_PART:,}",
                    hint="start it with a larger context, or give --max-tokens (256 or 512 with small models)",
                )
        self._seen_whole_tokens = longest.n_tokens

    def _answers(self, batches: list[list[_Piece]]) -> Iterator[tuple[list[_Piece], list[np.ndarray | str]]]:
        """Yield each batch, in order, with its vectors, or the server's words where it refused one."""
        futures = [self._pool.submit(self._answer, batch) for batch in batches]
        try:
            for batch, future in zip(batches, futures, strict=True):
                yield batch, future.result()
        finally:
            for future in futures:
                future.cancel()

    def _answer(self, batch: list[_Piece]) -> list[np.ndarray | str]:
        try:
            vectors, n_read = self._ask([piece.content for piece in batch])
        except _RefusedError as error:
            if len(batch) == 1:
                return [str(error)]
            return [answer for piece in batch for answer in self._answer([piece])]
        self._check_read(batch, n_read)
        return list(vectors)

    def _check_read(self, batch: list[_Piece], n_read: int | None) -> None:
        # Servers differ by a closing token or two a text; a cut takes more.
        n_sent = sum(piece.n_tokens for piece in batch)
        if self._tokenizer is not None and n_read is not None and n_read < n_sent - 3 * len(batch):
            raise ModelError(
                f"the server read {n_read:,} of {n_sent:,.0f} tokens: it cuts long texts in silence",
                hint="start it with a larger context, or give --max-tokens",
            )

    def _ask(self, contents: list[str], *, first_url: int | None = None) -> tuple[np.ndarray, int | None]:
        """Return unit vectors and how many tokens the server says it read; try again, and elsewhere, while it may help.

        Raises:
            _RefusedError: the server will not take these texts.
            ModelError: no server answers, or none that the key opens.
        """
        import httpx

        index = next(self._next_url) if first_url is None else first_url
        wait, problem, said = _FIRST_WAIT_SECONDS, "", ""
        # A lone surrogate has no UTF-8; in process it becomes the same question mark.
        sendable = [content.encode("utf-8", "replace").decode() for content in contents]
        for attempt in range(_ATTEMPTS):
            url = self._urls[index if first_url is not None else (index + attempt) % len(self._urls)]
            asked_wait = 0.0
            try:
                request = {"model": self._model, "input": sendable, "encoding_format": self._format}
                answer = self._client.post(f"{url}/embeddings", json=request)
                if answer.status_code == 200:
                    return _vectors(answer, len(contents), url)
                said = f"{answer.status_code}: {words(answer)}"
                problem = f"{shown(url)} answered {said}"
                if self._format == "base64" and answer.status_code in (400, 422) and "encoding" in answer.text:
                    self._format = "float"
                    continue
                self._judge(answer.status_code, problem, said)
                asked_wait = seconds(answer.headers.get("retry-after", ""))
            except httpx.TransportError as error:
                problem = f"{shown(url)} cannot be reached: {error or type(error).__name__}"
            if attempt + 1 < _ATTEMPTS:
                time.sleep(max(asked_wait, wait * random.uniform(0.7, 1.3)))
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        if said.startswith("500"):
            raise _RefusedError(f"the server answered {said}")  # some servers say 500 where they mean the text
        raise ModelError(
            f"{problem} (after {_ATTEMPTS} attempts)",
            hint="is the server up, and --base-url right (http://HOST:PORT/v1)?",
        )

    def _judge(self, status: int, problem: str, said: str) -> None:
        if status in _NOBODYS_TEXT:
            raise ModelError(problem, hint=f"check --base-url and --model; keys come from {' or '.join(KEY_VARIABLES)}")
        if status not in TRY_AGAIN:
            raise _RefusedError(f"the server answered {said}")

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._client.close()
        if self._tokenizer is not None:
            self._tokenizer.close()


def checked_urls(resources: Resources) -> list[str]:
    """Return the servers' addresses; raise ConfigError where there is none, or one that --offline forbids."""
    # The environment serves what takes no flag: the HTTP face, a notebook, a whole session's commands.
    urls = resources.base_urls or tuple(os.environ.get(URL_VARIABLE, "").split())
    if not urls:
        raise ConfigError(
            "--backend openai needs a server", hint=f"give --base-url http://HOST:PORT/v1, or {URL_VARIABLE}"
        )
    return [allowed(url, resources) for url in urls]


def allowed(url: str, resources: Resources) -> str:
    """Return a server's address without a closing slash; raise ConfigError where --offline forbids it."""
    if resources.offline and not is_here(urlsplit(url).hostname):
        raise ConfigError(f"--offline was given, and {url} is another machine", hint="leave one of them out")
    return url.rstrip("/")


def is_here(host: str | None) -> bool:
    """Tell whether a name or address is this machine's own."""
    return host in _LOOPBACK


def shown(url: str) -> str:
    """Return a server's address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def client() -> Any:
    """Return an httpx client that carries the key of the environment."""
    try:
        import httpx
    except ImportError as error:
        raise MissingExtraError(
            "--backend openai needs the package httpx", hint="run: python -m pip install httpx"
        ) from error
    key = next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), None)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(headers=headers, timeout=httpx.Timeout(_TIMEOUT_SECONDS, connect=10.0))


def _vectors(answer: Any, n: int, url: str) -> tuple[np.ndarray, int | None]:
    """Read unit vectors and the token count out of an answer.

    Raises:
        ModelError: not one finite vector of one length per text.
    """
    try:
        body = answer.json()
        rows = sorted(body["data"], key=lambda row: row["index"])
        vectors = [_floats(row["embedding"]) for row in rows]
        used = body.get("usage", {}).get("prompt_tokens")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{url} gave no embeddings but: {words(answer)}", hint="is it an embeddings server?"
        ) from error
    lengths = {vector.shape for vector in vectors}
    if len(vectors) != n or len(lengths) != 1:
        raise ModelError(f"{shown(url)} gave {len(vectors)} vectors of lengths {sorted(lengths)} for {n} texts")
    matrix = np.stack(vectors).astype(np.float64)
    norms = np.linalg.norm(matrix, axis=1, keepdims=True) if matrix.ndim == 2 else np.zeros(1)
    if not np.isfinite(norms).all() or not (norms > 0).all():
        raise ModelError(
            f"{shown(url)} gave a vector that is not finite, all zero, or not flat", hint="check its model"
        )
    return (matrix / norms).astype(np.float32), used if isinstance(used, int) and used > 0 else None


def _floats(value: Any) -> np.ndarray:
    if isinstance(value, str):
        return np.frombuffer(base64.b64decode(value, validate=True), "<f4")
    return np.asarray(value, np.float32)


def words(answer: Any) -> str:
    """Return what the server said, short; errors come as text, as {"error": …} or as {"error": {"message": …}}."""
    try:
        error = answer.json().get("error", answer.text)
        text = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        text = answer.text
    return "".join(letter for letter in " ".join(str(text).split())[:300] if letter.isprintable()) or "nothing"


def seconds(header: str) -> float:
    """Return what a server's Retry-After asks for, within reason; 0 where it asks nothing."""
    return min(float(header), _LONGEST_WAIT_SECONDS) if header.replace(".", "", 1).isdecimal() else 0.0


def _batches(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Cut pieces into requests, in order, by count and by tokens."""
    batch: list[_Piece] = []
    filled = 0.0
    for piece in pieces:
        if batch and (len(batch) >= BATCH_TEXTS or filled + piece.n_tokens > BATCH_TOKENS):
            yield batch
            batch, filled = [], 0.0
        batch.append(piece)
        filled += piece.n_tokens
    if batch:
        yield batch


def cut_at_blanks(text: str, n: int) -> list[str]:
    """Cut a text into about `n` pieces of like length, at blanks where there are any near; no piece is blank."""
    bounds = [0]
    for i in range(1, n):
        target = len(text) * i // n
        blank = text.rfind(" ", max(bounds[-1], target - 200), target)
        bounds.append(max(bounds[-1], blank if blank > 0 else target))
    bounds.append(len(text))
    return [part for start, stop in itertools.pairwise(bounds) if (part := text[start:stop].strip())]
