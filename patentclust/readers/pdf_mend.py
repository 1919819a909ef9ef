"""What the hidden text behind a scan gets wrong, time and again. Pure; for OCR of English of the years around 2000.

The engines of that time wrote `broWser`, `organiZe` and `, Which`, a question mark for the ligatures of f, and broke
words at line ends without a hyphen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

_INNER_CAPITAL = re.compile(r"(?<=[a-z])[WXZ](?=[a-z])|(?<=[a-z]{2})[WXZ]\b")
# `the Web` is a name, `Which` behind a comma is none.
_CAPITAL_W = re.compile(
    r"(?<=[a-z,;] )W"
    r"(?=(?:as|ays?|ell|ere|hat|hen|here(?:as|by|in)?|hether|hich|hile|ho|hose|ill|ith(?:in|out)?|ould"
    r"|afers?|alls?|anted|ater|ave(?:s|form|guide|length)?s?|eigh(?:ted|ting|ts?)|heels?|idths?|ind(?:ing|ow)|ire(?:d|s|less)?"
    r"|ork(?:ing|piece|s)?|ound|rit(?:e|ing|ten))\b)"
)
# Of a line in capitals: `MICRoCOMPUTER`, `PRODUCTs`.
_INNER_SMALL = re.compile(r"\b[A-Z]{3,}[a-z](?:[A-Z]{2,})?\b")
_CAPITALS_SHARE = 0.8
# Specks at the edge of a sheet.
_SPECKS = re.compile(r"(?:\s[.,;:'’`\-_•·]+){4,}(?=\s|$)")
_LIGATURE = re.compile(r"(?<![\w?])([A-Za-z]*)\?([a-z]+)(?![\w?=&])")
_DOUBLED = re.compile(r"a|bu|coe|cu|di|e|gra|ine|insu|o|sca|sta|sti|stu|su|tra")
# Two words of a line, which may have been the end of one line and the beginning of the next.
_PAIR = re.compile(r"(?<![\w-])([A-Za-z]{2,}) (?=([a-z]+)(?![\w-]))")
_COMMON = 3
_FL = re.compile(r"[aouy]|e(?:ct|x|et|sh|dg)|i(?:ct|gh|p)")
_GLUED_ARTICLE = re.compile(r"((?:\d{1,3}\s?\.\s+)?)A([a-z]{4,})\b")
# Ends of words that are no words of their own.
_ENDING = re.compile(
    r"ably|ances?|ated|ates|ating|ations?|bility|bly|cal(?:ly)?|cation|cient(?:ly)?|cial(?:ly)?|cies|dent(?:ly)?"
    r"|ducing|duction|ed|ences?|ently|ered|ers?|ety|fication|fied|gation|ical(?:ly)?|iments?|ingly|ings?|ious|ish|ision"
    r"|itions?|itive|ity|ized|izing|lations?|lished|ly|mations?|ments?|mitted|nating|nected|necting|nection|nent(?:ly)?"
    r"|nents|ness|nication|niques?|nism|nology|ogy|ously?|pended|plished|prised|prises|prising|quency|quently|quired"
    r"|rials?|rious|scribed|scribes|sary|sembly|sible|sibly|sional|sions?|sists|sisting|sively?|spectively"
    r"|stantial(?:ly)?|stituted|struction|tached|tained|taining|tains|tances?|tations?|tems?|tention|tial(?:ly)?|tical(?:ly)?"
    r"|ticular(?:ly)?|tific|tinuous|tional(?:ly)?|tioned|tioning|tions?|tively?|tities|tity|tors|trical(?:ly)?|tural"
    r"|tured|tures?|turing|ually|ular|uous|vention|ventional|vided|vides|viding|viously?|zations?"
)


def mended(text: str, words: Mapping[str, int]) -> str:
    """Return a line with letters, ligatures and words as they were printed; `words` counts those of the document."""
    plain = _INNER_CAPITAL.sub(lambda match: match[0].lower(), _in_capitals(_SPECKS.sub("", text)))
    spelt = _LIGATURE.sub(lambda match: match[1] + _ligature(match[1].lower(), match[2], words) + match[2], plain)
    return _PAIR.sub(lambda match: match[1] if is_broken(match[1], match[2], words) else match[0], spelt)


def _in_capitals(line: str) -> str:
    letters = [character for character in line if character.isalpha()]
    if sum(map(str.isupper, letters)) < _CAPITALS_SHARE * len(letters):
        return line
    return _INNER_SMALL.sub(lambda match: match[0].upper(), line)


def lowered(text: str) -> str:
    """Return running text with the small words that were read with a capital, as in `, Which`, in small letters."""
    return _CAPITAL_W.sub("w", text)


def _ligature(before: str, after: str, words: Mapping[str, int]) -> str:
    known = [form for form in ("fi", "fl", "ff", "ffi", "ffl") if before + form + after in words]
    if known:
        return known[0]
    if _DOUBLED.fullmatch(before):
        return "ffi" if after[0] in "cn" else "ff"
    return "fl" if _FL.match(after) else "fi"


def is_broken(before: str, after: str, words: Mapping[str, int]) -> bool:
    """Tell whether a word and the next are halves of one that stood at a line end; `words` counts in lower case."""
    first, second = before.lower(), after.lower()
    if len(first) < 2 or not after[:1].islower():
        return False
    # Halves are rarer than the whole, and `of` or `by` is no second half of anything.
    n_whole, n_first, n_second = (words.get(word, 0) for word in (first + second, first, second))
    known = n_whole >= max(1, min(n_first, n_second)) and n_second <= _COMMON * n_whole
    return known or bool(_ENDING.fullmatch(second))


def with_article(text: str, words: Mapping[str, int]) -> str:
    """Return the beginning of a claim or abstract `Arobot is …` as `A robot is …`, where `robot` is a word of its."""
    match = _GLUED_ARTICLE.match(text)
    if match and match[2] in words and f"a{match[2]}" not in words:
        return f"{match[1]}A {text[match.start(2) :]}"
    return text


def inner_words(lines: Iterable[str]) -> Mapping[str, int]:
    """Count the words that stand inside a line, in lower case."""
    found = (word for line in lines for word in re.findall(r"(?<=\s)[A-Za-z]+(?=[\s,;])", line))
    return Counter(word.lower() for word in found)
