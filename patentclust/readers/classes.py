"""Classification entries of WIPO ST.36 and its kin, main class first. Knows no office."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from patentclust.readers import numbers
from patentclust.readers.xml import text_of

# Level, position and value of WIPO ST.8, as in `A61K   9/00        20060101AFI20221215BHEP`.
_ST8 = re.compile(r"(?:\d{8}|\s)[ACS]([FL ])([IAN])(?![A-Z])")
_ADDITIONAL = 2
_PARTS = ("section", "class", "subclass", "main-group", "subgroup")


def ranked(elements: Iterable[Any]) -> tuple[str, ...]:
    """Return the symbols of entries: the first inventive one, the other inventive ones, then the additional ones."""
    entries = [_entry(element) for element in elements]
    entries.sort(key=lambda entry: entry[0])
    return numbers.symbols([symbol for _, symbol in entries])


def additional(elements: Iterable[Any]) -> tuple[str, ...]:
    """Return the symbols of entries, of IPC and CPC alike, that are additional information and nowhere inventive."""
    return _additional([_entry(element) for element in elements])


def additional_texts(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the same of entries as printed in one field, such as `H01F  27/14        20060101AFI20200101BHEP`."""
    return _additional([(_rank("", found[2]) if (found := _ST8.search(text[8:])) else 1, text) for text in texts])


def _additional(entries: list[tuple[int, str]]) -> tuple[str, ...]:
    inventive = set(numbers.symbols([symbol for rank, symbol in entries if rank < _ADDITIONAL]))
    found = numbers.symbols([symbol for rank, symbol in entries if rank == _ADDITIONAL])
    return tuple(symbol for symbol in found if symbol not in inventive)


def main_and_further(block: Any) -> tuple[str, ...]:
    """Return the symbols of a `classification-ipc` as it was before 2006: a main one and further ones, or texts."""
    if block is None:
        return ()
    found = [element for tag in ("main-classification", "further-classification") for element in block.iterfind(tag)]
    return numbers.symbols([text_of(element) for element in found or block.iterfind("text")])


def _entry(element: Any) -> tuple[int, str]:
    # Backwards, so that the first of a tag is what stays.
    stated = {child.tag: child.text or "" for child in reversed(element)}
    printed = (stated.get("text") or stated.get("classification-symbol") or "").strip("\r\n")
    st8 = _ST8.search(printed[8:])
    position = stated.get("symbol-position", "").strip() or (st8[1] if st8 else "")
    value = stated.get("classification-value", "").strip() or (st8[2] if st8 else "")
    return _rank(position, value), printed or _joined(stated)


def _rank(position: str, value: str) -> int:
    """Return 0 for the first inventive symbol, 1 for other inventive ones, 2 for additional and non-inventive ones."""
    return _ADDITIONAL if value in ("A", "N") else 0 if position == "F" else 1


def _joined(stated: dict[str, str]) -> str:
    section, class_, subclass, group, subgroup = (stated.get(tag, "").strip() for tag in _PARTS)
    return f"{section}{class_}{subclass} {group}/{subgroup}" if group else f"{section}{class_}{subclass}"
