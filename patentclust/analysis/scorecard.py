"""What a map is checked against: classes, citations, families, languages. Noise is in no cluster.

Knows nothing of how clusters were found or where the facts come from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

NOISE = -1
# A language with fewer units than this is no language of the corpus.
_LEAST_OF_A_LANGUAGE = 0.02

# Locarno's classes of designs, and what is no symbol at all, have none of the levels.
_SYMBOL = re.compile(r"[A-HY]\d\d[A-Z]")
# Levels of an IPC or CPC symbol such as H01M10/0525.
LEVELS = {"section": 1, "class": 3, "subclass": 4, "group": None, "subgroup": None}


@dataclass(frozen=True)
class Purity:
    """How far clusters and classes hold each other, over clustered units that carry a class; a unit may carry several.

    Attributes:
        purity: share of the units that carry the commonest class of their cluster.
        inverse_purity: share of the units of each class that lie in the cluster which holds most of them.
        n: clustered units that carry a class.
    """

    purity: float
    inverse_purity: float
    n: int


@dataclass(frozen=True)
class Together:
    """How often linked units share a cluster.

    Attributes:
        share: pairs in one cluster, of all pairs.
        expected: the same for two units drawn at random.
        n: pairs.
    """

    share: float
    expected: float
    n: int


def at_level(symbol: str, level: str) -> str:
    """Cut a symbol such as `H01M10/0525` at its section, class, subclass, main group or subgroup; "" if it is none."""
    if not _SYMBOL.match(symbol):
        return ""
    if level == "group":
        return symbol.partition("/")[0]
    return symbol[: LEVELS[level]]


def purity(labels: np.ndarray, classes: Sequence[Collection[str]]) -> Purity:
    """Return both purities (Zhao & Karypis 2001, for several classes a unit); all 0 where no unit carries a class.

    Args:
        labels: n cluster ids, -1 = noise.
        classes: the classes of each of n units, perhaps none.
    """
    rows = [i for i, own in enumerate(classes) if own and labels[i] != NOISE]
    if not rows:
        return Purity(0.0, 0.0, 0)
    counts = Counter((int(labels[i]), name) for i in rows for name in set(classes[i]))
    of_cluster: dict[int, int] = {}
    of_class: dict[str, int] = {}
    for (cluster, name), n in counts.items():
        of_cluster[cluster] = max(of_cluster.get(cluster, 0), n)
        of_class[name] = max(of_class.get(name, 0), n)
    return Purity(
        purity=sum(of_cluster.values()) / len(rows),
        inverse_purity=sum(of_class.values()) / sum(counts.values()),
        n=len(rows),
    )


def together(labels: np.ndarray, pairs: Iterable[tuple[int, int]]) -> Together:
    """Tell how often linked units share a cluster; a pair that touches noise does not. Each pair counts once.

    Args:
        labels: n cluster ids, -1 = noise.
        pairs: links between two of n units, in either order; a unit's link to itself counts for nothing.
    """
    distinct = {(min(a, b), max(a, b)) for a, b in pairs if a != b}
    n = len(labels)
    inside = sum(bool(labels[a] == labels[b] != NOISE) for a, b in distinct)
    sizes = np.unique(labels[labels != NOISE], return_counts=True)[1].astype(np.float64)
    expected = float((sizes * (sizes - 1)).sum() / (n * (n - 1))) if n > 1 else 0.0
    return Together(share=inside / len(distinct) if distinct else 0.0, expected=expected, n=len(distinct))


def language_ami(labels: np.ndarray, languages: Sequence[str | None]) -> float | None:
    """Return the adjusted mutual information of cluster and language over clustered units; None for one language.

    0 means that knowing the cluster says nothing of the language; near 1, that clusters mean a language.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    rows = [i for i, code in enumerate(languages) if code and labels[i] != NOISE]
    counts = Counter(languages[i] for i in rows)
    spoken = {code for code, n in counts.items() if n >= _LEAST_OF_A_LANGUAGE * len(rows)}
    if len(spoken) < 2:
        return None
    rows = [i for i in rows if languages[i] in spoken]
    return float(adjusted_mutual_info_score([languages[i] for i in rows], labels[rows]))
