"""Where a function over many tasks runs: here, or in worker processes. Knows nothing of what the tasks are.

The function is `function(task, tell) -> result`; it calls `tell(k)` before it begins with the k-th item of its task.
Results come in the order in which they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from patentclust.engines.processes import run_in_processes

__all__ = ["run"]


def run(
    function: Callable[[Any, Callable[[int], None]], Any],
    tasks: Iterable[Any],
    *,
    n_workers: int,
    revise: Callable[[Any, int, str], Any],
) -> Iterator[Any]:
    """Yield the result of each task; with one worker, all is done in this process.

    Tasks are taken as workers come free, so that few of them are in memory. `revise(task, k, reason)` gives the task
    to be done instead of one that killed its worker at its k-th item.
    """
    if n_workers == 1:
        return (function(task, _say_nothing) for task in tasks)
    return run_in_processes(function, tasks, n_workers=n_workers, revise=revise)


def _say_nothing(item: int) -> None:
    pass
