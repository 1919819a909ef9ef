"""Which language a text is in: by its script, by English function words, else by py3langid. Knows no file format."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_SAMPLE_CHARS = 4_000
_KANA = re.compile("[぀-ヿㇰ-ㇿｦ-ﾟ]")
_HANGUL = re.compile("[ᄀ-ᇿ가-힣]")
_HAN = re.compile("[㐀-䶿一-鿿]")
_LETTER = re.compile(r"[^\W\d_]")
_ENGLISH = frozenset(
    (
        "the",
        "of",
        "and",
        "to",
        "in",
        "is",
        "for",
        "with",
        "that",
        "which",
        "wherein",
        "said",
        "an",
        "by",
        "are",
        "as",
        "from",
    )
)
_OF_OFFICES = {
    "AT": "de", "AU": "en", "BR": "pt", "CN": "zh", "DD": "de", "DE": "de", "ES": "es", "FR": "fr", "GB": "en",
    "IT": "it", "JP": "ja", "KR": "ko", "MX": "es", "PT": "pt", "RU": "ru", "SU": "ru", "TW": "zh", "US": "en",
}  # fmt: skip
# Below this share of letters, kana or han are names or labels inside another language.
_SCRIPT_SHARE = 0.2
_ENGLISH_SHARE = 0.2
# Those that patents are published in; fewer to choose from are fewer mistakes.
_LANGUAGES = [
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "sk", "hu", "ro", "bg", "hr", "sl",
    "sr", "uk", "ru", "tr", "el", "he", "ar", "fa", "hi", "th", "vi", "id", "ms", "ja", "ko", "zh",
]  # fmt: skip
_MIN_LETTERS = 20
_SURE_SHARE = 0.9


def by_script(text: str) -> str | None:
    """Return ja, ko or zh when the script says so, else None."""
    sample = text[:_SAMPLE_CHARS]
    if sample.isascii():
        return None
    n_letters = len(_LETTER.findall(sample)) or 1
    n_kana, n_hangul, n_han = (len(script.findall(sample)) for script in (_KANA, _HANGUL, _HAN))
    if n_hangul / n_letters > _SCRIPT_SHARE:
        return "ko"
    if (n_kana + n_han) / n_letters > _SCRIPT_SHARE:
        return "ja" if n_kana * 20 > n_han else "zh"
    return None


def guess(text: str) -> str | None:
    """Return ja, ko or zh by script, en by its function words, any other of the usual languages where that is sure."""
    words = re.findall(r"[a-z]+", text[:_SAMPLE_CHARS].lower())
    n_english = sum(word in _ENGLISH for word in words)
    if len(words) >= 8 and n_english / len(words) >= _ENGLISH_SHARE:
        return by_script(text) or "en"
    return by_script(text) or _detected(text[:_SAMPLE_CHARS])


def _detected(sample: str) -> str | None:
    if len(_LETTER.findall(sample)) < _MIN_LETTERS:
        return None
    code, share = _identifier().classify(sample)
    return str(code) if share >= _SURE_SHARE else None


@cache
def _identifier() -> Any:
    # Half a second to load, and most texts have been told before.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LANGUAGES)
    return identifier


def normalise(code: str | None) -> str | None:
    """Return a BCP 47 code in lower case (`EN` gives `en`, `zh_CN` gives `zh-cn`); None when it is none."""
    plain = (code or "").strip().lower().replace("_", "-")
    return plain if re.fullmatch(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*", plain) else None


def of_office(country: str | None) -> str | None:
    """Return the language that a patent office publishes in; None for an office of several."""
    return _OF_OFFICES.get(country or "")
