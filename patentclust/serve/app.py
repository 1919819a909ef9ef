"""The application: routes, errors in one shape, health and figures. How it is run is `__init__.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from patentclust import __version__
from patentclust.errors import ArtifactError, ConfigError, ModelError, PatentclustError, SourceError
from patentclust.serve import embeddings, lookup
from patentclust.serve.batching import QueueFullError, StoppingError
from patentclust.serve.embeddings import ClientGoneError
from patentclust.serve.engine import Engine, UnknownModelError
from patentclust.serve.gate import Gate
from patentclust.serve.metrics import CONTENT_TYPE, Metrics
from patentclust.serve.settings import Settings
from patentclust.serve.wire import KINDS, ErrorAnswer, error
from patentclust.workspace import Workspace

# The first that fits: what is wrong with the request, then with the workspace, then with us.
_STATUS: tuple[tuple[type[PatentclustError], int], ...] = (
    (UnknownModelError, 404),
    (QueueFullError, 429),
    (StoppingError, 503),
    (ConfigError, 400),
    (SourceError, 422),
    (ArtifactError, 404),
    (ModelError, 500),
)
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": KINDS[status]} for status in (400, 401, 403, 404, 413, 422, 429, 503)
}
_CLIENT_GONE = 499


def build(engine: Engine, workspace: Workspace, settings: Settings, metrics: Metrics) -> Any:
    """Return the ASGI application; it closes the engine when the server stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        engine.close()

    # Its pages of documentation fetch scripts from elsewhere: /openapi.json is there, they are not.
    app = FastAPI(
        title="patentclust", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, responses=_ERRORS
    )
    app.include_router(embeddings.routes(engine, settings))
    app.include_router(lookup.routes(engine, workspace, settings, metrics))
    _add_operations(app, engine, metrics)
    _add_errors(app)
    inner: Any = app
    if settings.origins:
        inner = CORSMiddleware(
            app,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization"],
            expose_headers=[lookup.COVERAGE],
        )
    return Gate(inner, settings, workspace.keys, metrics)


def config(app: Any, settings: Settings) -> uvicorn.Config:
    """Return how uvicorn is to run the application."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        # A proxy's word about its client is not taken: it would make anybody a neighbour.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=settings.grace_seconds,
    )


def _add_operations(app: FastAPI, engine: Engine, metrics: Metrics) -> None:
    @app.get("/health/live", tags=["operations"])
    async def live() -> dict[str, str]:
        """Answer while the process runs."""
        return {"status": "live"}

    @app.get("/health", tags=["operations"])
    @app.get("/health/ready", tags=["operations"])
    async def ready() -> dict[str, str]:
        """Answer while texts that come now will be embedded."""
        if not engine.batcher.alive:
            raise StoppingError("the model is not ready")
        return {"status": "ready", "model": engine.spec.name}

    @app.get("/metrics", tags=["operations"], response_class=Response)
    async def figures() -> Response:
        """Give the figures for Prometheus."""
        return Response(metrics.page(), headers={"content-type": CONTENT_TYPE})


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(PatentclustError)
    async def ours(_request: Request, problem: PatentclustError) -> JSONResponse:
        status = next((status for kind, status in _STATUS if isinstance(problem, kind)), 500)
        message = f"{problem} ({problem.hint})" if problem.hint else str(problem)
        headers = {"retry-after": str(problem.retry_seconds)} if isinstance(problem, QueueFullError) else {}
        code = "model_not_found" if isinstance(problem, UnknownModelError) else None
        return JSONResponse(error(message, kind=KINDS[status], code=code), status, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, problem: RequestValidationError) -> JSONResponse:
        # The value itself is not repeated: it may be a text that must not leave a trace.
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "body"
        return JSONResponse(error(f"{place}: {first['msg']}", kind=KINDS[400], param=place), 400)

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, problem: HTTPException) -> JSONResponse:
        kind = KINDS.get(problem.status_code, KINDS[400])
        return JSONResponse(error(str(problem.detail), kind=kind), problem.status_code, headers=problem.headers)

    @app.exception_handler(ClientGoneError)
    async def gone(_request: Request, _problem: ClientGoneError) -> Response:
        return Response(status_code=_CLIENT_GONE)
