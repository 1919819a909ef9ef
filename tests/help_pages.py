"""Write docs/cli.md from the commands themselves: `python -m tests.help_pages > docs/cli.md`."""

from __future__ import annotations

from typing import Any

import typer

from patentclust.cli import app


def markdown() -> str:
    """Return every command with its arguments and flags."""
    lines = [
        "# Commands",
        "",
        "Generated from the commands' own help by `python -m tests.help_pages`; do not edit.",
        "",
    ]
    root = typer.main.get_command(app)
    for name, command in root.commands.items():
        lines += _pages(f"patentclust {name}", command)
    return "\n".join(lines).rstrip() + "\n"


def _pages(path: str, command: Any) -> list[str]:
    if hasattr(command, "commands"):
        return [line for name, inner in command.commands.items() for line in _pages(f"{path} {name}", inner)]
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    words = " ".join(f"{p.name.upper()}{'…' if p.nargs == -1 else ''}" for p in arguments)
    lines = [f"## {path} {words}".rstrip(), "", command.help or "", "", "| flag | default | meaning |", "|---|---|---|"]
    lines += [f"| `{p.name.upper()}` | | {p.help or ''} |" for p in arguments]
    lines += [_row(p) for p in command.params if p.param_type_name == "option"]
    return [*lines, ""]


def _row(option: Any) -> str:
    shown = option.show_default if isinstance(option.show_default, str) else option.default
    default = "" if shown in (None, False, True) else str(shown)
    variable = f" Also `{option.envvar}`." if option.envvar else ""
    meaning = f"{option.help}{variable}".replace("|", "\\|")
    return f"| `{'`, `'.join(option.opts)}` | {default} | {meaning} |"


if __name__ == "__main__":
    print(markdown(), end="")
