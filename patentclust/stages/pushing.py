"""A finished map -> a running store: the files of an export, sent instead of written. What all stores have in common.

`pushing_http.py`, `pushing_milvus.py` and `pushing_sql.py` are the ways to send.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator, Iterable
from typing import Protocol
from urllib.parse import urlsplit

from patentclust.embedders import openai
from patentclust.errors import ConfigError
from patentclust.exporters import Files
from patentclust.params import Resources
from patentclust.progress import Progress

KEY_VARIABLE = "PATENTCLUST_STORE_KEY"
PATIENCE_SECONDS = 10.0
ATTEMPTS, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 6, 0.5, 30.0


class Store(Protocol):
    """A running store; use it in a `with` block.

    Attributes:
        shown: its address, without what may be secret in it.
    """

    shown: str

    def __enter__(self) -> Store: ...

    def __exit__(self, *_: object) -> None: ...

    def send(self, files: Files, name: str) -> int:
        """Make the collection where it is not there, fill it, and return the number of requests that filled it.

        Raises:
            StoreError: the store cannot be reached, refuses, or turned some units down; the others are in it.
        """
        ...


def http_address(url: str, resources: Resources) -> str:
    """Return the address of an HTTP server.

    Raises:
        ConfigError: it is none, or --offline forbids it.
    """
    try:
        parts = urlsplit(url)
        there = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:  # an open bracket, a port that is no number
        there = False
    if not there:
        raise ConfigError(f"--url is {url!r}", hint="give http://HOST:PORT or https://HOST")
    return openai.allowed(url, resources)


def told(files: Files, shown: str, progress: Progress) -> Generator[tuple[str, Iterable[bytes]]]:
    """Give the files on, and say so where a store is long about one: until it asks for the next, it is waited for."""
    for file in files:
        said = (
            f"{shown} is waited for: it has not taken {file[0]} for {PATIENCE_SECONDS:g} seconds; Ctrl-C ends the wait"
        )
        alarm = threading.Timer(PATIENCE_SECONDS, progress.note, [said])
        alarm.daemon = True
        alarm.start()
        try:
            yield file
        finally:
            alarm.cancel()


def patiently(act: Callable[[], None], *, passing: type[Exception]) -> None:
    """Do something, and do it again a few times, with longer and longer waits, where it raises what may pass."""
    wait = FIRST_WAIT_SECONDS
    for _ in range(ATTEMPTS - 1):
        try:
            return act()
        except passing:
            time.sleep(wait * random.uniform(0.7, 1.3))
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
    return act()
