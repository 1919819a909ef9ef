"""What a column of a table means. Pure: names in, a plan out.

A column is known by its name, compared without case, blanks and punctuation. The names, common ones and those of the
exports of each vendor, stand in columns.toml; what is missing there the user names with `mapping`, for all tables
(`title`) or for those of a file name (`orbit.csv:title`, `exports/*.xlsx:title`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from pathlib import PurePosixPath

from patentclust.errors import ConfigError
from patentclust.params import IngestParams

TEXT_FIELDS = ("title", "abstract", "claims", "description")
_TABLES = tomllib.loads(resources.files("patentclust.readers").joinpath("columns.toml").read_text(encoding="utf-8"))
_COMMON: dict[str, list[str]] = _TABLES["common"]
FIELDS = tuple(field for field in _COMMON if field not in ("codes", "scheme"))
_LANGUAGES = {
    "en": "en eng english", "zh": "zh cn chi chinese", "ja": "ja jp jpn japanese", "ko": "ko kr kor korean",
    "de": "de ger german", "fr": "fr fre french", "es": "es spa spanish",
}  # fmt: skip
_MAX_NAME_CHARS = 200
# `译`: translated.
_NAMED_LANGUAGE = re.compile(r"(.*?)(?:[\s_\-.]*[(\[（]译[)\]）])?[\s_\-.]*[(\[（]?\s*([A-Za-z]{2,8})\s*[)\]）]?")
_CODES = {name: code for code, names in _LANGUAGES.items() for name in names.split()}


@dataclass(frozen=True)
class Plan:
    """Which column gives which field.

    Attributes:
        columns: field to column; `codes` and `scheme` stand for symbols whose scheme another column names.
        languages: field to the language that its column's name states.
        constants: field to what it is in every row, where no column gives it.
        translated: for rows without any text in `columns`: text field to the column that holds a translation.
        translation: the language of those.
    """

    columns: Mapping[str, str]
    languages: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    translated: Mapping[str, str] = field(default_factory=dict)
    translation: str = ""

    @property
    def has_text(self) -> bool:
        """Tell whether any column gives text."""
        return any(field in self.columns for field in TEXT_FIELDS)

    def serves(self, *, need_text: bool) -> bool:
        """Tell whether rows can become documents, or, without text, facts to be joined by publication number."""
        return self.has_text or (not need_text and "doc_id" in self.columns)


def key(name: str) -> str:
    """Return a column's name as it is compared."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _keys_of(table: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(dict.fromkeys(map(key, spelled))) for name, spelled in table.items()}


@dataclass(frozen=True)
class _Preset:
    """The names of one vendor's export: all of `signature` must be there; `keys` go before the common ones."""

    signature: frozenset[str]
    keys: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, str]


_KEYS = _keys_of(_COMMON)
_PRESETS = [
    _Preset(frozenset(map(key, preset["signature"])), _keys_of(preset["columns"]), preset.get("constants", {}))
    for preset in _TABLES["presets"].values()
]
_NO_PRESET = _Preset(frozenset(), {}, {})
_FIELD_OF = {spelled: name for name, keys in reversed(_KEYS.items()) for spelled in keys}
_KNOWN = frozenset(_FIELD_OF).union(*(names for preset in _PRESETS for names in preset.keys.values()))


def _preset(keys: Collection[str]) -> _Preset:
    """Return the preset whose signature a table has, the first of several."""
    return next((preset for preset in _PRESETS if preset.signature.issubset(keys)), _NO_PRESET)


@lru_cache(maxsize=4096)
def _in_language(name: str) -> tuple[str, str] | None:
    """Return (field, language) of `abstract_en`, `Title (English)` or `标题(译)(English)`."""
    match = _NAMED_LANGUAGE.fullmatch(name.strip()[:_MAX_NAME_CHARS])
    if not match or match[2].lower() not in _CODES:
        return None
    found = _FIELD_OF.get(key(match[1]))
    return (found, _CODES[match[2].lower()]) if found in TEXT_FIELDS else None


