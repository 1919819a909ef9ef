"""`/v1/embeddings`, `/v1/models` and plain `/embeddings`, as OpenAI's clients speak them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from patentclust.analysis.texts import estimate_tokens
from patentclust.analysis.vectors import cut
from patentclust.embedders import Encoded
from patentclust.errors import ConfigError
from patentclust.serve.batching import Job
from patentclust.serve.engine import Engine
from patentclust.serve.settings import Settings
from patentclust.serve.wire import EmbeddingsAnswer, EmbeddingsRequest, Model, Models


class ClientGoneError(Exception):
    """Nobody is there any more to be answered."""


def routes(engine: Engine, settings: Settings) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["embeddings"])

    @router.get("/v1/models", response_model=Models)
    async def models() -> dict[str, Any]:
        """List the names that `model` may be: the model, and the model with each of its tasks."""
        return {"object": "list", "data": [_model(name) for name in engine.names]}

    @router.get("/v1/models/{name:path}", response_model=Model)
    async def model(name: str) -> dict[str, Any]:
        """Tell of one of them."""
        engine.prompt(name, None)
        return _model(name)

    @router.post("/v1/embeddings", response_model=EmbeddingsAnswer)
    @router.post("/embeddings", response_model=EmbeddingsAnswer)
    async def embeddings(request: Request, asked: EmbeddingsRequest) -> Response:
        """Embed texts under the prompt of a task; vectors are those of `patentclust embed`."""
        name = asked.model or engine.spec.name
        template = engine.prompt(name, asked.instruction)
        engine.check_dim(asked.dimensions)
        texts = await run_in_threadpool(_texts, engine, settings, asked.input)
        encoded = await _answer(request, engine.batcher.submit(texts, template))
        n_tokens = int(encoded.n_tokens.sum())
        request.state.facts = {"texts": len(texts), "tokens": n_tokens}
        body = await run_in_threadpool(_body, name, cut(encoded.vectors, asked.dimensions), n_tokens, asked)
        return Response(body, media_type="application/json")

    return router


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "patentclust"}


def _texts(engine: Engine, settings: Settings, given: str | Sequence[Any]) -> list[str]:
    """Return the texts of a request, read back from ids where it gives ids.

    Raises:
        ConfigError: none, too many, too long, or an empty one.
    """
    rows: list[Any] = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else list(given)
    if not rows:
        raise ConfigError("input is empty", hint="give at least one text")
    if len(rows) > settings.most_texts:
        raise ConfigError(f"input has {len(rows)} texts; {settings.most_texts} are taken at a time")
    texts = [row if isinstance(row, str) else engine.text_of(row) for row in rows]
    for index, text in enumerate(texts):
        if not text.strip():
            raise ConfigError(f"input[{index}] is empty: it has no vector")
    check_size(texts, settings)
    return texts


def check_size(texts: Sequence[str], settings: Settings) -> None:
    """Refuse more text than one request may bring.

    Raises:
        ConfigError: it is more.
    """
    n_tokens = sum(estimate_tokens(text) for text in texts)
    if n_tokens > settings.most_tokens:
        raise ConfigError(f"input has about {n_tokens:,.0f} tokens; {settings.most_tokens:,} are taken at a time")


async def _answer(request: Request, job: Job) -> Encoded:
    """Wait for a job, or for its client to leave, which takes it out of the queue.

    Raises:
        ClientGoneError: the client left.
    """
    result = asyncio.ensure_future(asyncio.wrap_future(job.future))
    gone = asyncio.ensure_future(_gone(request))
    try:
        waited: set[asyncio.Future[Any]] = {result, gone}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            raise ClientGoneError
        return result.result()
    finally:
        gone.cancel()
        result.cancel()  # through wrap_future it cancels the job; one that is done stays done


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _body(name: str, vectors: np.ndarray, n_tokens: int, asked: EmbeddingsRequest) -> bytes:
    if asked.encoding_format == "base64":
        rows: list[Any] = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in vectors]
    else:
        rows = vectors.tolist()
    data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
    usage = {"prompt_tokens": n_tokens, "total_tokens": n_tokens}
    answer = {"object": "list", "model": name, "data": data, "usage": usage}
    return json.dumps(answer, separators=(",", ":")).encode()
