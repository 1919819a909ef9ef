"""Clusters held against what the documents say: classes, citations, families, languages. Writes nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from patentclust import artifacts
from patentclust.analysis import quality, scorecard
from patentclust.analysis.density import NOISE
from patentclust.errors import ConfigError
from patentclust.schemas import DOCUMENTS, UNIT_KEYS
from patentclust.scores import SCORES
from patentclust.stages.atlas import number_keys
from patentclust.stages.citing import CitedNumbers
from patentclust.workspace import Workspace

DEFAULT_AGAINST = ("ipc:section", "ipc:subclass", "ipc:group")
_SCHEMES = ("ipc", "cpc")
_FINEST = 0
_NOWHERE = -1
_SUMMARY_LEVELS = ("section", "subclass", "group")
_LAYER = ", layer "


@dataclass(frozen=True)
class Line:
    """One figure of the scorecard: the name as in `scores.SCORES`, and what it was measured against."""

    score: str
    value: float | int | None
    against: str = ""


@dataclass
class _Unit:
    """What the documents of one unit say together."""

    main: str | None = None
    classes: set[str] = field(default_factory=set)


def run(workspace: Workspace, against: Sequence[str] = DEFAULT_AGAINST) -> list[Line]:
    """Return the scorecard of a map.

    Args:
        workspace: clustered.
        against: each `ipc:LEVEL` or `cpc:LEVEL` (section, class, subclass, group, subgroup), `column:NAME` of
            documents.parquet, or a CSV file whose first column is a publication number and whose second is a class.

    Raises:
        ConfigError: one of `against` is none of these.
        ArtifactError: documents or clusters are missing or damaged.
    """
    header = artifacts.read_header(workspace.topics, kind="topics")
    scores = header.json("scores") if "scores" in header.metadata else {}
    held = _held(workspace, header.metadata.get("unit", "document"), against)
    measured = {line.score for line in held if not line.against}
    own = [
        Line(name, scores[name])
        for name in SCORES
        if name not in measured and isinstance(scores.get(name), int | float)
    ]
    return [*own, *held]


def complete(workspace: Workspace, scores: dict[str, Any], unit: str) -> dict[str, Any]:
    """Return a map's own scores with those of the scorecard beside them, nested where they are held against classes.

    Held against IPC, else against CPC; those of a coarser layer stand with the layer.

    Args:
        workspace: with clusters.parquet.
        scores: of the clustering itself.
        unit: document or family.
    """
    classified: set[str] = set()
    for scheme in _SCHEMES:
        if not classified:
            lines = _held(workspace, unit, [f"{scheme}:{level}" for level in _SUMMARY_LEVELS])
            classified = {line.against for line in lines if line.score == "ami"}
    found = {**scores, "layers": {key: {**own} for key, own in scores["layers"].items()}}
    for line in lines:
        against, _, layer = line.against.partition(_LAYER)
        if not line.against:
            found[line.score] = line.value
        elif line.against in classified:
            place = found["layers"][layer] if layer else found
            place.setdefault(against, {})[line.score] = line.value
    return found


def _held(workspace: Workspace, unit: str, against: Sequence[str]) -> list[Line]:
    """Hold each layer against classes, and the finest against citations, families and languages."""
    sources = [_source(text) for text in against]
    row_of, layers = _layers(workspace)
    labels = layers[_FINEST]
    documents = _documents(workspace, row_of, unit, [source.column for source in sources])
    lines: list[Line] = []
    for text, source in zip(against, sources, strict=True):
        classes = source.classes(documents)
        for layer, own in sorted(layers.items()):
            lines += _agreement(text if layer == _FINEST else f"{text}{_LAYER}{layer}", own, classes)
    return [*lines, *_links(labels, documents, _cited(workspace, row_of, unit)), *_languages(labels, documents)]


class _Source:
    """Where classes come from: a column of documents.parquet, cut to a level, or a table of the user's."""

    def __init__(self, column: str, *, level: str = "", table: dict[str, str] | None = None) -> None:
        self.column = column
        self._level = level
        self._table = table

    def classes(self, documents: list[dict[str, Any]]) -> dict[int, _Unit]:
        units: dict[int, _Unit] = {}
        # The member that stands for a family says its main class.
        for document in sorted(documents, key=lambda document: not document["representative"]):
            unit = units.setdefault(document["row"], _Unit())
            names = self._names(document)
            unit.main = unit.main or next(iter(names), None)
            unit.classes.update(names)
        return units

    def _names(self, document: dict[str, Any]) -> list[str]:
        value = document[self.column]
        if self._table is not None:
            return [self._table[key] for key in number_keys(value) if key in self._table][:1]
        names = [value] if isinstance(value, str) else [str(v) for v in value or ()]
        names = [scorecard.at_level(name, self._level) for name in names] if self._level else names
        return [name for name in names if name]


