"""Claims as text: where one ends and the next begins, and whether one refers to another. Knows no file format."""

from __future__ import annotations

import re

_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
# A dependent claim names the claim it rests on, in the languages of the large offices.
_REFERENCE = re.compile(
    r"\bclaims?\s+(?:\d|[IVX]+\b|one\b)|\bthe\s+(?:[a-z]+,?\s+(?:or|and|to)\s+)?(?:\w+th|first|second|third)\s+claim\b|\bpreviously\s+claimed\b|\b(?:any|one|all)\s+of\s+(?:the\s+)?claims\b"
    r"|\b(?:any|one)\s+preceding\s+claim|\b(?:preceding|previous|foregoing|above)\s+claims?\b|\bAnspr(?:uch|üche|üchen|uchs)\s+\d"
    r"|\b(?:vorhergehenden|vorangehenden|vorangegangenen|vorstehenden|vorgenannten|vorherigen|obigen)\s+Anspr|\brevendications?\s+\d|\brevendications?\s+pr[ée]c[ée]dentes"
    r"|\breivindicaci(?:ón|ones)\s+\d|\breivindicaciones\s+(?:anteriores|precedentes)|請求項\s*[0-9０-９]|請求項[のい]|权利要求\s*[0-9０-９]"
    r"|[上前所]述的?权利要求|任[一何意].{0,3}权利要求|申請專利範圍第|[上前]述請求項|請求項第|제\s*[0-9]+\s*항|청구항\s*[0-9]",
    re.IGNORECASE,
)
# What every alternative above holds, in lower case: looking for these first is many times faster.
_REFERENCE_HINTS = ("claim", "anspr", "revendication", "reivindicaci", "請求項", "專利範圍", "权利要求", "항")
# No reference is longer, before its hint or from there on.
_REFERENCE_CHARS = 80
_HEADING = re.compile(
    r"\s*(?:(?:what|that\s+which|the\s+invention)\s+(?:is|we|i)?\s*claim(?:ed)?(?:\s+(?:is|as\s+new)\b)?[^\n:]{0,80}|(?:we|i)\s+claim"
    r"|(?:patent)?claims?|patentansprüche|ansprüche|revendications)\s*[:;.\-—–]*\s*(?:\n|(?=1\s*[.)]))",
    re.IGNORECASE,
)
_CANCELLED = re.compile(
    r"[\d\s.,\-–]*(?:[(（【〔]?\s*(?:cancel+ed|삭제|削除|刪除|删除)\s*[)）】〕]?[\s.。]*)?", re.IGNORECASE
)
# At the start of a line specks of a scan or the number of the column may come first; within a line a sentence must end.
_NUMBER = re.compile(
    r"(?:(?P<line>^[^\w\n]{0,4}(?:\d{1,3}[ \t]+)?)|(?<=[.;:!?]\s))"
    r"(?P<number>\d{1,4})(?:[.)]?\s?[-–]\s?(?P<through>\d{1,4})(?=\s?[.)]?\s*\([A-Za-z]))?\s?[.)、．](?!\d)\s*"
    r"(?P<capital>[^\W\d_a-z])?",
    re.MULTILINE,
)
_BEGINS_NUMBERED = re.compile(r"\s*\d{1,4}(?:\s?[-–]\s?\d{1,4})?\s?[.)、．]")
_STATED_NUMBER = re.compile(r"0*(\d+)")
# Numbers that a scan has lost: so many may be missing between two claims.
_MAX_LOST = 2


def refers_to_claim(text: str) -> bool:
    """Tell whether a claim refers to another one."""
    lowered = text.lower()
    return any(_refers_at(lowered, hint) for hint in _REFERENCE_HINTS)


def _refers_at(text: str, hint: str) -> bool:
    place = -1
    while (place := text.find(hint, place + 1)) >= 0:
        found = _REFERENCE.search(text, max(0, place - _REFERENCE_CHARS), place + _REFERENCE_CHARS)
        # The end of what was looked at is no end of a word.
        if found and _REFERENCE.match(text, found.start()):
            return True
    return False


def is_cancelled(text: str) -> bool:
    """Tell whether nothing is left of a claim but its number or `(canceled)`."""
    return bool(_CANCELLED.fullmatch(text))


def is_numbered(text: str) -> bool:
    """Tell whether a claim begins with its printed number."""
    return bool(_BEGINS_NUMBERED.match(text))


def numbered(text: str, number: str | None) -> str:
    """Return a claim that begins with its number; `number` (`0007`) is used where the text has none of its own."""
    if not text or is_numbered(text) or not (digits := _STATED_NUMBER.match(number or "")):
        return text
    return f"{digits[1]}. {text}"


def strip_heading(text: str) -> str:
    """Drop `What is claimed is:` and its like from the start."""
    return text[match.end() :] if (match := _HEADING.match(text)) else text


def split_claims(text: str) -> list[str]:
    """Split running text at the numbers 1, 2, 3, … in sequence, each claim keeping its number.

    A number out of sequence is part of the text, but for a small gap before a capital letter, where a scan has lost
    one. Text without `1.` stays whole.
    """
    plain = strip_heading(text.strip()).strip()
    starts: list[int] = []
    last = 0
    for match in _NUMBER.finditer(plain):
        lost = int(match["number"]) - last - 1
        expected = lost == 0 and (match["line"] is not None or match["capital"])
        if expected or (last and 0 < lost <= _MAX_LOST and match["capital"]):
            # `20-22. (canceled)` stands for three.
            last = max(int(match["number"]), int(match["through"] or 0))
            starts.append(match.start("number"))
    if not starts:
        return [plain] if plain else []
    ends = [*starts[1:], len(plain)]
    return [plain[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def split_japanese_claims(text: str) -> list[str]:
    """Split at `【請求項N】`, writing each claim as `N. …`."""
    pieces = re.split(r"【請求項\s*([0-9０-９]+)】", text)
    pairs = zip(pieces[1::2], pieces[2::2], strict=True)
    return [f"{number.translate(_DIGITS)}. {body.strip()}" for number, body in pairs if body.strip()]


def independent_flags(claims: tuple[str, ...]) -> tuple[bool, ...]:
    """Return, for each claim, whether it refers to no other."""
    return tuple(not refers_to_claim(claim) for claim in claims)
