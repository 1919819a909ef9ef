"""How a stage tells that it moves, without knowing who watches: a terminal, a notebook or nobody."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Task(Protocol):
    """One bar: a count that goes up."""

    def advance(self, amount: float = 1, *, note: str | None = None) -> None:
        """Add `amount` units; `note` replaces the short text beside the bar."""


class Progress(Protocol):
    """Whoever shows bars and notes to the user."""

    def task(self, label: str, *, total: float | None, unit: str) -> AbstractContextManager[Task]:
        """Open a bar of `total` units (None: unknown); `unit` is a plural noun such as `documents`."""

    def note(self, message: str) -> None:
        """Say one line that stays."""


class _QuietTask:
    def advance(self, amount: float = 1, *, note: str | None = None) -> None:
        pass


class Quiet:
    """Show nothing; the default of every stage."""

    def task(self, label: str, *, total: float | None, unit: str) -> AbstractContextManager[Task]:
        """Return a bar nobody sees."""
        return nullcontext(_QuietTask())

    def note(self, message: str) -> None:
        """Drop the line."""
