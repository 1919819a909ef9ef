"""Any PDF: pages of text from the libraries that read them, and what `pdf_layout` and `pdf_front` make of it.

Whatever touches the file runs under the limits of `guard`. pypdf reads first; PDFium, which knows where text stands, is
the second opinion, page by page (`pdf_pages` says by what measure); OCR reads pictures of text where it is asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import guard, limits, pdf_boxes, pdf_ocr, pdf_stream
from patentclust.readers.claims import independent_flags
from patentclust.readers.language import guess
from patentclust.readers.pdf_front import Front, is_abstract_heading, metadata_title, read_front
from patentclust.readers.pdf_layout import Layout, lay_out
from patentclust.readers.pdf_pages import SCAN_SHARE, Page, Pages, better
from patentclust.readers.source import Source
from patentclust.records import Document

# A printed page of a patent holds some 4,000 characters.
_THIN_PAGE_CHARS = 200
_SHOWN_PROBLEMS = 3
_NO_NUMBER = "no publication number was found: its id is that of the file's bytes"
# The heading of a front page of the USPTO; its number stands beside it, and after a column where that is read first.
_FRONT_PAGE = re.compile(r"\(12\)\s*(?:United States )?Patent\b")
_HEAD_CHARS = 500
# From the code of the abstract to the next.
_ABSTRACT_PART = re.compile(r"^\(57\).*?(?=^\(\d\d\)|\Z)", re.MULTILINE | re.DOTALL)


def accepts(head: bytes, name: str) -> bool:
    """Tell whether there is a PDF header where the standard allows one."""
    return b"%PDF-" in head[:1024]


def read(source: Source, params: IngestParams) -> Iterator[Document | SourceError]:
    """Read one PDF as one document, or as one for each publication whose front page is in it."""
    data = source.read()
    pages = _read_pages(data)
    if params.ocr:
        pages = _with_ocr(data, pages)
    digest = hashlib.sha256(data).hexdigest()
    found = guard.run(_compose_all, pages, source.name, digest, params.ocr, seconds=limits.MAX_PDF_SECONDS)
    for number, document in found:
        yield document if len(found) == 1 else replace(document, source_path=f"{source.path}#{number}")


def _read_pages(data: bytes) -> Pages:
    """Return the pages as both libraries read them, or as the one that can.

    Raises:
        SourceError: neither can; what pypdf said.
    """
    try:
        first = guard.run(pdf_stream.read_pages, data, seconds=limits.MAX_PDF_SECONDS)
    except SourceError as error:
        try:
            second = guard.run(pdf_boxes.read_pages, data, seconds=limits.MAX_PDF_SECONDS)
        except SourceError:
            raise error from None
        return replace(second, notes=(f"read by PDFium alone; by pypdf: {error}",))
    try:
        second = guard.run(pdf_boxes.read_pages, data, seconds=limits.MAX_PDF_SECONDS)
    except SourceError as error:
        return replace(first, notes=(f"read by pypdf alone; by PDFium: {error}",))
    return better(first, second)


def _with_ocr(data: bytes, pages: Pages) -> Pages:
    read, problems = [], []
    for number, page in enumerate(pages.pages, start=1):
        try:
            read.append(_ocr_page(data, number, page))
        except SourceError as error:
            read.append(page)
            problems.append(f"page {number} cannot be read by OCR: {error}")
    n_read = sum(new is not old for new, old in zip(read, pages.pages, strict=True))
    said = (f"{n_read} of {len(read)} pages were read by OCR",) if n_read else ()
    return replace(pages, pages=tuple(read), notes=(*pages.notes, *said, *problems[:_SHOWN_PROBLEMS]))


def _ocr_page(data: bytes, number: int, page: Page) -> Page:
    front = number == 1 and page.lacks_front
    if not (page.is_scan or front):
        return page
    found = Page(guard.run(pdf_ocr.read_page, data, number, seconds=limits.MAX_OCR_SECONDS), covered=page.covered)
    if front:
        return replace(page, text=f"{_ABSTRACT_PART.sub('', found.text)}\n{page.text}")
    return page if found.is_empty else found


def _compose_all(pages: Pages, name: str, digest: str, ocr: bool) -> list[tuple[int, Document]]:
    """Make a document of the pages of each publication, with the number of its first page.

    Raises:
        SourceError: there is no text on any of them.
    """
    starts = _starts(pages)
    ends = [*starts[1:], len(pages.pages)]
    parts = [replace(pages, pages=pages.pages[start:end]) for start, end in zip(starts, ends, strict=True)]
    return [(start + 1, _compose(part, name, digest, ocr)) for start, part in zip(starts, parts, strict=True)]


def _starts(pages: Pages) -> list[int]:
    """Return where publications begin: the front pages after the first that name another number than the last one."""
    starts, last = [0], None
    for index, page in enumerate(pages.pages):
        if _FRONT_PAGE.search(page.text[:_HEAD_CHARS]):
            number = read_front(lay_out([page.text], scanned=_is_scanned(pages))).doc_id
            if number and last and number != last:
                starts.append(index)
            last = number or last
    return starts


def _compose(pages: Pages, name: str, digest: str, ocr: bool) -> Document:
    """Make a document of the pages.

    Raises:
        SourceError: there is no text on any of them.
    """
    notes = _notes(pages, ocr=ocr)
    layout = lay_out([page.text for page in pages.pages], scanned=_is_scanned(pages))
    found = _document(layout, pages, name, digest, notes)
    return found if found.country else replace(found, warnings=(*found.warnings, _NO_NUMBER))


def _is_scanned(pages: Pages) -> bool:
    written = [page for page in pages.pages if not page.is_empty]
    return sum(page.covered >= SCAN_SHARE for page in written) > len(written) / 2


def _notes(pages: Pages, *, ocr: bool) -> tuple[str, ...]:
    """Say what is missing of the text, and what would bring it."""
    n_pages = len(pages.pages)
    n_empty, n_garbled = (sum(flags) for flags in zip(*((p.is_empty, p.is_garbled) for p in pages.pages), strict=True))
    problems = [page.problem for page in pages.pages if page.problem and page.is_empty][:_SHOWN_PROBLEMS]
    if n_empty == n_pages:
        raise _no_text(n_pages, [*pages.notes, *problems[:1]], ocr=ocr)
    advice = "" if ocr else "; --ocr reads them"
    n_chars = sum(len(page.text) for page in pages.pages)
    notes = [*pages.notes, *problems]
    if n_empty:
        notes.append(f"{n_empty} of {n_pages} pages have no text layer (scanned or blank){advice}")
    if n_garbled:
        notes.append(f"{n_garbled} of {n_pages} pages have a text layer that is no text{advice}")
    if pages.pages[0].lacks_front:
        notes.append(f"the front page gives its data as a picture{advice}")
    if n_pages >= 4 and n_chars < _THIN_PAGE_CHARS * n_pages:
        notes.append(f"only {n_chars} characters on {n_pages} pages: most of it is pictures")
    return tuple(notes)


def _no_text(n_pages: int, problems: Sequence[str], *, ocr: bool) -> SourceError:
    if problems:
        said = f"no text on any of {n_pages} pages: {'; '.join(problems)}"
        return SourceError(said, hint="open it and save it again, or get another copy")
    if ocr:
        return SourceError(f"no text on any of {n_pages} pages, and OCR found none")
    return SourceError(f"no text layer on any of {n_pages} pages; it is a scan", hint="read it again with --ocr")


def _document(layout: Layout, pages: Pages, name: str, digest: str, notes: tuple[str, ...]) -> Document:
    front = read_front(layout)
    claims, description = layout.claims_and_description(skip_front=front.is_patent)
    if not front.is_patent:
        description = _without(description, front.abstract)
    title = front.title or metadata_title(pages.title) or _printed_title(front, pages) or name.rsplit(".", 1)[0]
    return Document(
        doc_id=front.doc_id or f"sha256:{digest[:16]}",
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
        warnings=notes,
    )


def _without(description: str, abstract: str) -> str:
    """Leave the paragraphs of the abstract, and their heading, out of the text that it was found in."""
    told = set(abstract.split("\n")) - {""}
    kept = [paragraph for paragraph in description.split("\n") if paragraph not in told]
    return "\n".join(line for line in kept if not (told and is_abstract_heading(line)))


def _printed_title(front: Front, pages: Pages) -> str:
    # The largest letters of a patent without INID codes are those of its office.
    return front.first_line if front.doc_id else pages.headline or front.first_line