def _source(text: str) -> _Source:
    scheme, _, name = text.partition(":")
    if scheme in _SCHEMES and name in scorecard.LEVELS:
        return _Source(scheme, level=name)
    if scheme == "column":
        known = [f.name for f in DOCUMENTS.schema if _is_text(f.type)]
        if name in known:
            return _Source(name)
        raise ConfigError(f"documents have no column {name!r} of text", hint=f"allowed: {', '.join(known)}")
    if Path(text).is_file():
        return _Source("doc_id", table=_read_table(Path(text)))
    raise ConfigError(
        f"--against is {text!r}, which is no class scheme, column or file",
        hint=f"give ipc:LEVEL or cpc:LEVEL (LEVEL: {', '.join(scorecard.LEVELS)}), column:NAME, or a CSV file of"
        " publication number and class",
    )


def _is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or (pa.types.is_list(type_) and pa.types.is_string(type_.value_type))


def _read_table(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if len(row) >= 2 and row[1].strip()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="give a CSV file in UTF-8") from error
    return {key: row[1].strip() for row in rows for key in number_keys(row[0])}


def _layers(workspace: Workspace) -> tuple[dict[str, int], dict[int, np.ndarray]]:
    """Return the row of each unit, and the clusters of each layer by row."""
    table = artifacts.read_table(workspace.clusters, kind="clusters", columns=["unit_id", "layer", "cluster_id"])
    layers = {_FINEST, *pc.unique(table["layer"]).to_pylist()}
    parts = {layer: table.filter(pc.field("layer") == layer) for layer in sorted(layers)}
    ids = parts[_FINEST].column("unit_id").to_pylist()
    return (
        {unit_id: row for row, unit_id in enumerate(ids)},
        {layer: part.column("cluster_id").to_numpy() for layer, part in parts.items()},
    )


def _documents(workspace: Workspace, row_of: dict[str, int], unit: str, columns: list[str]) -> list[dict[str, Any]]:
    """Read the documents on the map: the columns asked for and those of links and languages, and the unit's `row`."""
    key = UNIT_KEYS[unit]
    wanted = list(dict.fromkeys(["doc_id", "family_id", key, "representative", "language", *columns]))
    found = []
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=wanted):
        for document in batch.to_pylist():
            row = row_of.get(document[key])
            if row is not None:
                found.append({**document, "row": row})
    return found


def _agreement(text: str, labels: np.ndarray, units: dict[int, _Unit]) -> list[Line]:
    main = [units[row].main if row in units else None for row in range(len(labels))]
    classes = [units[row].classes if row in units else set() for row in range(len(labels))]
    agreed = quality.agreement(labels, main)
    pure = scorecard.purity(labels, classes)
    if not agreed.n or labels.max(initial=NOISE) == NOISE:
        return [Line("n_classified", agreed.n, text)]
    return [
        Line("n_classified", agreed.n, text),
        Line("ami", agreed.ami, text),
        Line("ari", agreed.ari, text),
        Line("v_measure", agreed.v_measure, text),
        Line("purity", pure.purity, text),
        Line("inverse_purity", pure.inverse_purity, text),
    ]


def _cited(workspace: Workspace, row_of: dict[str, int], unit: str) -> Iterator[tuple[int, int]]:
    """Yield citations as the rows of the units that cite and are cited."""
    numbers, key = CitedNumbers(workspace), UNIT_KEYS[unit]
    keys = artifacts.read_table(workspace.documents, kind="documents", columns=[key])[key].to_pylist()
    rows = np.array([row_of.get(unit_id, _NOWHERE) for unit_id in keys], np.int64)
    start = 0
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=["cited"]):
        citing, found = (array.to_numpy() for array in numbers.find(batch["cited"]))
        owners, targets = rows[start + citing], rows[found]
        placed = (owners != _NOWHERE) & (targets != _NOWHERE)
        yield from zip(owners[placed].tolist(), targets[placed].tolist(), strict=True)
        start += len(batch)


def _links(labels: np.ndarray, documents: list[dict[str, Any]], cited: Iterable[tuple[int, int]]) -> list[Line]:
    """Score citations between units of the map, and members of one family where documents are the units."""
    families: dict[str, list[int]] = {}
    for document in documents:
        families.setdefault(document["family_id"] or document["doc_id"], []).append(document["row"])
    kin = ((rows[0], other) for rows in families.values() for other in rows[1:])
    lines = []
    for name, linked in (
        ("citations", scorecard.together(labels, cited)),
        ("families", scorecard.together(labels, kin)),
    ):
        if linked.n:
            lines += [
                Line(f"n_{name}", linked.n),
                Line(f"{name}_inside", linked.share),
                Line(f"{name}_expected", linked.expected),
            ]
    return lines


def _languages(labels: np.ndarray, documents: list[dict[str, Any]]) -> list[Line]:
    languages: list[str | None] = [None] * len(labels)
    for document in documents:
        if document["representative"] or languages[document["row"]] is None:
            languages[document["row"]] = document["language"]
    value = scorecard.language_ami(labels, languages)
    return [] if value is None else [Line("language_ami", value)]
