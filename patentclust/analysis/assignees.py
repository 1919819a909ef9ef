"""Names of companies folded to one form: what an analyst means by "the same assignee".

Raw names are kept elsewhere; this only makes the form to count by. Legal forms are those of the offices' main
countries (ISO 20275 lists them all; the common ones are here).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

# Longest first, so that "Co., Ltd." goes before "Ltd.".
_LEGAL_FORMS = (
    "gesellschaft mit beschrankter haftung", "societa per azioni", "societe anonyme", "naamloze vennootschap",
    "aktiengesellschaft", "aktiebolag", "kabushiki kaisha", "gmbh und co kgaa", "gmbh und co kg", "gmbh and co kgaa",
    "gmbh and co kg", "gmbh co kg", "gmbh u co kg", "ag and co kgaa", "se and co kgaa", "incorporated", "corporation",
    "company limited", "limited liability company", "public limited company", "private limited", "pte ltd", "pvt ltd",
    "pty ltd", "sdn bhd", "co ltd", "co inc", "co llc", "limited", "company", "corp", "inc", "ltd", "llc", "llp", "lp",
    "plc", "gmbh", "mbh", "kgaa", "kg", "ohg", "ag", "se", "ug", "sa rl", "sarl", "sas", "sa", "spa", "s p a", "srl",
    "bvba", "bv", "nv", "ab", "asa", "as", "a s", "aps", "oyj", "oy", "kk", "k k", "co", "sl", "slu", "ltda",
    "sp z o o", "spolka z o o", "ooo", "zao", "oao",
)  # fmt: skip
_CJK_FORMS = (
    "股份有限公司", "有限责任公司", "有限責任公司", "有限公司", "集团公司", "集團公司", "株式会社", "有限会社",
    "合同会社", "合資会社", "주식회사", "유한회사", "㈱", "(株)", "(주)", "（株）", "（주）",
)  # fmt: skip
_TRAILING_FORM = re.compile(r"\s(?:" + "|".join(re.escape(form) for form in _LEGAL_FORMS) + r")$")
# Taiwan's office writes a foreign company's country before its name: 德商 … 股份有限公司, 英屬開曼群島商 … 公司.
_TAIWAN_COUNTRY = re.compile(
    r"^(?:[美日德法英韓荷義港]|[南北]韓|瑞[士典]|荷蘭|義大利|西班牙|奧地利|比利時|愛爾蘭|丹麥|挪威|芬蘭|盧森堡|以色列|"
    r"加拿大|澳大利亞|澳洲|紐西蘭|印度|泰國|新加坡|馬來西亞|香港|大陸|中國大陸|薩摩亞|塞席爾|貝里斯|百慕達|模里西斯|巴貝多|"
    r"列支敦斯登|安圭拉|[英美]屬[^商]{2,6})商(?![业業务務汤湯飞飛用贸貿标標])(?!(?:股份)?(?:有限)?公司)(?=.{2,}公司)"
)
_LEADING_FORM = re.compile(r"^(?:the|kabushiki kaisha|ooo|zao|oao|obschestvo s ogranichennoi otvetstvennostyu)\s")
_DOTTED = re.compile(r"\b(?:\w\.){2,}|\b\w\.(?=\w\b)")
_NOT_NAME = re.compile(r"[^\w&+]+")


def normalise(name: str) -> str:
    """Fold a company's name: NFKC, accents and case off, punctuation to blanks, legal forms off; upper case.

    A leading "The" goes too, and the country that Taiwan's office puts before a foreign name.
    A name that is nothing but a legal form keeps itself. Empty gives empty.
    """
    plain = _TAIWAN_COUNTRY.sub("", unicodedata.normalize("NFKC", name))
    without = plain
    for form in _CJK_FORMS:
        without = without.replace(unicodedata.normalize("NFKC", form), " ")
    folded = _fold(without) or _fold(plain)
    return (_strip_forms(folded) or folded).upper()


def _fold(name: str) -> str:
    name = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    name = unicodedata.normalize("NFC", name).casefold().replace("&", " and ")
    name = _DOTTED.sub(lambda match: match[0].replace(".", ""), name)
    return " ".join(_NOT_NAME.sub(" ", name).replace("_", " ").split())


def _strip_forms(name: str) -> str:
    name = _LEADING_FORM.sub("", name)
    while (shorter := _TRAILING_FORM.sub("", name)) != name:
        name = shorter
    return name.removesuffix(" and")


def apply(names: Sequence[str], thesaurus: Mapping[str, str]) -> tuple[str, ...]:
    """Return the normalised names in order, each mapped by the thesaurus where it knows it; repeats and empties go."""
    folded = (normalise(name) for name in names)
    return tuple(dict.fromkeys(thesaurus.get(name, name) for name in folded if name))


def printed_as(names: Sequence[str], printed: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each of the `names` that `apply` made with a form that it is printed in.

    Where fewer names were made than are printed, a printed one that the thesaurus gave to one of several goes unsaid.
    """
    if len(names) == len(printed):
        yield from zip(names, printed, strict=True)
        return
    for form in printed:
        if (name := names[0] if len(names) == 1 else normalise(form)) in names:
            yield name, form


@dataclass(frozen=True)
class Suggestion:
    """Names that may be one company: the commonest leads.

    Attributes:
        name: the commonest of them.
        variants: the others.
        n_documents: documents of all of them.
        score: least likeness of a variant to the name, 0 to 100.
    """

    name: str
    variants: tuple[str, ...]
    n_documents: int
    score: float


def suggest(counts: Mapping[str, int], *, least: float = 90.0) -> list[Suggestion]:
    """Propose merges among normalised names by fuzzy match (token-sort ratio of rapidfuzz), most documents first.

    Each name joins at most one proposal, under the commonest name it is like. `least` runs from 0 to 100.
    """
    from rapidfuzz import fuzz, process

    order = sorted(counts, key=lambda name: (-counts[name], name))
    taken: set[str] = set()
    found: list[Suggestion] = []
    for place, name in enumerate(order):
        if name in taken:
            continue
        rest = [other for other in order[place + 1 :] if other not in taken]
        alike = process.extract(name, rest, scorer=fuzz.token_sort_ratio, score_cutoff=least, limit=None)
        near = [(variant, score) for variant, score, _ in alike if _same_numbers(name, variant)]
        if near:
            variants = tuple(sorted(variant for variant, _ in near))
            taken |= set(variants)
            n_documents = sum(counts[known] for known in (name, *variants))
            found.append(Suggestion(name, variants, n_documents, min(score for _, score in near)))
    return sorted(found, key=lambda suggestion: (-suggestion.n_documents, suggestion.name))


def _same_numbers(a: str, b: str) -> bool:
    """Tell whether two names carry the same digits: "PLANT 1" and "PLANT 2" are like, and not the same."""
    return _digits(a) == _digits(b)


def _digits(name: str) -> list[str]:
    return re.findall(r"\d+", name)


def count_names(documents: Iterable[Sequence[str]]) -> dict[str, int]:
    """Count in how many documents each name stands."""
    counts: dict[str, int] = {}
    for names in documents:
        for name in dict.fromkeys(names):
            counts[name] = counts.get(name, 0) + 1
    return counts
