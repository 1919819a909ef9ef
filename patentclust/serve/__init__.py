"""The HTTP face of a workspace, beside the command line: the same stages and parts, asked over a socket.

    request ──gate──▶ route ──▶ batcher ──one thread──▶ model ──▶ answer
                        └─────▶ stages (search, similar, explain), on what `kept.py` holds of the workspace

`gate.py` decides who gets in; `embeddings.py`, `lookup.py`, `originals.py` and `live.py` (the page) are the routes,
`batching.py` is the queue, `engine.py` the model, `app.py` puts them together. Needs the extra `serve`.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

from patentclust.errors import ConfigError, MissingExtraError
from patentclust.params import Resources
from patentclust.progress import Progress
from patentclust.serve import keys
from patentclust.serve.settings import Settings
from patentclust.workspace import Workspace


def run(
    workspace: Workspace,
    model: str | None,
    settings: Settings,
    *,
    resources: Resources,
    progress: Progress,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until told to stop (Ctrl-C, SIGTERM); requests in flight are finished.

    `on_ready` gets the server's address once the model is loaded.

    Raises:
        ConfigError: other machines could reach it and there is no key.
        MissingExtraError: the extra `serve` is not installed.
        PatentclustError: the model cannot be loaded.
    """
    if not settings.on_loopback and not keys.listed(workspace.keys):
        raise ConfigError(
            f"{settings.host} can be reached by other machines, and there is no key",
            hint="run: patentclust keys add NAME",
        )
    try:
        import uvicorn

        from patentclust.serve.app import build, config
        from patentclust.serve.engine import open_engine
        from patentclust.serve.gate import LOG, JsonLines
        from patentclust.serve.metrics import Metrics
    except ImportError as error:
        raise MissingExtraError(
            f"the server needs {error.name}", hint='run: python -m pip install "patentclust[serve]"'
        ) from error
    _check_free(settings.host, settings.port)
    metrics = Metrics()
    engine = open_engine(
        workspace,
        model,
        resources=resources,
        metrics=metrics,
        most_queued_tokens=settings.most_queued_tokens,
        progress=progress,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for logger in (LOG, logging.getLogger("uvicorn.error")):
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    server = uvicorn.Server(config(build(engine, workspace, settings, metrics), settings))
    on_ready(f"http://{settings.host}:{settings.port}")
    server.run()


def _check_free(host: str, port: int) -> None:
    """Find out before a model is loaded that nobody can be served there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error}", hint="choose another: patentclust serve --port N"
        ) from error
