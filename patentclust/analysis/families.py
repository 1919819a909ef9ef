"""Publications to patent families, and which publication stands for its family.

Simple family: equal sets of priorities (the DOCDB notion; EPO, "Patent families at the EPO", 2017). Extended family:
connected by shared priorities (the INPADOC notion). A first filing counts its own application as its priority. Readers
leave parents out that an application merely continues (`uspto.priorities`), as DOCDB does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

_INTERNATIONAL = "WO-PCT"


@dataclass(frozen=True, slots=True)
class Member:
    """What decides where a publication belongs.

    Attributes:
        doc_id: its key.
        stated: family as its source states it, or None.
        application: application number, `CC-NUMBER`, or None.
        priorities: priority application numbers, `CC-NUMBER`.
        n_texts: how many of title, abstract, claims and description it has.
        language: BCP 47 code or None.
        published: publication date or None.
    """

    doc_id: str
    stated: str | None
    application: str | None
    priorities: tuple[str, ...]
    n_texts: int = 0
    language: str | None = None
    published: date | None = None


def find_families(members: Sequence[Member], *, mode: str = "simple") -> list[str]:
    """Return the family of each member.

    Publications of one application, and those for which a source states one family, always belong together. The name
    is the stated one where any member has it (the first in order), else `simple:` or `extended:` and the first
    priority, application or publication number, with a hash where a simple family claims several. Independent of the
    members' order.
    """
    groups = _Groups(len(members))
    for index, member in enumerate(members):
        for key in _keys(member, mode):
            groups.join(index, key)
    names: dict[int, tuple[int, str]] = {}
    for index, member in enumerate(members):
        root = groups.root(index)
        names[root] = min(names.get(root, _name(member, mode)), _name(member, mode))
    return [names[groups.root(index)][1] for index in range(len(members))]


def _claimed(member: Member, mode: str) -> tuple[str, ...]:
    """Return the priorities, or for a first filing its own application.

    Some sources count the international application, which all its national ones come from, among their priorities:
    for a simple family it is one only where there is no other.
    """
    stated = sorted(set(member.priorities))
    if mode == "simple":
        stated = [number for number in stated if not number.startswith(_INTERNATIONAL)] or stated
    return tuple(stated) or ((member.application,) if member.application else ())


def _keys(member: Member, mode: str) -> list[tuple[str, ...]]:
    claimed = _claimed(member, mode)
    keys: list[tuple[str, ...]] = []
    if member.stated:
        keys.append(("stated", member.stated))
    if member.application:
        keys.append(("application", member.application))
    if claimed:
        keys += [("priorities", number) for number in claimed] if mode == "extended" else [("priorities", *claimed)]
    return keys


def _name(member: Member, mode: str) -> tuple[int, str]:
    if member.stated:
        return 0, member.stated
    claimed = _claimed(member, mode) or (member.doc_id,)
    # Two simple families may share their first priority; the whole set tells them apart.
    rest = sha256("|".join(claimed).encode()).hexdigest()[:8] if mode == "simple" and len(claimed) > 1 else ""
    return 1, f"{mode}:{claimed[0]}{'+' if rest else ''}{rest}"


class _Groups:
    """Disjoint sets over members, joined by whatever keys they share."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))
        self._first: dict[tuple[str, ...], int] = {}

    def root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, index: int, key: tuple[str, ...]) -> None:
        other = self._first.setdefault(key, index)
        low, high = sorted((self.root(index), self.root(other)))
        self._parent[high] = low


def find_representatives(members: Sequence[Member], families: Sequence[str]) -> list[bool]:
    """Tell for each member whether it stands for its family; exactly one of each family does.

    The rule: most texts (title, abstract, claims, description); then English, which every model reads; then the
    earliest publication; then the lowest doc_id.
    """
    best: dict[str, tuple[int, bool, date, str]] = {}
    for member, family in zip(members, families, strict=True):
        best[family] = min(best.get(family, _rank(member)), _rank(member))
    return [best[family] == _rank(member) for member, family in zip(members, families, strict=True)]


def _rank(member: Member) -> tuple[int, bool, date, str]:
    return -member.n_texts, member.language != "en", member.published or date.max, member.doc_id
