"""The whole text of every family or document, deflated one by one, so that any of them is read without the others."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_FAST = 1


@dataclass(frozen=True)
class Wholes:
    """Texts by number, mapped from disk.

    Attributes:
        data: all of them, one after the other.
        ends: where each ends.
    """

    data: np.ndarray
    ends: np.ndarray

    def text(self, number: int) -> str:
        """Return one of them."""
        start = int(self.ends[number - 1]) if number else 0
        return zlib.decompress(self.data[start : int(self.ends[number])].tobytes()).decode("utf-8")


def write_wholes(texts: Iterable[str], folder: Path) -> None:
    """Write texts, numbered from 0."""
    ends = [0]
    with (folder / "texts.bin").open("wb") as handle:
        for text in texts:
            ends.append(ends[-1] + handle.write(zlib.compress(text.encode("utf-8"), _FAST)))
    np.save(folder / "texts.npy", np.array(ends[1:], np.int64))


def open_wholes(folder: Path) -> Wholes:
    """Open what `write_wholes` wrote."""
    data = np.memmap(folder / "texts.bin", np.uint8, mode="r")
    return Wholes(data, np.load(folder / "texts.npy"))
