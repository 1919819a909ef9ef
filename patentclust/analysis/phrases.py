"""A text -> phrases -> candidate terms: what may stand as a word of the field, in any script.

Scripts with spaces give words and two-word phrases. Chinese and Japanese give runs of characters cut at function words:
where a segmenter is at hand, words and up to three of them in a row, else the pieces of 2 to 6 characters that occur in
more than one surrounding. Thai, Lao and Khmer are taken phrase by phrase. Knows nothing of clusters or weights.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import numpy as np

from patentclust.analysis.boilerplate import BREAKS, EDGES, GENERIC, LOOSE, STOPS
from patentclust.analysis.segment import Words

_MAX_CHARS = 3000
_MAX_CHARS_UNSPACED = 800
_MAX_PIECE = 6
_MAX_RUN = 12
# Words in a row of a script without spaces that make a term: リチウム + イオン + 二 + 次 + 電池.
_MAX_WORDS = 5
# A piece that occurs hardly more often than something longer around it is a fragment of that.
_FRAGMENT = 0.75

_UNSPACED = r"\u3005\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff"
# Vowel signs of South and South-East Asian scripts are no letters to `re`, but they stand inside words.
_LETTER = r"(?:[^\W\d_\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[\u0300-\u036f\u0900-\u109f\u1780-\u17ff])"
# 5G and 3D are words, also with no space around them; other letters glued to a number are its unit or a sign.
_TOKEN = re.compile(
    rf"(?P<run>[{_UNSPACED}]+)|(?P<number>(?![2-6][dg](?![a-z\d]))\d+[a-zμ]*)"
    rf"|(?P<word>[2-6][dg](?![a-z\d])|{_LETTER}(?:{_LETTER}|\d)*(?:-(?:{_LETTER}|\d)+)*)|(?P<cut>\S)"
)
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{2,}")
_HAN = re.compile(r"[\u3005\u3400-\u4dbf\u4e00-\u9fff]+")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_KOREAN_VERB = re.compile(r".(?:[하되]는|하[고며여]|되[고며어]|[한된킨인]다|시키는|시켜)$")
_KOREAN_OBJECT = re.compile(r"(?<=..)(?:[을를]|에서|으로)$")
_PARTICLES = ("에서", "으로", "까지", "부터", "에게", *"을를은는이가의에로와과도들")

# A text as phrases; a phrase as tokens, with no stop word, sign or number in it.
Phrases = list[list[str]]


def language_of(text: str, code: str | None) -> str:
    """Return the primary subtag of a BCP 47 code; where it says nothing, what the script tells, else `en`."""
    if code and code.lower() not in ("und", "mul", "zxx"):
        return code.lower().split("-")[0].split("_")[0]
    if _KANA.search(text):
        return "ja"
    if _HANGUL.search(text):
        return "ko"
    return "zh" if _HAN.search(text) else "en"


def split(text: str, language: str, segment: Words | None = None) -> Phrases:
    """Split a text into phrases: cut at signs, numbers and stop words; runs without spaces are phrases of their own."""
    text = unicodedata.normalize("NFKC", text)[:_MAX_CHARS].lower()
    breaks = _break_pattern(language)
    stops = STOPS["en"] | STOPS.get(language, frozenset())
    phrases: Phrases = [[]]
    n_unspaced = 0
    for match in _TOKEN.finditer(text):
        if match["word"]:
            for word in _split_word(match["word"], segment):
                if word in stops or len(word) < 2:
                    phrases.append([])
                else:
                    phrases[-1].append(word)
            continue
        phrases.append([])
        if match["run"] and n_unspaced < _MAX_CHARS_UNSPACED:
            n_unspaced += len(match["run"])
            phrases += [segment(run) if segment else [run] for run in breaks.split(match["run"]) if len(run) > 1]
            phrases.append([])
    return [phrase for phrase in phrases if phrase]


def _break_pattern(language: str) -> re.Pattern[str]:
    words = BREAKS["ja" if language == "ja" else "zh"]
    return re.compile("|".join(sorted(words, key=lambda word: (-len(word.partition("(")[0]), word))))


def _split_word(word: str, segment: Words | None) -> list[str]:
    if _HANGUL.search(word):
        return segment(word) if segment else _split_korean(word)
    # "lithium-ion" is two words, "x-ray" and "wi-fi" are one.
    parts = word.split("-")
    return parts if all(len(part) > 2 for part in parts) else [word]


def _split_korean(word: str) -> list[str]:
    """Say where phrases end by an empty word, as segmenters do: at a verb, behind an object."""
    if _KOREAN_VERB.search(word):
        return [""]
    bare = _KOREAN_OBJECT.sub("", word)
    return [word] if bare == word else [bare, ""]


def find_folds(spoken: Counter[str], language: str) -> dict[str, str]:
    """Map plurals (English) and words with a particle (Korean) to the bare form, only where that form occurs too."""
    folds = {}
    for word in spoken:
        bare = next((form for form in _bare_forms(word, language) if len(form) > 1 and form in spoken), None)
        if bare is not None:
            folds[word] = bare
    return folds


def _bare_forms(word: str, language: str) -> list[str]:
    if language == "ko":
        return [word[: -len(particle)] for particle in _PARTICLES if word.endswith(particle)]
    if language != "en" or len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return []
    if word.endswith("ies"):
        return [word[:-3] + "y", word[:-1]]
    if word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return [word[:-1], word[:-2]]
    return [word[:-1]]


def find_commoner(folds: Mapping[str, str], spoken: Counter[str]) -> dict[str, str]:
    """Map a bare form to the form, singular or plural, that is commoner; ties to the bare one."""
    best: dict[str, str] = {}
    for word, bare in sorted(folds.items()):
        if spoken[word] > spoken[best.get(bare, bare)]:
            best[bare] = word
    return best


def shown(term: str, commoner: Mapping[str, str]) -> str:
    """Write the last word of a term in its commoner form."""
    head, _, last = term.rpartition(" ")
    last = commoner.get(last, last)
    return f"{head} {last}" if head else last


def candidates(
    phrases: Phrases, folds: Mapping[str, str], unspaced: Callable[[list[str]], Iterator[str]]
) -> Iterator[str]:
    """Yield each word and pair of words of a text, plurals folded; `unspaced` does the runs without spaces."""
    for phrase in phrases:
        if _HAN.search(phrase[0]) or _KATAKANA.search(phrase[0]):
            yield from unspaced(phrase)
            continue
        words = [folds.get(word, word) for word in phrase]
        for i, word in enumerate(words):
            yield word
            if i + 1 < len(words) and words[i + 1] != word:
                yield f"{word} {words[i + 1]}"


def compounds(words: list[str]) -> Iterator[str]:
    """Yield the words of a run that are longer than a character, and up to five in a row as one.

    Single characters in a row are a word that the segmenter does not know: no term begins or ends between them.
    """
    single = [len(word) == 1 for word in words]
    within = [False, *(one and other for one, other in pairwise(single)), False]
    for start, first in enumerate(words):
        if within[start] or first in LOOSE[0]:
            continue
        for end in range(start + 1, min(start + _MAX_WORDS, len(words)) + 1):
            term = "".join(words[start:end])
            if 2 <= len(term) <= _MAX_RUN and not within[end] and words[end - 1] not in LOOSE[1]:
                yield term


def pieces(phrase: list[str]) -> Iterator[str]:
    """Yield a run that was not segmented, its katakana words, and all 2 to 7 neighbouring Han characters of it.

    Seven are never a term; they tell which six are a fragment of something longer.
    """
    (run,) = phrase
    han = _HAN.findall(run)
    if 2 <= len(run) <= _MAX_RUN and not (han == [run] and len(run) <= _MAX_PIECE + 1):
        yield run
    for word in _KATAKANA.findall(run):
        if word != run:
            yield word
    for part in han:
        for length in range(2, min(_MAX_PIECE + 1, len(part)) + 1):
            for start in range(len(part) - length + 1):
                yield part[start : start + length]


def mark_whole(names: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Mark the terms that are no fragment: not almost always a part of one and the same longer piece."""
    place = {name: i for i, name in enumerate(names)}
    whole = np.ones(len(names), bool)
    for name, i in place.items():
        if len(name) < 3 or not _HAN.search(name):
            continue
        lengths = (len(name) - 1,) if len(name) <= _MAX_PIECE + 1 else range(2, _MAX_PIECE + 2)
        for length in lengths:
            for start in range(len(name) - length + 1):
                part = place.get(name[start : start + length])
                if part is not None and totals[i] >= _FRAGMENT * totals[part]:
                    whole[part] = False
    return whole


