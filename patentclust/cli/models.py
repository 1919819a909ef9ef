"""`patentclust models`: list, fetch, find and check embedding models."""

from __future__ import annotations

import typer

from patentclust.cli.embed import Verbose
from patentclust.cli.flags import GpuLayers, Json, Name, Offline, Quiet, Threads
from patentclust.params import Resources

models_app = typer.Typer(help="List, fetch, find and check embedding models.", no_args_is_help=True)


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """List known models, and which are on this machine."""
    from patentclust import console, models

    rows = [(spec, models.locate(spec)) for spec in models.registry().values()]
    if as_json:
        console.print_json([models.describe(spec, path) for spec, path in rows])
        return
    cells = [
        [
            spec.name,
            str(spec.dim or ""),
            f"{spec.context_tokens or 0:,}",
            console.human_bytes(spec.size_bytes or 0),
            "here" if path else "not fetched",
            spec.description,
        ]
        for spec, path in rows
    ]
    headers = ["model", "dim", "tokens", "size", "file", "what it is"]
    console.show_table(headers, cells, numeric={"dim", "tokens", "size"})
    console.note(f"Your own models: {models.user_file()}")


@models_app.command("pull")
def models_pull(name: Name, offline: Offline = False, quiet: Quiet = False) -> None:
    """Fetch a model, verify it, and print where it lies."""
    from patentclust import console, models

    path = models.ensure(models.find(name), offline=offline, progress=console.progress(quiet=quiet))
    console.print_line(str(path))


@models_app.command("path")
def models_path(name: Name) -> None:
    """Print where a model's file lies on this machine."""
    from patentclust import console, models

    console.print_line(str(models.require(models.find(name))))


@models_app.command("check")
def models_check(
    name: Name,
    gpu_layers: GpuLayers = "auto",
    threads: Threads = None,
    offline: Offline = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Load a model and prove that its vectors are right on this machine."""
    from dataclasses import asdict

    from patentclust import console, models
    from patentclust.embedders import checks

    spec = models.find(name)
    path = models.ensure(spec, offline=offline, progress=console.progress(quiet=as_json))
    results = checks.check_model(path, spec, Resources(threads=threads, gpu_layers=gpu_layers, verbose=verbose))
    if as_json:
        console.print_json([asdict(result) for result in results])
    else:
        console.show_checks(results)
    if any(result.passed is False for result in results):
        raise typer.Exit(1)
