"""Run one function on hostile input under limits: in a child process that may hang, crash or eat memory in our place.

The child is kept and used again, so that many small files cost one start. It is an ordinary subprocess and none of
`multiprocessing`, because readers run inside the workers of a pool, which may have no children of that kind.
Knows no file format.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

from patentclust.errors import SourceError
from patentclust.readers import limits

_T = TypeVar("_T")
_HINT = "open it and save it again, or get another copy"
# The child ends itself this long after its limit, should whoever started it be gone and unable to.
_ORPHAN_SECONDS = 10.0


class _DiedError(Exception):
    """The child ended before it answered."""


def run(function: Callable[..., _T], *args: object, seconds: float) -> _T:
    """Return `function(*args)` as computed in the child; what it raises there is raised here.

    The function must stand at the top of a module; it, its arguments and its result must pickle. The limit of memory
    holds on Linux, that of time everywhere.

    Raises:
        SourceError: it took longer than `seconds`, needed more than `limits.GUARD_BYTES` of memory, or crashed.
    """
    return cast(_T, _guard.run((function, args), seconds))


def free() -> None:
    """End the child, and with it the memory that it keeps; the next run starts another."""
    _guard.free()


class _Guard:
    """The child of this process, if any, and who may speak to it."""

    def __init__(self) -> None:
        self.child: _Child | None = None
        self._lock = threading.Lock()

    def run(self, request: tuple[Callable[..., Any], tuple[object, ...]], seconds: float) -> object:
        with self._lock:
            used_before = self.child is not None
            try:
                return self._ask(request, seconds)
            except (MemoryError, _DiedError) as error:
                if not used_before:
                    raise _failure(error) from error
            # What the child read before may have left it too little memory; an answer must not depend on that.
            try:
                return self._ask(request, seconds)
            except (MemoryError, _DiedError) as error:
                raise _failure(error) from error

    def _ask(self, request: tuple[Callable[..., Any], tuple[object, ...]], seconds: float) -> object:
        if self.child is None:
            self.child = _Child(limits.GUARD_BYTES)
        try:
            value, error, trace = self.child.ask(request, seconds)
        except BaseException:
            # Ctrl-C too: the child is in the middle of a request, and its next answer would be to that one.
            self.stop()
            raise
        if isinstance(error, MemoryError):
            self.stop()
        elif error and trace:
            error.add_note(f"In the process that read the file:\n{trace}")
        if error:
            raise error
        return value

    def free(self) -> None:
        with self._lock:
            self.stop()

    def stop(self) -> None:
        if self.child:
            self.child.end()
        self.child = None


class _Child:
    def __init__(self, n_bytes: int) -> None:
        # It finds modules where this process does, whatever put them there.
        code = f"import sys; sys.path[:] = {sys.path!r}; from patentclust.readers.guard import serve; serve({n_bytes})"
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin and self._process.stdout
        self.requests, self.answers = self._process.stdin, self._process.stdout

    def ask(self, request: object, seconds: float) -> tuple[object, Exception | None, str]:
        late = threading.Event()

        def kill() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            # A child that died meanwhile is noticed when its answer is read.
            with suppress(BrokenPipeError):
                pickle.dump((seconds, request), self.requests, protocol=pickle.HIGHEST_PROTOCOL)
                self.requests.flush()
            return cast("tuple[object, Exception | None, str]", pickle.load(self.answers))
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            if late.is_set():
                raise SourceError(f"reading it took more than {seconds:g} seconds", hint=_HINT) from error
            raise _DiedError(_ended(self._process.wait())) from error
        finally:
            timer.cancel()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self.close()

    def close(self) -> None:
        for stream in (self.requests, self.answers):
            with suppress(OSError):
                stream.close()


def _failure(error: Exception) -> SourceError:
    allowed = f"{limits.GUARD_BYTES / 1024**3:.1f} GB of memory"
    if isinstance(error, MemoryError):
        return SourceError(f"reading it took more than {allowed}", hint=_HINT)
    return SourceError(f"reading it crashed the library that reads it ({error}); {allowed} are allowed", hint=_HINT)


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def serve(n_bytes: int) -> None:
    """Answer requests on stdin until it closes: all that the child does."""
    answers = os.fdopen(os.dup(1), "wb")
    # A library that prints must not speak into the answers.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    _limit_memory(n_bytes)
    while True:
        try:
            seconds, (function, args) = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        faulthandler.dump_traceback_later(seconds + _ORPHAN_SECONDS, exit=True, file=nowhere)
        answer = _answer(function, args)
        faulthandler.cancel_dump_traceback_later()
        answers.write(answer)
        answers.flush()


def _answer(function: Callable[..., Any], args: tuple[object, ...]) -> bytes:
    try:
        return pickle.dumps((function(*args), None, ""))
    except MemoryError:
        return pickle.dumps((None, MemoryError(), ""))
    except SourceError as error:
        return pickle.dumps((None, error, ""))
    except Exception as error:  # noqa: BLE001 - it is raised again on the other side, with its traceback
        return pickle.dumps((None, error, traceback.format_exc()))


def _limit_memory(n_bytes: int) -> None:
    """Limit the address space, where the system lets us: Linux does, macOS and Windows do not."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        allowed = n_bytes if hard == resource.RLIM_INFINITY else min(n_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))


def _after_fork() -> None:
    """Leave the child to the process that started it: two that speak to one would mix up its answers."""
    global _guard
    if _guard.child:
        _guard.child.close()
    _guard = _Guard()


_guard = _Guard()
atexit.register(lambda: _guard.stop())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
