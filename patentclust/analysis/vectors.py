"""Unit vectors: made, cut."""

from __future__ import annotations

import numpy as np


def cut(vectors: np.ndarray, dim: int | None) -> np.ndarray:
    """Return the first `dim` components of each row at unit length, float32; rows of zeros stay as they are.

    Full vectors go through here as float32 in any case, so that a cut of a stored vector has the bits of a fresh one.
    """
    if dim is None or dim == vectors.shape[1]:
        return vectors
    heads = vectors[:, :dim].astype(np.float64)
    norms = np.linalg.norm(heads, axis=1, keepdims=True)
    return (heads / np.where(norms > 0, norms, 1)).astype(np.float32)
