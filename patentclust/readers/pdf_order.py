"""Boxes of text on a page -> lines in the order of reading, one column after the other. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

# A box as wide as this share of what it lies in parts what is above it from what is below.
_WIDE = 0.55
_MIN_COLUMN_BOXES = 4
_MIN_COLUMN_SHARE = 0.15
# Of the lines of a page that was read across, most are followed by one of the other column.
_ACROSS_SHARE = 0.4
_MIN_ROWS = 12
# Where on a page two columns may meet, and what share of its boxes must lie clear of the strip between them.
_CENTRAL = (0.3, 0.7)
_CLEAR = 0.95
# Boxes that were seen in a picture are a little wider than their letters; in heights of a line.
_SLACK = 0.3
# From here on, a column has edges that one can speak of, and what lies beyond them is a line number.
_MIN_EDGE_BOXES = 12
_MARK_CHARS = 3
# So far from where the gutter cuts a line may the line number stand in its text.
_NEAR_CHARS = 10
# Lines so near in heights of one tell in how many columns a page is set there.
_NEAR_LINES = 2.5


@dataclass(frozen=True)
class Box:
    """A piece of one line: its edges, from the left and from the top of the page, and its text."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def height(self) -> float:
        """Return the height."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Return where its middle lies, from the left."""
        return (self.left + self.right) / 2


def reading_order(boxes: Sequence[Box]) -> list[str]:
    """Return the lines: columns from left to right, in each from top to bottom."""
    gutter = _gutter(boxes)
    if gutter is None:
        return _lines(boxes)
    bands = _bands([part for box in boxes for part in _parted(box, boxes, gutter)], gutter)
    return [line for band in bands for part in _sides(band, gutter) for line in reading_order(part)]


def is_across(boxes: Sequence[Box]) -> bool:
    """Tell whether boxes in the order of the file jump from column to column, line by line."""
    gutter = _gutter(boxes)
    if gutter is None:
        return False
    sides = [box.middle < gutter for box in boxes if box.right <= gutter or box.left >= gutter]
    n_jumps = sum(a != b for a, b in pairwise(sides))
    n_rows = len(_lines([box for box in boxes if box.right <= gutter]))
    return n_rows >= _MIN_ROWS and n_jumps > _ACROSS_SHARE * 2 * n_rows


def _gutter(boxes: Sequence[Box]) -> float | None:
    """Return where the empty strip between two columns lies, from the left, or None for one column."""
    start, end = min((box.left for box in boxes), default=0.0), max((box.right for box in boxes), default=0.0)
    narrow = [box for box in boxes if box.right - box.left < _WIDE * (end - start)]
    lefts, rights = sorted(box.left + _SLACK * box.height for box in narrow), sorted(box.right for box in narrow)
    needed = max(_MIN_COLUMN_BOXES, _MIN_COLUMN_SHARE * len(boxes))
    best = (-1.0, 0.0, 0.0)
    for n_before, x in enumerate(rights, start=1):
        first = bisect_left(lefts, x)
        n_behind = len(lefts) - first
        if min(n_before, n_behind) < needed or n_before + n_behind < _CLEAR * len(narrow):
            continue
        middle = (lefts[first] + x) / 2
        if _CENTRAL[0] * (end - start) < middle - start < _CENTRAL[1] * (end - start):
            best = max(best, (n_before + n_behind, lefts[first] - x, middle))
    return best[2] if best[0] > 0 and _side_by_side(narrow, best[2]) else None


def _side_by_side(boxes: Sequence[Box], x: float) -> bool:
    """Tell whether the two sides lie beside each other for most of their height, and not one above the other."""
    before, behind = [box for box in boxes if box.middle < x], [box for box in boxes if box.middle >= x]
    top = max(min(box.top for box in side) for side in (before, behind))
    bottom = min(max(box.bottom for box in side) for side in (before, behind))
    heights = [max(box.bottom for box in side) - min(box.top for box in side) for side in (before, behind)]
    return bottom - top > 0.5 * min(heights)


