"""What a cluster is about: its leading terms, a short name, its centre and its most central members.

Terms are weighed by class-based TF-IDF (Grootendorst 2022, "BERTopic", arXiv:2203.05794, eq. 2) and, where the model
of the vectors is at hand, by how near their own vectors are to the cluster's centre (Grootendorst 2020, KeyBERT). Knows
nothing of how clusters were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patentclust.analysis import phrases
from patentclust.analysis.phrases import Phrases
from patentclust.analysis.segment import Words

NOISE = -1
LABEL_TERMS = 3
LABEL_SEPARATOR = " · "
# Terms settle long before this many members; the cap bounds time and memory on large corpora.
MAX_MEMBERS = 500
# A term stands in at least this share of the members, or it is about one of them and not about the cluster.
_MIN_SHARE = 0.04
_POOL = 80
_FULLER = 0.4
# Terms that the model looks at, for each place.
_CANDIDATES = 3
# What a term loses for saying what one before it said (maximal marginal relevance, Carbonell & Goldstein 1998).
_REPEATED = 0.3


@dataclass(frozen=True)
class Nearness:
    """What tells how near terms are to clusters.

    Attributes:
        centres: of the clusters, shape (k, d).
        encode: turns terms into rows of unit length, by the model that made the centres.
        languages: that the model reads, BCP 47; empty = all.
    """

    centres: np.ndarray
    encode: Callable[[list[str]], np.ndarray]
    languages: tuple[str, ...] = ()

    def reads(self, language: str) -> bool:
        """Tell whether terms of a language have vectors that mean something."""
        return not self.languages or language in self.languages


@dataclass(frozen=True)
class Term:
    """A word or phrase and its weight in the cluster, times the share of its language there.

    The weight is the class-based TF-IDF; where the model had its say, the root of that (of the heaviest candidate's)
    times the cosine of the term and the centre, less what earlier terms say already.
    """

    term: str
    weight: float
    language: str = ""


def extract(
    texts: Sequence[str],
    labels: np.ndarray,
    languages: Sequence[str | None],
    *,
    n_terms: int = 10,
    segmenters: Mapping[str, Words] | None = None,
    nearness: Nearness | None = None,
) -> list[list[Term]]:
    """Return the leading terms of every cluster, heaviest first, ties in alphabetical order.

    Each language is weighed by itself, because the counts of different languages do not compare, and gets places in
    proportion to its share of the cluster. Noise counts as a class when terms are weighed, but gets none.

    Args:
        texts: n texts: title, abstract, some claims; only the first 3000 characters count (800 without spaces).
        labels: n cluster ids 0 to k - 1, -1 = noise.
        languages: n BCP 47 codes; None is guessed from the script.
        n_terms: places per cluster.
        segmenters: by language, how a run of letters falls into words (`segment.segmenters()`).
        nearness: without it terms are ranked by TF-IDF alone.

    Returns:
        k lists; a list is empty where no text holds a word that is not on the stop lists.
    """
    labels = np.asarray(labels)
    groups = np.array(
        [phrases.language_of(text, code) for text, code in zip(texts, languages, strict=True)], dtype=object
    )
    n_clusters = int(labels.max(initial=NOISE)) + 1
    found: list[list[Term]] = [[] for _ in range(n_clusters)]
    shares = {c: _shares(groups[labels == c], n_terms) for c in range(n_clusters)}
    for language in sorted(set(groups)):
        places = {c: shares[c][language] for c in range(n_clusters) if language in shares[c]}
        members = _sample(labels, np.flatnonzero(groups == language))
        if places and len(members):
            segment = (segmenters or {}).get(language)
            split = [phrases.split(texts[i], language, segment) for i in members]
            unspaced = phrases.compounds if segment else phrases.pieces
            near = nearness if nearness and nearness.reads(language) else None
            # A word that stands in several languages (QoS) takes one place.
            known = {c: {t.term for t in found[c]} for c in places}
            wanted = {c: n * (_CANDIDATES if near else 1) + len(known[c]) for c, n in places.items()}
            terms = _weigh(split, labels[members], language, wanted, unspaced)
            for cluster, candidates in terms.items():
                new = [t for t in candidates if t.term not in known[cluster]]
                chosen = _near(new, cluster, near) if near else new
                share = float(np.mean(groups[labels == cluster] == language))
                found[cluster] += [Term(t.term, t.weight * share, language) for t in chosen[: places[cluster]]]
    return [sorted(terms, key=lambda t: (-t.weight, t.term))[:n_terms] for terms in found]


def label(terms: Sequence[Term], *, n: int = LABEL_TERMS) -> str:
    """Name a cluster by its `n` leading terms that share no word, e.g. `solid electrolyte · sulfide · lithium`."""
    chosen: list[str] = []
    used: set[str] = set()
    for term in terms:
        # "surgical" says less than "surgical instrument", if that is nearly as heavy.
        fuller = (t.term for t in terms if t.weight >= _FULLER * term.weight and " " in t.term)
        longer = (name for name in fuller if phrases.contains(name, term.term) and not phrases.parts(name) & used)
        name = next(longer, term.term)
        words = phrases.parts(name)
        if len(chosen) < n and not words & used:
            chosen.append(name)
            used |= words
    return LABEL_SEPARATOR.join(chosen)


def distinct_labels(topics: Sequence[Sequence[Term]]) -> list[str]:
    """Name every cluster, no two alike: of equal names the later one takes more terms, and at last its number.

    A name keeps to one language, because three words that mean the same are no name: the map's commonest of those in
    which the cluster has at least half as many terms as in any. A cluster without terms is called `cluster 3`, by its
    id.
    """
    names: list[str] = []
    taken: set[str] = set()
    common = Counter(term.language for terms in topics for term in terms)
    for cluster, terms in enumerate(topics):
        own = _of_one_language(terms, common)
        attempts = [label(own, n=n) for n in range(LABEL_TERMS, len(own) + 1)] or [label(own)]
        attempts.append(f"{attempts[-1]} ({cluster})" if own else f"cluster {cluster}")
        name = next(a for a in attempts if a and a not in taken)
        names.append(name)
        taken.add(name)
    return names


def _of_one_language(terms: Sequence[Term], common: Mapping[str, int]) -> list[Term]:
    spoken = Counter(term.language for term in terms)
    readable = [language for language, n in spoken.items() if 2 * n >= max(spoken.values())]
    chosen = min(readable, key=lambda language: (-common[language], language), default="")
    return [term for term in terms if term.language == chosen]


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


def _weigh(
    texts: list[Phrases],
    labels: np.ndarray,
    language: str,
    places: Mapping[int, int],
    unspaced: Callable[[list[str]], Iterator[str]],
) -> dict[int, list[Term]]:
    """Weigh the candidates of one language by c-TF-IDF; return the best of every cluster in `places`."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    if not any(texts):
        return {}
    spoken = Counter(token for text in texts for phrase in text for token in phrase)
    folds = phrases.find_folds(spoken, language)
    vectorizer = CountVectorizer(
        analyzer=lambda text: phrases.candidates(text, folds, unspaced), dtype=np.int32, lowercase=False
    )
    counts = vectorizer.fit_transform(texts)
    names = vectorizer.get_feature_names_out()
    classes, own = np.unique(labels, return_inverse=True)
    member_of = csr_matrix((np.ones(len(own), np.int32), (own, np.arange(len(own)))))
    by_class = (member_of @ counts).tocsr()
    texts_with = (member_of @ (counts > 0).astype(np.int32)).tocsr()
    totals = np.asarray(by_class.sum(axis=0)).ravel()
    segmented = unspaced is phrases.compounds
    whole = phrases.mark_whole(names, totals) & phrases.mark_telling(names, language, segmented=segmented)
    # c-TF-IDF: tf(t, c) * log(1 + A / f(t)), A the mean number of words of a class.
    words = np.asarray(by_class.sum(axis=1)).ravel()
    rarity = np.log1p(words.mean() / totals)
    commoner = phrases.find_commoner(folds, spoken)
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
    return [Term(phrases.shown(name, commoner), weight) for name, weight in chosen[:n]]


def _near(terms: Sequence[Term], cluster: int, nearness: Nearness) -> list[Term]:
    """Rank terms by weight and by closeness to the cluster's centre, none that only repeats those before it."""
    if not terms:
        return []
    vectors = nearness.encode([t.term for t in terms])
    cosines = np.maximum(vectors @ nearness.centres[cluster], 0)
    weights = np.array([t.weight for t in terms])
    relevance = np.sqrt(weights / weights.max()) * cosines
    alike = np.maximum(vectors @ vectors.T, 0)
    repeated, left, ranked = np.zeros(len(terms)), list(range(len(terms))), []
    while left:
        # Rounded, so that the last bits of a model's arithmetic decide nothing.
        scores = np.round(relevance * (1 - _REPEATED * repeated), 6)
        best = max(left, key=lambda i: (scores[i], -i))
        ranked.append(Term(terms[best].term, float(scores[best])))
        left.remove(best)
        repeated = np.maximum(repeated, alike[best])
    return ranked


def _absorbed(name: str, uses: int, pool: list[tuple[str, int, float]]) -> bool:
    """Tell whether half or more of a term's uses are inside one longer term of the pool."""
    return any(name != longer and 2 * n >= uses and phrases.contains(longer, name) for longer, n, _ in pool)
