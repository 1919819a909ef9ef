"""Writes the graph of a report in all its forms; they appear together, whole."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from patentclust import artifacts
from patentclust.analysis.graph import Graph
from patentclust.artifacts import Stamp
from patentclust.render import graphs
from patentclust.schemas import EDGES, NODES
from patentclust.workspace import Workspace

_TEXTS = ("graph.graphml", "graph.jsonld", "vosviewer-map.txt", "vosviewer-network.txt")


def outputs(workspace: Workspace) -> list[Path]:
    """Return the files of a graph."""
    return [workspace.graph(name) for name in ("nodes.parquet", "edges.parquet", *_TEXTS)]


def write_graph(workspace: Workspace, graph: Graph, stamp: Stamp) -> None:
    """Write nodes.parquet, edges.parquet and the forms that other programs read."""
    for name, contract, items in (("nodes", NODES, graph.nodes), ("edges", EDGES, graph.edges)):
        made = Stamp(kind=name, params=stamp.params, inputs=stamp.inputs)
        rows = [{field: getattr(item, field) for field in contract.schema.names} for item in items]
        artifacts.write_rows(workspace.graph(f"{name}.parquet"), contract, made, rows)
    with ExitStack() as stack:
        paths = [stack.enter_context(artifacts.atomic_path(workspace.graph(name))) for name in _TEXTS]
        graphml, json_ld, map_file, network = (
            stack.enter_context(path.open("w", encoding="utf-8", errors="replace", newline="")) for path in paths
        )
        graphs.write_graphml(graphml, graph)
        graphs.write_json_ld(json_ld, graph)
        graphs.write_vosviewer(map_file, network, graph)
