"""What a cluster is about: its leading terms, a short name, its centre and its most central members.

Terms are weighed by class-based TF-IDF (Grootendorst 2022, "BERTopic", arXiv:2203.05794, eq. 2). Scripts with spaces
give words and two-word phrases. Chinese and Japanese give runs of characters cut at function words, and the pieces of
2 to 6 characters in them that occur in more than one surrounding; a real word segmenter would do better and can come
later in `_candidates`. Thai, Lao and Khmer are taken phrase by phrase. Knows nothing of how clusters were found.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patentclust.analysis.boilerplate import BREAKS, EDGES, GENERIC, STOPS

NOISE = -1
LABEL_TERMS = 3
LABEL_SEPARATOR = " · "
# Terms settle long before this many members; the cap bounds time and memory on large corpora.
MAX_MEMBERS = 500
_MAX_CHARS = 3000
_MAX_CHARS_UNSPACED = 800
_MAX_PIECE = 6
_MAX_RUN = 12
# A term stands in at least this share of the members, or it is about one of them and not about the cluster.
_MIN_SHARE = 0.04
# A piece that occurs hardly more often than something longer around it is a fragment of that.
_FRAGMENT = 0.75
_POOL = 80
_FULLER = 0.4

_UNSPACED = r"\u3005\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff"
# Vowel signs of South and South-East Asian scripts are no letters to `re`, but they stand inside words.
_LETTER = r"(?:[^\W\d_\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[\u0300-\u036f\u0900-\u109f\u1780-\u17ff])"
_TOKEN = re.compile(
    rf"(?P<run>[{_UNSPACED}]+)|(?P<word>(?:\b[2-6][dg]\b|{_LETTER}(?:{_LETTER}|\d)*(?:-(?:{_LETTER}|\d)+)*))|(?P<cut>\S)"
)
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{2,}")
_HAN = re.compile(r"[\u3005\u3400-\u4dbf\u4e00-\u9fff]+")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_PARTICLES = ("에서", "으로", "까지", "부터", "에게", *"을를은는이가의에로와과도들")

# A text as phrases; a phrase as tokens, with no stop word, sign or number in it.
Phrases = list[list[str]]


@dataclass(frozen=True)
class Term:
    """A word or phrase and its class-based TF-IDF in the cluster, times the share of its language there."""

    term: str
    weight: float


def extract(
    texts: Sequence[str], labels: np.ndarray, languages: Sequence[str | None], *, n_terms: int = 10
) -> list[list[Term]]:
    """Return the leading terms of every cluster, heaviest first, ties in alphabetical order.

    Each language is weighed by itself, because the counts of different languages do not compare, and gets places in
    proportion to its share of the cluster. Noise counts as a class when terms are weighed, but gets none.

    Args:
        texts: n texts: title, abstract, some claims; only the first 3000 characters count (800 without spaces).
        labels: n cluster ids 0 to k - 1, -1 = noise.
        languages: n BCP 47 codes; None is guessed from the script.
        n_terms: places per cluster.

    Returns:
        k lists; a list is empty where no text holds a word that is not on the stop lists.
    """
    labels = np.asarray(labels)
    groups = np.array([_language(text, code) for text, code in zip(texts, languages, strict=True)], dtype=object)
    n_clusters = int(labels.max(initial=NOISE)) + 1
    found: list[list[Term]] = [[] for _ in range(n_clusters)]
    shares = {c: _shares(groups[labels == c], n_terms) for c in range(n_clusters)}
    for language in sorted(set(groups)):
        places = {c: shares[c][language] for c in range(n_clusters) if language in shares[c]}
        members = _sample(labels, np.flatnonzero(groups == language))
        if places and len(members):
            terms = _weigh([texts[i] for i in members], labels[members], language, places)
            for cluster, chosen in terms.items():
                share = np.mean(groups[labels == cluster] == language)
                found[cluster] += [Term(t.term, t.weight * float(share)) for t in chosen]
    return [sorted(terms, key=lambda t: (-t.weight, t.term))[:n_terms] for terms in found]


def label(terms: Sequence[Term], *, n: int = LABEL_TERMS) -> str:
    """Name a cluster by its `n` leading terms that share no word, e.g. `solid electrolyte · sulfide · lithium`."""
    chosen: list[str] = []
    used: set[str] = set()
    for term in terms:
        # "surgical" says less than "surgical instrument", if that is nearly as heavy.
        fuller = (t.term for t in terms if t.weight >= _FULLER * term.weight and " " in t.term)
        longer = (name for name in fuller if _contains(name, term.term) and not _parts(name) & used)
        name = next(longer, term.term)
        words = _parts(name)
        if len(chosen) < n and not words & used:
            chosen.append(name)
            used |= words
    return LABEL_SEPARATOR.join(chosen)


def distinct_labels(topics: Sequence[Sequence[Term]]) -> list[str]:
    """Name every cluster, no two alike: of equal names the later one takes more terms, and at last its number.

    A cluster without terms is called `cluster 3`, by its id.
    """
    names: list[str] = []
    taken: set[str] = set()
    for cluster, terms in enumerate(topics):
        attempts = [label(terms, n=n) for n in range(LABEL_TERMS, len(terms) + 1)] or [label(terms)]
        attempts.append(f"{attempts[-1]} ({cluster})" if terms else f"cluster {cluster}")
        name = next(a for a in attempts if a and a not in taken)
        names.append(name)
        taken.add(name)
    return names


def centroids(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean direction of every cluster's members, shape (k, d), float32, unit length.

    Members that cancel out have no direction; the first member stands for them.
    """
    labels = np.asarray(labels)
    n_clusters = int(labels.max(initial=NOISE)) + 1
    centres = np.zeros((n_clusters, vectors.shape[1]))
    for cluster in range(n_clusters):
        members = np.flatnonzero(labels == cluster)
        total = vectors[members].sum(axis=0, dtype=np.float64)
        if np.linalg.norm(total) < 1e-6 * len(members):
            total = vectors[members[0]].astype(np.float64)
        centres[cluster] = total / max(float(np.linalg.norm(total)), 1e-12)
    return centres.astype(np.float32)


