"""Patents and what they have to do with: nodes and edges, collected one at a time, each kept once.

Knows nothing of files. Patents are publications; whatever is linked to none of them is no node.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

# What an edge says, in the order of the files: from a patent unless said otherwise.
EDGE_KINDS = {
    "member": "patent to its cluster; weight = strength of membership",
    "similar": "patent to one of its nearest in meaning, stored once a pair; weight = cosine",
    "cites": "patent to a cited patent of the same corpus",
    "filed_by": "patent to an assignee (else applicant), names in one form a company",
    "invented_by": "patent to an inventor, by name alone: namesakes are one node",
    "classified_in": "patent to an IPC or CPC subclass",
    "described_by": "cluster to one of its leading terms; weight = class-based TF-IDF",
}
NODE_KINDS = ("patent", "cluster", "assignee", "inventor", "class", "term")
# Edges to a name, and what has it: its families are counted.
_COUNTED = {"filed_by": "assignee", "invented_by": "inventor", "classified_in": "class"}
_NUMBERS = {kind: number for number, kind in enumerate(EDGE_KINDS)}


@dataclass(slots=True)
class Node:
    """One thing of the graph.

    Attributes:
        kind: one of NODE_KINDS.
        key: what names it among its kind.
        label: what a reader sees.
        cluster_id: of a patent (-1 = noise, None = not on the map) or a cluster.
        year: of a patent: earliest priority, else filing, else publication.
        x: place on the map, of a patent.
        y: the same.
        family: of a patent, what its publications share.
        printed: of an assignee, the forms of its name as printed.
        n_links: edges that begin or end here.
        n_families: families of the patents of a cluster, assignee, inventor or class; of those of a cluster, each
            counts in the cluster of its first patent only.
    """

    kind: str
    key: str
    label: str
    cluster_id: int | None = None
    year: int | None = None
    x: float | None = None
    y: float | None = None
    family: str = ""
    printed: dict[str, None] | None = None
    n_links: int = 0
    n_families: int | None = None

    @property
    def node_id(self) -> str:
        """Return the key that no other node has."""
        return f"{self.kind}:{self.key}"


@dataclass(frozen=True, slots=True)
class Edge:
    """A link from one node to another, by their places in the graph."""

    source: int
    target: int
    kind: str
    weight: float


@dataclass(frozen=True)
class Graph:
    """A finished graph.

    Attributes:
        nodes: patents in the order they came, then clusters, assignees, inventors, classes and terms by key.
        sources: where each edge begins, ascending.
        targets: where it ends.
        kinds: number of its kind in EDGE_KINDS.
        weights: 1 where there is nothing to weigh.
    """

    nodes: list[Node]
    sources: np.ndarray
    targets: np.ndarray
    kinds: np.ndarray
    weights: np.ndarray

    def edges(self) -> Iterator[Edge]:
        """Yield the edges by source, kind and target."""
        names = list(EDGE_KINDS)
        columns = (self.sources.tolist(), self.targets.tolist(), self.kinds.tolist(), self.weights.tolist())
        for source, target, kind, weight in zip(*columns, strict=True):
            yield Edge(source, target, names[kind], weight)

    def by_source(self) -> Iterator[tuple[Node, list[Edge]]]:
        """Yield every node with the edges that begin there."""
        edges = self.edges()
        edge = next(edges, None)
        for place, node in enumerate(self.nodes):
            mine = []
            while edge is not None and edge.source == place:
                mine.append(edge)
                edge = next(edges, None)
            yield node, mine

    def count(self) -> dict[str, int]:
        """Return the number of edges of each kind."""
        counts = np.bincount(self.kinds, minlength=len(EDGE_KINDS)).tolist()
        return dict(zip(EDGE_KINDS, counts, strict=True))


@dataclass
class GraphBuilder:
    """Collect nodes and edges in any order; edges cost 17 bytes each."""

    _nodes: list[Node] = field(default_factory=list)
    _places: dict[tuple[str, str], int] = field(default_factory=dict)
    _sources: array[int] = field(default_factory=lambda: array("i"))
    _targets: array[int] = field(default_factory=lambda: array("i"))
    _kinds: array[int] = field(default_factory=lambda: array("b"))
    _weights: array[float] = field(default_factory=lambda: array("d"))

    def add(self, node: Node) -> int:
        """Return the place of a node; one that is there already stays as it is."""
        place = self._places.setdefault((node.kind, node.key), len(self._nodes))
        if place == len(self._nodes):
            self._nodes.append(node)
        return place

    def named(self, kind: str, names: Iterable[str]) -> list[int]:
        """Return the places of nodes that are known by a name; case and blanks make no difference, empties go."""
        labels = dict.fromkeys(" ".join(name.split()) for name in names)
        return [self.add(Node(kind, label.upper(), label)) for label in labels if label]

    def print_as(self, place: int, form: str) -> None:
        """Note a form in which the name of a node is printed."""
        node = self._nodes[place]
        node.printed = (node.printed or {}) | {form: None} if form else node.printed

    def link(self, source: int, target: int, kind: str, weight: float = 1.0) -> None:
        """Add an edge; nothing links to itself, and of equal edges the heaviest stays."""
        if source != target:
            self._sources.append(source)
            self._targets.append(target)
            self._kinds.append(_NUMBERS[kind])
            self._weights.append(weight)

    def finish(self) -> Graph:
        """Return the graph."""
        ranks = {kind: rank for rank, kind in enumerate(NODE_KINDS)}
        order = sorted(range(len(self._nodes)), key=lambda place: self._rank(place, ranks))
        moved = np.empty(len(order), np.int64)
        moved[order] = np.arange(len(order))
        sources, targets = moved[np.asarray(self._sources, int)], moved[np.asarray(self._targets, int)]
        kinds, weights = np.asarray(self._kinds, np.int8), np.asarray(self._weights, np.float32)
        rows = np.lexsort((-weights, targets, kinds, sources))
        sources, targets, kinds, weights = sources[rows], targets[rows], kinds[rows], weights[rows]
        first = np.ones(len(rows), bool)
        first[1:] = (np.diff(sources) != 0) | (np.diff(targets) != 0) | (np.diff(kinds) != 0)
        sources, targets = sources[first], targets[first]
        nodes = [self._nodes[place] for place in order]
        counts = np.bincount(np.concatenate([sources, targets]), minlength=len(nodes)).tolist()
        for node, count in zip(nodes, counts, strict=True):
            node.n_links = count
        _count_families(nodes, sources, targets, kinds[first])
        return Graph(nodes, sources, targets, kinds[first], weights[first])

    def _rank(self, place: int, ranks: Mapping[str, int]) -> tuple[int, int, str]:
        node = self._nodes[place]
        # Patents keep their order, clusters go by number, the rest by name.
        number = place if node.kind == "patent" else node.cluster_id if node.cluster_id is not None else 0
        return ranks[node.kind], number, node.key


def _count_families(nodes: Sequence[Node], sources: np.ndarray, targets: np.ndarray, kinds: np.ndarray) -> None:
    numbers: dict[str, int] = {}
    homes: dict[str, int] = {}
    families = np.full(len(nodes), -1, np.int64)
    for place, node in enumerate(nodes):
        if node.kind == "patent":
            families[place] = numbers.setdefault(node.family or node.key, len(numbers))
            if node.cluster_id is not None:
                homes.setdefault(node.family or node.key, node.cluster_id)
    named = np.isin(kinds, [_NUMBERS[kind] for kind in _COUNTED])
    pairs = np.unique(targets[named] * max(1, len(numbers)) + families[sources[named]])
    counts = np.bincount(pairs // max(1, len(numbers)), minlength=len(nodes)).tolist()
    at_home = Counter(homes.values())
    for node, count in zip(nodes, counts, strict=True):
        if node.kind in _COUNTED.values():
            node.n_families = count
        elif node.kind == "cluster" and node.cluster_id is not None:
            node.n_families = at_home[node.cluster_id]
