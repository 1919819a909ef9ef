"""What the page says, in the language of its reader. The sentences are in the folder wordlists/, a file a language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from patentclust.scores import SCORES, Score


@dataclass(frozen=True)
class Words:
    """The words of one language; `scores` and `warnings` are empty where the English ones serve.

    Attributes:
        page: may hold markup.
        script: text.
        live: text, what the page adds once a server stands behind it.
        warnings: sentences that readers say, with `{blanks}`, and how this language says them.
    """

    html_lang: str
    page: Mapping[str, str]
    script: Mapping[str, str]
    live: Mapping[str, str]
    scores: Mapping[str, list[str]]
    warnings: Mapping[str, str]

    def __call__(self, key: str, **values: Any) -> Markup:
        """Return a sentence with its values filled in and escaped; whole numbers get separators, `n` chooses a form."""
        forms = self.page[key].split("|")
        form = forms[0] if values.get("n") == 1 else forms[-1]
        shown = {name: f"{value:,}" if isinstance(value, int) else value for name, value in values.items()}
        return Markup(form).format(**shown)

    def warning(self, sentence: str) -> str:
        """Return what a reader warned of in this language, the sentence itself where nobody put it into it."""
        for english, ours in self.warnings.items():
            if found := _pattern(english).fullmatch(sentence):
                return ours.format(**found.groupdict())
        return sentence

    def score(self, key: str) -> Score | None:
        """Return what a score is called and how to read it, None for one that nobody knows."""
        known = SCORES.get(key)
        if known is None or key not in self.scores:
            return known
        name, sentence = self.scores[key]
        return Score(name, known.form, sentence)


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    """Return what matches a sentence with something in its `{blanks}`."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*)", re.escape(sentence)), re.DOTALL)


@cache
def words_of(language: str) -> Words:
    """Return the words of a language of `params.PAGE_LANGUAGES`."""
    text = (files("patentclust.render") / "wordlists" / f"{language}.toml").read_text(encoding="utf-8")
    raw = tomllib.loads(text)
    return Words(
        raw["html_lang"], raw["page"], raw["script"], raw["live"], raw.get("scores", {}), raw.get("warnings", {})
    )