def n_known(names: Iterable[str]) -> int:
    """Count the names that mean something to us."""
    return sum(key(name) in _KNOWN or _in_language(name) is not None for name in names)


def has_text(names: Sequence[str]) -> bool:
    """Tell whether one of the names is that of a text column."""
    return plan(names, IngestParams()).has_text


def check_mapping(params: IngestParams) -> None:
    """Check the fields that the user maps columns to.

    Raises:
        ConfigError: one does not exist.
    """
    for target, _ in params.mapping:
        name = target.rpartition(":")[2]
        if name not in FIELDS:
            raise ConfigError(f"--map {name}: there is no such field", hint=f"allowed: {', '.join(FIELDS)}")


def check_scopes(params: IngestParams, paths: Collection[str]) -> None:
    """Check that each file name of the user's mapping is that of one of the paths.

    Raises:
        ConfigError: one is not.
    """
    for target, _ in params.mapping:
        scope = target.rpartition(":")[0]
        if scope and not any(_is_of(path, scope) for path in paths):
            raise ConfigError(f"--map {target}: no file of that name is read", hint="give its name, or a pattern of it")


def _mapped(params: IngestParams, path: str) -> dict[str, str]:
    """Return the columns that the user names for a table; what is said of its file goes before what is said of all."""
    split = [(*target.rpartition(":"), column) for target, column in params.mapping]
    split.sort(key=lambda parts: bool(parts[0]))
    return {name: column for scope, _, name, column in split if not scope or _is_of(path, scope)}


def _is_of(path: str, scope: str) -> bool:
    return PurePosixPath(path.replace("!", "/")).match(scope)


def plan(names: Sequence[str], params: IngestParams, path: str = "") -> Plan:
    """Return which of the columns of the table at a path give which field.

    Raises:
        ConfigError: the user's mapping names a field or a column that does not exist.
    """
    check_mapping(params)
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(key(name), name)
    preset = _preset(by_key)
    chosen: dict[str, str] = {}
    for name, keys in _KEYS.items():
        column = next((by_key[k] for k in (*preset.keys.get(name, ()), *keys) if k in by_key), None)
        if column is not None:
            chosen[name] = column
    offered = _offered(names)
    languages = _choose_languages(offered, chosen, params.prefer_language)
    for name, column in _mapped(params, path).items():
        found = column if column in names else by_key.get(key(column))
        if found is None:
            close = get_close_matches(column, map(str, names), n=3)
            raise ConfigError(
                f"--map {name}={column}: the table {path} has no such column",
                hint=(f"do you mean {' or '.join(close)}? " if close else "")
                + f"it has: {', '.join(map(str, names[:40]))}",
            )
        chosen[name] = found
        languages.pop(name, None)
    taken = set(chosen.values())
    others = {code: fields for code, fields in offered.items() if not taken.intersection(fields.values())}
    translation = next((code for code in (params.prefer_language, "en", *others) if code in others), "")
    constants = {name: value for name, value in preset.constants.items() if name not in chosen}
    return Plan(chosen, languages, constants, others.get(translation, {}), translation)


def _offered(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the columns whose names state a language: language to text field to column."""
    offered: dict[str, dict[str, str]] = {}
    for name in names:
        found = _in_language(name)
        if found:
            offered.setdefault(found[1], {}).setdefault(found[0], name)
    return offered


def _choose_languages(
    offered: Mapping[str, Mapping[str, str]], chosen: dict[str, str], preferred: str | None
) -> dict[str, str]:
    """Fill text fields from columns of one language: the preferred, else English, else the first there is."""
    wish = (preferred or "").lower().split("-")[0]
    language = next((code for code in (wish, "en", *offered) if code in offered), None)
    if language is None:
        return {}
    # A column without a language in its name holds the original: it gives way only to a wish.
    taken = {text: name for text, name in offered[language].items() if language == wish or text not in chosen}
    chosen.update(taken)
    return dict.fromkeys(taken, language)
