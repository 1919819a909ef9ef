"""A finished map becomes a knowledge graph in the folder graph/: Parquet, GraphML, JSON-LD and VOSviewer files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from patentclust import artifacts
from patentclust.analysis.assignees import printed_as
from patentclust.analysis.curation import EXCLUDED, Rule
from patentclust.analysis.graph import EDGE_KINDS, Graph, GraphBuilder, Node
from patentclust.analysis.neighbours import nearest
from patentclust.artifacts import Stamp
from patentclust.errors import ArtifactError
from patentclust.params import Resources
from patentclust.progress import Progress, Quiet
from patentclust.render import graphs
from patentclust.render.text import clean, name_of, shorten
from patentclust.render.titles import class_title
from patentclust.schemas import EDGES, NODES, NOISE, UNIT_KEYS
from patentclust.stages import Outcome
from patentclust.stages.atlas import Atlas, number_keys, read_atlas
from patentclust.stages.curating import apply_rules, read_rules, sha256
from patentclust.stages.placing import read_topics
from patentclust.workspace import Workspace

N_SIMILAR = 5
# What a graph holds: one of an older revision is written again.
_REVISION = 2
_MAX_LABEL = 300
_SUBCLASS = 4
_TABLE_ROWS = 100_000
_COLUMNS = [
    "doc_id", "title", "family_id", "representative", "priority_date", "filing_date", "publication_date", "applicants",
    "assignees", "assignee_names", "inventors", "ipc", "cpc", "cited",
]  # fmt: skip


@dataclass
class _Walk:
    """What is kept while the documents go by: the graph so far, and by place who stands for each unit and who cites."""

    builder: GraphBuilder
    speakers: dict[str, int]
    numbers: dict[str, int]
    cited: list[tuple[int, list[str]]]


def run(workspace: Workspace, *, resources: Resources = Resources(), progress: Progress = Quiet()) -> Outcome:
    """Write the graph; do nothing when it is there and current.

    Raises:
        ArtifactError: there is no map, or it was made from other documents or vectors.
    """
    topics = artifacts.read_header(workspace.topics, kind="topics")
    documents = artifacts.read_header(workspace.documents, kind="documents")
    if topics.json("inputs").get("documents") != documents.fingerprint:
        raise ArtifactError(f"{workspace.topics} was made from other documents", hint="run: patentclust cluster")
    unit = topics.metadata.get("unit", "document")
    inputs = {"documents": documents.fingerprint, "topics": topics.fingerprint}
    inputs |= {"curation": sha256(workspace.curation)} if workspace.curation.is_file() else {}
    stamp = Stamp(kind="nodes", params={"n_similar": N_SIMILAR, "revision": _REVISION}, inputs=inputs, unit=unit)
    outputs = tuple(workspace.graph_files.values())
    if artifacts.current(workspace.graph_files["nodes"], stamp) and all(path.is_file() for path in outputs):
        header = artifacts.read_header(workspace.graph_files["nodes"], kind="nodes")
        counts = header.json("counts")
        facts = {name: counts[name] for name in ("nodes", "edges", *EDGE_KINDS, "cited_outside") if name in counts}
        return Outcome("graph", current=True, facts=facts, outputs=outputs)
    rules = read_rules(workspace, unit)
    atlas = _curated(workspace, read_atlas(workspace), rules)
    graph, n_outside = _build(workspace, atlas, resources, progress)
    facts = {"nodes": len(graph.nodes), "edges": len(graph.sources), **_edge_facts(graph), "cited_outside": n_outside}
    _write(workspace, graph, stamp, facts)
    return Outcome("graph", current=False, facts=facts, outputs=outputs)


def _curated(workspace: Workspace, atlas: Atlas, rules: Sequence[Rule]) -> Atlas:
    """Return the map as the analyst corrected it."""
    if not rules:
        return atlas
    rows = {unit: row for row, unit in enumerate(atlas.embeddings.unit_ids)}
    topics, done = apply_rules(rules, read_topics(workspace.topics), rows, atlas.labels)
    shown = {
        topic.cluster_id: {"label": topic.label, "terms": [{"term": t, "weight": w} for t, w in topic.terms]}
        for topic in topics
    }
    return replace(atlas, labels=done.clusters, topics=shown)


def _edge_facts(graph: Graph) -> dict[str, int]:
    return {name: count for name, count in graph.count().items() if count}


def _build(workspace: Workspace, atlas: Atlas, resources: Resources, progress: Progress) -> tuple[Graph, int]:
    """Return the graph, and how many citations go to patents that the corpus does not hold."""
    walk = _Walk(GraphBuilder(), {}, {}, [])
    rows = {unit: row for unit, row in atlas.rows().items() if atlas.labels[row] != EXCLUDED}
    with progress.task("graph", total=None, unit="documents") as task:
        for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=_COLUMNS):
            for document in batch.to_pylist():
                _add_patent(walk, document, atlas, rows.get(document[UNIT_KEYS[atlas.unit]]))
                task.advance()
    _add_clusters(walk.builder, atlas)
    _link_similar(walk, atlas, resources)
    n_outside = _link_cited(walk)
    return walk.builder.finish(), n_outside


def _add_patent(walk: _Walk, document: dict[str, Any], atlas: Atlas, row: int | None) -> None:
    days = (document["priority_date"], document["filing_date"], document["publication_date"])
    day = next((day for day in days if day is not None), None)
    key = clean(document["doc_id"])
    patent = Node("patent", key, _label(document["title"]) or key, year=day.year if day else None)
    patent.family = document["family_id"] or key
    if row is not None:
        patent.cluster_id = int(atlas.labels[row])
        patent.x, patent.y = (float(value) for value in atlas.places[row])
    builder = walk.builder
    place = builder.add(patent)
    exact, *others = number_keys(document["doc_id"])
    walk.numbers[exact] = place
    for number in others:
        walk.numbers.setdefault(number, place)
    walk.cited.append((place, document["cited"]))
    _link_owners(builder, place, document)
    for target in builder.named("inventor", [name_of(name) for name in document["inventors"]]):
        builder.link(place, target, "invented_by")
    symbols = [*document["ipc"], *document["cpc"]]
    for symbol in sorted({clean(symbol)[:_SUBCLASS].upper() for symbol in symbols} - {""}):
        title = class_title(symbol)
        label = f"{symbol} {title}" if title else symbol
        builder.link(place, builder.add(Node("class", symbol, label)), "classified_in")
    if row is None:
        return
    unit_id = atlas.embeddings.unit_ids[row]
    if document["representative"] or unit_id not in walk.speakers:
        walk.speakers[unit_id] = place
    if patent.cluster_id != NOISE:
        cluster = builder.add(_cluster_node(atlas, int(atlas.labels[row])))
        builder.link(place, cluster, "member", float(atlas.probabilities[row]))


def _link_owners(builder: GraphBuilder, place: int, document: dict[str, Any]) -> None:
    printed = document["assignees"] or document["applicants"]
    owners = document["assignee_names"] or printed
    for target in builder.named("assignee", [name_of(name) for name in owners]):
        builder.link(place, target, "filed_by")
    for name, form in printed_as(owners, printed):
        for target in builder.named("assignee", [name_of(name)]):
            builder.print_as(target, name_of(form))


def _label(text: str) -> str:
    return shorten(clean(text), _MAX_LABEL)


def _cluster_node(atlas: Atlas, cluster_id: int) -> Node:
    return Node("cluster", str(cluster_id), _label(atlas.label(cluster_id)), cluster_id=cluster_id)


def _add_clusters(builder: GraphBuilder, atlas: Atlas) -> None:
    for cluster_id, topic in sorted(atlas.topics.items()):
        cluster = builder.add(_cluster_node(atlas, cluster_id))
        for term in topic["terms"]:
            for target in builder.named("term", [_label(term["term"])]):
                builder.link(cluster, target, "described_by", float(term["weight"]))


def _link_similar(walk: _Walk, atlas: Atlas, resources: Resources) -> None:
    """Link each unit's document to those of the nearest units, the earlier one first."""
    near = nearest(atlas.embeddings.vectors, n_neighbors=N_SIMILAR + 1, seed=0, threads=resources.n_threads)
    places = [walk.speakers.get(unit_id) for unit_id in atlas.embeddings.unit_ids]
    for row, (others, distances) in enumerate(zip(near.indices.tolist(), near.distances.tolist(), strict=True)):
        for other, distance in zip(others, distances, strict=True):
            a, b = places[row], places[other]
            if a is not None and b is not None:
                walk.builder.link(min(a, b), max(a, b), "similar", 1.0 - distance)


