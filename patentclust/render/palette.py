"""Give clusters colours so that neighbours on the map differ. Knows colours as numbers; the stylesheet has them."""

from __future__ import annotations

import numpy as np

# As many as stay apart for all kinds of colour vision; the stylesheet names them c0 to c7.
N_COLOURS = 8


def assign_colours(centres: np.ndarray) -> list[int]:
    """Return a colour number for each cluster: one not used yet, else the one whose nearest bearer is farthest.

    Args:
        centres: shape (n, 2), positions on the map in the order of the clusters.
    """
    centres = np.nan_to_num(centres)
    nearest = np.full((len(centres), N_COLOURS), np.inf)
    colours: list[int] = []
    for index, centre in enumerate(centres):
        colour = int(np.argmax(nearest[index]))
        colours.append(colour)
        distance = np.hypot(*(centres - centre).T)
        nearest[:, colour] = np.minimum(nearest[:, colour], distance)
    return colours