def _parted(box: Box, boxes: Sequence[Box], gutter: float) -> list[Box]:
    """Part what was seen as one line at the line number between its two columns, or at the blank between them."""
    if not box.left < gutter < box.right:
        return [box]
    expected = len(box.text) * (gutter - box.left) / (box.right - box.left)
    between = r" (?:\d?\d?[05]) | " if _is_two_lines(box, boxes, gutter) else r" (?:\d?\d?[05]) "
    found = [m for m in re.finditer(between, box.text) if abs(m.start() - expected) <= _NEAR_CHARS]
    if not found:
        return [box]
    # A number between them tells most, then the hyphen of a broken word.
    at = min(found, key=lambda m: (len(m[0]) == 1, box.text[m.start() - 1] != "-", abs(m.start() - expected)))
    before, behind = box.text[: at.start()], box.text[at.end() :]
    return [replace(box, right=gutter, text=before), replace(box, left=gutter, text=behind)]


def _is_two_lines(box: Box, boxes: Sequence[Box], gutter: float) -> bool:
    """Tell whether a line fills both columns, where there are two right above it: what is below may be a heading."""
    above = [other for other in boxes if 0 < box.top - other.top < _NEAR_LINES * box.height]
    before, behind = [o for o in above if o.right <= gutter], [o for o in above if o.left >= gutter]
    if not before or not behind or len(before) + len(behind) < len(above):
        return False
    slack = 2 * box.height
    return box.left < min(o.left for o in before) + slack and box.right > max(o.right for o in behind) - slack


def _bands(boxes: Sequence[Box], gutter: float) -> list[list[Box]]:
    """Part the page at each box that stands across both columns."""
    wide = sorted((box for box in boxes if _is_wide(box, boxes, gutter)), key=lambda box: box.top)
    rest = [box for box in boxes if not _is_wide(box, boxes, gutter)]
    bands = []
    for box in wide:
        above = [other for other in rest if other.top < box.top]
        rest = [other for other in rest if other.top >= box.top]
        bands += [above, [box]]
    return [band for band in (*bands, rest) if band]


def _is_wide(box: Box, boxes: Sequence[Box], gutter: float) -> bool:
    width = max(other.right for other in boxes) - min(other.left for other in boxes)
    return box.left < gutter < box.right and box.right - box.left >= _WIDE * width


def _sides(band: Sequence[Box], gutter: float) -> list[list[Box]]:
    sides = [[box for box in band if box.middle < gutter], [box for box in band if box.middle >= gutter]]
    return [side for side in sides if side]


def _lines(boxes: Sequence[Box]) -> list[str]:
    """Join what stands at one height, from left to right, and lines from top to bottom."""
    rows: list[list[Box]] = []
    for box in sorted(_without_margin(boxes), key=lambda box: (box.top + box.bottom, box.left)):
        if rows and _same_row(rows[-1][-1], box):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [" ".join(box.text.strip() for box in sorted(row, key=lambda box: box.left)) for row in rows]


def _without_margin(boxes: Sequence[Box]) -> list[Box]:
    """Leave out the line numbers beside a column, also where they were read as one with a line."""
    width = max((box.right for box in boxes), default=0.0) - min((box.left for box in boxes), default=0.0)
    full = [box for box in boxes if box.right - box.left > 0.6 * width]
    if len(full) < _MIN_EDGE_BOXES:
        return list(boxes)
    left, right = median(box.left for box in full), median(box.right for box in full)
    height = median(box.height for box in full)
    kept = []
    for box in boxes:
        text, slack = box.text.strip(), _SLACK * height
        if len(text) <= _MARK_CHARS and (box.right < left + slack or box.left > right - slack):
            continue
        if box.left < left - height:
            text = re.sub(r"^\S{1,3} (?=\S)", "", text)
        if box.right > right + height:
            # Whatever an engine made of it: `go` for 90, `too` for 100.
            text = re.sub(r"(?<=\S)(?: \S{1,3}| [\dIlo]{1,3} [\dIlo]{1,3})$", "", text)
        kept.append(replace(box, text=text))
    return kept


def _same_row(a: Box, b: Box) -> bool:
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    return shared > 0.5 * min(a.height, b.height)