def _link_cited(walk: _Walk) -> int:
    n_outside = 0
    for place, numbers in walk.cited:
        for number in numbers:
            target = next((walk.numbers[key] for key in number_keys(number) if key in walk.numbers), None)
            n_outside += target is None
            if target is not None:
                walk.builder.link(place, target, "cites")
    return n_outside


def _write(workspace: Workspace, graph: Graph, stamp: Stamp, facts: dict[str, int]) -> None:
    files = workspace.graph_files
    writers = {
        "graphml": graphs.write_graphml,
        "jsonld": graphs.write_jsonld,
        "vos_map": graphs.write_vos_map,
        "vos_network": graphs.write_vos_network,
    }
    edge_stamp = Stamp(kind="edges", params=stamp.params, inputs=stamp.inputs, unit=stamp.unit)
    # The nodes say what made them, so they are renamed last: current nodes have all the rest beside them.
    with ExitStack() as stack:
        nodes = stack.enter_context(artifacts.table_writer(files["nodes"], NODES, stamp, counts=facts))
        edges = stack.enter_context(artifacts.table_writer(files["edges"], EDGES, edge_stamp))
        for name, write in writers.items():
            attempt = stack.enter_context(artifacts.atomic_path(files[name]))
            with attempt.open("w", encoding="utf-8", errors="replace", newline="") as handle:
                write(handle, graph)
        for table in _node_tables(graph):
            nodes.write_table(table)
        for table in _edge_tables(graph):
            edges.write_table(table)


def _node_tables(graph: Graph) -> Iterator[pa.Table]:
    for start in range(0, len(graph.nodes), _TABLE_ROWS):
        nodes = graph.nodes[start : start + _TABLE_ROWS]
        rows = [{"node_id": node.node_id, "key": node.key, "printed": [], **graphs.properties(node)} for node in nodes]
        yield pa.Table.from_pylist(rows, schema=NODES.schema)


def _edge_tables(graph: Graph) -> Iterator[pa.Table]:
    ids = pa.array([node.node_id for node in graph.nodes], pa.string())
    names = pa.array(list(graph.count()), pa.string())
    for start in range(0, len(graph.sources), _TABLE_ROWS):
        rows = slice(start, start + _TABLE_ROWS)
        columns = [ids.take(pa.array(graph.sources[rows])), ids.take(pa.array(graph.targets[rows]))]
        columns += [names.take(pa.array(graph.kinds[rows])), pa.array(graph.weights[rows], pa.float32())]
        yield pa.Table.from_arrays(columns, schema=EDGES.schema)
