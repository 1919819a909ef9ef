"""Writes each table as CSV and as a sheet of the workbook, row by row; all files appear together, whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from patentclust import artifacts
from patentclust.params import ReportParams
from patentclust.render import tables
from patentclust.render.content import Cluster, Topic
from patentclust.render.crosses import DIMENSIONS, Crosses
from patentclust.render.evolution import Evolution
from patentclust.render.workbook import Workbook, open_workbook
from patentclust.workspace import Workspace

_LABEL, _FAMILIES = 1, 4


class Sheets:
    """The tables of one run, while they are written."""

    def __init__(self, stack: ExitStack, params: ReportParams, book: Workbook | None) -> None:
        self._stack, self._bom, self._book = stack, params.bom, book

    def write(self, path: Path, columns: Sequence[str], rows: Iterator[Sequence[Any]], *, in_book: bool = True) -> int:
        """Write one table and return its number of rows."""
        if self._book is not None and in_book:
            rows = self._book.also(path.stem, columns, rows)
        attempt = self._stack.enter_context(artifacts.atomic_path(path))
        encoding = "utf-8-sig" if self._bom else "utf-8"
        with attempt.open("w", encoding=encoding, errors="replace", newline="") as handle:
            return tables.write_csv(handle, columns, rows)

    def write_texts(self, workspace: Workspace, rows: Iterator[Sequence[Any]]) -> int:
        """Write the texts that the page cuts, whole, if there are any; they would swell a workbook."""
        first = next(rows, None)
        if first is None:
            workspace.texts_csv.unlink(missing_ok=True)
            return 0
        return self.write(workspace.texts_csv, tables.TEXT_COLUMNS, chain([first], rows), in_book=False)

    def write_clusters(self, workspace: Workspace, clusters: list[Cluster], evolution: Evolution) -> None:
        """Write the clusters, and a chart of their sizes."""
        path = workspace.clusters_csv
        n = self.write(path, tables.CLUSTER_COLUMNS, tables.cluster_rows(clusters, evolution.profiles))
        if self._book is not None:
            self._book.chart("Families a cluster", "bar", sheet=path.stem, n_rows=n, columns=(_LABEL, _FAMILIES))

    def write_crosses(self, workspace: Workspace, topics: list[Topic], crosses: Crosses, evolution: Evolution) -> None:
        """Write clusters against years, assignees, classes, offices and inventors' countries."""
        self.write(workspace.cross_csv("year"), tables.YEAR_COLUMNS, tables.year_rows(topics, evolution))
        for name in DIMENSIONS:
            rows = tables.cross_rows(topics, crosses.cross(name))
            self.write(workspace.cross_csv(name), tables.CROSS_COLUMNS, rows)
        if self._book is not None:
            totals = [sum(p.counts[column] for p in evolution.profiles) for column in range(len(evolution.years))]
            rows_a_year = [[str(year), total] for year, total in zip(evolution.years, totals, strict=True)]
            n = self._book.sheet("years", ("year", "n_families"), rows_a_year)
            self._book.chart("Families a year", "column", sheet="years", n_rows=n, columns=(0, 1))


def outputs(workspace: Workspace, params: ReportParams) -> list[Path]:
    """Return the tables that a report with these parameters has, without that of cut texts."""
    crosses = [workspace.cross_csv(name) for name in ("year", *DIMENSIONS)]
    book = [workspace.workbook] if params.workbook else []
    return [workspace.documents_csv, workspace.clusters_csv, *crosses, *book]


@contextmanager
def open_sheets(workspace: Workspace, params: ReportParams) -> Iterator[Sheets]:
    """Yield the tables to write; they appear when the block ends without error."""
    with ExitStack() as stack:
        book = None
        if params.workbook:
            book = stack.enter_context(open_workbook(stack.enter_context(artifacts.atomic_path(workspace.workbook))))
        yield Sheets(stack, params, book)
