"""Make foreign text fit to show: no control characters, no hidden reordering, no excess length."""

from __future__ import annotations

import re

MAX_NAME = 200

# C0 and C1 controls, DEL, the line and paragraph separators and the byte order mark.
_BLANKS = re.compile(r"[\t\r\n\x0b\x0c\x85\u2028\u2029]+")
_BLANKS_BUT_LINES = re.compile(r"[\t\r\x0b\x0c\x85\u2028\u2029]+")
# Embeddings, overrides and isolates reorder the text around them (CVE-2021-42574); letters keep their own direction.
_HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def clean(text: str | None, *, keep_lines: bool = False) -> str:
    """Return text on one line (or with its line feeds), without control characters and bidirectional overrides."""
    if not text:
        return ""
    if text.isprintable():
        # Most texts are: nothing of the below is printable, and asking is ten times faster than looking for it.
        return text.strip()
    blanks = _BLANKS_BUT_LINES if keep_lines else _BLANKS
    return _HIDDEN.sub("", blanks.sub(" ", text)).strip()


def name_of(text: str) -> str:
    """Return a name as page, tables and graph know it: on one line, single blanks, at most MAX_NAME characters."""
    return shorten(" ".join(clean(text).split()), MAX_NAME)


def shorten(text: str, limit: int) -> str:
    """Cut text to `limit` characters, the last of them an ellipsis where something went missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
