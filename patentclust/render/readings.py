"""One plain sentence on how to read each score of the map. Knows the names of scores, not how they are computed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from patentclust.render.content import Score, ScoreTable
from patentclust.render.words import Words, words_of
from patentclust.scores import SCORES

# What the scorecard is held against: a level of a scheme of classes, perhaps in a coarser layer.
_LEVELS = ("section", "class", "subclass", "group", "subgroup")
_AGAINST = re.compile(rf"(ipc|cpc):({'|'.join(_LEVELS)})(?:, layer (\d+))?")
_ORDER = {key: number for number, key in enumerate(SCORES)}
_LAST = len(_ORDER) + 1


def read_scores(scores: Mapping[str, Any], language: str = "en") -> tuple[list[Score], list[ScoreTable]]:
    """Return the scores of the whole map with their sentences, and tables of those that were taken several times.

    Known ones come first in a fixed order, unknown ones by name. No sentence is said twice.
    """
    say = words_of(language)
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for path, value in sorted(_flatten(scores, ()), key=lambda item: [_rank(key) for key in item[0]]):
        groups.setdefault(path[:-1], {})[path[-1]] = value
    single = groups.pop((), {})
    tables: dict[tuple[str, ...], list[tuple[str, list[str]]]] = {}
    for above, values in groups.items():
        cells = [_written(value, _form(key, say), say) for key, value in values.items()]
        tables.setdefault(tuple(values), []).append((_title(above, say), cells))
    lines = [
        Score(_name(key, say), _written(value, _form(key, say), say), _sentence(key, say))
        for key, value in single.items()
    ]
    return lines, _explained(tables, set(single), say)


def _explained(
    tables: Mapping[tuple[str, ...], list[tuple[str, list[str]]]], said: set[str], say: Words
) -> list[ScoreTable]:
    found = []
    for keys, rows in tables.items():
        columns = [Score(_name(key, say), "", "" if key in said else _sentence(key, say)) for key in keys]
        said |= set(keys)
        found.append(ScoreTable(columns, rows))
    return found


def _flatten(scores: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in scores.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def _rank(key: str) -> tuple[int, str]:
    """Return what a key sorts by: levels of classes from broad to fine, each before its coarser layers."""
    against = _AGAINST.fullmatch(key)
    name = f"{against[1]}:{_LEVELS.index(against[2])}{against[3] or ''}" if against else key
    # The finest clusters before the coarser layers.
    return _LAST if key == "layers" else _ORDER.get(key, len(_ORDER)), name


def _title(above: tuple[str, ...], say: Words) -> str:
    """Return what the scores below some keys were taken of: `IPC section, layer 1`."""
    first, *rest = above
    if first == "layers" and rest:
        number, *rest = rest
        return ", ".join([*(_name(key, say) for key in rest), say("in_layer", number=number)])
    return ", ".join(_name(key, say) for key in above)


def _name(key: str, say: Words) -> str:
    if against := _AGAINST.fullmatch(key):
        scheme, level, layer = against.groups()
        parts = [f"{scheme.upper()} {say('level_' + level)}"] + ([say("in_layer", number=layer)] if layer else [])
        return ", ".join(parts)
    known = say.score(key)
    return known.name if known else _words(key)


def _sentence(key: str, say: Words) -> str:
    known = say.score(key)
    return known.sentence if known else ""


def _form(key: str, say: Words) -> str:
    known = say.score(key)
    return known.form if known else "figure"


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
