"""The analyst's corrections to a map, applied to cluster numbers.

A cluster is meant by some of its members, so that a correction finds it again after new patents changed the numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

EXCLUDED = -2


@dataclass(frozen=True)
class Rule:
    """One correction.

    Attributes:
        kind: rename, pin, merge, split, move, exclude or note.
        members: units that the correction is about; of `rename`, `pin`, `merge` and `note`, some of each cluster.
        label: name of the cluster from now on; "" keeps what it has.
        near: of `move`, some members of the cluster to move to.
        text: of `note`, what to say of the cluster.
        line: of the file where it stands; 0 = unknown.
    """

    kind: str
    members: tuple[str, ...]
    label: str = ""
    near: tuple[str, ...] = ()
    text: str = ""
    line: int = 0


@dataclass
class Curated:
    """What became of the map.

    Attributes:
        clusters: shape (n,), EXCLUDED for what is off the map.
        named: the rule that gave a cluster its name.
        overtaken: rules whose name for a cluster is not the last one given to it, and the rule that gave the next.
        missed: rules that found nothing to correct.
    """

    clusters: np.ndarray
    named: dict[int, Rule] = field(default_factory=dict)
    notes: dict[int, list[str]] = field(default_factory=dict)
    pinned: set[int] = field(default_factory=set)
    merged: dict[int, list[int]] = field(default_factory=dict)
    new: list[int] = field(default_factory=list)
    overtaken: list[tuple[Rule, Rule]] = field(default_factory=list)
    missed: list[Rule] = field(default_factory=list)

    @property
    def labels(self) -> dict[int, str]:
        """Names that clusters were given."""
        return {cluster: rule.label for cluster, rule in self.named.items()}


def curate(rules: Sequence[Rule], rows: Mapping[str, int], clusters: np.ndarray) -> Curated:
    """Apply the rules in order and return the result; a rule whose members are not on the map is `missed`.

    Args:
        rules: the corrections.
        rows: each unit's row.
        clusters: shape (n,), cluster of each row, -1 for noise; not changed.
    """
    done = Curated(clusters.astype(np.int32))
    for rule in rules:
        known = [rows[unit] for unit in rule.members if unit in rows]
        if not known or not _APPLY[rule.kind](done, rule, known, rows):
            done.missed.append(rule)
    return done


def _clusters_of(done: Curated, members: Sequence[int]) -> list[int]:
    """Return the clusters that the rows lie in, the one with most of them first."""
    counts = Counter(int(done.clusters[row]) for row in members if done.clusters[row] >= 0)
    return sorted(counts, key=lambda cluster: (-counts[cluster], cluster))


def _rename(done: Curated, rule: Rule, known: Sequence[int], _: Mapping[str, int]) -> bool:
    found = _clusters_of(done, known)[:1]
    for cluster in found:
        if cluster in done.named:
            done.overtaken.append((done.named[cluster], rule))
        done.named[cluster] = rule
    return bool(found)


def _pin(done: Curated, rule: Rule, known: Sequence[int], rows: Mapping[str, int]) -> bool:
    done.pinned.update(_clusters_of(done, known)[:1])
    return _rename(done, rule, known, rows)


def _note(done: Curated, rule: Rule, known: Sequence[int], _: Mapping[str, int]) -> bool:
    found = _clusters_of(done, known)[:1]
    for cluster in found:
        done.notes.setdefault(cluster, []).append(rule.text)
    return bool(found)


def _merge(done: Curated, rule: Rule, known: Sequence[int], _: Mapping[str, int]) -> bool:
    found = sorted(_clusters_of(done, known))
    if len(found) < 2:
        return False
    done.clusters[np.isin(done.clusters, found)] = found[0]
    done.merged.setdefault(found[0], [found[0]]).extend(found[1:])
    if rule.label:
        done.named[found[0]] = rule
    return True


def _split(done: Curated, rule: Rule, known: Sequence[int], _: Mapping[str, int]) -> bool:
    number = int(max(done.clusters.max(initial=-1), *done.new, *done.merged, -1)) + 1
    done.clusters[list(known)] = number
    done.new.append(number)
    done.named[number] = rule
    return True


def _move(done: Curated, rule: Rule, known: Sequence[int], rows: Mapping[str, int]) -> bool:
    found = _clusters_of(done, [rows[unit] for unit in rule.near if unit in rows])[:1]
    for cluster in found:
        done.clusters[list(known)] = cluster
    return bool(found)


def _exclude(done: Curated, _: Rule, known: Sequence[int], __: Mapping[str, int]) -> bool:
    done.clusters[list(known)] = EXCLUDED
    return True


_APPLY = {
    "rename": _rename, "pin": _pin, "merge": _merge, "split": _split, "move": _move, "exclude": _exclude, "note": _note,
}  # fmt: skip
KINDS = tuple(_APPLY)