def mark_telling(names: np.ndarray, language: str, *, segmented: bool) -> np.ndarray:
    """Mark the terms that say something: not of generic words alone, none in front where words have spaces.

    Pieces that no segmenter made must not be a generic word with one character glued to it, either.
    """
    generic = GENERIC["en"] | GENERIC.get(language, frozenset())
    # The long ones first, or 计算机可读 would fail where 计算 matched.
    of_generic = re.compile(f"(?:{'|'.join(sorted(generic, key=lambda word: (-len(word), word)))})+")
    telling = np.ones(len(names), bool)
    for i, name in enumerate(names):
        if not _HAN.search(name):
            telling[i] = name not in generic and name.partition(" ")[0] not in generic
        elif of_generic.fullmatch(name):
            telling[i] = False
        elif not segmented:
            glued = of_generic.fullmatch(name[1:]) or of_generic.fullmatch(name[:-1])
            loose = name[0] in EDGES[0] or name[-1] in EDGES[1]
            telling[i] = not (glued or loose) and (len(name) != _MAX_PIECE + 1 or not _HAN.fullmatch(name))
    return telling


def contains(longer: str, shorter: str) -> bool:
    """Tell whether a term holds another, as whole words where the script has spaces."""
    if _HAN.search(shorter) or _KATAKANA.search(shorter):
        return shorter in longer
    return f" {shorter} " in f" {longer} "


def parts(term: str) -> set[str]:
    """Return what two terms of one label must not share: words, or pairs of neighbouring characters."""
    if _HAN.search(term):
        return {term[i : i + 2] for i in range(len(term) - 1)}
    return {word.removesuffix("s") for word in term.split()}
