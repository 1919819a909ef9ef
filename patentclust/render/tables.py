"""Tables that go into a spreadsheet as they are: RFC 4180, UTF-8, no formulas, no cell over the limit."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from patentclust.render.content import Cluster, Count, Entry
from patentclust.render.text import clean

DOCUMENT_COLUMNS = (
    "doc_id", "title", "applicants", "assignees", "assignee_names", "inventors", "priority_date", "filing_date",
    "publication_date", "country", "kind", "language", "family_id", "representative", "ipc", "cpc", "cluster_id",
    "cluster_label", "probability", "outlier_score", "silhouette", "x", "y", "source_path", "source_format", "warnings",
)  # fmt: skip
CLUSTER_COLUMNS = (
    "cluster_id", "label", "size", "share", "terms", "silhouette", "persistence", "exemplars", "top_applicants",
    "top_ipc", "top_cpc",
)  # fmt: skip

# Excel: 32,767 UTF-16 units a cell; a spreadsheet silently cuts or splits what is longer.
_MAX_CELL_UNITS = 32_767
_CUT = "… [cut]"
# What makes a spreadsheet read a cell as a formula (OWASP, CSV injection), also full width, small, and after blanks.
_TRIGGERS = "=+\\-@＝＋－＠﹦﹢﹣﹫"
_BLANK = r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]*"
_FORMULA = re.compile(rf"[\t\r]|{_BLANK}[{_TRIGGERS}]")
# Where a semicolon separates cells (most of Europe), the text after one can become a cell of its own.
_AFTER_SEMICOLON = re.compile(rf"(;{_BLANK})([{_TRIGGERS}])")


def neutral(text: str | None) -> str:
    """Return text as a cell that no spreadsheet runs: an apostrophe before formulas, no controls, within the limit."""
    raw = text or ""
    cell = _AFTER_SEMICOLON.sub(r"\1'\2", clean(raw))
    if _FORMULA.match(raw) or _FORMULA.match(cell):
        cell = "'" + cell
    return _fit(cell)


def _fit(cell: str) -> str:
    if len(cell) <= _MAX_CELL_UNITS // 2 or len(cell.encode("utf-16-le")) // 2 <= _MAX_CELL_UNITS:
        return cell
    kept = cell.encode("utf-16-le")[: 2 * (_MAX_CELL_UNITS - len(_CUT))]
    return kept.decode("utf-16-le", "ignore") + _CUT


def joined(items: Iterable[str]) -> str:
    """Join a list into one cell."""
    return "; ".join(neutral(item) for item in items)


def write_csv(handle: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows; open the handle with `newline=""`. Text is neutralised, numbers stay as they are."""
    writer = csv.writer(handle, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        # Six digits are all that a float32 holds.
        return f"{value:.6g}" if math.isfinite(value) else ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return _fit(joined(value))
    return neutral(str(value))


def document_row(entry: Entry, label: str) -> list[Any]:
    """Return one line of documents.csv."""
    place = entry.place
    figures: list[Any] = [None, "", None, None, None, None, None]
    if place is not None:
        figures = [
            place.cluster_id, label, place.probability, place.outlier_score, place.silhouette, place.x, place.y,
        ]  # fmt: skip
    return [
        entry.doc_id, entry.title, entry.applicants, entry.assignees, entry.assignee_names, entry.inventors,
        entry.priority_date, entry.filing_date, entry.publication_date, entry.country, entry.kind, entry.language,
        entry.family_id, entry.representative, entry.ipc, entry.cpc, *figures, entry.source_path, entry.source_format,
        entry.warnings,
    ]  # fmt: skip


def cluster_rows(clusters: Iterable[Cluster]) -> Iterator[list[Any]]:
    """Yield the lines of clusters.csv."""
    for cluster in clusters:
        topic = cluster.topic
        yield [
            topic.cluster_id, topic.label, topic.size, cluster.share, [term for term, _ in topic.terms],
            topic.silhouette, topic.persistence, [exemplar.doc_id for exemplar in cluster.exemplars],
            _counted(cluster.applicants), _counted(cluster.ipc), _counted(cluster.cpc),
        ]  # fmt: skip


def _counted(counts: list[Count]) -> list[str]:
    return [f"{count.name} ({count.n_documents})" for count in counts]
