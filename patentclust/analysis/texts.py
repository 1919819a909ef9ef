"""What of a document is embedded, and in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

# The claims come before the description, so that what a short window cuts is the tail of the description.
_ORDER = {
    "full": ("title", "abstract", "claims", "description"),
    "tac": ("title", "abstract", "claims"),
    "ta": ("title", "abstract"),
}

# The choices of the short parts of a document; one that names a single field asks for that field alone.
_SHORT = ("tac", "ta")
_OPENING_CHARS = 2_000


def text_fields(selection: str) -> tuple[str, ...]:
    """Return the document columns that a selection such as `tac` reads, in order."""
    return _ORDER.get(selection, (selection,))


def compose(parts: Sequence[str | Sequence[str]]) -> str:
    """Join title, abstract, claims and description, whichever are there, by blank lines; empty parts leave nothing."""
    flat = (part if isinstance(part, str) else "\n".join(part) for part in parts)
    return "\n\n".join(stripped for part in flat if (stripped := part.strip()))


def may_open(selection: str) -> bool:
    """Tell whether the opening of the description stands for a document that has nothing of what was selected."""
    return selection in _SHORT


def opening(description: str) -> str:
    """Return the beginning of a description, cut between words."""
    text = description.strip()
    if len(text) <= _OPENING_CHARS:
        return text
    whole, _, rest = text[: _OPENING_CHARS + 1].rpartition(" ")
    return whole.rstrip() or rest[:_OPENING_CHARS]


def estimate_tokens(text: str) -> float:
    """Return about how many tokens a text has, without a tokeniser: 4.5 letters of an alphabet, or one ideograph, each.

    Bars and estimates of time need proportions, not counts.
    """
    n_bytes = len(text.encode("utf-8", "replace"))
    # UTF-8 gives Latin one byte a character and East Asian scripts three, of which a token holds about one character.
    n_wide = max(0, n_bytes - len(text)) / 2
    return max(1.0, (len(text) - n_wide) / 4.5 + n_wide)


def text_sha256(text: str) -> str:
    """Return the sha256 (hex) of the text as UTF-8; a lone surrogate counts as `?`."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
