"""Boxes of text on a page -> lines in the order of reading, one column after the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# A box as wide as this share of what it lies in parts what is above it from what is below.
_WIDE = 0.55
_MIN_COLUMN_BOXES = 4
_MIN_COLUMN_SHARE = 0.15
# Of the lines of a page that was read across, most are followed by one of the other column.
_ACROSS_SHARE = 0.4
_MIN_ROWS = 12
_STEPS = 100


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
    bands = _bands(boxes, gutter)
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
    left, right = min((box.left for box in boxes), default=0.0), max((box.right for box in boxes), default=0.0)
    width = right - left
    narrow = [box for box in boxes if box.right - box.left < _WIDE * width]
    needed = max(_MIN_COLUMN_BOXES, _MIN_COLUMN_SHARE * len(boxes))
    best: tuple[int, int] | None = None
    run = 0
    for step in range(_STEPS * 3 // 10, _STEPS * 7 // 10):
        x = left + width * step / _STEPS
        n_before, n_behind = sum(box.right <= x for box in narrow), sum(box.left >= x for box in narrow)
        empty = n_before + n_behind >= 0.97 * len(narrow) and min(n_before, n_behind) >= needed
        run = run + 1 if empty else 0
        if run and (best is None or run > best[0]):
            best = (run, step)
    if best is None or not _side_by_side(narrow, left + width * best[1] / _STEPS):
        return None
    return left + width * (best[1] - (best[0] - 1) / 2) / _STEPS


def _side_by_side(boxes: Sequence[Box], x: float) -> bool:
    """Tell whether the two sides lie beside each other for most of their height, and not one above the other."""
    before, behind = [box for box in boxes if box.right <= x], [box for box in boxes if box.left >= x]
    top = max(min(box.top for box in side) for side in (before, behind))
    bottom = min(max(box.bottom for box in side) for side in (before, behind))
    heights = [max(box.bottom for box in side) - min(box.top for box in side) for side in (before, behind)]
    return bottom - top > 0.5 * min(heights)


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
    for box in sorted(boxes, key=lambda box: (box.top + box.bottom, box.left)):
        if rows and _same_row(rows[-1][-1], box):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [" ".join(box.text.strip() for box in sorted(row, key=lambda box: box.left)) for row in rows]


def _same_row(a: Box, b: Box) -> bool:
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    return shared > 0.5 * min(a.height, b.height)
