"""Pages of printed lines -> running text. Pure; knows neither pypdf nor what a front page says.

Takes off what belongs to the paper (running heads, line and column numbers, drawing sheets), mends words broken at line
ends, and finds the claims by their heading.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from patentclust.readers import pdf_mend
from patentclust.readers.claims import split_claims, split_japanese_claims

_EDGE_LINES = 3
_MIN_REPEATS = 3
# A page with the label of a figure and less text than this is a drawing sheet.
_DRAWING_CHARS = 600
_REPEAT_SHARE = 0.3
_TAIL_CHARS = 100
_CJK = re.compile("[　-〿぀-ヿ㐀-䶿一-鿿豈-﫿＀-￯]")
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\xad": "-"})
_RUNNING_HEAD = re.compile(
    r"(?:\(\d+\)\s*)?JP\s+\d{4}-\d+\s+[A-Z]\d?\s+\d{4}\.\d{1,2}\.\d{1,2}|U\.?\s?S\.?\s+Patent\s.{0,60}Sheet\s.{0,40}"
    r"|Patent Application Publication\s.{0,80}|US\s[\d,/ ]{7,16}\s?[A-Z]\d(?:\s+Page \d+)?|[\d,]{7,10}\s+\d{1,3}\.?",
    re.IGNORECASE,
)
# The number of a US patent at the head of a column, and the same with the first line of text glued to it.
_HEAD_NUMBER = re.compile(r"\d{1,2},\d{3},\d{3}")
_GLUED_HEAD = re.compile(r"\d{1,2},\d{3},\d{3}\s+\d{1,3}\s+(?=[^\W\d_])")
_FIGURE = re.compile(r"FIGS?\.?\s?\d")
_CLAIMS_LINE = re.compile(r"(?:patent)?claims|patentansprüche|ansprüche|revendications", re.IGNORECASE)
_ACCENTS = {"´": "\u0301", "¨": "\u0308", "ˆ": "\u0302", "˜": "\u0303", "ˇ": "\u030c", "¸": "\u0327"}
# But not where it is an apostrophe: `it´s`, `l´invention`.
_ACCENT_BEFORE = re.compile(
    r"(?=(?<!\b[cdjlmnstCDJLMNST])(?<!\b[Qq]u)´[aeiouyAEIOUY]|¨[aeiouyAEIOU]|ˆ[aeiouAEIO]|˜[anoANO]"
    r"|ˇ[cdenrstzCDENRSTZ])(.)(.)"
)
_CEDILLA_BEHIND = re.compile(r"([csCS])¸")
_PARAGRAPH_NUMBER = re.compile(r"\[0\d{3,4}\]\s*|【[０-９\d]{4,5}】\s*")
_JAPANESE_CLAIM = re.compile(r"【請求項\s*[0-9０-９]+】")
_JAPANESE_CLAIMS_END = re.compile(r"【(?:発明の詳細な説明|技術分野|発明の名称|書類名|図面の簡単な説明)】")
_CLAIMS_HEADING = re.compile(
    r"^\W{0,5}(?:what\s+(?:is|we|i)\s+claim(?:ed)?\b[^\n:]{0,90}|(?:we|[i1l])\s+claim(?:\s+as\b[^\n:]{0,60}?)?"
    r"|(?:patent)?claims"
    r"|the\s+[^\n]{0,60}\bclaimed(?:\s+(?:is|are))?\b[^\n:]{0,60}|patentansprüche|ansprüche|revendications)"
    r"\s*[:;.,\-—–]*\s*(?:$|(?=[1Il]\s?[.)]\s))",
    re.IGNORECASE | re.MULTILINE,
)
_CLAIM_LINE = re.compile(r"\d{1,3}\s?\.\s+(?:An?|The|In)\s+\w")
# A line that ends so goes on, however short it is.
_OPEN_END = re.compile(r"\b(?:and|or|of|the|an?|to|in|for|with|by|from|on|at|which|that|is|are)$", re.IGNORECASE)
# Of a patent's file, but no part of its text.
_NO_PART = re.compile(r"フロントページの続き|CERTIFICATE OF CORRECTION")
_KNOWN_HEADING = re.compile(
    r"\W*(?:background|summary|brief description|detailed description|description|field of|technical field"
    r"|cross[- ]reference|statement|related|best mode|disclosure of|industrial applicability|examples?|claims?)\b",
    re.IGNORECASE,
)
# Scans show its number as a letter.
_FIRST_CLAIM = re.compile(r"\s*(?:\S[^\n]{0,100}\n\s*){0,3}(?P<number>[1Il])\s?[.)]\s")
_SPOKEN = re.compile(r"what\s+(?:is|we|i)\s|(?:we|[i1l])\s+claim", re.IGNORECASE)
_CLAIMS_END = re.compile(
    r"^\W{0,5}(?:united states patent and trademark office|certificate of correction|abstract(?: of the disclosure)?"
    r"|(?:detailed )?description(?: of .{0,60})?|references cited|(?:\*\s*){3,})\W{0,3}$"
    r"|^\W{0,5}(?:signed (?:by me|this|at)|in (?:testimony|witness) whereof|this specification signed)\b",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Layout:
    """The lines of each page that are text, in reading order.

    Attributes:
        pages: lines by page; drawing sheets are empty.
        edges: the running heads and page numbers that were taken off, by page.
        hyphenated: words that are written with a hyphen within a line, so that it is theirs.
        words: of a scan, how often each stands within a line, to mend the others by; empty for any other text.
    """

    pages: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[str, ...], ...]
    hyphenated: frozenset[str]
    words: Mapping[str, int] = field(default_factory=dict)

    def paragraphs(self, lines: Sequence[str]) -> list[str]:
        """Join lines to paragraphs and headings."""
        usual = sorted(map(len, lines))[len(lines) * 3 // 4] if lines else 0
        paragraphs: list[str] = []
        previous = ""
        for line in lines:
            if paragraphs and not _begins_paragraph(line, previous, usual):
                paragraphs[-1] = self._glue(paragraphs[-1], line)
            else:
                paragraphs.append(_PARAGRAPH_NUMBER.sub("", line, count=1).strip())
            previous = line
        return [self._lowered(paragraph) for paragraph in paragraphs if paragraph]

    def joined(self, text: str) -> str:
        """Join the lines of one claim or title to one line."""
        whole = ""
        for line in filter(None, map(str.strip, text.split("\n"))):
            whole = self._glue(whole, line)
        return self._lowered(whole)

    def _lowered(self, text: str) -> str:
        return pdf_mend.lowered(text) if self.words else text

    def _glue(self, before: str, after: str) -> str:
        after = after.strip()
        if not before or not after:
            return before or after
        if _CJK.match(before[-1]) or _CJK.match(after[0]):
            return before + after
        # Only its end matters, and a search through all that was glued before costs the square of a paragraph.
        tail = before[-_TAIL_CHARS:]
        broken = re.search(r"([^\W\d_]+)-$", tail)
        rest = re.match(r"[^\W\d_]+", after)
        if broken and rest and rest[0][0].islower():
            own_hyphen = f"{broken[1]}-{rest[0]}".lower() in self.hyphenated
            return before + after if own_hyphen else before[:-1] + after
        halves = re.search(r"(?<![^\s(])[A-Za-z]+$", tail), re.match(r"[a-z]+(?![\w-])", after)
        if self.words and halves[0] and halves[1] and pdf_mend.is_broken(halves[0][0], halves[1][0], self.words):
            return before + after
        return f"{before} {after}"

    def _after_front(self) -> tuple[tuple[str, ...], ...]:
        """Return the pages behind the front page, without its continuations and certificates of correction."""
        rest = self.pages[self._n_front_pages() :]
        return tuple(page for page in rest if not any(_NO_PART.search(line) for line in page[:4])) or self.pages

    def _n_front_pages(self) -> int:
        n = 1
        while n < len(self.pages) and _continues_front(self.edges[n]):
            n += 1
        return n

    def front_lines(self) -> list[str]:
        """Return the lines of the front page and of what continues it, there or, in a gazette of Japan, at the end."""
        fronts, rest = self.pages[: self._n_front_pages()], self.pages[self._n_front_pages() :]
        continued = [page for page in rest if any("フロントページの続き" in line for line in page[:3])]
        return [line for page in (*fronts, *continued) for line in page]

    def claims_and_description(self, *, skip_front: bool) -> tuple[tuple[str, ...], str]:
        """Return the claims and all other text but the front page."""
        pages = self._after_front() if skip_front else self.pages
        text = "\n".join(line for page in pages for line in page)
        start, end, claims = _find_claims(text)
        before, after = ([line for line in part.split("\n") if line.strip()] for part in (text[:start], text[end:]))
        # Some print a heading over `What is claimed is`.
        if claims and before and _CLAIMS_LINE.fullmatch(before[-1].strip(" .:")):
            before.pop()
        description = self.paragraphs([*before, *after])
        return tuple(map(self.begun, map(self.joined, claims))), "\n".join(description)

    def begun(self, text: str) -> str:
        """Return a claim or an abstract with the article that a scan glued to its first word set off."""
        return pdf_mend.with_article(text, self.words)


def lay_out(texts: Iterable[str], *, scanned: bool = False) -> Layout:
    """Clean the lines of all pages; those of a scan are mended where its OCR is known to fail."""
    pages = [
        [line for raw in composed(text.translate(_LIGATURES)).splitlines() if (line := raw.strip(" \t\xa0"))]
        for text in texts
    ]
    n_written = sum(map(bool, pages))
    counts = Counter(key for page in pages for key in {_shape(line) for line in _edges(page)})
    needed = max(_MIN_REPEATS, n_written * _REPEAT_SHARE)
    heads = {key for key, count in counts.items() if count >= needed}
    cleaned = [_without_furniture(page, heads) for page in pages]
    edges = tuple(tuple(_edges(page)) for page in pages)
    kept = tuple(
        tuple(page) if number == 0 or _is_prose(page) or _continues_front(edges[number]) else ()
        for number, page in enumerate(cleaned)
    )
    words = pdf_mend.inner_words(line for page in kept for line in page) if scanned else {}
    if scanned:
        kept = tuple(tuple(pdf_mend.mended(line, words) for line in page) for page in kept)
    hyphenated = re.findall(r"[^\W\d_]+-[^\W\d_]+", " ".join(line for page in kept for line in page))
    return Layout(kept, edges, frozenset(word.lower() for word in hyphenated), words)


def _continues_front(edges: Sequence[str]) -> bool:
    """Tell whether a page is headed `Page 2` and so on, as the USPTO heads those behind the first."""
    return any(re.fullmatch(r"Page \d{1,2}", line) for line in edges)


def composed(text: str) -> str:
    """Return text with accents that TeX prints as signs of their own put on their letters: `Gr´egory`, `Franc¸ois`."""
    text = _ACCENT_BEFORE.sub(lambda m: unicodedata.normalize("NFC", m[2] + _ACCENTS[m[1]]), text)
    return _CEDILLA_BEHIND.sub(lambda m: unicodedata.normalize("NFC", m[1] + _ACCENTS["¸"]), text)


def _edges(page: Sequence[str]) -> list[str]:
    return [*page[:_EDGE_LINES], *page[max(_EDGE_LINES, len(page) - _EDGE_LINES) :]]


def _shape(line: str) -> str:
    return re.sub(r"\d+", "#", line)


def _without_furniture(page: list[str], heads: set[str]) -> list[str]:
    last = len(page) - 1
    numbers = _line_numbers(page)
    kept = []
    for index, line in enumerate(page):
        at_edge = index < _EDGE_LINES or index > last - _EDGE_LINES
        is_head = _shape(line) in heads or line.isdecimal() or _HEAD_NUMBER.fullmatch(line)
        if index in numbers or (at_edge and is_head):
            continue
        line = _GLUED_HEAD.sub("", line, count=1) if index == 0 else line
        if not _RUNNING_HEAD.fullmatch(line) and (_CJK.search(line) or any(c.isalnum() for c in line)):
            kept.append(line)
    return kept


def _line_numbers(page: Sequence[str]) -> set[int]:
    """Return where 5, 10, 15 … stand alone, and column numbers beside them."""
    found = set()
    for index, line in enumerate(page):
        if re.fullmatch(r"\d{1,3}", line):
            beside = [page[i] for i in (index - 1, index + 1) if 0 <= i < len(page)]
            if int(line) % 5 == 0 or any(re.fullmatch(r"\d{1,3}", other) for other in beside):
                found.add(index)
    return found


def _is_prose(page: Sequence[str]) -> bool:
    """Tell a page of text from a drawing sheet with labels: one line at least reads on, or is a claim."""
    if sum(map(len, page)) < _DRAWING_CHARS and any(re.search(r"\bFIG", line) for line in page):
        return False
    return any(
        len(re.findall(r"[^\W\d_]{2,}", line)) >= 5 or len(_CJK.findall(line)) >= 12 or _CLAIM_LINE.match(line)
        for line in page
    )


def is_heading(line: str) -> bool:
    """Tell whether a line is a heading in capitals."""
    letters = [c for c in line if c.isalpha()]
    n_upper = sum(c.isupper() for c in letters)
    return (
        len(letters) >= 4 and n_upper >= 0.85 * len(letters) and len(line) <= 90 and not line.endswith((".", ",", ";"))
    )


def _begins_paragraph(line: str, previous: str, usual: int) -> bool:
    if line.startswith(("　", "【", "〔", "•")) or _PARAGRAPH_NUMBER.match(line):
        return True
    if is_heading(line) != is_heading(previous) or (is_heading(line) and _KNOWN_HEADING.match(line)):
        return True
    if previous.endswith(("】", "〕")):
        return True
    if previous.endswith((";", "; and", ".")) and _FIGURE.match(line):
        return True
    if previous.endswith((".", ":", "。", ".”", '."')):
        return len(previous) < 0.85 * usual
    if _OPEN_END.search(previous):
        return False
    # A short line before a capital: a heading in small letters, an address, a list.
    return len(previous) < 0.5 * usual and line[0].isupper() and not previous.endswith((",", "-", ";"))


def _find_claims(text: str) -> tuple[int, int, list[str]]:
    """Return where the claims begin and end in the text, and the claims; an empty span when there are none."""
    japanese = _JAPANESE_CLAIM.search(text)
    if japanese:
        stop = _JAPANESE_CLAIMS_END.search(text, japanese.end())
        end = stop.start() if stop else len(text)
        heading = text.rfind("【特許請求の範囲】", 0, japanese.start())
        start = heading if heading >= 0 else japanese.start()
        return start, end, split_japanese_claims(text[japanese.start() : end])
    headings = list(_CLAIMS_HEADING.finditer(text))
    counted = [match for match in headings if _FIRST_CLAIM.match(text, match.end())]
    # Without a claim 1 behind it only the old formula counts, and only where claims stand: at the end.
    spoken = [match for match in headings if _SPOKEN.search(match[0]) and match.start() > len(text) / 2]
    chosen = (counted or spoken)[-1:]
    if not chosen:
        return 0, 0, []
    stop = _CLAIMS_END.search(text, chosen[0].end())
    end = stop.start() if stop else len(text)
    first = _FIRST_CLAIM.match(text, chosen[0].end(), end)
    begin = first.start("number") if first else chosen[0].end()
    numbered = f"1{text[begin + 1 : end]}" if first else text[begin:end]
    return chosen[0].start(), end, split_claims(numbered)