def exemplars(vectors: np.ndarray, labels: np.ndarray, *, n: int = 5) -> list[np.ndarray]:
    """Return, for every cluster, the indices of its `n` most central members, the medoid first, ties by index.

    The member nearest to the centroid by cosine is the one with the smallest mean cosine distance to the others.
    """
    labels = np.asarray(labels)
    found = []
    for cluster, centre in enumerate(centroids(vectors, labels)):
        members = np.flatnonzero(labels == cluster)
        # Rounded, so that duplicates tie and the order is theirs.
        cosines = np.round(vectors[members] @ centre, 6)
        found.append(members[np.argsort(-cosines, kind="stable")[:n]])
    return found


def _language(text: str, code: str | None) -> str:
    if code and code.lower() not in ("und", "mul", "zxx"):
        return code.lower().split("-")[0].split("_")[0]
    if _KANA.search(text):
        return "ja"
    if _HANGUL.search(text):
        return "ko"
    return "zh" if _HAN.search(text) else "en"


def _shares(groups: np.ndarray, n_terms: int) -> dict[str, int]:
    """Divide `n_terms` places among the languages of a cluster by largest remainder; ties alphabetically."""
    counts = Counter(groups.tolist())
    exact = {language: n_terms * count / len(groups) for language, count in counts.items()}
    places = {language: int(value) for language, value in exact.items()}
    rest = sorted(exact, key=lambda language: (places[language] - exact[language], language))
    for language in rest[: n_terms - sum(places.values())]:
        places[language] += 1
    return {language: n for language, n in places.items() if n}


