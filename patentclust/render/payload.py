"""The data blocks of the page: columns for the map, and packed blocks of details that the script opens with a card."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from patentclust.analysis.assignees import printed_as
from patentclust.render.content import Cluster, Entry, Group, Place
from patentclust.render.links import REGISTERS, register_numbers
from patentclust.render.palette import assign_colours
from patentclust.render.text import clean, name_of, shorten
from patentclust.render.titles import class_title
from patentclust.render.words import Words, words_of

# Map positions are whole numbers up to this: finer than a screen at the deepest zoom that the script allows.
RESOLUTION = 65_535
DETAILS_A_BLOCK = 500
DETAIL_FIELDS = (
    "abstract", "claim", "ipc", "cpc", "priority", "filing", "publication", "language", "family", "source",
    "registers", "warnings", "outlier", "similarity", "runner_up", "runner_up_similarity", "cut",
)  # fmt: skip
_OUTLINE_SAMPLE, _OUTLINE_STEPS = 300, 10
# Characters of abstracts and claims that a page carries in all, and the bounds for one document.
_TEXT_BUDGET = 24_000_000
_LEAST_TEXT, _MOST_TEXT = 210, 6_000
_MAX_TITLE = 300
_MAX_LIST = 30
# What stands at the end of a text that was cut.
CUT = "…"
# In the packed neighbours: no document.
NOWHERE = 2**32 - 1
_COLUMNS = (
    "ids", "titles", "owners", "printed_of", "years", "origins", "class_of", "office_of", "language_of", "family_of",
    "clusters", "probability", "silhouette", "x", "y",
)  # fmt: skip
_LISTS = ("names", "printed", "classes", "offices", "languages")


def text_limits(n_documents: int) -> tuple[int, int]:
    """Return how many characters of abstract and of first claim the page carries for each document."""
    each = min(_MOST_TEXT, max(_LEAST_TEXT, _TEXT_BUDGET // max(1, n_documents)))
    return each * 2 // 3, each // 3


def pack_json(value: Any) -> str:
    """Return JSON, deflated (RFC 1950), in base64: a third of the size, and without any markup character."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return pack(text.encode("utf-8", "replace"))


def pack(raw: bytes) -> str:
    """Return bytes, deflated (RFC 1950), in base64."""
    return base64.b64encode(zlib.compress(raw)).decode("ascii")


