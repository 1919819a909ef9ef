"""A finished map -> a running store over HTTP, by the requests of `exporters/push.py`."""

from __future__ import annotations

import os
import random
import time
from typing import Any

from patentclust.embedders import openai
from patentclust.errors import MissingExtraError, StoreError
from patentclust.exporters import Files
from patentclust.exporters.push import Request, busy, protocol
from patentclust.params import Resources
from patentclust.schemas import counted
from patentclust.stages import pushing

_SHOWN_FAILURES = 5


class HttpStore:
    """A running store that takes requests; use it in a `with` block."""

    def __init__(self, store: str, url: str, resources: Resources) -> None:
        """Prepare to send; nothing is sent yet.

        Raises:
            ConfigError: the store takes no requests of ours, the address is none, or --offline forbids it.
            MissingExtraError: httpx is not installed.
        """
        self._protocol = protocol(store)
        self._url = pushing.http_address(url, resources)
        self.shown = openai.shown(self._url)
        try:
            import httpx
        except ImportError as error:
            raise MissingExtraError("--url needs the package httpx", hint="run: python -m pip install httpx") from error
        key = os.environ.get(pushing.KEY_VARIABLE)
        headers = self._protocol.header(key) if key else {}
        self._client = httpx.Client(headers=headers, timeout=httpx.Timeout(300.0, connect=10.0))

    def __enter__(self) -> HttpStore:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, files: Files, name: str) -> int:
        """Make the collection where it is not there, fill it, and return the number of requests that filled it.

        Raises:
            StoreError: the store cannot be reached, refuses, or turned some units down; the others are in it.
        """
        made = self._made(name, files)
        n_sent, failures = 0, list[str]()
        for file_name, chunks in files:
            if file_name in self._protocol.kept:
                continue
            for request in self._protocol.fill(name, b"".join(chunks), made):
                failures += self._protocol.failures(self._ask(request).json())
                n_sent += 1
        if failures:
            listed = "\n".join(failures[:_SHOWN_FAILURES])
            raise StoreError(
                f"{self.shown} turned down {counted(len(failures), 'unit')}, the others are in. The first:\n{listed}",
                hint="mend what it names and run the same command again: units with the same id are replaced",
            )
        return n_sent

    def _made(self, name: str, files: Files) -> Any:
        """Return what the store says to the collection of the first file; None where it was there."""
        look, make = self._protocol.look, self._protocol.make
        if make is None:
            return None
        body = b"".join(next(files)[1])
        if look is not None and self._ask(look(name), may_miss=True).status_code == 200:
            return None
        return self._ask(make(name, body)).json()

    def _ask(self, request: Request, *, may_miss: bool = False) -> Any:
        """Return the answer to one request; try again while that may help."""
        import httpx

        wait, problem = pushing.FIRST_WAIT_SECONDS, ""
        for attempt in range(pushing.ATTEMPTS):
            asked_wait = 0.0
            try:
                answer = self._client.request(
                    request.method,
                    self._url + request.path,
                    content=request.body or None,
                    headers={"Content-Type": request.kind},
                )
                problem = self._problem(answer, may_miss)
                if not problem or (answer.is_success and attempt + 1 == pushing.ATTEMPTS):
                    return answer
                asked_wait = openai.seconds(answer.headers.get("retry-after", ""))
            except httpx.TransportError as error:
                problem = f"{self.shown} cannot be reached: {error or type(error).__name__}"
            if attempt + 1 < pushing.ATTEMPTS:
                time.sleep(max(asked_wait, wait * random.uniform(0.7, 1.3)))
            wait = min(2 * wait, pushing.LONGEST_WAIT_SECONDS)
        raise StoreError(
            f"{problem} (after {pushing.ATTEMPTS} attempts)",
            hint="is it up, and --url right? The same command goes on: units with the same id are replaced",
        )

    def _problem(self, answer: Any, may_miss: bool) -> str:
        """Return why a request is worth another attempt, empty where it is done; raise where none would help."""
        said = f"{self.shown} answered {answer.status_code}: {openai.words(answer)}"
        if answer.is_success:
            return f"{self.shown} is busy" if busy(_json(answer, said)) else ""
        if may_miss and answer.status_code == 404:
            return ""
        if answer.status_code not in openai.TRY_AGAIN:
            raise StoreError(
                said, hint=f"check --url, --name and the store's version; its key comes from {pushing.KEY_VARIABLE}"
            )
        return said


def _json(answer: Any, said: str) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise StoreError(said, hint="is --url the store's own address?") from error
