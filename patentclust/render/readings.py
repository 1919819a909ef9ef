"""One plain sentence on how to read each score of the map. Knows the names of scores, not how they are computed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from patentclust.render.content import Score

# key: (name, form, sentence). Forms: count, share, figure.
_KNOWN: dict[str, tuple[str, str, str]] = {
    "n_units": ("Units on the map", "count", "Documents or families that were embedded and placed."),
    "n_clusters": ("Clusters", "count", "Dense groups that were found; the number is a result, not a setting."),
    "n_noise": ("Noise, units", "count", "Units in no dense group; none of them is forced into a cluster."),
    "noise_share": ("Noise, share", "share", "The same as a share; between a tenth and a third is usual."),
    "silhouette_cosine": (
        "Silhouette, original space",
        "figure",
        "From −1 to 1, on the full vectors: above 0, members are nearer to their own cluster than to the next;"
        " text rarely passes 0.3.",
    ),
    "silhouette_reduced": (
        "Silhouette, reduced space",
        "figure",
        "The same after UMAP, which pulls groups apart: it flatters, so compare it only between runs.",
    ),
    "persistence": (
        "Persistence",
        "figure",
        "From 0 to 1: how long clusters last as the density threshold rises; higher means less chance.",
    ),
    "dbcv": ("DBCV", "figure", "From −1 to 1: density inside clusters against density between them; above 0 is sound."),
    "stability": ("Stability", "figure", "Agreement between runs with other seeds; 1 means the same clusters."),
    "ipc_subclass": ("IPC subclass", "figure", "No figure where fewer than half of the units carry a class."),
    "ipc_section": ("IPC section", "figure", "No figure where fewer than half of the units carry a class."),
    "ami": (
        "Adjusted mutual information",
        "figure",
        "0 is what chance would give, 1 the same grouping; a map of technologies need not repeat the classification.",
    ),
    "ari": ("Adjusted Rand index", "figure", "The same scale, counted over pairs of units; large groups weigh more."),
    "v_measure": (
        "V-measure",
        "figure",
        "From 0 to 1: clusters hold one class each, and classes lie in one cluster each; not corrected for chance.",
    ),
    "homogeneity": ("Homogeneity", "figure", "From 0 to 1: each cluster holds one class only."),
    "completeness": ("Completeness", "figure", "From 0 to 1: each class lies in one cluster only."),
    "purity": (
        "Purity",
        "figure",
        "Share of members that carry the commonest class of their cluster; rises with the number of clusters.",
    ),
    "n": ("Units with a class", "count", "What the figures above it rest on."),
    "n_left_out": ("Left out", "count", "Documents without text in the embedded fields; no place on the map."),
    "n_truncated": ("Truncated", "count", "Units whose text was cut at the model's window."),
    "n_windowed": ("Windowed", "count", "Units longer than the model's window; their vector is the mean over several."),
}


def read_scores(scores: Mapping[str, Any]) -> list[Score]:
    """Return every score with its sentence: known ones first in a fixed order, unknown ones by name."""
    order = {key: number for number, key in enumerate(_KNOWN)}

    def rank(item: tuple[tuple[str, ...], Any]) -> list[tuple[int, str]]:
        return [(order.get(key, len(order)), key) for key in item[0]]

    return [_score(path, value) for path, value in sorted(_flatten(scores, ()), key=rank)]


def _flatten(scores: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in scores.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def _score(path: tuple[str, ...], value: Any) -> Score:
    name, form, reading = _KNOWN.get(path[-1], (_words(path[-1]), "figure", ""))
    if len(path) > 1:
        group = ", ".join(_KNOWN[key][0] if key in _KNOWN else _words(key) for key in path[:-1])
        # "Adjusted …" goes on in lower case; "V-measure" and "DBCV" are names.
        name = f"{group}: {name[0].lower() + name[1:] if name[1:2].islower() else name}"
    return Score(name, _written(value, form), reading)


def _words(key: str) -> str:
    words = key.replace("_", " ").replace("ipc", "IPC").replace("cpc", "CPC")
    return words[:1].upper() + words[1:]


def _written(value: Any, form: str) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "n/a"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if form == "share":
        return f"{value:.1%}"
    if isinstance(value, int) or form == "count":
        return f"{value:,.0f}"
    return f"{value:.3f}".replace("-", "−")
