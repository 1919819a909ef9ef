"""A finished map as those commands read it that look things up in it: units, vectors, clusters, names, places."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from patentclust import artifacts, models
from patentclust.analysis.placing import Place
from patentclust.artifacts import Embeddings, Header
from patentclust.errors import ArtifactError, ConfigError
from patentclust.params import EmbedParams, Resources
from patentclust.readers.numbers import split_publication
from patentclust.schemas import NOISE, UNIT_KEYS
from patentclust.workspace import Workspace

_FINEST = 0
NOISE_LABEL = "noise"
MAKE_MAP = "run: patentclust embed && patentclust cluster"


@dataclass(frozen=True)
class Atlas:
    """The finest layer of a map, one row a unit, in the order of the vectors.

    Attributes:
        unit: `family` or `document`.
        embeddings: the vectors and what made them.
        labels: n cluster ids, -1 = noise.
        probabilities: n strengths of membership.
        silhouettes: n cosine silhouettes, NaN for noise.
        runners_up: n cluster ids of what comes after the own, -1 for none.
        places: shape (n, 2).
        topics: rows of topics.parquet by cluster id.
    """

    unit: str
    embeddings: Embeddings
    labels: np.ndarray
    probabilities: np.ndarray
    silhouettes: np.ndarray
    runners_up: np.ndarray
    places: np.ndarray
    topics: dict[int, dict[str, Any]]

    def label(self, cluster_id: int) -> str:
        """Return the name of a cluster."""
        return str(self.topics[cluster_id]["label"]) if cluster_id != NOISE else NOISE_LABEL

    def settled(self, found: Place, row: int) -> Place:
        """Return the place of a unit of the map as the map has it: placed anew it might fall elsewhere."""
        x, y = map(float, self.places[row])
        return replace(
            found,
            cluster_id=int(self.labels[row]),
            probability=float(self.probabilities[row]),
            runner_up=int(self.runners_up[row]),
            x=x,
            y=y,
        )

    def rows(self) -> dict[str, int]:
        """Return the row of every unit."""
        return {unit_id: row for row, unit_id in enumerate(self.embeddings.unit_ids)}


def read_atlas(workspace: Workspace) -> Atlas:
    """Read a map.

    Raises:
        ArtifactError: it is missing or damaged, or its clusters were made from other vectors.
    """
    header = artifacts.read_header(workspace.topics, kind="topics")
    embeddings = artifacts.read_embeddings(workspace.shards(header.json("params")["task"]))
    table = artifacts.read_table(workspace.clusters, kind="clusters")
    table = table.filter(pc.field("layer") == _FINEST)
    if table.column("unit_id").to_pylist() != embeddings.unit_ids:
        raise ArtifactError(
            f"the clusters of {workspace.root} were made from other vectors", hint="run: patentclust cluster"
        )
    topics = artifacts.read_table(workspace.topics, kind="topics").to_pylist()
    return Atlas(
        unit=header.metadata.get("unit", "document"),
        embeddings=embeddings,
        labels=table.column("cluster_id").to_numpy(),
        probabilities=table.column("probability").to_numpy(),
        silhouettes=table.column("silhouette").to_numpy(zero_copy_only=False),
        runners_up=table.column("runner_up").fill_null(NOISE).to_numpy(),
        places=np.column_stack([table.column("x").to_numpy(), table.column("y").to_numpy()]),
        topics={topic["cluster_id"]: topic for topic in topics if topic["layer"] == _FINEST},
    )


def unit_documents(workspace: Workspace, unit: str, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the given columns of the document that stands for each unit, by unit."""
    key = UNIT_KEYS[unit]
    found = {}
    wanted = list(dict.fromkeys(["doc_id", key, "representative", *columns]))
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=wanted):
        for row in batch.to_pylist():
            if unit == "document" or row["representative"]:
                found[row[key]] = row
    return found


def embedded_as(header: Header, **changes: Any) -> EmbedParams:
    """Return how vectors were embedded, for new ones beside them; a model file of one's own is looked for here."""
    stated = header.json("params")
    model = models.found_by(stated["model"], header.json("model").get("sha256", ""))
    return EmbedParams(**{**stated, "model": model, **changes})


def located(params: EmbedParams, resources: Resources) -> EmbedParams:
    """Return the parameters of vectors that are there, with the path that was given of their model.

    Raises:
        ConfigError: `resources` names another model.
    """
    if resources.model is None:
        return params
    made_with = Path(params.model).name
    if Path(resources.model).name != made_with:
        raise ConfigError(
            f"the vectors here were made with {made_with}, not with {resources.model}",
            hint=f"leave --model out, or give the path of {made_with}; if that file was renamed, name it so again",
        )
    return replace(params, model=resources.model)


def check_model(atlas: Atlas, new: artifacts.Embeddings) -> None:
    """Refuse new vectors that another model, or another file of that name, made.

    Raises:
        ArtifactError: the map was made with another.
    """
    ours, theirs = (header.json("model") for header in (atlas.embeddings.header, new.header))
    if ours != theirs:
        differs = ", ".join(key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key))
        raise ArtifactError(
            f"the map was made with {ours['name']}, the new vectors with {theirs['name']}: not the same {differs}",
            hint="give the file that made the map: --model PATH",
        )


def shared_terms(topic: dict[str, Any], text: str) -> tuple[str, ...]:
    """Return the leading terms of a cluster that a text holds."""
    text = unicodedata.normalize("NFKC", text).lower()
    return tuple(term["term"] for term in topic["terms"] if term["term"] in text)


def number_keys(text: str) -> list[str]:
    """Return how a publication may be looked up: as written, with its kind code, without."""
    parts = split_publication(text)
    keys = [text.strip()]
    if parts:
        country, number, kind = parts
        keys += [f"{country}-{number}-{kind}"] if kind else []
        keys.append(f"{country}-{number}")
    return keys


@dataclass(frozen=True)
class Numbers:
    """The unit of every publication, by its key as written, and by every way to write its number."""

    exact: dict[str, str]
    loose: dict[str, str]

    def unit(self, text: str) -> str:
        """Return the unit that a user means: its own key, or any publication of it, with or without kind code.

        Raises:
            ArtifactError: no document has that number.
        """
        wanted = number_keys(text)
        found = next((book[key] for book in (self.exact, self.loose) for key in wanted if key in book), None)
        if found is None:
            known = next(iter(self.exact), "")
            raise ArtifactError(
                f"no document here is {text!r}",
                hint=f"numbers here are written as {known}; documents.csv lists them all; `patentclust similar FILE`"
                " and `assign` place what is not on the map",
            )
        return found


def read_numbers(workspace: Workspace, unit: str) -> Numbers:
    """Read the numbers of all documents; of two that are written alike the first one counts."""
    key = UNIT_KEYS[unit]
    numbers = Numbers({}, {})
    for batch in artifacts.read_batches(workspace.documents, kind="documents", columns=["doc_id", key]):
        for row in batch.to_pylist():
            numbers.exact.setdefault(row["doc_id"], row[key])
            numbers.exact.setdefault(row[key], row[key])
            for spelled in number_keys(row["doc_id"]):
                numbers.loose.setdefault(spelled, row[key])
    return numbers
