"""`/v1/documents`: the text of a document, and pictures of its pages where its PDF is still at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Path as PathPart
from fastapi.exceptions import HTTPException

from patentclust import artifacts
from patentclust.errors import ArtifactError
from patentclust.readers import guard, limits, pdf_boxes
from patentclust.serve.wire import Original
from patentclust.workspace import Workspace

_COLUMNS = [
    "doc_id", "title", "abstract", "claims", "description", "language", "source_path", "source_sha256", "source_format",
]  # fmt: skip
_PAGE_SECONDS = 30.0
_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {"schema": {"type": "string"}}}}}


def routes(workspace: Workspace, place: Callable[[], Any]) -> APIRouter:
    """Return the routes; `place` holds back more readings at a time than the server takes on."""
    router = APIRouter(tags=["map"])

    @router.get("/v1/documents/{doc_id}")
    def document(doc_id: str) -> Original:
        """Give the whole text of a document, and how many pages of it can be looked at."""
        row = _row(workspace, doc_id)
        with place():
            data = _source(row)
            n_pages = guard.run(pdf_boxes.count, data, seconds=_PAGE_SECONDS) if data else 0
        return Original(**{name: row[name] for name in Original.model_fields if name in row}, n_pages=n_pages)

    @router.get("/v1/documents/{doc_id}/pages/{number}", response_class=Response, responses=_PNG)
    def page(doc_id: str, number: Annotated[int, PathPart(ge=1, le=limits.MAX_PDF_PAGES)]) -> Response:
        """Draw one page of a document's PDF, counted from 1."""
        row = _row(workspace, doc_id)
        with place():
            data = _source(row)
            if data is None or number > guard.run(pdf_boxes.count, data, seconds=_PAGE_SECONDS):
                raise HTTPException(404, f"there is no page {number} at hand")
            picture = guard.run(pdf_boxes.picture, data, number, seconds=_PAGE_SECONDS)
        return Response(picture, media_type="image/png")

    return router


def _row(workspace: Workspace, doc_id: str) -> dict[str, Any]:
    row = artifacts.read_row(workspace.documents, kind="documents", columns=_COLUMNS, key=("doc_id", doc_id))
    if row is None:
        raise ArtifactError(f"no document here is {doc_id!r}", hint="give its whole number, such as US-10123456-B2")
    return row


def _source(row: dict[str, Any]) -> bytes | None:
    """Return the PDF that a document was read from, if it still lies where it lay and is the same.

    The path is the one that ingest noted, never one that a client sent.
    """
    path = Path(row["source_path"])
    try:
        if row["source_format"] != "pdf" or path.stat().st_size > limits.MAX_DOCUMENT_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == row["source_sha256"] else None
