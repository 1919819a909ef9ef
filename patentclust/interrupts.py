"""Ctrl-C that waits for a safe point. Knows nothing of what is being done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from patentclust.errors import StoppedError


@contextmanager
def held(kept: str = "what was done is kept") -> Iterator[Callable[[], None]]:
    """Hold the first Ctrl-C back, and yield a check to be called at safe points; a second Ctrl-C is not held.

    The check raises StoppedError once Ctrl-C was pressed. Outside the main thread, where Python takes no signals, it
    never does.
    """
    pressed = False

    def note(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def check() -> None:
        if pressed:
            raise StoppedError(f"stopped by Ctrl-C; {kept}", hint="the same command goes on from there")

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
