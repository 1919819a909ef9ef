"""Documents as a report shows them, read batch by batch: texts cut, places looked up, citations by number."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from patentclust import artifacts
from patentclust.render.content import Entry
from patentclust.render.payload import CUT
from patentclust.schemas import UNIT_KEYS
from patentclust.stages.placing import Map
from patentclust.workspace import Workspace

_PLAIN = [
    "doc_id", "title", "family_id", "language", "country", "kind", "application_number", "priority_date", "filing_date",
    "publication_date", "applicants", "assignees", "assignee_names", "inventors", "ipc", "cpc", "source_path",
    "source_format", "warnings", "representative",
]  # fmt: skip
_KIND_CODE = r"-[A-Z][0-9]?$"


def read_entries(workspace: Workspace, unit: str, places: Map, limits: tuple[int, int]) -> Iterator[tuple[str, Entry]]:
    """Yield each document with its unit; abstract and first claim are cut to `limits` characters."""
    numbers = _Numbers(workspace)
    columns = [*_PLAIN, "abstract", "claims", "cited"]
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=columns):
        abstracts = _cut(batch["abstract"], limits[0])
        claims = _cut(_first(batch["claims"]), limits[1])
        cited = numbers.of(batch["cited"])
        rows = batch.select(_PLAIN).to_pylist()
        for row, abstract, claim, cites in zip(rows, abstracts, claims, cited, strict=True):
            unit_id = row[UNIT_KEYS[unit]]
            yield unit_id, Entry(**row, abstract=abstract, claim=claim, place=places.place(unit_id), cited=cites)


def read_cut_texts(workspace: Workspace, limits: tuple[int, int]) -> Iterator[list[str]]:
    """Yield number, abstract and first claim of the documents that `limits` cut, whole."""
    columns = ["doc_id", "abstract", "claims"]
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=columns):
        claims = _first(batch["claims"])
        long = [pc.greater(pc.utf8_length(t), n) for t, n in zip((batch["abstract"], claims), limits, strict=True)]
        cut = pc.fill_null(pc.or_(*long), False)
        texts = [column.filter(cut).to_pylist() for column in (batch["doc_id"], batch["abstract"], claims)]
        yield from map(list, zip(*texts, strict=True))


class _Numbers:
    """Find the documents of the corpus that others cite: as written, else without kind code."""

    def __init__(self, workspace: Workspace) -> None:
        ids = artifacts.read_table(workspace.documents, kind="documents", columns=["doc_id"])["doc_id"]
        self._exact = ids.combine_chunks()
        self._loose = pc.replace_substring_regex(self._exact, _KIND_CODE, "")

    def of(self, cited: pa.ListArray) -> list[list[int]]:
        """Return the numbers of the documents that each list names; others are left out."""
        names = pc.list_flatten(cited)
        loose = pc.index_in(pc.replace_substring_regex(names, _KIND_CODE, ""), value_set=self._loose)
        found = pc.coalesce(pc.index_in(names, value_set=self._exact), loose)
        known = pc.is_valid(found)
        lists: list[list[int]] = [[] for _ in range(len(cited))]
        owners = pc.list_parent_indices(cited).filter(known).to_pylist()
        for owner, number in zip(owners, found.filter(known).to_pylist(), strict=True):
            lists[owner].append(number)
        return lists


def _first(lists: pa.ListArray) -> pa.Array:
    """Return the first item of each list, "" for an empty one."""
    starts = lists.offsets.slice(0, len(lists))
    full = pc.greater(pc.list_value_length(lists), 0)
    return pc.fill_null(lists.values.take(pc.if_else(full, starts, None)), "")


def _cut(texts: pa.Array, limit: int) -> list[str]:
    # In Arrow, because the whole texts of a large corpus are not worth turning into Python strings.
    short = pc.utf8_slice_codeunits(texts, 0, limit - 1)
    ends = pc.if_else(pc.greater(pc.utf8_length(texts), limit), CUT, pc.utf8_slice_codeunits(texts, limit - 1, limit))
    return pc.binary_join_element_wise(short, ends, "").to_pylist()
