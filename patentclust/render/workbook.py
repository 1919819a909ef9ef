"""The tables as sheets of one workbook: frozen headers, filters, widths, links, charts. Every text is text, no formula.

Rows go to disk as they come, so a large corpus costs no memory. Nothing in the file depends on the clock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.url import Url
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from patentclust.render.links import register_url
from patentclust.render.tables import fit
from patentclust.render.text import clean

# Excel: rows of a sheet, and links of a sheet.
MOST_ROWS = 1_048_576
MOST_LINKS = 65_000
_EPOCH = datetime(2000, 1, 1)
_WIDTHS = {"title": 60, "label": 32, "cluster_label": 32, "terms": 50, "name": 40, "doc_id": 20} | dict.fromkeys(
    ("applicants", "assignees", "assignee_names", "inventors", "cluster_path", "runner_up_label", "source_path"), 30
)
# Sheets of up to so many columns are printed one page wide.
_NARROW = 8
_WIDTH = 14
# What Excel would read as an escaped character (ECMA-376, ST_Xstring): its underscore is escaped in turn.
_ESCAPED = re.compile(r"(?=_x[0-9A-Fa-f]{4}_)")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LETTERS = tuple(map(xl_col_to_name, range(1, 64)))


class _RowSheet(Worksheet):
    """A sheet whose rows go to its file as whole lines: cell by cell takes five times as long."""

    def add_row(self, number: int, cells: str) -> None:
        """Write one row below all others, from the XML of its cells."""
        if self.table:
            # The header, which went in cell by cell.
            self._write_single_row(number)
        self.row_data_fh.write(f'<row r="{number + 1}">{cells}</row>')
        self.dim_rowmax = number

    def link(self, number: int, url: str) -> None:
        """Make the first cell of a row a link."""
        self.hyperlinks[number][0] = Url(url)


class Workbook:
    """Sheets in the order they are written."""

    def __init__(self, book: xlsxwriter.Workbook, most_rows: int = MOST_ROWS) -> None:
        self._book, self._most_rows = book, most_rows
        self._bold = book.add_format({"bold": True, "bottom": 1})
        self._link_style = f' s="{book.get_default_url_format()._get_xf_index()}"'

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
        sheet = self._book.add_worksheet(name, _RowSheet)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        self._on_paper(sheet, whole=len(columns) <= _NARROW)
        for column, title in enumerate(columns):
            sheet.set_column(column, column, _WIDTHS.get(title, _WIDTH))
            sheet.write_string(0, column, title, self._bold)
        return sheet

    def _on_paper(self, sheet: Any, *, whole: bool) -> None:
        sheet.set_landscape()
        sheet.set_paper(9)
        if whole:
            sheet.fit_to_pages(1, 0)

    def _end(self, sheet: Any, number: int, columns: Sequence[str]) -> None:
        sheet.autofilter(0, 0, max(1, number), len(columns) - 1)

    def _write(self, sheet: Any, number: int, row: Sequence[Any], *, linked: bool) -> None:
        line, style = str(number + 1), ""
        if linked and (url := register_url(str(row[0]))):
            sheet.link(number, url)
            style = self._link_style
        others = "".join(_cell(letter + line, value) for letter, value in zip(_LETTERS, row[1:], strict=False))
        sheet.add_row(number, _cell("A" + line, row[0], style) + others)

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
        page = self._book.add_worksheet(name)
        page.insert_chart("A1", chart)
        self._on_paper(page, whole=True)


def _cell(where: str, value: Any, style: str = "") -> str:
    """Return the XML of one cell; "" for one that is empty."""
    if isinstance(value, bool):
        return f'<c r="{where}"{style} t="b"><v>{value:d}</v></c>'
    if isinstance(value, float):
        # Six digits are all that a float32 holds.
        return f'<c r="{where}"{style}><v>{value:.6g}</v></c>' if math.isfinite(value) else ""
    if isinstance(value, int):
        return f'<c r="{where}"{style}><v>{value}</v></c>'
    if value is None or not (text := fit(_text(value))):
        return ""
    if "_x" in text:
        text = _ESCAPED.sub("_x005F", text)
    return f'<c r="{where}"{style} t="inlineStr"><is><t>{text.translate(_MARKUP)}</t></is></c>'


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
