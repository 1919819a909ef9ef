"""What a PDF gives page by page, and which of two readings of a page is the better. Pure; knows no PDF library."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

# Page numbers and stamps are no text layer.
MIN_PAGE_CHARS = 3
# The second reading of a page must give this much more good text: libraries differ by some per cent in the blanks.
_GAIN, _GAIN_CHARS = 1.2, 20
_BAD_SHARE = 0.1
# The stamp of whoever scanned a page is shorter.
_STAMP_CHARS = 100
# A picture that covers this much of a page is a scan of it.
SCAN_SHARE = 0.5
_LONGEST_WORD = 45
_GLYPH_NAMES = re.compile(r"\(cid:\d+\)|/(?:g|G|glyph|C|cid|uni)\d+")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]+")
_VOWEL = re.compile(r"[aeiouyà-öø-ÿ]", re.IGNORECASE)
_MIN_WORDS = 20
# Of the letters of any language in Latin letters, a third or more are vowels.
_LEAST_VOWELS = 0.2
_FRONT_SHARE = 0.2
_PARTIES = re.compile(r"\((?:54|71|72|73)\)")
_SHEET = re.compile(r"\bsheet\b|\bfig", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """One page as one library reads it.

    Attributes:
        problem: why it could not be read, "" where it could.
        reordered: its columns were read across by whoever wrote the file, and are put in order here.
        covered: share of the page that its largest picture covers.
    """

    text: str = ""
    problem: str = ""
    reordered: bool = False
    covered: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no text, or less than could be one."""
        return len(self.text.strip()) < MIN_PAGE_CHARS

    @property
    def is_garbled(self) -> bool:
        """Tell whether a tenth of the text or more is no text."""
        n_chars = _n_chars(self.text)
        return not self.is_empty and n_bad(self.text) >= _BAD_SHARE * n_chars

    @property
    def is_scan(self) -> bool:
        """Tell whether what it says stands in a picture: OCR would find more; drawing sheets with labels do not count.

        A page that no library reads at all is one too.
        """
        stamped = self.covered >= SCAN_SHARE and len(self.text.strip()) < _STAMP_CHARS and not _SHEET.search(self.text)
        return self.is_empty or self.is_garbled or stamped

    @property
    def lacks_front(self) -> bool:
        """Tell whether only the abstract of a front page is text and its data is a picture, as the JPO prints them."""
        return self.covered >= _FRONT_SHARE and "(57)" in self.text and not _PARTIES.search(self.text)


@dataclass(frozen=True)
class Pages:
    """All pages of a PDF.

    Attributes:
        title: as the file states it of itself.
        headline: the text in the largest letters of page 1.
        notes: what befell the file as a whole, for the analyst.
    """

    pages: tuple[Page, ...]
    title: str = ""
    headline: str = ""
    notes: tuple[str, ...] = ()


def better(first: Pages, second: Pages) -> Pages:
    """Take each page from the first reading, but from the second where that gives clearly more good text."""
    if len(first.pages) != len(second.pages):
        return max(first, second, key=lambda pages: sum(_n_good(page.text) for page in pages.pages))
    pages = tuple(_better_page(a, b) for a, b in zip(first.pages, second.pages, strict=True))
    return replace(first, pages=pages, title=first.title or second.title, headline=second.headline)


def _better_page(a: Page, b: Page) -> Page:
    if b.reordered or _n_good(b.text) > _GAIN * _n_good(a.text) + _GAIN_CHARS:
        return b
    return replace(a, covered=b.covered, problem=a.problem or b.problem)


def _n_chars(text: str) -> int:
    return sum(not character.isspace() for character in text)


def _n_good(text: str) -> int:
    return _n_chars(text) - n_bad(text)


def n_bad(text: str) -> int:
    """Count the characters that are no text: of no meaning, names of glyphs, words glued or torn, or none at all.

    A page whose Latin words have few vowels is shifted letters, of a font that does not say what its glyphs mean.
    """
    words = _WORD.findall(text)
    latin = [word for word in words if len(word) >= 3 and _LATIN.fullmatch(word)]
    letters = "".join(latin)
    if len(latin) >= _MIN_WORDS and len(_VOWEL.findall(letters)) < _LEAST_VOWELS * len(letters):
        return _n_chars(text)
    bad = sum(unicodedata.category(character) in ("Co", "Cn", "Cc") for character in text if not character.isspace())
    bad += text.count("�") + sum(len(name) for name in _GLYPH_NAMES.findall(text))
    bad += sum(len(word) for word in latin if len(word) > _LONGEST_WORD)
    return bad + _n_torn(words)


def _n_torn(words: Sequence[str]) -> int:
    single = [word for word in words if len(word) == 1 and _LATIN.fullmatch(word)]
    torn = len(words) >= _MIN_WORDS and len(single) > 0.6 * len(words)
    return len(single) if torn else 0
