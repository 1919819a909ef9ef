"""Find the documents of a workspace that others cite. Compares numbers as columns: a corpus cites by the million."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from patentclust import artifacts
from patentclust.workspace import Workspace

_KIND_CODE = r"-[A-Z][0-9]?$"


class CitedNumbers:
    """Look cited numbers up, as written, else without kind code; of two documents with one number the first counts."""

    def __init__(self, workspace: Workspace) -> None:
        ids = artifacts.read_table(workspace.documents, kind="documents", columns=["doc_id"])["doc_id"]
        self._exact = ids.combine_chunks()
        self._loose = pc.replace_substring_regex(self._exact, _KIND_CODE, "")

    def find(self, cited: pa.ListArray) -> tuple[pa.Array, pa.Array]:
        """Return which lists cite documents from here, and the numbers of these; other citations are left out."""
        names = pc.list_flatten(cited)
        loose = pc.index_in(pc.replace_substring_regex(names, _KIND_CODE, ""), value_set=self._loose)
        found = pc.coalesce(pc.index_in(names, value_set=self._exact), loose)
        known = pc.is_valid(found)
        return pc.list_parent_indices(cited).filter(known), found.filter(known)
