"""Where the marks of the page's drawings stand: numbers in, coordinates out. The template draws them as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patentclust.render.evolution import Flow, Profile

QUADRANT = (640, 360)
SANKEY = (960, 460)
_MARGIN = 36
_MOST_NODES = 12
_NODE_WIDTH = 10
_GAP = 6
# A line of the drawing's text, and a letter of it.
_LINE, _LETTER = 14, 6.0
_RADIUS = 11.0
_MOST_ASIDE = 24
LABEL_ROOM = 230


@dataclass(frozen=True)
class Spot:
    """A circle of the quadrant: `index` of the cluster, position and radius."""

    index: int
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Quadrant:
    """The growth by size drawing: spots, and where its two middle lines stand."""

    spots: list[Spot]
    middle_x: float
    middle_y: float


def quadrant(profiles: Sequence[Profile]) -> Quadrant:
    """Place clusters by size (log scale, to the right) and growth (upwards); lines at median size and no growth."""
    width, height = QUADRANT
    sizes = [math.log10(max(1, profile.n_families)) for profile in profiles]
    low, high = (min(sizes), max(sizes)) if sizes else (0.0, 1.0)
    # At least a decade, so that 15 and 16 families do not stand at the two ends.
    middle = (low + high) / 2
    low, high = min(low, middle - 0.5), max(high, middle + 0.5)
    reach = max([1.0, *(abs(profile.growth) for profile in profiles)])

    def x_at(size: float) -> float:
        return round(_MARGIN + (size - low) / (high - low) * (width - 2 * _MARGIN), 1)

    median = sorted(sizes)[len(sizes) // 2] if sizes else middle
    spots: list[Spot] = []
    for index, (size, profile) in enumerate(zip(sizes, profiles, strict=True)):
        y = round(height / 2 - profile.growth / reach * (height / 2 - _MARGIN), 1)
        spots.append(Spot(index, _aside(x_at(size), y, spots), y, _RADIUS))
    return Quadrant(spots, x_at(median), height / 2)


def _aside(x: float, y: float, others: Sequence[Spot]) -> float:
    """Return the place nearest to x, at most some steps to either side, where no other spot is covered."""
    for step in sorted(range(-_MOST_ASIDE, _MOST_ASIDE + 1), key=abs):
        moved = x + step * _RADIUS / 2
        inside = _RADIUS < moved < QUADRANT[0] - _RADIUS
        if inside and all(math.hypot(moved - other.x, y - other.y) > 1.8 * _RADIUS for other in others):
            return round(moved, 1)
    return x


@dataclass(frozen=True)
class Node:
    """A bar of the Sankey drawing: a cluster (`index`) in a period, with its families.

    The bar of the last period that a cluster has carries its name, with room for some characters (0: no name here).
    """

    index: int
    period: int
    size: int
    x: float
    y: float
    height: float
    room: int = 0


@dataclass(frozen=True)
class Link:
    """A band between two bars, as an SVG path, with the cosine that it stands for."""

    source: int
    target: int
    path: str
    similarity: float


def sankey(flow: Flow) -> tuple[list[Node], list[Link]]:
    """Stack the largest clusters of each period in a column and draw the links between neighbours."""
    width, height = SANKEY
    n_periods = len(flow.sizes)
    shown = sorted(range(flow.sizes.shape[1]), key=lambda index: (-flow.sizes[:, index].sum(), index))[:_MOST_NODES]
    most = max((int(flow.sizes[period, shown].sum()) for period in range(n_periods)), default=0)
    if n_periods < 2 or not most:
        return [], []
    # A bar, however thin, leaves room for a line of text.
    scale = (height - 30 - _LINE * len(shown)) / most
    step = (width - LABEL_ROOM) / (n_periods - 1)
    last = {index: max(np.flatnonzero(flow.sizes[:, index]).tolist(), default=-1) for index in shown}
    nodes: dict[tuple[int, int], Node] = {}
    for period in range(n_periods):
        y = 24.0
        for index in sorted(shown):
            size = int(flow.sizes[period, index])
            if size:
                space = LABEL_ROOM if period == n_periods - 1 else step
                room = int(space / _LETTER) - 6 if last[index] == period else 0
                x, tall = round(10 + step * period, 1), round(size * scale, 1)
                nodes[period, index] = Node(index, period, size, x, round(y, 1), tall, room)
                y += max(size * scale + _GAP, _LINE)
    links = []
    for path in flow.links:
        source, target = nodes.get((path.period, path.source)), nodes.get((path.period + 1, path.target))
        if source and target:
            links.append(Link(path.source, path.target, _band(source, target), path.similarity))
    return list(nodes.values()), links


def _band(source: Node, target: Node) -> str:
    left, right = source.x + _NODE_WIDTH, target.x
    middle = (left + right) / 2
    y1, y2 = source.y + source.height / 2, target.y + target.height / 2
    return f"M{left:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {right:.1f} {y2:.1f}"
