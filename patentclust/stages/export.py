"""A finished map -> export/<store>/: ids, texts, vectors, metadata, clusters and places, as a store loads them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from patentclust import artifacts
from patentclust.analysis.texts import compose, text_fields
from patentclust.errors import ConfigError
from patentclust.exporters import About, Files, Row, open_exporter
from patentclust.params import Resources
from patentclust.progress import Progress, Quiet
from patentclust.schemas import UNIT_KEYS, counted
from patentclust.stages import Outcome
from patentclust.stages.atlas import Atlas, read_atlas
from patentclust.stages.pushing import Store, told
from patentclust.stages.similar import SHOWN, year_of
from patentclust.workspace import Workspace

# A file of the widest vectors as JSON stays below 20 MB, which every store takes in one request.
_BATCH_ROWS = 500
_NAME = re.compile(r"[a-z][a-z0-9_]{2,62}")


def run(workspace: Workspace, store: str, *, name: str = "patents", progress: Progress = Quiet()) -> Outcome:
    """Write the units of a map for a store; what an earlier export left for that store goes first.

    Raises:
        ArtifactError: there is no map, or the disk is full.
        ConfigError: no such store, or a name that some store would refuse.
    """
    about, atlas = _begun(workspace, store, name)
    folder = workspace.exports(store)
    shutil.rmtree(folder, ignore_errors=True)
    n_files = 0
    for file_name, chunks in _files(workspace, store, about, atlas, progress):
        with artifacts.atomic_path(folder / file_name) as attempt, attempt.open("wb") as handle:
            handle.writelines(chunks)
        n_files += 1
    facts = {"units": len(atlas.embeddings.unit_ids), "files": n_files, "dim": about.dim}
    return Outcome("export", False, facts, (), (folder,), atlas.unit)


def push(
    workspace: Workspace,
    store: str,
    url: str,
    *,
    name: str = "patents",
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Send the same to a running store; a run that was killed is run again, for units with the same id are replaced.

    Raises:
        ArtifactError: there is no map.
        ConfigError: no such store, a name or an address that will not do, or --offline forbids it.
        StoreError: the store cannot be reached, refuses, or turned some units down.
    """
    with workspace.lock(), _open_store(store, url, resources) as target:
        about, atlas = _begun(workspace, store, name)
        n_units = len(atlas.embeddings.unit_ids)
        progress.note(
            f"{target.shown} ({store}) is sent {counted(n_units, 'unit')} as {name!r}: titles, abstracts, vectors,"
            " assignees, classes, clusters and places"
        )
        with closing(told(_files(workspace, store, about, atlas, progress), target.shown, progress)) as files:
            n_requests = target.send(files, name)
    facts = {"units": n_units, "requests": n_requests, "dim": about.dim}
    return Outcome("export", False, facts, unit=atlas.unit)


def _begun(workspace: Workspace, store: str, name: str) -> tuple[About, Atlas]:
    open_exporter(store)
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--name is {name!r}", hint="3 to 63 of a-z, 0-9 and _, a letter first")
    atlas = read_atlas(workspace)
    vectors, header = atlas.embeddings.vectors, atlas.embeddings.header
    return About(name, vectors.shape[1], header.json("model")["name"]), atlas


def _files(workspace: Workspace, store: str, about: About, atlas: Atlas, progress: Progress) -> Files:
    with progress.task("exporting", total=len(atlas.embeddings.unit_ids), unit="units") as task:

        def batches() -> Iterator[list[Row]]:
            for batch in _batches(workspace, atlas):
                yield batch
                task.advance(len(batch))

        yield from open_exporter(store).files(batches(), about)


def _batches(workspace: Workspace, atlas: Atlas) -> Iterator[list[Row]]:
    """Yield the units in the order of the documents, some hundred at a time."""
    key, rows = UNIT_KEYS[atlas.unit], atlas.rows()
    columns = list(dict.fromkeys(["doc_id", key, "representative", *SHOWN, *text_fields("ta")]))
    batch: list[Row] = []
    for read in artifacts.read_batches(workspace.documents, kind="documents", columns=columns):
        for document in read.to_pylist():
            if document[key] in rows and (document["representative"] or atlas.unit == "document"):
                batch.append(_row(atlas, rows[document[key]], document))
            if len(batch) == _BATCH_ROWS:
                yield batch
                batch = []
    if batch:
        yield batch


def _row(atlas: Atlas, row: int, document: dict[str, Any]) -> Row:
    cluster = int(atlas.labels[row])
    x, y = atlas.places[row]
    return Row(
        id=atlas.embeddings.unit_ids[row],
        doc_id=str(document["doc_id"]),
        title=str(document["title"]),
        text=compose([document["title"], document["abstract"]]),
        vector=atlas.embeddings.vectors[row],
        language=document["language"],
        country=document["country"],
        year=year_of(document),
        assignees=tuple(document["assignee_names"]),
        classes=tuple(dict.fromkeys([*document["ipc"], *document["cpc"]])),
        cluster_id=cluster,
        cluster=atlas.label(cluster),
        probability=round(float(atlas.probabilities[row]), 6),
        x=round(float(x), 6),
        y=round(float(y), 6),
    )


def _open_store(store: str, url: str, resources: Resources) -> Store:
    """Prepare to send to a running store; nothing is sent yet.

    Raises:
        ConfigError: the store takes nothing of ours, the address is none, or --offline forbids it.
        MissingExtraError: what speaks to it is not installed.
    """
    if store == "pgvector":
        from patentclust.stages.pushing_sql import PostgresStore

        return PostgresStore(url, resources)
    if store == "milvus":
        from patentclust.stages.pushing_milvus import MilvusStore

        return MilvusStore(url, resources)
    from patentclust.stages.pushing_http import HttpStore

    return HttpStore(store, url, resources)
