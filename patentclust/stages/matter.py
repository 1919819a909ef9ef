"""What is clustered: vectors, and what the documents say of each; checked to be made from one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from patentclust import artifacts
from patentclust.analysis import quality, texts
from patentclust.analysis.scorecard import at_level
from patentclust.artifacts import Embeddings
from patentclust.errors import ArtifactError
from patentclust.params import ClusterParams, EmbedParams
from patentclust.progress import Progress
from patentclust.schemas import NOISE, UNIT_KEYS, counted
from patentclust.stages.units import read_documents
from patentclust.workspace import Workspace

_TOPIC_COLUMNS = ("title", "abstract", "claims", "language", "ipc", "cpc")
_CLAIM_CHARS = 2000
# A map need not repeat the classification, but a classification of a minority says nothing about the map.
_ENOUGH_CLASSES = 0.5


@dataclass(frozen=True)
class Units:
    """What the documents say of every unit, in the order of the vectors."""

    texts: list[str]
    languages: list[str | None]
    main_classes: list[str | None]
    n_left_out: int
    n_from_description: int


def read_embeddings(workspace: Workspace, params: ClusterParams) -> Embeddings:
    """Read the vectors of a task.

    Raises:
        ArtifactError: there are none, or some are no numbers.
    """
    with np.errstate(invalid="ignore"):
        embeddings = artifacts.read_embeddings(workspace.shards(params.task))
    folder = workspace.embeddings(params.task)
    if not embeddings.unit_ids:
        raise ArtifactError(
            f"{folder} holds no vectors: no document has text in the embedded fields",
            hint="ingest documents with a title, abstract or claims",
        )
    if not np.isfinite(embeddings.vectors).all():
        raise ArtifactError(
            f"{folder} holds vectors that are zero or not numbers",
            hint=f"delete the folder; {embed_hint(params.task)}",
        )
    return embeddings


def read_units(
    workspace: Workspace, embeddings: Embeddings, n_documents: int, params: ClusterParams, progress: Progress
) -> Units:
    """Read what the vectors stand for, and check that they were made from these very texts."""
    selection = embeddings.header.json("params")["text"]
    unit = embeddings.header.metadata["unit"]
    key = UNIT_KEYS[unit]
    columns = [key, "representative", *_TOPIC_COLUMNS]
    row_of = {unit_id: row for row, unit_id in enumerate(embeddings.unit_ids)}
    found: dict[int, tuple[str, str | None, str | None]] = {}
    missing, changed, n_left_out, n_opened = [], [], 0, 0
    with progress.task("checking documents", total=n_documents, unit="documents") as task:
        for document, text, opened in read_documents(workspace, selection, columns):
            task.advance(1)
            if unit == "family" and not document["representative"]:
                continue
            row = row_of.get(document[key])
            n_opened += opened
            if row is None:
                left_out = not text or document[key] in embeddings.failed
                n_left_out += left_out
                missing += [] if left_out else [document[key]]
            elif texts.text_sha256(text) != embeddings.text_sha256[row]:
                changed.append(document[key])
            else:
                own = text if opened else _topic_text(document)
                found[row] = (own, document["language"], _main_class(document))
    known = set(found) | {row_of[unit_id] for unit_id in changed}
    foreign = [unit_id for row, unit_id in enumerate(embeddings.unit_ids) if row not in known]
    _refuse_stale({"without a vector": missing, "changed since": changed, "gone": foreign}, params)
    ordered = [found[row] for row in range(len(row_of))]
    return Units([o[0] for o in ordered], [o[1] for o in ordered], [o[2] for o in ordered], n_left_out, n_opened)


def _refuse_stale(differences: Mapping[str, list[str]], params: ClusterParams) -> None:
    said = [f"{counted(len(ids), 'unit')} {what} (such as {ids[0]})" for what, ids in differences.items() if ids]
    if said:
        raise ArtifactError(
            f"the embeddings of task {params.task!r} are stale: {', '.join(said)}", hint=embed_hint(params.task)
        )


def _topic_text(document: Mapping[str, Any]) -> str:
    claims = "\n".join(document["claims"])[:_CLAIM_CHARS]
    return "\n".join((document["title"], document["abstract"], claims))


def _main_class(document: Mapping[str, Any]) -> str | None:
    symbols = document["ipc"] or document["cpc"]
    return (symbols and at_level(symbols[0], "subclass")) or None


def embed_hint(task: str) -> str:
    """Return the command that makes the vectors of a task."""
    return "run: patentclust embed" + (f" --task {task}" if task != EmbedParams().task else "")


def agreement_with(labels: np.ndarray, classes: list[str | None]) -> dict[str, Any] | None:
    """Compare clusters with classes; None where fewer than half of the units carry one."""
    if sum(c is not None for c in classes) < _ENOUGH_CLASSES * len(classes) or not np.any(labels != NOISE):
        return None
    return {key: round(value, 6) for key, value in asdict(quality.agreement(labels, classes)).items()}
