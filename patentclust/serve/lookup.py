"""`/v1/search`, `/v1/similar`, `/v1/clusters`, `/v1/explain`: a finished map and its passages, asked over HTTP."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from patentclust import pipeline
from patentclust.artifacts import canonical_json
from patentclust.errors import ConfigError, SourceError
from patentclust.params import Resources
from patentclust.schemas import NOISE
from patentclust.serve import live, originals
from patentclust.serve.batching import QueueFullError
from patentclust.serve.embeddings import check_size
from patentclust.serve.engine import Engine
from patentclust.serve.kept import Kept, kept_map, kept_passages
from patentclust.serve.metrics import CACHED, Metrics
from patentclust.serve.settings import Settings
from patentclust.serve.wire import Cluster, SearchRequest, SimilarRequest
from patentclust.stages import explain as explain_stage
from patentclust.stages import search as search_stage
from patentclust.stages.explain import Explanation
from patentclust.stages.search import Answer, Found, Library
from patentclust.stages.similar import Likeness, Shelf, Where, to_unit, years
from patentclust.workspace import Workspace

COVERAGE = "X-Patentclust-Coverage"
_COVERAGE = {
    "description": "How much is embedded and was searched: JSON of passages, of_passages, units, of_units, failed.",
    "schema": {"type": "string"},
}
_RETRY_SECONDS = 5
_BINARY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}


@dataclass(frozen=True)
class _Asker:
    """Ask a map what is near; so many questions are read at a time and no more: each costs memory and a process."""

    engine: Engine
    workspace: Workspace
    settings: Settings
    map: Kept[Shelf]
    passages: Kept[Library]
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
        shelf, resources = self.map.get(), Resources(workers="1")

        def encode(texts: Sequence[str]) -> np.ndarray:
            check_size(texts, self.settings)
            return self.engine.on_map(shelf.atlas.embeddings.header, texts)

        return pipeline.similar_by(shelf, source, encode, text=text, where=where, resources=resources)

    def search(self, question: str, where: Where, *, exact: bool) -> Answer:
        search_stage.check(question)
        check_size([question], self.settings)
        library = self.passages.get()
        vector = self.engine.question(library.passages.header, question)
        hits = search_stage.answer(self.workspace, library, question, vector, where=where, exact=exact)
        return Answer(hits, library.passages.coverage)


def routes(engine: Engine, workspace: Workspace, settings: Settings, metrics: Metrics) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["map"])
    places = threading.BoundedSemaphore(settings.most_uploads)
    shelf, library = (partial(metrics.saw_cached, what) for what in CACHED)
    asker = _Asker(engine, workspace, settings, kept_map(workspace, shelf), kept_passages(workspace, library), places)
    _add_search(router, asker)
    _add_similar(router, asker)
    _add_map(router, asker)
    router.include_router(originals.routes(workspace, asker.place))
    return router


def _add_search(router: APIRouter, asker: _Asker) -> None:
    @router.post("/v1/search", responses={200: {"headers": {COVERAGE: _COVERAGE}}})
    def search(asked: SearchRequest, response: Response) -> list[Found]:
        """Find documents by what their full texts say, by meaning and by words, each with its best passage."""
        answer = asker.search(asked.query, _where(asked, "query", "exact"), exact=asked.exact)
        response.headers[COVERAGE] = canonical_json(asdict(answer.coverage))
        return answer.hits


def _add_similar(router: APIRouter, asker: _Asker) -> None:
    @router.post("/v1/similar")
    def similar(asked: SimilarRequest) -> list[Likeness]:
        """Find what is near to a publication of the map, or to a text: its place, and patents, nearest first."""
        if (asked.id is None) == (asked.text is None):
            raise ConfigError("give id or text, and not both")
        if asked.text is None:
            return [to_unit(asker.map.get(), str(asked.id), where=_where(asked, "id", "text"))]
        if not asked.text.strip():
            raise ConfigError("text is empty: it has no vector")
        with asker.place():
            return asker.near("-", asked.text, _where(asked, "id", "text"))

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


def _add_map(router: APIRouter, asker: _Asker) -> None:
    @router.get("/v1/clusters")
    def clusters() -> list[Cluster]:
        """List the clusters of the map, largest first."""
        topics = asker.map.get().atlas.topics
        return [
            Cluster(**{name: topics[i][name] for name in Cluster.model_fields}) for i in sorted(topics) if i != NOISE
        ]

    @router.get("/v1/explain/{publication}")
    def explain(publication: str) -> Explanation:
        """Say why a publication stands where it stands."""
        return explain_stage.on_shelf(asker.workspace, asker.map.get(), publication)

    @router.get("/", include_in_schema=False)
    def page() -> Response:
        return Response(
            live.page(asker.workspace, asker.map, asker.settings.lang), media_type="text/html; charset=utf-8"
        )

    @router.get("/live/{name}", include_in_schema=False)
    def part(name: str) -> Response:
        return Response(*live.part(name))


async def _save(stream: AsyncIterator[bytes], path: Path) -> int:
    n_bytes = 0
    with path.open("wb") as handle:
        async for part in stream:
            n_bytes += handle.write(part)
    return n_bytes


def _where(asked: SimilarRequest | SearchRequest, *questions: str) -> Where:
    fields: dict[str, Any] = asked.model_dump(exclude={*questions, "years"})
    return Where(**fields | {"office": asked.office.upper(), "years": years(asked.years) if asked.years else None})
