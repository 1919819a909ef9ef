"""`patentclust search`: a question, and the documents that answer it."""

from __future__ import annotations

from typing import Annotated

import typer

from patentclust.cli.flags import (
    BaseUrl,
    CsvFile,
    GpuLayers,
    Json,
    Offline,
    OwnModel,
    Quiet,
    Threads,
    Workspace,
    existing,
)
from patentclust.cli.reading import Assignee, Cluster, Ipc, Language, Office, Top, Years
from patentclust.params import Resources

Exact = Annotated[
    bool, typer.Option("--exact", help="Look at every vector, even where an index of very many is faster.")
]


def search(
    question: Annotated[str, typer.Argument(help="What is looked for, in words of any language that the model reads.")],
    workspace: Workspace = None,
    top: Top = 20,
    assignee: Assignee = "",
    ipc: Ipc = "",
    years: Years = "",
    cluster: Cluster = None,
    office: Office = "",
    language: Language = "",
    exact: Exact = False,
    csv_file: CsvFile = None,
    model: OwnModel = None,
    base_url: BaseUrl = None,
    gpu_layers: GpuLayers = "auto",
    threads: Threads = None,
    offline: Offline = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find documents by what their full texts say, by meaning and by words; first run `embed --task retrieve`."""
    from dataclasses import asdict

    from patentclust import console, pipeline
    from patentclust.cli import saving
    from patentclust.stages import similar as stage

    saving.check(as_json, csv_file)
    where = stage.Where(top, assignee, ipc, stage.years(years) if years else None, cluster, office.upper(), language)
    answer = pipeline.search(
        existing(workspace),
        question,
        where=where,
        exact=exact,
        resources=Resources(
            model=model, threads=threads, gpu_layers=gpu_layers, offline=offline, base_urls=tuple(base_url or ())
        ),
        progress=console.progress(quiet=quiet or as_json),
    )
    for sentence in answer.coverage.sentences():
        console.note(sentence)
    if csv_file is not None:
        saving.write_found(csv_file, answer.hits)
    if as_json:
        console.print_json([asdict(hit) for hit in answer.hits])
    elif csv_file != saving.STDOUT:
        console.show_found(answer.hits)
