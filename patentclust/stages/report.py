"""Clusters become one page and its tables. Knows what goes in and when it is stale, not how any of it looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from patentclust import __version__, artifacts
from patentclust.analysis.curation import Curated, Rule, curate
from patentclust.artifacts import Header, Stamp
from patentclust.errors import ArtifactError, ConfigError
from patentclust.params import ReportParams, Resources
from patentclust.progress import Progress, Quiet
from patentclust.render import page, tables
from patentclust.render.content import Cluster, Entry, Failure, Provenance, Topic
from patentclust.render.crosses import Crosses
from patentclust.render.evolution import Evolution, evolve
from patentclust.render.palette import assign_colours
from patentclust.render.payload import Frame, Outline, PageData, text_limits
from patentclust.render.readings import read_scores
from patentclust.render.tally import MOST_LISTED, MOST_ROWS, Tally
from patentclust.render.words import words_of
from patentclust.schemas import NOISE, UNIT_KEYS
from patentclust.stages import Outcome
from patentclust.stages.curating import load_rules, read_rules
from patentclust.stages.curating import sha256 as curation_sha256
from patentclust.stages.curating import warnings as curation_warnings
from patentclust.stages.entries import read_cut_texts, read_entries
from patentclust.stages.layering import read_layers
from patentclust.stages.placing import FINEST, Map, read_map, read_topics
from patentclust.stages.sheets import open_sheets
from patentclust.stages.sheets import outputs as sheet_paths
from patentclust.workspace import Workspace

_CHANGED = "its inputs changed since"


@dataclass(frozen=True)
class _Inputs:
    documents: Header
    clusters: Header
    topics: Header
    failures: Header

    @property
    def fingerprints(self) -> dict[str, str]:
        return {kind: header.fingerprint for kind, header in vars(self).items()}

    @property
    def unit(self) -> str:
        return self.clusters.metadata.get("unit", "document")

    @property
    def scores(self) -> dict[str, Any]:
        return self.topics.json("scores") if "scores" in self.topics.metadata else {}


def run(
    workspace: Workspace,
    params: ReportParams = ReportParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Write report.html and the tables beside it; do nothing when they are there and current.

    Raises:
        ArtifactError: an input is missing or damaged, the clusters were made from other documents, or for another task.
    """
    inputs = _check_inputs(workspace, params)
    stamp = _stamp(workspace, params, inputs)
    current = _is_current(workspace, params, stamp)
    facts = _facts(workspace, inputs)
    rules = read_rules(workspace, inputs.unit)
    if not current:
        _write(workspace, params, inputs, rules, stamp.fingerprint, progress)
    texts = [workspace.texts_csv] if workspace.texts_csv.is_file() else []
    outputs = (workspace.report, *sheet_paths(workspace, params), *texts)
    return Outcome("report", current, facts, _warnings(workspace, rules), outputs, inputs.unit)


def _program() -> str:
    return f"{__version__} {page.templates_sha256()}"


def _check_inputs(workspace: Workspace, params: ReportParams) -> _Inputs:
    inputs = _Inputs(
        documents=artifacts.read_header(workspace.documents, kind="documents"),
        clusters=artifacts.read_header(workspace.clusters, kind="clusters"),
        topics=artifacts.read_header(workspace.topics, kind="topics"),
        failures=artifacts.read_header(workspace.failures, kind="failures"),
    )
    for header in (inputs.clusters, inputs.topics):
        made_from = header.json("inputs").get("documents")
        if made_from != inputs.documents.fingerprint:
            raise ArtifactError(
                f"the clusters are stale: {header.path} was made from other documents "
                f"(expected {inputs.documents.fingerprint[:12]}, got {str(made_from)[:12]})",
                hint="run: patentclust cluster",
            )
    if inputs.clusters.json("params") != inputs.topics.json("params"):
        raise ArtifactError(
            f"{inputs.clusters.path} and {inputs.topics.path} come from different runs",
            hint="run: patentclust cluster",
        )
    task = inputs.topics.json("params").get("task", params.task)
    if task != params.task:
        raise ArtifactError(
            f"the clusters come from the embeddings of task {task!r}, expected {params.task!r}",
            hint=f"run: patentclust cluster --task {params.task}",
        )
    return inputs


