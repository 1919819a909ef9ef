"""The tables as sheets of one workbook: frozen headers, filters, widths, links, charts. Every text is text, no formula.

Rows go to disk as they come, so a large corpus costs no memory. Nothing in the file depends on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from patentclust.render.links import REGISTERS, register_numbers
from patentclust.render.tables import fit
from patentclust.render.text import clean

# Excel: rows of a sheet, and links of a sheet.
MOST_ROWS = 1_048_576
MOST_LINKS = 65_000
_EPOCH = datetime(2000, 1, 1)
_WIDTHS = {"title": 60, "label": 32, "cluster_label": 32, "terms": 50, "name": 40, "doc_id": 20}
_WIDTH = 14


class Workbook:
    """Sheets in the order they are written."""

    def __init__(self, book: xlsxwriter.Workbook, most_rows: int = MOST_ROWS) -> None:
        self._book, self._most_rows = book, most_rows
        self._bold = book.add_format({"bold": True, "bottom": 1})
        self._link = book.get_default_url_format()

    def sheet(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write one sheet and return its number of rows, the header not counted."""
        return sum(1 for _ in self.also(name, columns, rows))

    def also(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Write one sheet while the rows pass through; more rows than a sheet holds go on in `name 2` and so on."""
        sheet, number, n_sheets = self._begin(name, columns), 0, 1
        for row in rows:
            if number == self._most_rows - 1:
                self._end(sheet, number, columns)
                n_sheets += 1
                sheet, number = self._begin(f"{name} {n_sheets}", columns), 0
            number += 1
            self._write(sheet, number, row, linked=columns[0] == "doc_id" and number <= MOST_LINKS)
            yield row
        self._end(sheet, number, columns)

    def _begin(self, name: str, columns: Sequence[str]) -> Any:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        for column, title in enumerate(columns):
            sheet.set_column(column, column, _WIDTHS.get(title, _WIDTH))
            sheet.write_string(0, column, title, self._bold)
        return sheet

    def _end(self, sheet: Any, number: int, columns: Sequence[str]) -> None:
        sheet.autofilter(0, 0, max(1, number), len(columns) - 1)

    def _write(self, sheet: Any, number: int, row: Sequence[Any], *, linked: bool) -> None:
        for column, value in enumerate(row):
            if linked and column == 0 and (numbers := register_numbers(str(value))):
                _, before, after = REGISTERS[0]
                sheet.write_url(number, 0, before + numbers[0] + after, self._link, clean(str(value)))
            elif isinstance(value, bool):
                sheet.write_boolean(number, column, value)
            elif isinstance(value, int | float):
                if math.isfinite(value):
                    sheet.write_number(number, column, value)
            elif value is not None and value != "":
                sheet.write_string(number, column, fit(_text(value)))

    def chart(self, name: str, kind: str, *, sheet: str, n_rows: int, columns: tuple[int, int]) -> None:
        """Add a sheet with a chart of two columns of another sheet: names, and figures."""
        if not n_rows:
            return
        chart = self._book.add_chart({"type": kind})
        names, figures = columns
        chart.add_series(
            {"categories": [sheet, 1, names, n_rows, names], "values": [sheet, 1, figures, n_rows, figures], "gap": 40}
        )
        chart.set_title({"name": name})
        chart.set_legend({"none": True})
        if kind == "bar":
            chart.set_y_axis({"reverse": True})
        chart.set_size({"width": 960, "height": 560})
        self._book.add_worksheet(name).insert_chart("A1", chart)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(clean(item) for item in value)
    if isinstance(value, date):
        return value.isoformat()
    return clean(str(value))


@contextmanager
def open_workbook(path: Path, *, most_rows: int = MOST_ROWS) -> Iterator[Workbook]:
    """Yield a workbook that is written when the block ends; no sheet has more than `most_rows`, the header counted."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"created": _EPOCH})
    try:
        yield Workbook(book, most_rows)
    finally:
        book.close()
