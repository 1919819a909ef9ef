"""A real server on loopback, in a thread, over a workspace and a model."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from patentclust.params import Resources
from patentclust.progress import Quiet
from patentclust.serve.app import build, config
from patentclust.serve.engine import Engine, open_engine
from patentclust.serve.metrics import Metrics
from patentclust.serve.settings import Settings
from patentclust.workspace import Workspace


@contextmanager
def serving(root: Path, model: str | None, **settings: object) -> Iterator[tuple[str, Engine]]:
    """Yield the server's address and its engine."""
    chosen, metrics, workspace = Settings(**settings), Metrics(), Workspace(root)
    engine = open_engine(
        workspace,
        model,
        resources=Resources(threads=1),
        metrics=metrics,
        most_queued_tokens=chosen.most_queued_tokens,
        progress=Quiet(),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config(build(engine, workspace, chosen, metrics), chosen))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", engine
    finally:
        server.should_exit = True
        thread.join()
