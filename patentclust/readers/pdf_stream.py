"""The one door to pypdf: the text of each page in the order in which the file draws it.

Runs in the process of `guard`, which sets the limits of time and memory.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from patentclust.errors import SourceError
from patentclust.readers import limits
from patentclust.readers.pdf_pages import Page, Pages


def read_pages(data: bytes) -> Pages:
    """Return the text of all pages.

    Raises:
        SourceError: the file is damaged, locked or too long.
    """
    with _silenced():
        try:
            return _read_pages(data)
        except _damage() as error:
            raise SourceError(
                f"damaged PDF: {_said(error)}", hint="open it and save it again, or get another copy"
            ) from error


def _read_pages(data: bytes) -> Pages:
    reader = _open(data)
    title = _title(reader)
    pages: list[Page] = []
    n_chars = 0
    for number, page in enumerate(reader.pages, start=1):
        if number > limits.MAX_PDF_PAGES:
            raise SourceError(f"more than {limits.MAX_PDF_PAGES} pages", hint="split it")
        pages.append(_page(page, number))
        n_chars += len(pages[-1].text)
        if n_chars > limits.MAX_PDF_CHARS:
            raise SourceError(f"more than {limits.MAX_PDF_CHARS:,} characters of text", hint="split it")
    if not pages:
        raise SourceError("a PDF without pages")
    return Pages(tuple(pages), title=title)


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


def _open(data: bytes) -> Any:
    from pypdf import PasswordType, PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise SourceError("encrypted: it opens only with a password", hint="save a copy without the password")
    return reader


def _title(reader: Any) -> str:
    try:
        return str((reader.metadata and reader.metadata.title) or "")
    except _damage():
        # Damaged metadata must not cost the text.
        return ""


def _page(page: Any, number: int) -> Page:
    try:
        contents = page.get_contents()
        if contents is not None and len(contents.get_data()) > limits.MAX_PDF_PAGE_BYTES:
            return Page(problem=f"page {number} left out: more than {limits.MAX_PDF_PAGE_BYTES:,} bytes of drawing")
        return Page(str(page.extract_text()))
    except _damage() as error:
        # One broken page must not cost the others.
        return Page(problem=f"page {number} cannot be read: {_said(error)}")


def _damage() -> tuple[type[Exception], ...]:
    """Return what pypdf raises over a damaged file: its own errors, and those of code that met what it did not expect.

    A lack of memory is none of them: that is for the guard, as is what would be a mistake of ours.
    """
    from pypdf.errors import DependencyError, PyPdfError

    unexpected = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
    return (PyPdfError, DependencyError, EOFError, OSError, struct.error, zlib.error, *unexpected)


def _said(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "its parts refer to each other in a circle"
    return f"{type(error).__name__}: {error}"[:200]
