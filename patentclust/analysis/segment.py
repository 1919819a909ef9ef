"""Words of languages that do not set them apart by spaces, or glue particles to them; each by its own library.

Chinese by jieba (`rjieba`), Japanese by Sudachi (`sudachipy`, unit B: words, compounds cut), Korean by Kiwi
(`kiwipiepy`). All are optional (extra `cjk`). The only door to these libraries; knows nothing of patents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import groupby

Words = Callable[[str], list[str]]

LIBRARIES = {"zh": "rjieba", "ja": "sudachipy", "ko": "kiwipiepy"}
_REMEMBERED = 200_000
# Kiwi's tags: nouns, foreign words and numbers, prefixes and suffixes of nouns; what is no noun but stands in one
# (이차전지, 전고체); those that turn a noun into a verb; the particle "of", over which a phrase goes on.
_KOREAN_NOUNS = ("NN", "SL", "SN", "XPN", "XSN", "XR")
_KOREAN_WITHIN = ("NR", "MM")
_KOREAN_VERBAL = ("XSV", "XSA")
_KOREAN_OF = "JKG"


def installed() -> dict[str, str]:
    """Return the languages whose library is installed, and its name; imports none of them."""
    return {language: library for language, library in LIBRARIES.items() if find_spec(library)}


def segmenters() -> Mapping[str, Words]:
    """Return, for every language whose library is installed, a function from a run of letters to its words.

    The words of a run joined give the run again, but for Korean: there only nouns are words, particles and verbs go,
    and an empty word says that a phrase ends there.
    """
    makers = {"zh": _chinese, "ja": _japanese, "ko": _korean}
    return {language: makers[language]() for language in installed()}


@cache
def _chinese() -> Words:
    import rjieba

    return lru_cache(_REMEMBERED)(rjieba.cut)


@cache
def _japanese() -> Words:
    from sudachipy import Dictionary, SplitMode

    tokenizer = Dictionary().tokenizer(mode=SplitMode.B)

    @lru_cache(_REMEMBERED)
    def words(run: str) -> list[str]:
        return [morpheme.surface() for morpheme in tokenizer.tokenize(run)]

    return words


@cache
def _korean() -> Words:
    from kiwipiepy import Kiwi

    kiwi = Kiwi(num_workers=1)

    @lru_cache(_REMEMBERED)
    def words(run: str) -> list[str]:
        found = []
        tokens = kiwi.tokenize(run)
        for is_noun, group in groupby(tokens, key=lambda token: token.tag.startswith(_KOREAN_NOUNS + _KOREAN_WITHIN)):
            part = list(group)
            if is_noun and any(token.tag.startswith(_KOREAN_NOUNS) for token in part):
                found.append("".join(token.form for token in part if (token.form, token.tag) != ("용", "XSN")))
            elif part[0].tag.startswith(_KOREAN_VERBAL):
                found[-1:] = [""]
            elif part[0].tag != _KOREAN_OF:
                found.append("")
        return found

    return words
