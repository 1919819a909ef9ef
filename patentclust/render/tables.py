"""Tables that go into a spreadsheet as they are: RFC 4180, UTF-8, no formulas, no cell over the limit."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from patentclust.render.content import Cluster, Entry, Topic
from patentclust.render.crosses import Cross
from patentclust.render.evolution import Evolution, Lifted, Profile
from patentclust.render.text import clean

DOCUMENT_COLUMNS = (
    "doc_id", "title", "applicants", "assignees", "assignee_names", "inventors", "inventor_countries",
    "priority_date", "filing_date", "publication_date", "country", "kind", "language", "family_id", "representative",
    "ipc", "cpc", "cluster_id", "cluster_label", "cluster_path", "probability", "outlier_score", "silhouette", "x", "y",
    "similarity", "runner_up_id", "runner_up_label", "runner_up_similarity", "nearest", "application_number",
    "source_path", "source_format", "warnings",
)  # fmt: skip
CLUSTER_COLUMNS = (
    "cluster_id", "label", "size", "share", "n_families", "n_publications", "terms", "silhouette", "persistence",
    "exemplars", "top_applicants", "top_ipc", "top_cpc", "top_offices", "cagr", "growth", "emergence", "hhi",
    "n_assignees", "n_entrants", "entrants", "rising_terms", "falling_terms", "nearest",
)  # fmt: skip
CROSS_COLUMNS = ("cluster_id", "label", "name", "n_families", "expected", "lift")
TEXT_COLUMNS = ("doc_id", "abstract", "first_claim")
YEAR_COLUMNS = ("cluster_id", "label", "year", "n_families", "complete")

# Excel: 32,767 UTF-16 units a cell; a spreadsheet silently cuts or splits what is longer.
_MAX_CELL_UNITS = 32_767
_CUT = "… [cut]"
# What makes a spreadsheet read a cell as a formula (OWASP, CSV injection), also full width, small, and after blanks.
_TRIGGERS = "=+\\-@＝＋－＠﹦﹢﹣﹫"
_FIRST = frozenset(_TRIGGERS.replace("\\", ""))
_BLANK = r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*"
_FORMULA = re.compile(rf"[\t\r]|{_BLANK}[{_TRIGGERS}]")
# Where a semicolon separates cells (most of Europe), the text after one can become a cell of its own.
_AFTER_SEMICOLON = re.compile(rf"(;{_BLANK})([{_TRIGGERS}])")


def neutral(text: str | None) -> str:
    """Return text as a cell that no spreadsheet runs: an apostrophe before formulas, no controls, within the limit."""
    raw = text or ""
    if raw.isprintable() and ";" not in raw and raw.lstrip()[:1] not in _FIRST:
        return fit(raw.strip())
    cell = _AFTER_SEMICOLON.sub(r"\1'\2", clean(raw))
    if _FORMULA.match(raw) or _FORMULA.match(cell):
        cell = "'" + cell
    return fit(cell)


def fit(cell: str) -> str:
    """Cut a cell to what a spreadsheet holds, and say so in it."""
    if len(cell) <= _MAX_CELL_UNITS // 2 or len(cell.encode("utf-16-le")) // 2 <= _MAX_CELL_UNITS:
        return cell
    kept = cell.encode("utf-16-le")[: 2 * (_MAX_CELL_UNITS - len(_CUT))]
    return kept.decode("utf-16-le", "ignore") + _CUT


def joined(items: Iterable[str]) -> str:
    """Join a list into one cell."""
    return "; ".join(neutral(item) for item in items)


def write_csv(handle: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a header and rows and return how many; open the handle with `newline=""`. Text is neutralised."""
    writer = csv.writer(handle, lineterminator="\r\n")
    writer.writerow(columns)
    n = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        n += 1
    return n


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        # Six digits are all that a float32 holds.
        return f"{value:.6g}" if math.isfinite(value) else ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return fit(joined(value))
    return neutral(str(value))


def document_row(entry: Entry, labels: Mapping[int, str]) -> list[Any]:
    """Return one line of documents.csv; `labels` names the clusters."""
    place = entry.place
    figures: list[Any] = [None, "", "", *[None] * 7, "", None, []]
    if place is not None:
        label = labels.get(place.cluster_id, "")
        figures = [
            place.cluster_id, label, place.path or label, place.probability, place.outlier_score, place.silhouette,
            place.x, place.y, place.similarity, place.runner_up,
            labels.get(place.runner_up, "") if place.runner_up is not None else "", place.runner_up_similarity,
            [f"{unit} ({cosine:.3f})" for unit, cosine in place.nearest],
        ]  # fmt: skip
    return [
        entry.doc_id, entry.title, entry.applicants, entry.assignees, entry.assignee_names, entry.inventors,
        entry.inventor_countries, entry.priority_date, entry.filing_date, entry.publication_date, entry.country,
        entry.kind, entry.language, entry.family_id, entry.representative, entry.ipc, entry.cpc, *figures,
        entry.application_number, entry.source_path, entry.source_format, entry.warnings,
    ]  # fmt: skip


def cluster_rows(clusters: Iterable[Cluster], profiles: Iterable[Profile]) -> Iterator[list[Any]]:
    """Yield the lines of clusters.csv."""
    for cluster, profile in zip(clusters, profiles, strict=True):
        topic = cluster.topic
        yield [
            topic.cluster_id, topic.label, topic.size, cluster.share, profile.n_families, profile.n_publications,
            [term for term, _ in topic.terms], topic.silhouette, topic.persistence,
            [exemplar.doc_id for exemplar in cluster.exemplars], _counted(profile.assignees), _counted(profile.ipc),
            _counted(profile.cpc), _counted(profile.offices), profile.cagr, profile.growth, profile.emergence,
            profile.hhi, profile.n_owners, profile.n_entrants, profile.entrants, profile.rising, profile.falling,
            [f"{other} ({cosine:.3f})" for other, cosine in profile.near],
        ]  # fmt: skip


def _counted(items: list[Lifted]) -> list[str]:
    # A semicolon separates the items of a cell.
    titles = [f" {item.title.replace(';', ',')}" if item.title else "" for item in items]
    lifts = [f", lift {item.lift:.2f}" if math.isfinite(item.lift) else "" for item in items]
    return [
        f"{item.name}{title} ({item.n_families}{lift})" for item, title, lift in zip(items, titles, lifts, strict=True)
    ]


def cross_rows(topics: Sequence[Topic], cross: Cross) -> Iterator[list[Any]]:
    """Yield one line for each cluster and name that meet."""
    lifts = cross.lift
    for row, topic in enumerate(topics):
        for column in cross.observed[row].nonzero()[0].tolist():
            figures = [int(cross.observed[row, column]), float(cross.expected[row, column]), float(lifts[row, column])]
            yield [topic.cluster_id, topic.label, cross.names[column], *figures]


def year_rows(topics: Sequence[Topic], evolution: Evolution) -> Iterator[list[Any]]:
    """Yield one line for each cluster and year; years that are not all published yet are not `complete`."""
    for topic, profile in zip(topics, evolution.profiles, strict=True):
        for year, count in zip(evolution.years, profile.counts, strict=True):
            yield [topic.cluster_id, topic.label, year, count, year <= evolution.last_complete]
