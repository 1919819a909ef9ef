"""The graph as other programs read it: GraphML, JSON-LD, and the map and network files of VOSviewer."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from patentclust.analysis.graph import Edge, Graph, Node
from patentclust.render.content import Entry, Topic
from patentclust.render.text import clean
from patentclust.schemas import NOISE

_NODE_KEYS = {"kind": "string", "label": "string", "cluster_id": "int", "x": "double", "y": "double"}
_VOCABULARY = "https://patentclust.invalid/graph#"


class PatentGraph:
    """Build the graph from the documents, one at a time, and from the clusters."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.graph = Graph()
        self._near: list[tuple[str, str, float]] = []
        self._patents: dict[str, str] = {}
        for topic in topics:
            cluster = self.graph.node("cluster", str(topic.cluster_id), clean(topic.label), cluster_id=topic.cluster_id)
            for term, weight in topic.terms:
                name = clean(term)
                self.graph.link(cluster, self.graph.node("term", name, name), "about", float(weight))

    def add(self, unit_id: str, entry: Entry) -> None:
        """Add one document with its names, classes and citations."""
        graph, place, name = self.graph, entry.place, clean(entry.doc_id)
        where = {"cluster_id": place.cluster_id, "x": place.x, "y": place.y} if place else {}
        patent = graph.node("patent", name, clean(entry.title) or name, **where)
        if entry.representative or unit_id not in self._patents:
            self._patents[unit_id] = patent
        if place and place.cluster_id != NOISE:
            graph.link(patent, f"cluster:{place.cluster_id}", "member", place.probability)
        graph.link_names(patent, "assignee", "filed_by", map(clean, entry.assignee_names or entry.owners))
        graph.link_names(patent, "inventor", "invented_by", map(clean, entry.inventors))
        graph.link_names(patent, "class", "classified_in", entry.subclasses)
        for cited in entry.cited:
            if clean(cited):
                graph.link(patent, graph.node("patent", clean(cited)), "cites")
        if place:
            self._near += [(patent, other, cosine) for other, cosine in place.nearest]

    def finish(self) -> Graph:
        """Add what can only be said when all patents are known: which are similar."""
        for patent, unit, cosine in self._near:
            if unit in self._patents:
                self.graph.link(patent, self._patents[unit], "similar", round(cosine, 4))
        return self.graph


def write_graphml(handle: TextIO, graph: Graph) -> None:
    """Write GraphML (http://graphml.graphdrawing.org)."""
    handle.write('<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
    for name, type_ in _NODE_KEYS.items():
        handle.write(f'<key id="{name}" for="node" attr.name="{name}" attr.type="{type_}"/>\n')
    handle.write('<key id="relation" for="edge" attr.name="relation" attr.type="string"/>\n')
    handle.write(
        '<key id="weight" for="edge" attr.name="weight" attr.type="double"/>\n<graph edgedefault="directed">\n'
    )
    for node in graph.nodes:
        values = "".join(
            f'<data key="{name}">{escape(str(value))}</data>'
            for name in _NODE_KEYS
            if (value := getattr(node, name)) is not None
        )
        handle.write(f"<node id={quoteattr(node.node_id)}>{values}</node>\n")
    for edge in graph.edges:
        ends = f"source={quoteattr(edge.source)} target={quoteattr(edge.target)}"
        data = f'<data key="relation">{edge.kind}</data><data key="weight">{edge.weight:.6g}</data>'
        handle.write(f"<edge {ends}>{data}</edge>\n")
    handle.write("</graph>\n</graphml>\n")


def write_json_ld(handle: TextIO, graph: Graph) -> None:
    """Write JSON-LD 1.1: one object a node, its relations as references; ids are relative to the vocabulary."""
    relations: dict[str, dict[str, list[dict[str, str]]]] = {}
    for edge in graph.edges:
        relations.setdefault(edge.source, {}).setdefault(edge.kind, []).append({"@id": _iri(edge.target)})
    context = {"@version": 1.1, "@vocab": _VOCABULARY, "label": "http://www.w3.org/2000/01/rdf-schema#label"}
    handle.write(f'{{"@context": {json.dumps(context)},\n"@graph": [\n')
    for number, node in enumerate(graph.nodes):
        value = {"@id": _iri(node.node_id), "@type": node.kind.title(), "label": node.label}
        handle.write(
            (",\n" if number else "") + json.dumps(value | relations.get(node.node_id, {}), ensure_ascii=False)
        )
    handle.write("\n]}\n")


def _iri(node_id: str) -> str:
    from urllib.parse import quote

    return _VOCABULARY + quote(node_id, safe=":")


def write_vosviewer(map_file: TextIO, network_file: TextIO, graph: Graph) -> None:
    """Write VOSviewer's map file (items with header) and network file (pairs of item numbers and strength).

    Items are the patents that stand on the map; VOSviewer counts clusters from 1, noise is the last of them.
    """
    items: list[Node] = [node for node in graph.nodes if node.x is not None]
    number_of = {node.node_id: number for number, node in enumerate(items, start=1)}
    last = max((node.cluster_id or 0 for node in items), default=0) + 2
    rows = csv.writer(map_file, delimiter="\t", lineterminator="\n")
    rows.writerow(["id", "label", "x", "y", "cluster"])
    for node in items:
        cluster = last if node.cluster_id == NOISE else (node.cluster_id or 0) + 1
        rows.writerow([number_of[node.node_id], node.label.replace("\t", " "), node.x, node.y, cluster])
    pairs: dict[tuple[int, int], Edge] = {}
    for edge in graph.edges:
        if edge.kind == "similar" and edge.source in number_of and edge.target in number_of:
            low, high = sorted((number_of[edge.source], number_of[edge.target]))
            pairs.setdefault((low, high), edge)
    lines = csv.writer(network_file, delimiter="\t", lineterminator="\n")
    lines.writerows([low, high, max(0.0, edge.weight)] for (low, high), edge in pairs.items())
