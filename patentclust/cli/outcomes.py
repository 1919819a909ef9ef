"""What every stage's command does around its one call: read a params file, show the outcome, choose the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from patentclust.params import EmbedParams, load_params_file, resolve
from patentclust.workspace import Workspace


def from_file(params: Path | None) -> dict[str, dict[str, Any]]:
    """Return the tables of a params file, none without one."""
    return load_params_file(params) if params is not None else {}


def embed_base(workspace: Workspace, table: dict[str, Any], model: str | None) -> EmbedParams:
    """Return what embedding does by default: with the model of the vectors that are there, unless another is named."""
    if model is not None or "model" in table:
        return EmbedParams()
    from patentclust.stages.embed import embedded_with

    return resolve(EmbedParams(), embedded_with(workspace), {})


def show(outcomes: list[Any], *, as_json: bool, quiet: bool) -> None:
    """Print outcomes as JSON, or as summary lines."""
    from patentclust import console

    if as_json:
        console.print_json([console.outcome_dict(outcome) for outcome in outcomes])
    elif not quiet:
        for outcome in outcomes:
            console.show_outcome(outcome)


def finish(outcome: Any, *, as_json: bool, quiet: bool, strict: bool = False) -> None:
    """Show one stage's outcome and name its files."""
    from patentclust import console

    show([outcome], as_json=as_json, quiet=quiet)
    if not as_json:
        for path in outcome.outputs:
            console.print_line(str(path))
    exit_if_strict(outcome, strict=strict)


def exit_if_strict(outcome: Any, *, strict: bool) -> None:
    """End with 1 where failures count as an error and there are some."""
    if strict and outcome.facts.get("failures"):
        raise typer.Exit(1)
