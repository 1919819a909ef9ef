"""Texts in, unit vectors out. Pick one; all keep the same contract and pass the same tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Encoded:
    """Vectors of some texts and how each came about; all arrays have one entry per text, in order.

    Attributes:
        vectors: shape (n, dim), float32, rows of unit length.
        n_tokens: tokens of the whole text in its template, special tokens included.
        n_tokens_used: tokens that shaped the vector, over all windows.
        n_windows: windows averaged.
        truncated: whether the tail was cut.
    """

    vectors: np.ndarray
    n_tokens: np.ndarray
    n_tokens_used: np.ndarray
    n_windows: np.ndarray
    truncated: np.ndarray


OnText = Callable[[int, int], None]


class Embedder(Protocol):
    """Whatever turns texts into vectors.

    Attributes:
        dim: length of a vector.
        packing: how texts are packed into model calls, for the record.
    """

    dim: int
    packing: dict[str, int | str]

    def encode_document(self, texts: Sequence[str], *, on_text: OnText | None = None) -> Encoded:
        """Return one unit-length row per text, in order; `on_text(index, n_tokens)` is called as each is done."""

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Return one unit-length row per text under the model's query template."""
