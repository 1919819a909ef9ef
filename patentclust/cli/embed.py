"""`patentclust embed`, `terms` and `cache`: texts to vectors, and what is kept of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from patentclust.cli.flags import (
    Backend,
    BaseUrl,
    Dim,
    GpuLayers,
    Json,
    Long,
    MaxTokens,
    Model,
    Offline,
    ParamsFile,
    Quiet,
    Strict,
    Task,
    Text,
    Threads,
    Unit,
    Workspace,
    opened,
)
from patentclust.cli.outcomes import embed_base, finish, from_file
from patentclust.errors import ConfigError
from patentclust.params import KV_TYPES, EmbedParams, Resources, resolve

_embed, _resources = EmbedParams(), Resources()

TermsModel = Annotated[
    str | None,
    typer.Option("-m", "--model", help="Name from `models list`, or a .gguf file.", show_default=_embed.model),
]
Instruction = Annotated[
    str | None,
    typer.Option(
        help="Instruction in place of the task's prompt: medical, legal, finance, engineering, code, or yours."
    ),
]
KvType = Annotated[
    str | None,
    typer.Option(help=f"Attention cache: {' or '.join(KV_TYPES)} (half of it).", show_default=_embed.kv_type),
]
Requests = Annotated[int, typer.Option("--requests", help="Requests in flight at a time, to each server.")]
MainGpu = Annotated[int | None, typer.Option(help="Use this GPU alone, by number.", show_default="all")]
TensorSplit = Annotated[
    str | None, typer.Option(metavar="A,B,…", help="Share of the model for each GPU.", show_default="by memory")
]
Isolate = Annotated[
    bool, typer.Option("--isolate", help="Run the model in a process of its own: a crash costs a text.")
]
Cache = Annotated[
    str, typer.Option(help="Where vectors are kept: local, or redis://HOST:PORT/DB.", envvar="PATENTCLUST_VECTOR_CACHE")
]
CacheDays = Annotated[int, typer.Option(help="Days that a redis:// cache keeps a vector.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the cache of vectors.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would cost on this machine, and stop.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show llama.cpp's own log.")]

cache_app = typer.Typer(help="Look at and empty the local cache of vectors.", no_args_is_help=True)


def embed(
    workspace: Workspace = None,
    model: Model = None,
    task: Task = None,
    text: Text = None,
    dim: Dim = None,
    long: Long = None,
    max_tokens: MaxTokens = None,
    unit: Unit = None,
    instruction: Instruction = None,
    backend: Backend = None,
    base_url: BaseUrl = None,
    requests: Requests = _resources.n_requests,
    gpu_layers: GpuLayers = "auto",
    main_gpu: MainGpu = None,
    tensor_split: TensorSplit = None,
    kv_type: KvType = None,
    isolate: Isolate = False,
    threads: Threads = None,
    cache: Cache = _resources.cache,
    cache_days: CacheDays = _resources.cache_days,
    no_cache: NoCache = False,
    offline: Offline = False,
    dry_run: DryRun = False,
    params: ParamsFile = None,
    strict: Strict = False,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Turn documents into vectors with a local model or a server; resumes where it was stopped."""
    from patentclust import console, pipeline

    flags = {"model": model, "task": task, "text": text, "dim": dim, "long": long, "max_tokens": max_tokens}
    flags |= {"unit": unit, "instruction": instruction, "backend": backend, "kv_type": kv_type}
    folder, table = opened(workspace), from_file(params).get("embed", {})
    chosen = resolve(embed_base(folder, table, model), table, flags)
    resources = Resources(
        threads=threads,
        gpu_layers=gpu_layers,
        offline=offline,
        main_gpu=main_gpu,
        tensor_split=_shares(tensor_split),
        isolate=isolate,
        verbose=verbose,
        cache="off" if no_cache else cache,
        cache_days=cache_days,
        base_urls=tuple(base_url or ()),
        n_requests=requests,
    )
    progress = console.progress(quiet=quiet or as_json)
    if dry_run:
        cost = pipeline.embed_cost(folder, chosen, resources=resources, progress=progress)
        console.show_cost(cost, as_json=as_json)
        return
    outcome = pipeline.embed(folder, chosen, resources=resources, progress=progress)
    finish(outcome, as_json=as_json, quiet=quiet, strict=strict)


def _shares(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError as error:
        raise ConfigError(f"tensor-split is {text!r}", hint="give numbers such as 3,1") from error


def terms(
    words: Annotated[list[str], typer.Argument(metavar="FILE|TERM…", help="Terms, or a file with one a line.")],
    model: TermsModel = None,
    task: Task = None,
    instruction: Instruction = None,
    dim: Dim = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the matrix as CSV.")] = False,
    as_json: Json = False,
    gpu_layers: GpuLayers = "auto",
    threads: Threads = None,
    offline: Offline = False,
) -> None:
    """Show how alike a model finds terms: the matrix of their cosine similarities."""
    from patentclust import console, models
    from patentclust.embedders import checks

    chosen: dict[str, Any] = {"model": model, "task": task, "instruction": instruction, "dim": dim}
    params = resolve(EmbedParams(), {}, chosen)
    resources = Resources(threads=threads, gpu_layers=gpu_layers, offline=offline)
    path = Path(words[0])
    listed = checks.read_terms(path) if len(words) == 1 and path.is_file() else words
    spec = models.find(params.model)
    spec.check_dim(params.dim)
    file = models.ensure(spec, offline=offline, progress=console.progress(quiet=csv or as_json))
    console.show_matrix(listed, checks.similarities(file, spec, listed, params, resources), csv=csv, as_json=as_json)


@cache_app.command("info")
def cache_info(as_json: Json = False) -> None:
    """Show what the local cache of vectors holds, by model and prompt."""
    from patentclust import console, models
    from patentclust.embedders import cache as vectors

    folder = models.vectors_folder()
    rows = vectors.describe(folder)
    if as_json:
        console.print_json(rows)
        return
    cells = [
        [str(r["name"]), f"{r['vectors']:,}", console.human_bytes(r["bytes"]), str(r.get("template", r.get("error")))]
        for r in rows
    ]
    console.show_table(["model", "vectors", "size", "prompt"], cells, numeric={"vectors", "size"})
    console.note(f"{folder}: {console.human_bytes(sum(r['bytes'] for r in rows))}")


@cache_app.command("clear")
def cache_clear() -> None:
    """Delete the local cache of vectors; workspaces keep theirs."""
    from patentclust import console, models
    from patentclust.embedders import cache as vectors

    console.print_line(f"{console.human_bytes(vectors.clear(models.vectors_folder()))} freed")
