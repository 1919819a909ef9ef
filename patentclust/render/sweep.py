"""Figures over minimum sizes become one SVG drawing: a panel for each figure, sizes to the right on a log scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

WIDTH, PANEL = 640, 110
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 26, 14


@dataclass(frozen=True)
class Panel:
    """One figure: its name, lowest and highest value as text, and a line of points."""

    name: str
    low: str
    high: str
    points: list[tuple[float, float]]


def draw(sizes: Sequence[int], figures: Mapping[str, Sequence[float | None]], chosen: int | None) -> str:
    """Return the drawing as SVG text; a figure without any value is left out.

    Args:
        sizes: rising, each a place to the right.
        figures: by name, a value for each size; None leaves a gap that the line bridges.
        chosen: which of the sizes is marked, by number.
    """
    across = [_across(size, sizes) for size in sizes]
    panels = [_panel(name, values, across) for name, values in figures.items() if any(v is not None for v in values)]
    source = (files("patentclust.render") / "templates" / "sweep.svg").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(source)
    marks = list(zip(sizes, across, strict=True))
    return template.render(
        panels=panels, marks=marks, chosen=None if chosen is None else across[chosen], width=WIDTH, panel=PANEL
    )


def _across(size: int, sizes: Sequence[int]) -> float:
    low, high = math.log(sizes[0]), math.log(sizes[-1])
    share = (math.log(size) - low) / (high - low) if high > low else 0.5
    return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)


def _panel(name: str, values: Sequence[float | None], across: Sequence[float]) -> Panel:
    known = [(x, value) for x, value in zip(across, values, strict=True) if value is not None]
    low, high = min(value for _, value in known), max(value for _, value in known)
    height = PANEL - _TOP - _BOTTOM
    points = [
        (x, round(_TOP + height * ((high - value) / (high - low) if high > low else 0.5), 1)) for x, value in known
    ]
    return Panel(name, f"{low:.4g}", f"{high:.4g}", points)
