"""Worker processes: plain Python programs that take pickled tasks on stdin and give results on stdout.

They are no `multiprocessing` children: the caller's main module is not imported in them (a notebook or a script without
guard works), no lock is shared that a killed one could hold, and they may have children of their own. A thread of ours
drives each, so a death is known at once, with the task it cost. One whose parent is gone, however it went, sees the end
of its stdin and goes too.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, BinaryIO, cast

# Tasks that wait, read and pickled, so that no worker has to.
_READY = 1
_START = (
    "import json, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path[:] = json.loads(sys.argv[1]); "
    "from patentclust.engines.processes import serve; serve()"
)


def run_in_processes(
    function: Callable[[Any, Callable[[int], None]], Any],
    tasks: Iterable[Any],
    *,
    n_workers: int,
    revise: Callable[[Any, int, str], Any],
) -> Iterator[Any]:
    """Yield the results of `function` as they come; see `engines.run`.

    Raises:
        Exception: what the function raised, with the worker's traceback as a note.
        RuntimeError: a worker died before its first item: it cannot work here at all.
    """
    crew = _Crew(function, revise)
    with ThreadPoolExecutor(n_workers) as threads:
        running: set[Future[Any]] = set()
        try:
            for task in tasks:
                running.add(threads.submit(crew.do, task))
                if len(running) >= n_workers + _READY:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            # Also ends the threads, which wait for an answer.
            crew.dismiss()
            threads.shutdown(cancel_futures=True)


class _DeathError(Exception):
    def __init__(self, item: int | None, reason: str) -> None:
        super().__init__(reason)
        self.item, self.reason = item, reason


class _Crew:
    """All workers, one a thread."""

    def __init__(self, function: Callable[..., Any], revise: Callable[[Any, int, str], Any]) -> None:
        self._function, self._revise = function, revise
        self._own = threading.local()
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._dismissed = False

    def do(self, task: Any) -> Any:
        while True:
            try:
                return self._worker().do(task)
            except _DeathError as death:
                self._own.worker = None
                if self._dismissed or death.item is None:
                    raise RuntimeError(f"a worker process {death.reason} before it began") from death
                task = self._revise(task, death.item, death.reason)

    def _worker(self) -> _Worker:
        if getattr(self._own, "worker", None) is None:
            with self._lock:
                if self._dismissed:
                    raise RuntimeError("the run has ended")
                self._own.worker = _Worker(self._function)
                self._workers.append(self._own.worker)
        return cast(_Worker, self._own.worker)

    def dismiss(self) -> None:
        with self._lock:
            self._dismissed = True
            for worker in self._workers:
                worker.kill()


class _Worker:
    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._to = cast(BinaryIO, self._process.stdin)
        self._from = cast(BinaryIO, self._process.stdout)

    def do(self, task: Any) -> Any:
        item = None
        try:
            pickle.dump((self._function, task), self._to, protocol=5)
            self._to.flush()
            while True:
                kind, value = pickle.load(self._from)
                if kind == "item":
                    item = value
                elif kind == "raised":
                    raise value
                else:
                    return value
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise _DeathError(item, _cause(self._process.wait())) from error

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _cause(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    return f"was killed by {name}" + (" (most likely for want of memory)" if name == "SIGKILL" else "")


def serve() -> None:
    """Be a worker: do tasks until stdin ends."""
    tasks, answers = _private_pipes()
    waiting: queue.SimpleQueue[tuple[Callable[..., Any], Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, waiting), daemon=True).start()

    def answer(kind: str, value: Any) -> None:
        pickle.dump((kind, value), answers, protocol=5)
        answers.flush()

    while True:
        function, task = waiting.get()
        try:
            result = function(task, lambda item: answer("item", item))
        except Exception as error:  # noqa: BLE001 - raised again where the task came from
            answer("raised", _portable(error))
        else:
            answer("done", result)


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout away from everybody else: a stray print or a child must not touch them."""
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return tasks, answers


def _listen(tasks: BinaryIO, waiting: queue.SimpleQueue[tuple[Callable[..., Any], Any]]) -> None:
    """Read tasks while others are done, for the end of stdin to be seen at any time."""
    while True:
        try:
            waiting.put(pickle.load(tasks))
        except (EOFError, pickle.UnpicklingError):
            os._exit(0)
        except Exception:  # noqa: BLE001 - nobody would hear the end of stdin any more: better dead than hung
            traceback.print_exc()
            os._exit(1)


def _portable(error: Exception) -> Exception:
    error.add_note("in a worker process:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.dump(error, io.BytesIO())
    except (pickle.PicklingError, TypeError, AttributeError):
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
