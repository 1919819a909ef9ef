"""The guard: what hangs, crashes, eats memory or is killed ends as an error that names the limit."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from patentclust.errors import SourceError
from patentclust.readers import guard, limits

needs_a_memory_limit = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits memory")


def test_a_result_comes_back():
    assert guard.run(divmod, 7, 2, seconds=30) == (3, 1)


def test_one_process_answers_many_calls():
    assert len({guard.run(os.getpid, seconds=30) for _ in range(5)} - {os.getpid()}) == 1


def fail_with_hint():
    raise SourceError("no text", hint="read it again")


def test_an_error_of_the_source_keeps_its_hint():
    with pytest.raises(SourceError, match="no text") as caught:
        guard.run(fail_with_hint, seconds=30)
    assert caught.value.hint == "read it again"


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError) as caught:
        guard.run(divmod, 1, 0, seconds=30)
    assert any("_answer" in note for note in caught.value.__notes__)


def loop():
    while True:
        pass


def test_a_loop_ends_at_the_limit_of_time_and_the_next_call_is_answered():
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"took more than 0\.5 seconds"):
        guard.run(loop, seconds=0.5)
    assert time.monotonic() - started < 5
    assert guard.run(abs, -3, seconds=30) == 3


def hang_in_c():
    # Holds the interpreter's lock: no thread of Python's own could end it.
    ctypes.PyDLL(None).sleep(60)


@pytest.mark.skipif(sys.platform == "win32", reason="no C function `sleep` to hang in")
def test_a_hang_inside_a_library_ends_at_the_limit_too():
    with pytest.raises(SourceError, match=r"took more than 0\.5 seconds"):
        guard.run(hang_in_c, seconds=0.5)


def test_a_crash_is_an_error_and_the_next_call_is_answered():
    with pytest.raises(SourceError, match="crashed the library that reads it"):
        guard.run(os.abort, seconds=30)
    assert guard.run(abs, -3, seconds=30) == 3


def kill_itself():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to be killed by")
def test_a_killed_child_is_an_error_that_says_by_what():
    with pytest.raises(SourceError, match="SIGKILL"):
        guard.run(kill_itself, seconds=30)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to be killed by")
def test_a_child_that_died_while_idle_is_replaced():
    os.kill(guard.run(os.getpid, seconds=30), signal.SIGKILL)
    assert guard.run(abs, -3, seconds=30) == 3


def eat(n_bytes):
    return len(bytearray(n_bytes))


@pytest.fixture
def half_a_gigabyte(monkeypatch):
    monkeypatch.setattr(limits, "GUARD_BYTES", 2**29)
    small = guard._Guard()
    monkeypatch.setattr(guard, "_guard", small)
    yield
    small.stop()


@needs_a_memory_limit
def test_a_child_that_eats_memory_is_an_error_that_names_the_limit(half_a_gigabyte):
    with pytest.raises(SourceError, match=r"more than 0\.5 GB of memory"):
        guard.run(eat, 2**29, seconds=30)
    assert guard.run(eat, 2**20, seconds=30) == 2**20


_kept = []


def keep(n_bytes):
    _kept.append(bytearray(n_bytes))
    return len(_kept)


@needs_a_memory_limit
def test_what_was_read_before_does_not_take_the_memory_of_what_comes_after(half_a_gigabyte):
    assert guard.run(keep, 2**28, seconds=30) == 1
    assert guard.run(keep, 2**28, seconds=30) == 1


def test_what_a_library_prints_does_not_disturb_the_answer(capfd):
    assert guard.run(os.write, 1, b"noise", seconds=30) == 5
    assert capfd.readouterr().out == ""


def guarded_pid(_):
    return guard.run(os.getpid, seconds=30)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_it_works_inside_the_workers_of_a_pool_each_with_a_child_of_its_own(method):
    own = guard.run(os.getpid, seconds=30)
    with multiprocessing.get_context(method).Pool(2) as pool:
        pids = set(pool.map(guarded_pid, range(8), chunksize=1))
    assert pids
    assert own not in pids


def test_it_runs_where_the_interpreter_finds_modules_by_a_changed_path(tmp_path):
    (tmp_path / "made.py").write_text("def answer():\n    return 42\n")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, *{sys.path!r}]\n"
        "import made\nfrom patentclust.readers import guard\nprint(guard.run(made.answer, seconds=30))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "42"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_no_child_outlives_whoever_started_it():
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\nimport os\nfrom patentclust.readers import guard\n"
        "print(guard.run(os.getpid, seconds=30), flush=True)\nos._exit(1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    deadline = time.monotonic() + 10
    child = Path("/proc", done.stdout.strip())
    while child.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.exists()