def why_stale(workspace: Workspace, params: ReportParams) -> str:
    """Return why page and tables are not those of the artifacts and corrections as they now are; "" when they are."""
    try:
        load_rules(workspace.curation)
        inputs = _check_inputs(workspace, params)
    except ConfigError as error:
        return str(error)
    except ArtifactError:
        return _CHANGED
    return "" if _is_current(workspace, params, _stamp(workspace, params, inputs)) else _CHANGED


def page_fingerprint(workspace: Workspace) -> str:
    """Return the fingerprint that the page states, or "" where there is no page."""
    try:
        with workspace.report.open("rb") as handle:
            head = handle.read(page.HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    return page.read_fingerprint(head) or ""


def _stamp(workspace: Workspace, params: ReportParams, inputs: _Inputs) -> Stamp:
    made_by = {"program": _program(), "curation": curation_sha256(workspace.curation)}
    return Stamp(kind="report", params=asdict(params), inputs=inputs.fingerprints | made_by)


def _is_current(workspace: Workspace, params: ReportParams, stamp: Stamp) -> bool:
    if not all(path.is_file() for path in sheet_paths(workspace, params)):
        return False
    return page_fingerprint(workspace) == stamp.fingerprint and _texts_are_there(workspace)


def _texts_are_there(workspace: Workspace) -> bool:
    """Tell whether the texts that the page cuts are beside it; a page that cuts none has no file of them."""
    n_documents = artifacts.read_header(workspace.documents, kind="documents").n_rows
    cut = read_cut_texts(workspace, text_limits(n_documents))
    return workspace.texts_csv.is_file() or next(cut, None) is None


def _facts(workspace: Workspace, inputs: _Inputs) -> dict[str, Any]:
    units = artifacts.read_table(workspace.clusters, kind="clusters", columns=["unit_id", "layer", "cluster_id"])
    finest = units.filter(pc.equal(units["layer"], FINEST))
    n_noise = pc.sum(pc.equal(finest["cluster_id"], NOISE)).as_py() or 0
    key = UNIT_KEYS[inputs.unit]
    keys = artifacts.read_table(workspace.documents, kind="documents", columns=[key])[key]
    left_out = keys.filter(pc.invert(pc.is_in(keys, value_set=finest["unit_id"])))
    return {
        "documents": inputs.documents.n_rows,
        "clusters": pc.count_distinct(finest["cluster_id"]).as_py() - bool(n_noise),
        "noise": n_noise,
        "left_out": pc.count_distinct(left_out, mode="all").as_py(),
        "failures": inputs.failures.n_rows,
    }


def _warnings(workspace: Workspace, rules: Sequence[Rule]) -> tuple[str, ...]:
    if not rules:
        return ()
    units = artifacts.read_table(workspace.clusters, kind="clusters", columns=["unit_id", "layer", "cluster_id"])
    finest = units.filter(pc.equal(units["layer"], FINEST))
    rows = {unit: row for row, unit in enumerate(finest["unit_id"].to_pylist())}
    done = curate(rules, rows, finest["cluster_id"].to_numpy())
    return tuple(curation_warnings(workspace.curation, rules, rows, done))


def _write(
    workspace: Workspace,
    params: ReportParams,
    inputs: _Inputs,
    rules: Sequence[Rule],
    fingerprint: str,
    progress: Progress,
) -> None:
    places, topics, curated = read_map(workspace, read_topics(workspace.topics), task=params.task, rules=rules)
    outlines = places.outlines(topics)
    say, limits = words_of(params.lang), text_limits(inputs.documents.n_rows)
    data = PageData(Frame.around(places.columns["x"], places.columns["y"]), say)
    tally = Tally(topics, listed=inputs.documents.n_rows <= MOST_LISTED, excluded=places.excluded, say=say)
    crosses = Crosses(topics)
    # The page carries the fingerprint, so it is renamed last: a current page has its tables beside it.
    with artifacts.atomic_path(workspace.report) as page_path, open_sheets(workspace, params) as sheets:
        rows = _walk(read_entries(workspace, inputs.unit, places, limits), topics, (data, tally, crosses), progress)
        sheets.write(workspace.documents_csv, tables.DOCUMENT_COLUMNS, rows)
        evolution = evolve(crosses, topics, places.vectors, places.numbers(topics))
        clusters = _clusters(topics, tally, outlines, evolution=evolution, curated=curated, n_units=len(places.rows))
        sheets.write_clusters(workspace, clusters, evolution)
        sheets.write_crosses(workspace, topics, crosses, evolution)
        layers = read_layers(workspace, places, topics)
        groups = layers[0] if layers else []
        n_cut = sheets.write_texts(workspace, read_cut_texts(workspace, limits))
        scores, score_tables = read_scores(inputs.scores, params.lang)
        report = _report(
            inputs, places, tally, params, fingerprint=fingerprint,
            clusters=clusters, failures=_read_failures(workspace.failures),
            data=data.finish(clusters, outlines, groups=data.groups(groups, places.outlines(groups))),
            evolution=evolution, notes=curated.notes, missed=curated.missed,
            details=data.details, near=data.near(*places.nearest), links=data.links(), layers=layers,
            scores=scores, score_tables=score_tables, n_cut=n_cut,
        )  # fmt: skip
        page_path.write_bytes(page.render_page(report, params.lang).encode("utf-8", "replace"))


def _walk(
    entries: Iterator[tuple[str, Entry]],
    topics: list[Topic],
    counts: tuple[PageData, Tally, Crosses],
    progress: Progress,
) -> Iterator[list[Any]]:
    """Feed each document to the page's data and the counts, and yield its row of the table."""
    labels = {topic.cluster_id: topic.label for topic in topics}
    data, tally, crosses = counts
    with progress.task("report", total=None, unit="documents") as task:
        for unit_id, entry in entries:
            tally.add(len(data), unit_id, entry)
            data.add(entry)
            crosses.add(entry)
            yield tables.document_row(entry, labels)
            task.advance()


def _read_failures(path: Path) -> list[Failure]:
    columns = ["source_path", "reader", "message", "hint"]
    table = artifacts.read_table(path, kind="failures", columns=columns).slice(0, MOST_ROWS)
    return [Failure(**row) for row in table.to_pylist()]


def _clusters(
    topics: list[Topic], tally: Tally, outlines: list[Outline], *, evolution: Evolution, curated: Curated, n_units: int
) -> list[Cluster]:
    colours = assign_colours(np.array([(outline.x, outline.y) for outline in outlines]).reshape(-1, 2))
    return [
        tally.cluster(
            topic,
            share=topic.size / max(1, n_units),
            colour=colour,
            near=profile.near,
            pinned=topic.cluster_id in curated.pinned,
        )
        for topic, colour, profile in zip(topics, colours, evolution.profiles, strict=True)
    ]


def _report(inputs: _Inputs, places: Map, tally: Tally, params: ReportParams, **parts: Any) -> page.Report:
    topics, n_documents = inputs.topics, inputs.documents.n_rows
    abstract_limit, claim_limit = text_limits(n_documents)
    return page.Report(
        title=params.title or words_of(params.lang)("title"),
        n_documents=n_documents,
        n_units=len(places.rows),
        n_noise=int((places.columns["cluster_id"] == NOISE).sum()),
        noise_rows=tally.noise_rows,
        left_out=tally.left_out,
        n_left_out=tally.n_left_out,
        n_units_left_out=tally.n_units_left_out,
        n_failures=inputs.failures.n_rows,
        provenance=Provenance(
            task=topics.json("params").get("task", ""),
            unit=inputs.unit,
            params=topics.json("params"),
            model=topics.json("model"),
            libraries=topics.json("libraries"),
            inputs=inputs.fingerprints,
            version=topics.metadata.get("version", ""),
        ),
        listed=tally.listed,
        abstract_limit=abstract_limit,
        claim_limit=claim_limit,
        n_with_warnings=tally.n_with_warnings,
        **parts,
    )
