"""Patents, clusters, names, classes and terms as a graph: nodes and typed edges, gathered one patent at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A thing: its id (`kind:name`), kind, label, and for patents on the map their cluster and position."""

    node_id: str
    kind: str
    label: str
    cluster_id: int | None = None
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A typed relation from one node to another; `weight` is its strength, 1 where there is no degree."""

    source: str
    target: str
    kind: str
    weight: float = 1.0


class Graph:
    """Nodes by id, in the order first met, and edges in the order added, each once."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._edges: dict[tuple[str, str, str], Edge] = {}

    def node(self, kind: str, name: str, label: str = "", **more: float | int | None) -> str:
        """Add a node unless it is there, and return its id; a fuller node takes the place of one only referred to."""
        node_id = f"{kind}:{name}"
        known = self._nodes.get(node_id)
        if known is None or (label and not known.label):
            self._nodes[node_id] = Node(node_id, kind, label, **more)  # type: ignore[arg-type]
        return node_id

    def link(self, source: str, target: str, kind: str, weight: float = 1.0) -> None:
        """Add an edge unless it is there, or leads from a node to itself."""
        if source != target:
            self._edges.setdefault((source, target, kind), Edge(source, target, kind, weight))

    def link_names(self, source: str, kind: str, relation: str, names: Iterable[str]) -> None:
        """Add a node for each name, and an edge to it."""
        for name in names:
            if name:
                self.link(source, self.node(kind, name, name), relation)

    @property
    def nodes(self) -> Sequence[Node]:
        """Return all nodes."""
        return list(self._nodes.values())

    @property
    def edges(self) -> Sequence[Edge]:
        """Return all edges, as long as both ends are nodes."""
        return [edge for edge in self._edges.values() if edge.source in self._nodes and edge.target in self._nodes]
