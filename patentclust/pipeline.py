"""The order of the stages. Each skips what is current; each leaves its parameters and a line in the workspace's log."""

from __future__ import annotations

import json
import platform
import re
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patentclust import __version__, artifacts, models
from patentclust.embedders import check_servers
from patentclust.errors import ArtifactError, ConfigError, SourceError
from patentclust.params import (
    STAGE_PARAMS,
    ClusterParams,
    EmbedParams,
    IngestParams,
    ReportParams,
    Resources,
    dump_params,
)
from patentclust.progress import Progress, Quiet
from patentclust.stages import Outcome
from patentclust.stages.curating import load_rules
from patentclust.standing import kept_params
from patentclust.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

    from patentclust.stages.assign import Assigned
    from patentclust.stages.cost import Cost
    from patentclust.stages.search import Answer
    from patentclust.stages.similar import Likeness, Shelf, Where

# A pasted text has no number; the hash that stands for one would tell the reader nothing.
_PASTED = "text"
_FOR_EXAMPLE = 'echo "solid electrolyte with sulfide" | patentclust similar -'
# What is no publication number, and was meant for a file.
_NAMES_A_FILE = re.compile(r"[/\\]|\.[A-Za-z]\w*$")
_SHOWN_FAILURES = 3


@dataclass(frozen=True)
class RunParams:
    """The parameters of all stages."""

    ingest: IngestParams = field(default_factory=IngestParams)
    embed: EmbedParams = field(default_factory=EmbedParams)
    cluster: ClusterParams = field(default_factory=ClusterParams)
    report: ReportParams = field(default_factory=ReportParams)