def embed_json(value: Any) -> str:
    """Return JSON that is safe inside a script element: no character of it can end or open markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@dataclass(frozen=True)
class Frame:
    """Fit map positions into whole numbers, both axes on one scale, y downwards as on a screen."""

    x_min: float
    y_max: float
    scale: float

    @classmethod
    def around(cls, x: np.ndarray, y: np.ndarray) -> Frame:
        """Return the frame that holds all finite points."""
        sound = np.isfinite(x) & np.isfinite(y)
        if not sound.any():
            return cls(0.0, 0.0, 1.0)
        x, y = x[sound].astype(float), y[sound].astype(float)
        extent = max(np.ptp(x), np.ptp(y))
        return cls(float(x.min()), float(y.max()), RESOLUTION / extent if extent > 0 else 1.0)

    def at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the whole-number position, or None for a point that is nowhere."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return None
        return round((x - self.x_min) * self.scale), round((self.y_max - y) * self.scale)


@dataclass(frozen=True)
class Outline:
    """Say where a cluster lies on the map: the middle of its densest part, and the bounds of what is around that.

    A cluster may lie in two places; the middle of all its points would then be where none is.
    """

    x: float
    y: float
    y_low: float
    y_high: float

    @classmethod
    def of(cls, points: np.ndarray) -> Outline:
        """Return the outline of points of shape (n, 2); all NaN for none."""
        sound = points[np.isfinite(points).all(axis=1)]
        if not len(sound):
            return cls(math.nan, math.nan, math.nan, math.nan)
        sample = sound[:: max(1, len(sound) // _OUTLINE_SAMPLE)]
        apart = np.hypot(*(sample[:, None] - sample[None]).T)
        # The point with a quarter of the others closest about it.
        reaches = np.sort(apart, axis=1)[:, len(sample) // 4]
        anchor = int(np.argmin(reaches))
        middle, reach = sample[anchor], 3 * reaches[anchor]
        for _ in range(_OUTLINE_STEPS):
            around = sound[np.hypot(*(sound - middle).T) <= reach]
            middle = np.median(around, axis=0) if len(around) else middle
        x, y = middle
        y_low, y_high = np.quantile(around[:, 1] if len(around) else sound[:, 1], [0.1, 0.9])
        return cls(float(x), float(y), float(y_low), float(y_high))


class PageData:
    """Collect documents column by column, and details block by block, as text."""

    def __init__(self, frame: Frame, say: Words | None = None) -> None:
        self.frame = frame
        self._say = say or words_of("en")
        self.details: list[str] = []
        self._columns: dict[str, list[Any]] = {key: [] for key in _COLUMNS}
        self._lists: dict[str, dict[str, int]] = {name: {} for name in _LISTS}
        self._names: dict[str, int] = {}
        self._forms: list[dict[int, None]] = []
        self._inventors: dict[str, int] = {}
        self._invented: list[list[int]] = []
        self._cited: list[list[int]] = []
        self._families: dict[str, int] = {}
        self._lead: dict[int, int] = {}
        self._units: list[int] = []
        self._pending: list[list[Any]] = []

    def __len__(self) -> int:
        return len(self._columns["ids"])

    def add(self, entry: Entry) -> None:
        """Add one document; its index is the number of documents before it."""
        columns = self._columns
        columns["ids"].append(clean(entry.doc_id))
        columns["titles"].append(shorten(clean(entry.title), _MAX_TITLE))
        self._add_owners(entry)
        columns["years"].append(entry.year)
        columns["origins"].append(entry.origin.year if entry.origin else None)
        columns["class_of"].append([_number(self._lists["classes"], name) for name in entry.subclasses[:_MAX_LIST]])
        columns["office_of"].append(_number(self._lists["offices"], entry.country or ""))
        columns["language_of"].append(_number(self._lists["languages"], entry.language or ""))
        columns["family_of"].append(self._families.setdefault(entry.family_id or entry.doc_id, len(self._families)))
        self._invented.append([_number(self._inventors, name) for name in entry.inventors[:_MAX_LIST]])
        self._cited.append(entry.cited[:_MAX_LIST])
        row = entry.place.row if entry.place else -1
        if row >= 0 and (entry.representative or row not in self._lead):
            self._lead[row] = len(self._units)
        self._units.append(row)
        self._add_place(entry.place)
        self._pending.append(_detail(entry, self._say))
        if len(self._pending) == DETAILS_A_BLOCK:
            self._flush()

    def _add_owners(self, entry: Entry) -> None:
        """Number the assignees, as printed and in one form a company, and keep which form stands for which."""
        numbers = {name: self._owner(name) for name in entry.owners[:_MAX_LIST]}
        self._columns["owners"].append(list(dict.fromkeys(numbers.values())))
        printed = self._lists["printed"]
        self._columns["printed_of"].append([_number(printed, form) for form in entry.printed_owners[:_MAX_LIST]])
        for name, form in printed_as(entry.owners, entry.printed_owners):
            if name in numbers:
                self._forms[numbers[name]][_number(printed, form)] = None

    def _owner(self, name: str) -> int:
        shown = name_of(name)
        number = self._names.setdefault(shown.casefold(), len(self._forms))
        if number == len(self._forms):
            self._lists["names"][shown] = number
            self._forms.append({})
        return number

    def _add_place(self, place: Place | None) -> None:
        point = self.frame.at(place.x, place.y) if place else None
        self._columns["clusters"].append(place.cluster_id if place else None)
        self._columns["probability"].append(thousandths(place.probability) if place else None)
        self._columns["silhouette"].append(thousandths(place.silhouette) if place else None)
        self._columns["x"].append(point[0] if point else None)
        self._columns["y"].append(point[1] if point else None)

    def _flush(self) -> None:
        if self._pending:
            self.details.append(pack_json(self._pending))
            self._pending = []

    def near(self, rows: np.ndarray, cosines: np.ndarray) -> str:
        """Return each document's nearest, packed: document numbers (uint32), then cosines in 255ths (uint8).

        Args:
            rows: shape (n units, k), rows of the nearest units.
            cosines: shape (n units, k).
        """
        units = np.array(self._units, np.int64)
        if not rows.shape[1] or not len(units):
            return ""
        # The last row stands for documents that have no unit.
        lead = np.full(len(rows) + 1, NOWHERE, np.uint32)
        lead[list(self._lead)] = list(self._lead.values())
        numbers = np.full((len(rows) + 1, rows.shape[1]), NOWHERE, np.uint32)
        numbers[:-1] = lead[rows]
        shares = np.zeros(numbers.shape, np.uint8)
        shares[:-1] = np.round(255 * np.clip(cosines, 0, 1))
        return pack(numbers[units].astype("<u4").tobytes() + shares[units].tobytes())

    def links(self) -> str:
        """Return what only the graph and the cards need, packed: inventors, and citations by document number."""
        return pack_json({"inventors": list(self._inventors), "invented": self._invented, "cited": self._cited})

    def groups(self, groups: Sequence[Group], outlines: Sequence[Outline]) -> list[dict[str, Any]]:
        """Return the clusters of a coarser layer as the map shows them."""
        colours = assign_colours(np.array([(outline.x, outline.y) for outline in outlines]).reshape(-1, 2))
        return [
            {"id": group.cluster_id, "label": clean(group.label), "size": group.size, "clusters": group.clusters}
            | {"colour": colour, "pinned": False}
            | self._label_room(outline)
            for group, colour, outline in zip(groups, colours, outlines, strict=True)
        ]

    def finish(self, clusters: Sequence[Cluster], outlines: Sequence[Outline], **more: Any) -> str:
        """Close the last block of details and return the main block, packed, with `more` in it."""
        self._flush()
        return pack_json(
            {
                **self._columns,
                **{name: list(numbers) for name, numbers in self._lists.items()},
                "forms": [list(forms) for forms in self._forms],
                "class_titles": [class_title(symbol) for symbol in self._lists["classes"]],
                "topics": [
                    _topic(cluster) | self._label_room(outline)
                    for cluster, outline in zip(clusters, outlines, strict=True)
                ],
                "detail_fields": DETAIL_FIELDS,
                "details_a_block": DETAILS_A_BLOCK,
                "registers": REGISTERS,
                **more,
            }
        )

    def _label_room(self, outline: Outline) -> dict[str, int | None]:
        names = ("x", "y", "top", "bottom")
        middle, top = self.frame.at(outline.x, outline.y), self.frame.at(outline.x, outline.y_high)
        bottom = self.frame.at(outline.x, outline.y_low)
        if middle is None or top is None or bottom is None:
            return dict.fromkeys(names)
        return dict(zip(names, (*middle, top[1], bottom[1]), strict=True))


def _number(numbers: dict[str, int], name: str) -> int:
    return numbers.setdefault(shorten(clean(name), _MAX_TITLE), len(numbers))


def _detail(entry: Entry, say: Words) -> list[Any]:
    return [
        clean(entry.abstract, keep_lines=True),
        clean(entry.claim, keep_lines=True),
        [clean(symbol) for symbol in entry.ipc[:_MAX_LIST]],
        [clean(symbol) for symbol in entry.cpc[:_MAX_LIST]],
        _day(entry.priority_date),
        _day(entry.filing_date),
        _day(entry.publication_date),
        clean(entry.language),
        clean(entry.family_id),
        clean(entry.source_path),
        register_numbers(entry.doc_id),
        [shorten(clean(say.warning(warning)), _MAX_TITLE) for warning in entry.warnings[:_MAX_LIST]],
        thousandths(entry.place.outlier_score) if entry.place else None,
        thousandths(entry.place.similarity) if entry.place else None,
        entry.place.runner_up if entry.place else None,
        thousandths(entry.place.runner_up_similarity) if entry.place else None,
        entry.abstract.endswith(CUT) or entry.claim.endswith(CUT),
    ]


def _topic(cluster: Cluster) -> dict[str, Any]:
    topic = cluster.topic
    return {
        "id": topic.cluster_id,
        "label": clean(topic.label),
        "size": topic.size,
        "terms": [clean(term) for term, _ in topic.terms],
        "colour": cluster.colour,
        "exemplars": [exemplar.index for exemplar in cluster.exemplars if exemplar.index is not None],
        "near": cluster.near,
        "pinned": cluster.pinned,
    }


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def thousandths(value: float | None) -> int | None:
    """Return a figure in whole thousandths, or None where there is none."""
    return None if value is None or not math.isfinite(value) else round(value * 1000)
