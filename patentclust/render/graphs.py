"""A graph as files that other programs open: GraphML, JSON-LD, and VOSviewer's map and network.

Each writer goes through nodes and edges once, so that a large graph costs no memory. Text comes in fit to show: see
`text.clean`. Knows nothing of where files lie.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any, TextIO
from urllib.parse import quote

from patentclust.analysis.graph import EDGE_KINDS, Graph, Node
from patentclust.render.links import register_url
from patentclust.schemas import NOISE

# VOSviewer numbers clusters from 1 to 1000; the last one holds the noise and what comes after 999 clusters.
VOS_LAST_CLUSTER = 1000
_VOS_EDGES = ("similar", "cites")

_IRI = "urn:patentclust:"
_NODE_KEYS = {"kind": "string", "label": "string", "url": "string", "cluster_id": "int", "year": "int"}
_NODE_KEYS |= {"x": "double", "y": "double", "printed": "string", "n_families": "int", "n_links": "int"}
_EDGE_KEYS = {"kind": "string", "weight": "double"}
_XSD = "http://www.w3.org/2001/XMLSchema#"
_CONTEXT = {
    "@version": 1.1,
    "label": "http://www.w3.org/2000/01/rdf-schema#label",
    "url": {"@id": "https://schema.org/url", "@type": "@id"},
    "cluster_id": {"@id": f"{_IRI}cluster_id", "@type": f"{_XSD}integer"},
    "year": {"@id": f"{_IRI}year", "@type": f"{_XSD}gYear"},
    "printed": "http://www.w3.org/2004/02/skos/core#altLabel",
    "n_families": {"@id": f"{_IRI}n_families", "@type": f"{_XSD}integer"},
    "x": {"@id": f"{_IRI}x", "@type": f"{_XSD}double"},
    "y": {"@id": f"{_IRI}y", "@type": f"{_XSD}double"},
    **{kind: {"@id": f"{_IRI}{kind}", "@type": "@id"} for kind in EDGE_KINDS},
}


def url(node: Node) -> str | None:
    """Return where a patent can be read, None for anything else."""
    return register_url(node.key) if node.kind == "patent" else None


def properties(node: Node) -> dict[str, Any]:
    """Return what is known of a node beside its id."""
    values = {name: getattr(node, name) for name in _NODE_KEYS if name != "url"} | {"url": url(node)}
    values["printed"] = sorted(node.printed) if node.printed else None
    return {name: values[name] for name in _NODE_KEYS if values[name] is not None}


def write_graphml(handle: TextIO, graph: Graph) -> None:
    """Write GraphML (graphml.graphdrawing.org): directed, typed attributes, edges of several kinds side by side."""
    handle.write('<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
    for where, keys in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
        for name, type_ in keys.items():
            handle.write(f'<key id="{where}_{name}" for="{where}" attr.name="{name}" attr.type="{type_}"/>\n')
    handle.write('<graph id="patents" edgedefault="directed">\n')
    ids = [escape(node.node_id) for node in graph.nodes]
    for node_id, node in zip(ids, graph.nodes, strict=True):
        data = "".join(f'<data key="node_{key}">{escape(_plain(v))}</data>' for key, v in properties(node).items())
        handle.write(f'<node id="{node_id}">{data}</node>\n')
    for edge in graph.edges():
        handle.write(
            f'<edge source="{ids[edge.source]}" target="{ids[edge.target]}"><data key="edge_kind">{edge.kind}</data>'
            f'<data key="edge_weight">{_plain(edge.weight)}</data></edge>\n'
        )
    handle.write("</graph>\n</graphml>\n")


def _plain(value: Any) -> str:
    # Six digits are all that a float32 holds.
    if isinstance(value, list):
        return "; ".join(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def write_jsonld(handle: TextIO, graph: Graph) -> None:
    """Write JSON-LD 1.1 with its context inside: a node a line with its links; weights are in the other files."""
    handle.write('{"@context": ' + json.dumps(_CONTEXT) + ',\n"@graph": [\n')
    iris = [f"{_IRI}{node.kind}:{quote(node.key, safe='')}" for node in graph.nodes]
    for place, (node, edges) in enumerate(graph.by_source()):
        line: dict[str, Any] = {"@id": iris[place], "@type": f"{_IRI}{node.kind.title()}"}
        known = properties(node)
        line |= {name: known[name] for name in ("label", "url", "cluster_id", "printed", "n_families") if name in known}
        line |= {"year": str(node.year)} if node.year is not None else {}
        line |= {name: float(_plain(known[name])) for name in ("x", "y") if name in known}
        links: dict[str, list[str]] = {}
        for edge in edges:
            links.setdefault(edge.kind, []).append(iris[edge.target])
        handle.write((",\n" if place else "") + json.dumps(line | links, ensure_ascii=False, allow_nan=False))
    handle.write("\n]}\n")


def write_vos_map(handle: TextIO, graph: Graph) -> None:
    """Write VOSviewer's map file (its manual, section "Map files"): the patents that have a place."""
    columns = ("id", "label", "description", "url", "x", "y", "cluster", "weight<Links>", "score<Year>")
    handle.write("\t".join(columns) + "\n")
    for place, node in _placed(graph):
        cluster = VOS_LAST_CLUSTER if node.cluster_id == NOISE else min((node.cluster_id or 0) + 1, VOS_LAST_CLUSTER)
        # The description may hold HTML there, so that text has to be escaped.
        texts = [_quoted(node.key), _quoted(escape(node.label)), _quoted(url(node) or "")]
        figures = [_plain(node.x), _plain(node.y), cluster, node.n_links, "" if node.year is None else node.year]
        handle.write("\t".join(map(str, [place + 1, *texts, *figures])) + "\n")


def write_vos_network(handle: TextIO, graph: Graph) -> None:
    """Write VOSviewer's network file: links between those patents, each pair once, its strengths added up."""
    placed = {place for place, _ in _placed(graph)}
    strengths: dict[tuple[int, int], float] = {}
    for edge in graph.edges():
        if edge.kind in _VOS_EDGES and edge.source in placed and edge.target in placed and edge.weight > 0:
            pair = (min(edge.source, edge.target), max(edge.source, edge.target))
            strengths[pair] = strengths.get(pair, 0.0) + edge.weight
    for (source, target), strength in sorted(strengths.items()):
        handle.write(f"{source + 1}\t{target + 1}\t{_plain(strength)}\n")


def _placed(graph: Graph) -> Iterator[tuple[int, Node]]:
    return ((place, node) for place, node in enumerate(graph.nodes) if node.kind == "patent" and node.x is not None)


def _quoted(text: str) -> str:
    # The manual wants quotes around commas and semicolons, and does not say how to write a quote inside them.
    text = text.replace('"', "'")
    return f'"{text}"' if "," in text or ";" in text else text
