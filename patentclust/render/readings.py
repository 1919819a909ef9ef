"""One plain sentence on how to read each score of the map. Knows the names of scores, not how they are computed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from patentclust.render.content import Score
from patentclust.render.words import Words, words_of
from patentclust.scores import SCORES

# What the scorecard is held against: a level of a scheme of classes, perhaps in a coarser layer.
_LEVELS = ("section", "class", "subclass", "group", "subgroup")
_AGAINST = re.compile(rf"(ipc|cpc):({'|'.join(_LEVELS)})(?:, layer (\d+))?")


def read_scores(scores: Mapping[str, Any], language: str = "en") -> list[Score]:
    """Return every score with its sentence: known ones first in a fixed order, unknown ones by name."""
    say = words_of(language)
    order = {key: number for number, key in enumerate(SCORES)}

    def rank(item: tuple[tuple[str, ...], Any]) -> list[tuple[int, str]]:
        return [(order.get(key, len(order)), _sorted_as(key)) for key in item[0]]

    return [_score(path, value, say) for path, value in sorted(_flatten(scores, ()), key=rank)]


def _flatten(scores: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in scores.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def _score(path: tuple[str, ...], value: Any, say: Words) -> Score:
    *above, name = [_name(key, say) for key in path]
    if above:
        # "Adjusted …" goes on in lower case; "V-measure" and "DBCV" are names.
        name = f"{', '.join(above)}: {name[0].lower() + name[1:] if name[1:2].islower() else name}"
    known = say.score(path[-1])
    return Score(name, _written(value, known.form if known else "figure", say), known.sentence if known else "")


def _name(key: str, say: Words) -> str:
    if against := _AGAINST.fullmatch(key):
        scheme, level, layer = against.groups()
        parts = [f"{scheme.upper()} {say('level_' + level)}"] + ([say("in_layer", number=layer)] if layer else [])
        return ", ".join(parts)
    known = say.score(key)
    return known.name if known else _words(key)


def _sorted_as(key: str) -> str:
    """Return what a key sorts by: levels of classes from broad to fine, each before its coarser layers."""
    against = _AGAINST.fullmatch(key)
    return f"{against[1]}:{_LEVELS.index(against[2])}{against[3] or ''}" if against else key


def _words(key: str) -> str:
    words = key.replace("_", " ").replace(":", " ").replace("ipc", "IPC").replace("cpc", "CPC")
    return words[:1].upper() + words[1:]


def _written(value: Any, form: str, say: Words) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return say("na")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if form == "share":
        return f"{value:.1%}"
    if isinstance(value, int) or form == "count":
        return f"{value:,.0f}"
    return f"{value:.3f}".replace("-", "−")
