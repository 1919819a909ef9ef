"""Reads curation.toml and applies it to the topics and places of a report; the artifacts stay as they were made."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from patentclust import artifacts
from patentclust.analysis.curation import KINDS, Curated, Rule, curate
from patentclust.errors import ConfigError
from patentclust.render.content import Topic
from patentclust.schemas import UNIT_KEYS
from patentclust.workspace import Workspace

_ALLOWED = {
    "rename": {"members", "label"},
    "pin": {"members", "label"},
    "merge": {"members", "label"},
    "split": {"members", "label"},
    "move": {"members", "near"},
    "exclude": {"members"},
    "note": {"members", "text"},
}
_NEEDED = {"rename": {"label"}, "pin": {"label"}, "split": {"label"}, "move": {"near"}, "note": {"text"}}
_HINT = 'write tables such as [[rename]] with members = ["US-1-B2", …] and label = "…"'
_N_EXEMPLARS, _N_TERMS = 5, 20


def sha256(path: Path) -> str:
    """Return the hash of the file, "" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def read_rules(workspace: Workspace, unit: str) -> list[Rule]:
    """Read the corrections of a workspace, whose units are families or documents.

    Raises:
        ConfigError: the file cannot be read, or a rule is not understood.
    """
    unit_of: dict[str, str] = {}
    if unit != "document" and workspace.curation.is_file():
        keys = artifacts.read_table(workspace.documents, kind="documents", columns=["doc_id", UNIT_KEYS[unit]])
        unit_of = dict(zip(keys["doc_id"].to_pylist(), keys[UNIT_KEYS[unit]].to_pylist(), strict=True))
    return load_rules(workspace.curation, unit_of)


def load_rules(path: Path, unit_of: Mapping[str, str]) -> list[Rule]:
    """Read the corrections, in the order of the kinds; empty where there is no file.

    Args:
        path: curation.toml.
        unit_of: the unit of each document that is not a unit itself.

    Raises:
        ConfigError: the file cannot be read, or a rule is not understood.
    """
    if not path.is_file():
        return []
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint=_HINT) from error
    unknown = sorted(set(raw) - set(KINDS))
    if unknown:
        raise ConfigError(f"{path}: unknown table {unknown[0]!r}", hint=f"allowed: {', '.join(KINDS)}")
    rules = []
    for kind in raw:
        tables = raw[kind] if isinstance(raw[kind], list) else [raw[kind]]
        rules += [_rule(path, kind, table, unit_of) for table in tables]
    return rules


def _rule(path: Path, kind: str, table: Any, unit_of: Mapping[str, str]) -> Rule:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {kind} is not a table", hint=_HINT)
    given, needed = set(table), {"members"} | _NEEDED.get(kind, set())
    if given - _ALLOWED[kind] or needed - given:
        raise ConfigError(
            f"{path}: [[{kind}]] takes {', '.join(sorted(_ALLOWED[kind]))}, got {', '.join(sorted(given))}", hint=_HINT
        )
    for key, value in table.items():
        right = isinstance(value, str) if key in ("label", "text") else _is_names(value)
        if not right:
            raise ConfigError(f"{path}: [[{kind}]] has a {key} of the wrong type: {value!r}", hint=_HINT)
    lists = {key: tuple(unit_of.get(name, name) for name in table[key]) for key in ("members", "near") if key in table}
    return Rule(
        kind,
        members=lists["members"],
        label=table.get("label", ""),
        near=lists.get("near", ()),
        text=table.get("text", ""),
    )


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def apply_rules(
    rules: Sequence[Rule], topics: list[Topic], rows: Mapping[str, int], clusters: np.ndarray
) -> tuple[list[Topic], Curated]:
    """Return the topics as corrected, and what became of the map."""
    done = curate(rules, rows, clusters)
    if not rules:
        return topics, done
    known = {topic.cluster_id: topic for topic in topics}
    names = list(rows)
    corrected = []
    for cluster in sorted({int(cluster) for cluster in done.clusters if cluster >= 0}):
        members = np.flatnonzero(done.clusters == cluster)
        parts = [known[part] for part in done.merged.get(cluster, [cluster]) if part in known]
        topic = _joined(cluster, parts, {names[row] for row in members}, names[members[0]])
        changed = len(parts) != 1 or not np.array_equal(clusters == cluster, done.clusters == cluster)
        if changed:
            # Figures of the clustering are not those of what an analyst made of it.
            topic = replace(topic, silhouette=None, persistence=None)
        corrected.append(replace(topic, size=len(members), label=done.labels.get(cluster, topic.label)))
    return corrected, done


def _joined(cluster: int, parts: list[Topic], members: set[str], first: str) -> Topic:
    weights: dict[str, float] = {}
    for part in parts:
        for term, weight in part.terms:
            weights[term] = max(weight, weights.get(term, 0.0))
    terms = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:_N_TERMS]
    exemplars = [unit for part in parts for unit in part.exemplars if unit in members][:_N_EXEMPLARS]
    if len(parts) == 1:
        return replace(parts[0], exemplars=exemplars or [first])
    label = " + ".join(part.label for part in parts)
    return Topic(cluster, label, len(members), terms, exemplars or [first], None, None)
