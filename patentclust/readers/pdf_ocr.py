"""The one door to RapidOCR: a page as a picture -> its text. Its models come inside its wheel; nothing is fetched.

Reads English, Chinese, Japanese and most languages of Latin letters with one model. Runs in the process of `guard`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from patentclust.errors import MissingExtraError
from patentclust.readers import pdf_boxes
from patentclust.readers.pdf_order import Box, reading_order

_LIBRARIES = ("rapidocr", "onnxruntime")
# Lines of this share of the width of the page show how the sheet lay on the scanner.
_LONG_LINE = 0.3
# So much longer than high is a line of more than a word.
_LINE_SHAPE = 1.5
# Straight pages are read with a certainty of 0.9 and more.
_SURE = 0.8


def check_installed() -> None:
    """Refuse to begin a run that asks for OCR where it cannot be had.

    Raises:
        MissingExtraError: a library of the extra `ocr` is missing.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"--ocr needs {' and '.join(missing)}, not installed here",
            hint="run: python -m pip install rapidocr onnxruntime",
        )


def read_page(data: bytes, number: int) -> str:
    """Return the text of page `number`, from 1, in the order of reading; the same on any number of cores.

    A page that was scanned sideways or upside down is turned.

    Raises:
        SourceError: the page cannot be drawn.
    """
    picture = pdf_boxes.render(data, number)
    found = _engine()(picture)
    if found.boxes is None:
        return ""
    turns = (1, 3) if _is_sideways(found) else (2,) if _is_doubtful(found) else ()
    # What the engine read sideways stands in the wrong order, however sure it is; columns of Japanese stay as they are.
    turned = (_engine()(np.ascontiguousarray(np.rot90(picture, turn))) for turn in turns)
    best = max(turned, key=_certainty, default=found)
    found = found if _is_doubtful(best) else best
    return "\n".join(reading_order(_level(found.boxes.tolist(), found.txts)))


def _is_sideways(found: Any) -> bool:
    """Tell whether the lines, which are longer than high, stand upright, as those of a printed column may, too."""
    edges = [(abs(b[0] - a[0]), abs(d[1] - a[1])) for a, b, _, d in found.boxes.tolist()]
    upright = sum(height for width, height in edges if height > _LINE_SHAPE * width)
    return upright > sum(width for width, height in edges if width > _LINE_SHAPE * height)


def _is_doubtful(found: Any) -> bool:
    return found.boxes is None or _certainty(found) < _SURE * sum(map(len, found.txts))


def _certainty(found: Any) -> float:
    """Return how many characters were read, each counted by how sure of it the engine is."""
    if found.boxes is None:
        return 0.0
    return sum(score * len(text) for text, score in zip(found.txts, found.scores, strict=True))


def _level(quads: list[list[list[float]]], texts: Sequence[str]) -> list[Box]:
    """Return the boxes as they would stand had the sheet lain straight."""
    tilts = [(b[1] - a[1]) / (b[0] - a[0]) for a, b, _, _ in quads if b[0] - a[0] > _LONG_LINE * _width(quads)]
    tilt = median(tilts) if tilts else 0.0
    boxes = []
    for quad, text in zip(quads, texts, strict=True):
        across, down = [x + tilt * y for x, y in quad], [y - tilt * x for x, y in quad]
        boxes.append(Box(min(across), min(down), max(across), max(down), text))
    return boxes


def _width(quads: list[list[list[float]]]) -> float:
    edges = [x for quad in quads for x, _ in quad]
    return max(edges) - min(edges)


@cache
def _engine() -> Any:
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            # It takes lines with a mark in the margin for lines upside down, and costs time.
            "Global.use_cls": False,
            "Global.model_root_dir": str(folder),
            "EngineConfig.onnxruntime.intra_op_num_threads": os.cpu_count() or 1,
        }
    )
