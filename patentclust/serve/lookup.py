"""`/v1/similar`, `/v1/clusters`, `/v1/explain` and the page: a finished map, asked over HTTP."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from patentclust import pipeline
from patentclust.errors import ArtifactError, ConfigError, SourceError
from patentclust.params import Resources
from patentclust.schemas import NOISE
from patentclust.serve.batching import QueueFullError
from patentclust.serve.embeddings import check_size
from patentclust.serve.engine import Engine
from patentclust.serve.settings import Settings
from patentclust.serve.wire import Cluster, SimilarRequest
from patentclust.stages import explain as explain_stage
from patentclust.stages.atlas import read_atlas
from patentclust.stages.explain import Explanation
from patentclust.stages.similar import Likeness, Where, to_unit, years
from patentclust.workspace import Workspace

_RETRY_SECONDS = 5
_BINARY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}


@dataclass(frozen=True)
class _Asker:
    """Ask a map what is near; so many questions are read at a time and no more: each costs memory and a process."""

    engine: Engine
    workspace: Workspace
    settings: Settings
    places: threading.BoundedSemaphore

    @contextmanager
    def place(self) -> Iterator[None]:
        if not self.places.acquire(blocking=False):
            raise QueueFullError(_RETRY_SECONDS)
        try:
            yield
        finally:
            self.places.release()

    def near(self, source: str, text: str | None, where: Where) -> list[Likeness]:
        resources = Resources(workers="1")
        return pipeline.similar_by(self.workspace, source, self._encode, text=text, where=where, resources=resources)

    def _encode(self, texts: Sequence[str]) -> np.ndarray:
        check_size(texts, self.settings)
        return self.engine.on_map(self.workspace, texts)


def routes(engine: Engine, workspace: Workspace, settings: Settings) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["map"])
    _add_similar(router, _Asker(engine, workspace, settings, threading.BoundedSemaphore(settings.most_uploads)))
    _add_map(router, workspace)
    return router


def _add_similar(router: APIRouter, asker: _Asker) -> None:
    @router.post("/v1/similar")
    def similar(asked: SimilarRequest) -> list[Likeness]:
        """Find what is near to a publication of the map, or to a text: its place, and patents, nearest first."""
        if (asked.id is None) == (asked.text is None):
            raise ConfigError("give id or text, and not both")
        if asked.text is None:
            return [to_unit(asker.workspace, str(asked.id), where=_where(asked))]
        if not asked.text.strip():
            raise ConfigError("text is empty: it has no vector")
        with asker.place():
            return asker.near("-", asked.text, _where(asked))

    @router.post("/v1/similar/file", openapi_extra=_BINARY)
    async def similar_file(
        request: Request,
        top: Annotated[int, Query(ge=1, le=1000)] = 20,
    ) -> list[Likeness]:
        """Send a patent as the body (PDF, XML, table, …): where each document in it falls, and what is near."""
        with asker.place(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload"  # readers look at the content alone
            if await _save(request.stream(), path) == 0:
                raise ConfigError("the body is empty", hint="send the file itself: curl --data-binary @FILE")
            try:
                return await run_in_threadpool(asker.near, str(path), None, Where(top=top))
            except SourceError as error:
                # Where it lay meanwhile is nobody's business.
                raise SourceError(str(error).replace(str(path), "the file"), hint=error.hint) from error


def _add_map(router: APIRouter, workspace: Workspace) -> None:
    @router.get("/v1/clusters")
    def clusters() -> list[Cluster]:
        """List the clusters of the map, largest first."""
        topics = read_atlas(workspace).topics
        return [
            Cluster(**{name: topics[i][name] for name in Cluster.model_fields}) for i in sorted(topics) if i != NOISE
        ]

    @router.get("/v1/explain/{publication}")
    def explain(publication: str) -> Explanation:
        """Say why a publication stands where it stands."""
        return explain_stage.run(workspace, publication)

    @router.get("/", include_in_schema=False)
    def page() -> FileResponse:
        if not workspace.report.is_file():
            raise ArtifactError("there is no page in this workspace", hint="run: patentclust report")
        return FileResponse(workspace.report, media_type="text/html; charset=utf-8")


async def _save(stream: AsyncIterator[bytes], path: Path) -> int:
    n_bytes = 0
    with path.open("wb") as handle:
        async for part in stream:
            n_bytes += handle.write(part)
    return n_bytes


def _where(asked: SimilarRequest) -> Where:
    fields: dict[str, Any] = asked.model_dump(exclude={"id", "text", "years"})
    return Where(**fields | {"office": asked.office.upper(), "years": years(asked.years) if asked.years else None})