def _sample(labels: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Keep at most MAX_MEMBERS of each class, evenly spaced, in order."""
    kept = []
    for cluster in np.unique(labels[members]):
        own = members[labels[members] == cluster]
        if len(own) > MAX_MEMBERS:
            own = own[np.linspace(0, len(own) - 1, MAX_MEMBERS).astype(np.int64)]
        kept.append(own)
    return np.sort(np.concatenate(kept)) if kept else members


def _weigh(texts: list[str], labels: np.ndarray, language: str, places: Mapping[int, int]) -> dict[int, list[Term]]:
    """Weigh the candidates of one language by c-TF-IDF; return the best of every cluster in `places`."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    phrases = [_phrases(text, language) for text in texts]
    if not any(phrases):
        return {}
    spoken = Counter(token for text in phrases for phrase in text for token in phrase)
    folds = _folds(spoken, language)
    vectorizer = CountVectorizer(analyzer=lambda text: _candidates(text, folds), dtype=np.int32, lowercase=False)
    counts = vectorizer.fit_transform(phrases)
    names = vectorizer.get_feature_names_out()
    classes, own = np.unique(labels, return_inverse=True)
    member_of = csr_matrix((np.ones(len(own), np.int32), (own, np.arange(len(own)))))
    by_class = (member_of @ counts).tocsr()
    texts_with = (member_of @ (counts > 0).astype(np.int32)).tocsr()
    totals = np.asarray(by_class.sum(axis=0)).ravel()
    whole = _whole(names, totals) & _telling(names, language)
    # c-TF-IDF: tf(t, c) * log(1 + A / f(t)), A the mean number of words of a class.
    words = np.asarray(by_class.sum(axis=1)).ravel()
    rarity = np.log1p(words.mean() / totals)
    commoner = _commoner(folds, spoken)
    best = {}
    for row, cluster in enumerate(classes.tolist()):
        if cluster in places:
            floor = max(2, int(np.ceil(_MIN_SHARE * np.sum(own == row))))
            table = _Table(names, by_class[row], texts_with[row], rarity / max(words[row], 1), whole)
            best[cluster] = _best(table, floor, places[cluster], commoner)
    return best


@dataclass(frozen=True)
class _Table:
    names: np.ndarray
    counts: Any
    texts_with: Any
    scale: np.ndarray
    whole: np.ndarray


def _best(table: _Table, floor: int, n: int, commoner: Mapping[str, str]) -> list[Term]:
    counts = table.counts
    columns = counts.indices[table.whole[counts.indices]]
    n_texts = np.asarray(table.texts_with[0, columns].todense()).ravel()
    kept = columns[n_texts >= floor]
    for least in (2, 1):
        # Short texts share few words: rather a rarer term than an empty place, and a lone one only rather than none.
        if len(kept) < (n if least > 1 else 1):
            kept = columns[n_texts >= least]
    n_uses = np.asarray(counts[0, kept].todense()).ravel()
    weights = n_uses * table.scale[kept]
    order = np.lexsort((table.names[kept], -np.round(weights, 12)))[:_POOL]
    pool = [(str(table.names[kept[i]]), int(n_uses[i]), float(weights[i])) for i in order]
    chosen = [(name, weight) for name, uses, weight in pool if not _absorbed(name, uses, pool)]
    return [Term(_shown(name, commoner), weight) for name, weight in chosen[:n]]


def _absorbed(name: str, uses: int, pool: list[tuple[str, int, float]]) -> bool:
    """Tell whether half or more of a term's uses are inside one longer term of the pool."""
    return any(name != longer and 2 * n >= uses and _contains(longer, name) for longer, n, _ in pool)


def _contains(longer: str, shorter: str) -> bool:
    if _HAN.search(shorter) or _KATAKANA.search(shorter):
        return shorter in longer
    return f" {shorter} " in f" {longer} "


def _phrases(text: str, language: str) -> Phrases:
    """Split a text into phrases: cut at signs, numbers and stop words; runs without spaces are phrases of their own."""
    text = unicodedata.normalize("NFKC", text)[:_MAX_CHARS].lower()
    breaks = _break_pattern(language)
    stops = STOPS["en"] | STOPS.get(language, frozenset())
    phrases: Phrases = [[]]
    n_unspaced = 0
    for match in _TOKEN.finditer(text):
        if match["word"]:
            for word in _split_hyphens(match["word"]):
                if word in stops or len(word) < 2:
                    phrases.append([])
                else:
                    phrases[-1].append(word)
            continue
        phrases.append([])
        if match["run"] and n_unspaced < _MAX_CHARS_UNSPACED:
            n_unspaced += len(match["run"])
            phrases += [[run] for run in breaks.split(match["run"]) if len(run) > 1]
            phrases.append([])
    return [phrase for phrase in phrases if phrase]


def _break_pattern(language: str) -> re.Pattern[str]:
    words = BREAKS["ja" if language == "ja" else "zh"]
    return re.compile("|".join(sorted(words, key=lambda word: (-len(word.partition("(")[0]), word))))


def _split_hyphens(word: str) -> list[str]:
    # "lithium-ion" is two words, "x-ray" and "wi-fi" are one.
    parts = word.split("-")
    return parts if all(len(part) > 2 for part in parts) else [word]


def _folds(spoken: Counter[str], language: str) -> dict[str, str]:
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


def _commoner(folds: Mapping[str, str], spoken: Counter[str]) -> dict[str, str]:
    """Map a bare form to the form, singular or plural, that is commoner; ties to the bare one."""
    best: dict[str, str] = {}
    for word, bare in sorted(folds.items()):
        if spoken[word] > spoken[best.get(bare, bare)]:
            best[bare] = word
    return best


def _shown(term: str, commoner: Mapping[str, str]) -> str:
    """Write the last word of a term in its commoner form."""
    head, _, last = term.rpartition(" ")
    last = commoner.get(last, last)
    return f"{head} {last}" if head else last


def _candidates(phrases: Phrases, folds: Mapping[str, str]) -> Iterator[str]:
    for phrase in phrases:
        if _HAN.search(phrase[0]) or _KATAKANA.search(phrase[0]):
            yield from _pieces(phrase[0])
            continue
        words = [folds.get(word, word) for word in phrase]
        for i, word in enumerate(words):
            yield word
            if i + 1 < len(words) and words[i + 1] != word:
                yield f"{word} {words[i + 1]}"


def _pieces(run: str) -> Iterator[str]:
    """Yield the run, its katakana words, and all 2 to 7 neighbouring Han characters of it.

    Seven are never a term; they tell which six are a fragment of something longer.
    """
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


def _whole(names: np.ndarray, totals: np.ndarray) -> np.ndarray:
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


def _telling(names: np.ndarray, language: str) -> np.ndarray:
    """Mark the terms that say something: no generic word, none in front, no single character glued to one."""
    generic = GENERIC["en"] | GENERIC.get(language, frozenset())
    telling = np.ones(len(names), bool)
    for i, name in enumerate(names):
        if name in generic or name.partition(" ")[0] in generic:
            telling[i] = False
        elif _HAN.search(name):
            glued = name[1:] in generic or name[:-1] in generic or name[0] in EDGES[0] or name[-1] in EDGES[1]
            telling[i] = not glued and (len(name) != _MAX_PIECE + 1 or not _HAN.fullmatch(name))
    return telling


def _parts(term: str) -> set[str]:
    """Return what two terms of one label must not share: words, or pairs of neighbouring characters."""
    if _HAN.search(term):
        return {term[i : i + 2] for i in range(len(term) - 1)}
    return {word.removesuffix("s") for word in term.split()}
