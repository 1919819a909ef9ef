"""Reads curation.toml and applies it to the topics and places of a report; the artifacts stay as they were made."""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
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
_HINT = (
    'expected tables such as [[rename]] with members = ["US-1-B2", …] and label = "…"; mend it, then give the same'
    " command again"
)
_PLACE = re.compile(r"(?P<what>.*) \(at (?P<where>.*)\)", re.DOTALL)
_TABLE = re.compile(r"\s*(?:\[\[?\s*)?([\w-]+)\s*(?:\]|=)")
_N_EXEMPLARS, _N_TERMS, _SHOWN = 5, 20, 3


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


def load_rules(path: Path, unit_of: Mapping[str, str] | None = None) -> list[Rule]:
    """Read the corrections, in the order of the file; empty where there is no file.

    Args:
        path: curation.toml.
        unit_of: the unit of each document that is not a unit itself.

    Raises:
        ConfigError: the file cannot be read, or a rule is not understood.
    """
    if not path.is_file():
        return []
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{path}: its brackets are nested too deep", hint=_HINT) from error
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.fullmatch(str(error))
        where, what = (f", {found['where']}", found["what"]) if found else ("", str(error))
        raise ConfigError(f"{path}{where}: this is not TOML: {what}", hint=_HINT) from error
    lines = _lines(text)
    rules = []
    for kind in raw:
        if kind not in KINDS:
            raise ConfigError(
                f"{_where(path, [], _line(lines, kind))}: unknown table {kind!r}{_meant(kind, KINDS)}",
                hint=f"expected one of {', '.join(KINDS)}; mend it, then give the same command again",
            )
        tables = raw[kind] if isinstance(raw[kind], list) else [raw[kind]]
        for number, table in enumerate(tables):
            line = _line(lines, kind, number)
            rule = _rule(partial(_where, path, text.splitlines(), line), kind, table, unit_of or {})
            rules.append(replace(rule, line=line))
    return sorted(rules, key=lambda rule: rule.line)


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}", hint="check who may read it") from error
    try:
        # Editors on Windows put a byte order mark before UTF-8.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: this is not UTF-8", hint="save it as UTF-8") from error


def _lines(text: str) -> dict[str, list[int]]:
    """Return on which lines the tables of each name begin; tomllib does not tell."""
    lines: dict[str, list[int]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _TABLE.match(line):
            lines.setdefault(found[1], []).append(number)
    return lines


def _line(lines: Mapping[str, list[int]], kind: str, number: int = 0) -> int:
    known = lines.get(kind, [])
    return known[min(number, len(known) - 1)] if known else 0


def _where(path: Path, lines: Sequence[str], table: int, key: str = "") -> str:
    """Return the file and the line of a table, or of a key of that table where it has a line of its own."""
    for number, line in enumerate(lines[table:], start=table + 1):
        if not key or line.lstrip().startswith("["):
            break
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return f"{path}, line {number}"
    return f"{path}, line {table}" if table else str(path)


def _meant(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _rule(where: Callable[..., str], kind: str, table: Any, unit_of: Mapping[str, str]) -> Rule:
    if not isinstance(table, dict):
        raise ConfigError(f"{where()}: {kind} is {table!r}, expected a table [[{kind}]]", hint=_HINT)
    allowed, needed = _ALLOWED[kind], {"members"} | _NEEDED.get(kind, set())
    for key in sorted(set(table) - allowed):
        raise ConfigError(
            f"{where(key)}: [[{kind}]] has an unknown key {key!r}{_meant(key, allowed)}; expected {_and(allowed)}"
            " (a cluster is meant by some of its members, not by its number)",
            hint=_HINT,
        )
    for key in sorted(needed - set(table)):
        raise ConfigError(f"{where()}: [[{kind}]] has no {key!r}; expected {_and(needed)}", hint=_HINT)
    for key, value in table.items():
        expected = "a text" if key in ("label", "text") else "a list of publication numbers"
        if not (_is_text(value) if key in ("label", "text") else _is_names(value)):
            raise ConfigError(f"{where(key)}: [[{kind}]] has {key} = {value!r}, expected {expected}", hint=_HINT)
    lists = {key: tuple(unit_of.get(name, name) for name in table[key]) for key in ("members", "near") if key in table}
    return Rule(
        kind,
        members=lists["members"],
        label=table.get("label", "").strip(),
        near=lists.get("near", ()),
        text=table.get("text", ""),
    )


def _and(keys: Iterable[str]) -> str:
    return " and ".join(sorted(keys))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def warnings(path: Path, rules: Sequence[Rule], rows: Mapping[str, int], done: Curated) -> list[str]:
    """Return a sentence for each rule that found nothing, is there twice, or names what is not on the map."""
    sentences = []
    overtaken, said = dict(done.overtaken), dict[Rule, int]()
    for rule in rules:
        asked = (*rule.members, *rule.near)
        unknown = [name for name in asked if name not in rows]
        named = ", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
        where = f"{path.name}, line {rule.line}: [[{rule.kind}]]"
        before = said.setdefault(replace(rule, line=0), rule.line)
        if before != rule.line:
            sentences.append(f"{where} says the same as line {before}")
        elif rule in done.missed:
            why = f"not on the map: {named}" if unknown else "its members are in no cluster, or all in one"
            sentences.append(f"{where} found nothing to correct ({why})")
        elif rule in overtaken and overtaken[rule].label != rule.label:
            sentences.append(f"{where} is overtaken by line {overtaken[rule].line}, which names the same cluster")
        elif unknown:
            sentences.append(f"{where}: {len(unknown)} of {len(asked)} are not on the map: {named}")
    return sentences


def apply_rules(
    rules: Sequence[Rule], topics: list[Topic], rows: Mapping[str, int], clusters: np.ndarray
) -> tuple[list[Topic], Curated]:
    """Return the topics as corrected, and what became of the map.

    Raises:
        ConfigError: two clusters were given one name.
    """
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
    _refuse_doubles(rules, [done.labels[topic.cluster_id] for topic in corrected if topic.cluster_id in done.labels])
    return corrected, done


def _refuse_doubles(rules: Sequence[Rule], given: Sequence[str]) -> None:
    for label, n in Counter(label for label in given if label).items():
        if n > 1:
            lines = " and ".join(str(rule.line) for rule in rules if rule.label == label)
            raise ConfigError(
                f"curation.toml, lines {lines}: the name {label!r} is given to {n} clusters, expected one",
                hint="give each a name of its own, or join them with [[merge]], then run: patentclust report",
            )


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
