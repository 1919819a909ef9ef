"""The one door to RapidOCR: a page as a picture -> its text. Its models come inside its wheel; nothing is fetched.

Reads English, Chinese, Japanese and most languages of Latin letters with one model. Runs in the process of `guard`.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from patentclust.errors import MissingExtraError
from patentclust.readers import pdf_boxes
from patentclust.readers.pdf_order import Box, reading_order

_LIBRARIES = ("rapidocr", "onnxruntime")


def check_installed() -> None:
    """Refuse to begin a run that asks for OCR where it cannot be had.

    Raises:
        MissingExtraError: a library of the extra `ocr` is missing.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"--ocr needs {' and '.join(missing)}, not installed here",
            hint='python -m pip install "patentclust[ocr]"',
        )


def read_page(data: bytes, number: int) -> str:
    """Return the text of page `number`, from 1, in the order of reading; the same on any number of cores.

    Raises:
        SourceError: the page cannot be drawn.
    """
    found = _engine()(pdf_boxes.render(data, number))
    if found.boxes is None:
        return ""
    boxes = [_box(corners, text) for corners, text in zip(found.boxes.tolist(), found.txts, strict=True)]
    return "\n".join(reading_order(boxes))


def _box(corners: list[list[float]], text: str) -> Box:
    across, down = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return Box(min(across), min(down), max(across), max(down), text)


@cache
def _engine() -> Any:
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.model_root_dir": str(folder),
            "EngineConfig.onnxruntime.intra_op_num_threads": os.cpu_count() or 1,
        }
    )
