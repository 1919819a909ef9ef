"""Write XML as text; what the documents of both offices have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from xml.sax.saxutils import escape


def leaf(name: str, markup: object = "", **attributes: str) -> str:
    """Return an element on one line; `markup` is escaped already, `_` in attribute names stands for `-`."""
    head = name + "".join(f' {key.replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return f"<{head}>{markup}</{name}>" if markup != "" else f"<{head}/>"


def block(name: str, *children: str, **attributes: str) -> str:
    """Return an element whose children stand on lines of their own; empty children are left out."""
    return leaf(name, "\n" + "\n".join(child for child in children if child) + "\n", **attributes)


def optional(name: str, children: Sequence[str], **attributes: str) -> str:
    """Return a block, or nothing when it would be empty."""
    return block(name, *children, **attributes) if children else ""


def date_leaf(day: date) -> str:
    """Return a date element."""
    return leaf("date", f"{day:%Y%m%d}")


def inline(text: str, figure: str) -> str:
    """Escape a paragraph and mark up chemical formulas, powers and references to figures.

    `figure` is the idref of a figure, with a place for its number.
    """
    marked = re.sub(r"(?<=Li|PO|PS|\)O)(\d)", r"<sub>\1</sub>", escape(text))
    marked = re.sub("[⁻¹²³]+", lambda m: leaf("sup", m[0].translate(str.maketrans("⁻¹²³", "-123"))), marked)
    return re.sub(
        r"\b(?:FIGS?\.|Figs?\.|Figures?) (\d+)[A-Z]?\b",
        lambda m: leaf("figref", m[0], idref=figure.format(int(m[1]))),
        marked,
    )


def claim_text(claim: str, *, prefix: str = "", mark: Callable[[str], str] = escape) -> str:
    """Nest the steps of a claim in claim-text elements, as the offices do; `mark` turns text into markup."""
    preamble, colon, body = claim.partition(": ")
    if not colon or ";" not in body:
        return leaf("claim-text", prefix + mark(claim))
    steps = re.split(r"(?<=;) (?!and |or )|(?<=; and) |(?<=; or) ", body)
    lines = [f"{prefix}{mark(preamble)}:", *(leaf("claim-text", mark(step)) for step in steps), ""]
    return leaf("claim-text", "\n".join(lines))
