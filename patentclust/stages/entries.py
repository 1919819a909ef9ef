"""Documents as a report shows them, read batch by batch: texts cut, places looked up, citations by number."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from patentclust import artifacts
from patentclust.render.content import Entry
from patentclust.render.payload import CUT
from patentclust.schemas import UNIT_KEYS
from patentclust.stages.citing import CitedNumbers
from patentclust.stages.placing import Map
from patentclust.workspace import Workspace

_PLAIN = [
    "doc_id", "title", "family_id", "language", "country", "kind", "application_number", "priority_date", "filing_date",
    "publication_date", "applicants", "assignees", "assignee_names", "inventors", "inventor_countries", "ipc", "cpc",
    "source_path", "source_format", "warnings", "representative",
]  # fmt: skip


def read_entries(workspace: Workspace, unit: str, places: Map, limits: tuple[int, int]) -> Iterator[tuple[str, Entry]]:
    """Yield each document with its unit; abstract and first claim are cut to `limits` characters."""
    numbers = CitedNumbers(workspace)
    columns = [*_PLAIN, "abstract", "claims", "cited"]
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=columns):
        abstracts = _cut(batch["abstract"], limits[0])
        claims = _cut(_first(batch["claims"]), limits[1])
        cited = _by_list(len(batch), *numbers.find(batch["cited"]))
        unit_ids = batch[UNIT_KEYS[unit]].to_pylist()
        rows = batch.select(_PLAIN).to_pylist()
        parts = zip(unit_ids, rows, abstracts, claims, places.places(unit_ids), cited, strict=True)
        for unit_id, row, abstract, claim, place, cites in parts:
            yield unit_id, Entry(**row, abstract=abstract, claim=claim, place=place, cited=cites)


def read_cut_texts(workspace: Workspace, limits: tuple[int, int]) -> Iterator[list[str]]:
    """Yield number, abstract and first claim of the documents that `limits` cut, whole."""
    columns = ["doc_id", "abstract", "claims"]
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=columns):
        claims = _first(batch["claims"])
        long = [pc.greater(pc.utf8_length(t), n) for t, n in zip((batch["abstract"], claims), limits, strict=True)]
        cut = pc.fill_null(pc.or_(*long), False)
        texts = [column.filter(cut).to_pylist() for column in (batch["doc_id"], batch["abstract"], claims)]
        yield from map(list, zip(*texts, strict=True))


def _by_list(n: int, owners: pa.Array, numbers: pa.Array) -> list[list[int]]:
    lists: list[list[int]] = [[] for _ in range(n)]
    for owner, number in zip(owners.to_pylist(), numbers.to_pylist(), strict=True):
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
