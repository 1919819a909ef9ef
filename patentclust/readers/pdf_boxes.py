"""The one door to PDFium: where the text of a page stands, and the page as a picture.

Runs in the process of `guard`, which sets the limits of time and memory and survives a crash of the C++ library.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from patentclust.errors import SourceError
from patentclust.readers import limits
from patentclust.readers.pdf_order import Box, is_across, reading_order
from patentclust.readers.pdf_pages import SCAN_SHARE, Page, Pages

# Letters of this share of the largest height belong to the headline.
_HEADLINE_SHARE = 0.93
_MAX_HEADLINE_CHARS = 300
# PDFium marks a hyphen at a line end so, and joins the lines.
_LINE_HYPHENS = ("￾", "\x02")
# The longest side of a rendered page; finer gives OCR nothing.
_RENDER_PIXELS = 2_000
_SCREEN_PIXELS = 1_400


def read_pages(data: bytes) -> Pages:
    """Return the text of all pages, columns that were drawn across put in order.

    Raises:
        SourceError: the file is damaged, locked or too long.
    """
    with _opened(data) as document:
        if len(document) > limits.MAX_PDF_PAGES:
            raise SourceError(f"more than {limits.MAX_PDF_PAGES} pages", hint="split it")
        if not len(document):
            raise SourceError("a PDF without pages")
        pages: list[Page] = []
        headline = ""
        for index in range(len(document)):
            page, largest = _page(document, index, with_headline=not index)
            pages.append(page)
            headline = headline or largest
        if sum(len(page.text) for page in pages) > limits.MAX_PDF_CHARS:
            raise SourceError(f"more than {limits.MAX_PDF_CHARS:,} characters of text", hint="split it")
        return Pages(tuple(pages), title=_title(document), headline=headline)


def count(data: bytes) -> int:
    """Return the number of pages."""
    with _opened(data) as document:
        return len(document)


def render(data: bytes, number: int) -> Any:
    """Return page `number`, from 1, as an array of shape (height, width, 3), blue first."""
    with _opened(data) as document:
        page = document[number - 1]
        scale = _RENDER_PIXELS / max(*page.get_size(), 1.0)
        return page.render(scale=scale).to_numpy().copy()


def picture(data: bytes, number: int) -> bytes:
    """Return page `number`, from 1, as PNG for a screen."""
    from PIL import Image

    out = io.BytesIO()
    image = Image.fromarray(render(data, number)[:, :, ::-1])
    image.thumbnail((_SCREEN_PIXELS, _SCREEN_PIXELS))
    image.save(out, "PNG")
    return out.getvalue()


@contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise SourceError(f"damaged PDF: {error}", hint="open it and save it again, or get another copy") from error
    try:
        yield document
    finally:
        document.close()


def _title(document: Any) -> str:
    return str(document.get_metadata_dict(skip_empty=True).get("Title", ""))


def _page(document: Any, index: int, *, with_headline: bool) -> tuple[Page, str]:
    """Return a page, and its largest text where asked."""
    import pypdfium2

    try:
        page = document[index]
        found = page.get_textpage()
    except pypdfium2.PdfiumError as error:
        return Page(problem=f"page {index + 1} cannot be read: {error}"), ""
    height = page.get_height()
    across = is_across([Box(x0, height - y1, x1, height - y0, "") for x0, y0, x1, y1 in _rects(found)])
    text = "\n".join(reading_order(_boxes(found, height))) if across else _plain(found.get_text_range())
    covered = _covered(page)
    # The letters behind a scan have the sizes that an OCR engine guessed.
    headline = _headline(found) if with_headline and covered < SCAN_SHARE else ""
    return Page(text, reordered=across, covered=covered), headline


def _plain(text: str) -> str:
    for mark in _LINE_HYPHENS:
        text = text.replace(mark, "-\n")
    return text.replace("\r\n", "\n").replace("\x00", "")


def _rects(found: Any) -> Iterator[tuple[float, float, float, float]]:
    for index in range(found.count_rects()):
        yield found.get_rect(index)


def _covered(page: Any) -> float:
    from pypdfium2 import raw

    width, height = page.get_size()
    shares = [0.0]
    for picture in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = picture.get_bounds()
        shares.append(abs((right - left) * (top - bottom)) / max(width * height, 1.0))
    return min(max(shares), 1.0)


def _boxes(found: Any, height: float) -> list[Box]:
    """Return the pieces of lines as they are drawn: a new one at each jump of the pen."""
    boxes: list[Box] = []
    text, edges = "", (0.0, 0.0, 0.0, 0.0)
    for index, character in enumerate(_characters(found)):
        place = None if character.isspace() else _place(found, index)
        if place is None:
            text += " " if text and not text.endswith(" ") else ""
            continue
        if text and _jumped(edges, place):
            boxes.append(_box(edges, text, height))
            text = ""
        text += "-" if character in _LINE_HYPHENS else character
        x0, y0, x1, y1 = place
        old = edges if len(text) > 1 else place
        edges = (min(old[0], x0), min(old[1], y0), max(old[2], x1), max(old[3], y1))
    return [*boxes, _box(edges, text, height)] if text.strip() else boxes


def _characters(found: Any) -> list[str]:
    """Return one character for each index of PDFium's own, which its text as a whole does not keep to."""
    from pypdfium2 import raw

    return [chr(raw.FPDFText_GetUnicode(found, index) or ord(" ")) for index in range(found.count_chars())]


def _place(found: Any, index: int) -> tuple[float, float, float, float] | None:
    import pypdfium2

    with suppress(pypdfium2.PdfiumError, IndexError):
        left, bottom, right, top = found.get_charbox(index, loose=True)
        return (left, bottom, right, top) if right > left and top > bottom else None
    return None


def _jumped(before: tuple[float, float, float, float], after: tuple[float, float, float, float]) -> bool:
    height = before[3] - before[1]
    return (
        not -height < after[0] - before[2] < height
        or min(before[3], after[3]) - max(before[1], after[1]) < 0.3 * height
    )


def _box(edges: tuple[float, float, float, float], text: str, height: float) -> Box:
    return Box(edges[0], height - edges[3], edges[2], height - edges[1], text)


def _headline(found: Any) -> str:
    """Return what stands in the largest letters."""
    from pypdfium2 import raw

    text = _characters(found)
    heights = []
    for index, character in enumerate(text):
        matrix = raw.FS_MATRIX()
        known = character.isalpha() and raw.FPDFText_GetMatrix(found, index, ctypes.byref(matrix))
        heights.append(raw.FPDFText_GetFontSize(found, index) * abs(matrix.d or matrix.b) if known else 0.0)
    largest = max(heights, default=0.0)
    chosen = [index for index, height in enumerate(heights) if height and height >= _HEADLINE_SHARE * largest]
    # Where most letters are of one size, none of them is the headline.
    if not chosen or 2 * len(chosen) > sum(map(bool, heights)):
        return ""
    words = _plain("".join(text[chosen[0] : chosen[-1] + 1]))
    return " ".join(words.split()) if len(words) <= _MAX_HEADLINE_CHARS else ""
