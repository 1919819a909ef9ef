"""Which language of a document to take where it carries several, and what is in it. Knows no dialect.

Elements tell their language in `lang`. One language is taken for all texts of a document; they are never put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from patentclust.readers.language import normalise

# How the EPO marks names and titles: as the office printed them (in Latin script, in its own) comes before rewritten.
FORMATS = ("docdba", "original", "", "docdb", "epodoc")


def language_of(element: Any) -> str | None:
    """Return the language an element declares."""
    return normalise(element.get("lang"))


def choose(elements: Iterable[Any], wishes: Sequence[str | None]) -> str | None:
    """Return the first wish that an element is in, else English, else the language of the first that declares one."""
    available = [code for element in elements if (code := language_of(element))]
    for wish in (*map(normalise, wishes), "en"):
        if wish in available:
            return wish
    return available[0] if available else None


def in_language(elements: Sequence[Any], language: str | None) -> Any:
    """Return the element in a language, else one that declares none, else None; the office's own form first."""
    matching = [element for element in elements if language_of(element) == language]
    undeclared = [element for element in elements if not language_of(element)]
    return min(matching or undeclared, key=_format_rank, default=None)


def title(elements: Sequence[Any], wishes: Sequence[str | None]) -> Any:
    """Return the title in the first language wished for, else in English, else the first; None when there is none."""
    for wish in (*map(normalise, wishes), "en"):
        if wish and any(language_of(element) == wish for element in elements):
            return in_language(elements, wish)
    return min(elements, key=_format_rank, default=None)


def left_out(texts: Mapping[str, Sequence[Any]], language: str | None) -> list[str]:
    """Return a sentence for each text that is there, but in other languages only."""
    sentences = []
    for tag, elements in texts.items():
        if elements and in_language(elements, language) is None:
            others = ", ".join(sorted({code for element in elements if (code := language_of(element))}))
            sentences.append(f"{tag} left out: only in {others}, not in {language}")
    return sentences


def _format_rank(element: Any) -> int:
    stated = element.get("data-format", "")
    return FORMATS.index(stated) if stated in FORMATS else len(FORMATS)
