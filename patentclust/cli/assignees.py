"""`patentclust assignees`: one name for each company."""

from __future__ import annotations

from typing import Annotated

import typer

from patentclust.cli.flags import Json, Workspace, opened

assignees_app = typer.Typer(help="Give each company one name.", no_args_is_help=True)

Least = Annotated[float, typer.Option(min=0, max=100, help="Least likeness of two names, 0 to 100.")]


@assignees_app.command("suggest")
def assignees_suggest(workspace: Workspace = None, least: Least = 90, as_json: Json = False) -> None:
    """Propose names that may be one company, as lines for assignees.toml in the workspace.

    What you keep of them is applied at the next ingest.
    """
    from dataclasses import asdict

    from patentclust import console
    from patentclust.schemas import counted
    from patentclust.stages import relate

    chosen = opened(workspace)
    suggestions = relate.suggest_merges(chosen, least=least)
    if as_json:
        console.print_json([asdict(suggestion) for suggestion in suggestions])
        return
    console.print_line(relate.thesaurus_toml(suggestions), end="")
    known = "add what is right to" if chosen.thesaurus.exists() else "put what is right into"
    console.note(f"{counted(len(suggestions), 'proposal')}; {known} {chosen.thesaurus}, then ingest again")
