"""Any PDF with a text layer: the one door to pypdf. Pages of text in; `pdf_layout` and `pdf_front` make sense of them.

Does no OCR and looks at no picture: a scan without a text layer is an error that says so.
"""

from __future__ import annotations

import hashlib
import io
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import limits
from patentclust.readers.claims import independent_flags
from patentclust.readers.language import guess
from patentclust.readers.pdf_front import Front, metadata_title, read_front
from patentclust.readers.pdf_layout import Layout, lay_out
from patentclust.readers.source import Source
from patentclust.records import Document

_OCR_HINT = "run OCR over it first (for example with ocrmypdf), then read it again"
# Page numbers and stamps are no text layer.
_MIN_PAGE_CHARS = 3
# A printed page of a patent holds some 4,000 characters.
_THIN_PAGE_CHARS = 200


@dataclass
class _Pages:
    """The text of each page, and what could not be read."""

    texts: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    title: str = ""


class _TooLongError(Exception):
    """The time for one PDF is over; raised from inside pypdf's work."""


def accepts(head: bytes, name: str) -> bool:
    """Tell whether there is a PDF header where the standard allows one."""
    return b"%PDF-" in head[:1024]


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one PDF as one document."""
    data = source.read()
    with _silenced():
        pages = _read_pages(data)
    n_empty = sum(len(text.strip()) < _MIN_PAGE_CHARS for text in pages.texts)
    n_pages = len(pages.texts)
    if n_empty == n_pages:
        reason = f"; {pages.broken[0]}" if pages.broken else ""
        raise SourceError(f"no text layer on any of {n_pages} pages; it is a scan{reason}", hint=_OCR_HINT)
    notes = list(pages.broken[:3])
    if n_empty:
        notes.append(f"{n_empty} of {n_pages} pages have no text layer (scanned)")
    n_chars = sum(map(len, pages.texts))
    if n_pages >= 4 and n_chars < _THIN_PAGE_CHARS * n_pages:
        notes.append(f"only {n_chars} characters on {n_pages} pages: most of it is pictures")
    layout = lay_out(pages.texts)
    front = read_front(layout)
    yield _document(source, data, pages, layout, front, notes)


def _document(source: Source, data: bytes, pages: _Pages, layout: Layout, front: Front, notes: list[str]) -> Document:
    claims, description = layout.claims_and_description(skip_front=front.is_patent)
    title = front.title or metadata_title(pages.title) or front.first_line or source.name.rsplit(".", 1)[0]
    return Document(
        doc_id=front.doc_id or f"sha256:{hashlib.sha256(data).hexdigest()[:16]}",
        title=title,
        abstract=front.abstract,
        claims=claims,
        independent=independent_flags(claims),
        description=description,
        language=guess("\n".join((front.abstract, *claims, description))),
        country=front.country,
        kind=front.kind,
        application_number=front.application_number,
        priorities=front.priorities,
        priority_date=front.priority_date,
        cited=front.cited,
        filing_date=front.filing_date,
        publication_date=front.publication_date,
        applicants=front.applicants,
        assignees=front.assignees,
        inventors=front.inventors,
        cpc=front.cpc,
        ipc=front.ipc,
        warnings=tuple(notes),
    )


@contextmanager
def _silenced() -> Iterator[None]:
    # pypdf tells every oddity of every file to its loggers; what matters we say ourselves.
    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _read_pages(data: bytes) -> _Pages:
    """Return the text of all pages.

    Raises:
        SourceError: the file is damaged, locked, endless or too long.
    """
    deadline = time.monotonic() + limits.MAX_PDF_SECONDS
    pages = _Pages()
    try:
        reader = _open(data)
        pages.title = _title(reader)
        for number, page in enumerate(reader.pages, start=1):
            if number > limits.MAX_PDF_PAGES:
                raise SourceError(f"more than {limits.MAX_PDF_PAGES} pages", hint="split it")
            pages.texts.append(_page_text(page, number, pages.broken, deadline))
            if sum(map(len, pages.texts)) > limits.MAX_PDF_CHARS:
                raise SourceError(f"more than {limits.MAX_PDF_CHARS:,} characters of text", hint="split it")
    except SourceError:
        raise
    except _TooLongError as error:
        raise SourceError(f"reading took more than {limits.MAX_PDF_SECONDS:.0f} seconds") from error
    except Exception as error:
        raise SourceError(
            f"damaged PDF: {_said(error)}", hint="open it and save it again, or get another copy"
        ) from error
    if not pages.texts:
        raise SourceError("a PDF without pages")
    return pages


def _open(data: bytes) -> Any:
    from pypdf import PasswordType, PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise SourceError("encrypted: it opens only with a password", hint="save a copy without the password")
    return reader


def _title(reader: Any) -> str:
    try:
        return str((reader.metadata and reader.metadata.title) or "")
    except Exception:  # noqa: BLE001 - damaged metadata must not cost the text
        return ""


def _page_text(page: Any, number: int, broken: list[str], deadline: float) -> str:
    def check(*_: Any) -> None:
        if time.monotonic() > deadline:
            raise _TooLongError

    check()
    try:
        contents = page.get_contents()
        if contents is not None and len(contents.get_data()) > limits.MAX_PDF_PAGE_BYTES:
            broken.append(f"page {number} left out: more than {limits.MAX_PDF_PAGE_BYTES:,} bytes of drawing")
            return ""
        # Called before every drawing operator, so that one endless page meets the deadline too.
        return str(page.extract_text(visitor_operand_before=check))
    except _TooLongError:
        raise
    except Exception as error:  # noqa: BLE001 - one broken page must not cost the others
        broken.append(f"page {number} cannot be read: {_said(error)}")
        return ""


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "its parts refer to each other in a circle"
    return f"{type(error).__name__}: {error}"[:200]