def ingest(
    workspace: Workspace,
    paths: Sequence[str | Path],
    params: IngestParams = IngestParams(),
    *,
    metadata: Sequence[str | Path] = (),
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Read files into documents; tables of `metadata` fill their gaps."""
    from patentclust.stages import ingest as stage

    stage.check_paths([*paths, *metadata])
    with _recorded(workspace, "ingest", params) as finish:
        return finish(stage.run(workspace, paths, params, metadata=metadata, resources=resources, progress=progress))


def embed(
    workspace: Workspace,
    params: EmbedParams = EmbedParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Turn documents into vectors."""
    from patentclust.stages import embed as stage

    with _recorded(workspace, "embed", _from_anywhere(params)) as finish:
        return finish(stage.run(workspace, params, resources=resources, progress=progress))


def _from_anywhere(params: EmbedParams) -> EmbedParams:
    """Name a model file of one's own by its whole path, so that the record holds in any folder."""
    own = params.backend == "llama" and params.model not in models.registry() and Path(params.model).is_file()
    return replace(params, model=str(Path(params.model).absolute())) if own else params


def embed_cost(
    workspace: Workspace,
    params: EmbedParams = EmbedParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Cost:
    """Say what embedding would cost on this machine; nothing is written but the cache of vectors' own bookkeeping."""
    from patentclust.stages import embed as stage

    return stage.estimate(workspace, params, resources=resources, progress=progress)


def cluster(
    workspace: Workspace,
    params: ClusterParams = ClusterParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Turn vectors into clusters and topics."""
    from patentclust.stages import cluster as stage

    _check_cluster(workspace, params, resources)
    with _recorded(workspace, "cluster", params) as finish:
        return finish(stage.run(workspace, params, resources=resources, progress=progress))


def update(workspace: Workspace, *, resources: Resources = Resources(), progress: Progress = Quiet()) -> Outcome:
    """Cluster again as the map that is there was made, keeping ids and names of clusters that are still there."""
    from patentclust.stages import cluster as stage
    from patentclust.stages import keeping

    params = keeping.params_of(workspace)
    _check_cluster(workspace, params, resources)
    with _recorded(workspace, "cluster", params) as finish:
        return finish(stage.run(workspace, params, keep=True, resources=resources, progress=progress))


def _check_cluster(workspace: Workspace, params: ClusterParams, resources: Resources) -> None:
    """Refuse now what clustering, or the report after it, would refuse at the end of a long run."""
    from patentclust.analysis.clusterers import check_installed
    from patentclust.embedders import chat

    load_rules(workspace.curation)
    check_installed(params)
    if params.labels == "llm":
        chat.check(params, resources)


def report(
    workspace: Workspace,
    params: ReportParams = ReportParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Outcome:
    """Turn clusters into a page and tables."""
    from patentclust.stages import report as stage

    with _recorded(workspace, "report", params) as finish:
        return finish(stage.run(workspace, params, resources=resources, progress=progress))


def run(
    workspace: Workspace,
    paths: Sequence[str | Path],
    params: RunParams = RunParams(),
    *,
    metadata: Sequence[str | Path] = (),
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Iterator[Outcome]:
    """Run all stages, yielding each outcome as it comes. What can fail first does: parameters, corrections, model.

    Raises:
        ConfigError: the stages were given different tasks.
        PatentclustError: whatever a stage raises.
    """
    from patentclust.embedders.openai import checked_urls
    from patentclust.stages.embed import resolve
    from patentclust.stages.ingest import check_params, check_paths

    if not params.embed.task == params.cluster.task == params.report.task:
        raise ConfigError("embed, cluster and report must name one task", hint="give --task once, or in all tables")
    check_paths([*paths, *metadata])
    check_params(params.ingest)
    check_servers(params.embed, resources)
    resolve(params.embed)
    if params.embed.backend == "openai" and not workspace.shards(params.embed.task):
        checked_urls(resources)
    _check_cluster(workspace, params.cluster, resources)
    if params.embed.backend == "llama":
        models.ensure(models.find(params.embed.model), offline=resources.offline, progress=progress)
    yield ingest(workspace, paths, params.ingest, metadata=metadata, resources=resources, progress=progress)
    yield embed(workspace, params.embed, resources=resources, progress=progress)
    yield cluster(workspace, params.cluster, resources=resources, progress=progress)
    yield report(workspace, params.report, resources=resources, progress=progress)


def assign(
    workspace: Workspace,
    paths: Sequence[str | Path],
    params: IngestParams = IngestParams(),
    *,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> tuple[list[Outcome], list[Assigned]]:
    """Place new documents on the map; what was read and embedded for that is kept in the folder `assigned`."""
    from patentclust.stages import assign as stage
    from patentclust.stages.atlas import located

    embed_params = located(stage.embed_params(workspace), resources)
    new = Workspace(workspace.root / "assigned")
    outcomes = [
        ingest(new, paths, params, resources=resources, progress=progress),
        embed(new, embed_params, resources=resources, progress=progress),
    ]
    return outcomes, list(stage.run(workspace, new))


def similar(
    workspace: Workspace,
    source: str | Path,
    *,
    text: str | None = None,
    where: Where | None = None,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> list[Likeness]:
    """Return what is near to `text`, else to each document of a file, else to a publication of the map.

    A text or file is read and embedded in a temporary folder; nothing of it stays.

    Raises:
        ArtifactError: there is no map, or it holds no such publication.
        ConfigError: nothing, or a folder, was given.
        SourceError: the file holds nothing that can be read.
    """
    from patentclust.stages import similar as stage
    from patentclust.stages.atlas import located

    if text is None and not str(source).strip():
        raise ConfigError(
            "nothing was given to look for", hint=f"give a publication number, a file, or: {_FOR_EXAMPLE}"
        )
    if text is None and Path(source).is_dir():
        raise ConfigError(
            f"{source} is a folder, expected a publication number or a file",
            hint=f"give one of its files, or place them all: patentclust assign {shlex.quote(str(source))}",
        )
    where = where or stage.Where()
    shelf = stage.open_shelf(workspace)
    if text is None and not Path(source).exists():
        if _NAMES_A_FILE.search(str(source)):
            raise SourceError(f"there is no file {str(source)!r}", hint="check the path, or give a publication number")
        return [stage.to_unit(shelf, str(source), where=where)]
    with _read_aside(source, text, resources, progress) as new:
        params = located(shelf.embed_params, resources)
        embed(new, params, resources=replace(resources, cache="off"), progress=progress)
        found = list(stage.to_documents(shelf, new, where=where))
        return found if text is None else [replace(likeness, doc_id=_PASTED) for likeness in found]


def similar_by(
    shelf: Shelf,
    source: str | Path,
    encode: Callable[[Sequence[str]], np.ndarray],
    *,
    text: str | None = None,
    where: Where,
    resources: Resources = Resources(),
) -> list[Likeness]:
    """Return what is near to `text`, else to each document of a file, by a map and a model that are open already.

    `encode` turns texts into unit vectors of the map's model, prompt and length.

    Raises:
        ArtifactError: there is nothing to embed.
        SourceError: the file holds nothing that can be read.
    """
    from patentclust.analysis.texts import compose
    from patentclust.stages import similar as stage
    from patentclust.stages.units import read_texts

    if text is not None:
        (vector,) = encode([compose([text])])
        return [stage.to_vector(shelf, vector, text, doc_id=_PASTED, where=where)]
    params = shelf.embed_params
    with _read_aside(source, None, resources, Quiet()) as new:
        texts = {unit_id: words for unit_id, words in read_texts(new, params) if words}
        if not texts:
            raise ArtifactError(f"there is no text in its {params.text}", hint="give a document that carries text")
        vectors = dict(zip(texts, encode(list(texts.values())), strict=True))
        return list(stage.to_vectors(shelf, new, vectors, where=where))


@contextmanager
def _read_aside(source: str | Path, text: str | None, resources: Resources, progress: Progress) -> Iterator[Workspace]:
    """Read a text or a file into a workspace that goes with the block."""
    with tempfile.TemporaryDirectory() as folder:
        new = Workspace(Path(folder) / "new")
        if text is not None:
            if not text.strip():
                raise ConfigError("the text is empty: it has no vector", hint=f"for example: {_FOR_EXAMPLE}")
            source = Path(folder) / "text.jsonl"
            source.write_text(json.dumps({"title": "", "abstract": text}), encoding="utf-8")
        try:
            outcome = ingest(new, [source], resources=resources, progress=progress)
        except SourceError as error:
            raise SourceError(
                f"nothing could be read at {source}: {_reasons(new)}",
                hint="give a patent (PDF, XML, table, …); a plain text goes in by `similar -`, over HTTP as `text`",
            ) from error
        if outcome.facts["failures"]:
            progress.note(f"{outcome.facts['failures']} of it could not be read: {_reasons(new)}")
        yield new


def _reasons(new: Workspace) -> str:
    """Return why something could not be read, the first of them."""
    rows = artifacts.read_table(new.failures, kind="failures", columns=["message"]).to_pylist()
    return "; ".join(row["message"] for row in rows[:_SHOWN_FAILURES])


def search(
    workspace: Workspace,
    question: str,
    *,
    where: Where | None = None,
    exact: bool = False,
    resources: Resources = Resources(),
    progress: Progress = Quiet(),
) -> Answer:
    """Return the documents whose passages answer a question best; needs `embed` with the task `retrieve`."""
    from patentclust.stages import search as stage
    from patentclust.stages.similar import Where

    return stage.run(workspace, question, where=where or Where(), exact=exact, resources=resources, progress=progress)


def export(workspace: Workspace, store: str, *, name: str = "patents", progress: Progress = Quiet()) -> Outcome:
    """Write a finished map as files that a store loads in bulk."""
    from patentclust.stages import export as stage

    with workspace.lock():
        return stage.run(workspace, store, name=name, progress=progress)


def graph(workspace: Workspace, *, resources: Resources = Resources(), progress: Progress = Quiet()) -> Outcome:
    """Write a finished map as a knowledge graph; it takes no parameters, so none are kept."""
    from patentclust.stages import graph as stage

    with workspace.lock():
        return stage.run(workspace, resources=resources, progress=progress)


@contextmanager
def _recorded(workspace: Workspace, stage: str, params: Any) -> Iterator[Callable[[Outcome], Outcome]]:
    """Hold the workspace while a stage runs; then leave its parameters, and a line of when and where it ran."""
    started, clock = datetime.now(UTC), time.monotonic()

    def finish(outcome: Outcome) -> Outcome:
        _keep_params(workspace, stage, params)
        line = {
            "stage": stage,
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 3),
            "current": outcome.current,
            "facts": dict(outcome.facts),
            "params": asdict(params),
            "version": __version__,
            "python": platform.python_version(),
            "machine": platform.platform(),
        }
        with workspace.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")
        return outcome

    with workspace.lock():
        yield finish


def _keep_params(workspace: Workspace, stage: str, params: Any) -> None:
    """Put this stage's parameters into the workspace's params.toml beside those of the other stages."""
    kept = kept_params(workspace) | {stage: params}
    artifacts.write_text(workspace.params, dump_params({name: kept[name] for name in STAGE_PARAMS if name in kept}))
