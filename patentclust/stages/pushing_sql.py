"""A finished map -> a running PostgreSQL with pgvector: by COPY, a file a transaction. The only door to psycopg."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from patentclust.embedders import openai
from patentclust.errors import ConfigError, MissingExtraError, StoreError
from patentclust.exporters import Files, pgvector
from patentclust.params import Resources
from patentclust.stages.pushing import KEY_VARIABLE, patiently

_CONNECT_SECONDS = 10
_HINT = "is it up, and --url right? The same command goes on: rows with the same id are replaced"


class PostgresStore:
    """A running PostgreSQL; use it in a `with` block."""

    def __init__(self, url: str, resources: Resources) -> None:
        """Prepare to send; nothing is sent yet.

        Raises:
            ConfigError: the address is none, or --offline forbids it.
            MissingExtraError: psycopg is not installed.
        """
        try:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict
        except ImportError as error:
            raise MissingExtraError(
                "--to pgvector --url needs the package psycopg", hint='run: python -m pip install "psycopg[binary]"'
            ) from error
        if not url.startswith(("postgresql://", "postgres://")):
            raise ConfigError("--url is no address of PostgreSQL", hint="give postgresql://USER@HOST:PORT/DATABASE")
        try:
            facts = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise ConfigError(f"--url: {error}", hint="give postgresql://USER@HOST:PORT/DATABASE") from error
        host = str(facts.get("host") or "localhost")
        self.shown = ":".join(str(part) for part in (host, facts.get("port")) if part)
        if resources.offline and not (host.startswith("/") or openai.is_here(host)):
            raise ConfigError(f"--offline was given, and {host} is another machine", hint="leave one of them out")
        self._psycopg: Any = psycopg
        key = os.environ.get(KEY_VARIABLE)
        self._options: dict[str, Any] = {"conninfo": url, "connect_timeout": _CONNECT_SECONDS}
        self._options |= {"password": key} if key else {}
        self._connection: Any = None

    def __enter__(self) -> PostgresStore:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def send(self, files: Files, name: str) -> int:
        """Make the table where it is not there, fill it, and return the number of transactions that filled it.

        Raises:
            StoreError: the server cannot be reached, or refuses; what was filled before is in the table.
        """
        _, first = next(files)
        made = b"".join(first).decode()
        self._run(partial(_make, name=name, statements=made))
        n_sent = 0
        for _, chunks in files:
            self._run(partial(_fill, name=name, body=list(chunks)))
            n_sent += 1
        return n_sent

    def _run(self, act: Callable[[Any], None]) -> None:
        """Do one transaction, whole or not at all; over a broken connection it is begun again."""

        def attempt() -> None:
            if self._connection is None or self._connection.closed:
                self._connection = self._psycopg.connect(**self._options)
            with self._connection.transaction():
                act(self._connection)

        try:
            patiently(attempt, passing=self._psycopg.OperationalError)
        except self._psycopg.OperationalError as error:
            raise StoreError(f"{self.shown} cannot be reached: {_words(error)}", hint=_HINT) from error
        except self._psycopg.Error as error:
            raise StoreError(
                f"{self.shown} refused: {_words(error)}",
                hint=f"check --name and the server's pgvector; its password comes from --url or {KEY_VARIABLE}",
            ) from error


def _make(connection: Any, *, name: str, statements: str) -> None:
    (there,) = connection.execute("SELECT to_regclass(%s)", [name]).fetchone()
    if there is None:
        connection.execute(statements)


def _fill(connection: Any, *, name: str, body: Iterable[bytes]) -> None:
    before, copy_in, after = pgvector.upsert(name)
    connection.execute(before)
    with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
        for chunk in body:
            copy.write(chunk)
    connection.execute(after)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
