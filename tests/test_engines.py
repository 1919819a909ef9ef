"""The engines: every task done once, wherever; a dead worker costs its item; nobody stays behind."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from patentclust import engines

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does")


def doubled(task, tell):
    for item in range(len(task)):
        tell(item)
    return [2 * value for value in task]


def deadly(task, tell):
    for item, value in enumerate(task):
        tell(item)
        if value == "bomb":
            os.kill(os.getpid(), signal.SIGKILL)
    return task


def wrong(task, tell):
    raise ValueError(f"cannot do {task}")


def chatty(task, tell):
    print("a stray line")
    os.write(1, b"and bytes")
    return sys.stdin.read()


def dead_on_arrival(task, tell):
    os._exit(3)


def slow(task, tell):
    time.sleep(60)


def disarmed(task, item, reason):
    assert "SIGKILL" in reason
    return [*task[:item], "lost", *task[item + 1 :]]


def same(task, item, reason):
    raise AssertionError(f"{task} {item} {reason}")


@pytest.mark.parametrize("n_workers", [1, 2, 5])
@pytest.mark.parametrize("n_tasks", [0, 1, 2, 50])
def test_every_task_is_done_once(n_workers, n_tasks):
    tasks = ([number] for number in range(n_tasks))
    found = engines.run(doubled, tasks, n_workers=n_workers, revise=same)
    assert sorted(found) == [[2 * number] for number in range(n_tasks)]


def test_a_dead_worker_costs_only_the_item_it_died_of():
    tasks = [["a", "bomb", "b", "bomb"], ["c"], ["bomb"], ["d"]]
    found = list(engines.run(deadly, tasks, n_workers=2, revise=disarmed))
    assert sorted(found) == [["a", "lost", "b", "lost"], ["c"], ["d"], ["lost"]]


def test_what_the_function_raises_is_raised_with_the_workers_traceback():
    with pytest.raises(ValueError, match="cannot do 7") as caught:
        list(engines.run(wrong, [7], n_workers=2, revise=same))
    assert "test_engines.py" in caught.value.__notes__[0]


def test_a_worker_that_cannot_begin_is_a_bug_and_no_endless_loop():
    with pytest.raises(RuntimeError, match="ended with code 3"):
        list(engines.run(dead_on_arrival, [1], n_workers=2, revise=same))


def test_what_is_printed_or_read_in_a_worker_disturbs_nothing():
    assert list(engines.run(chatty, [1, 2], n_workers=2, revise=same)) == ["", ""]


def test_tasks_are_taken_as_workers_come_free():
    taken = []

    def tasks():
        for number in range(100):
            taken.append(number)
            yield [number]

    found = engines.run(doubled, tasks(), n_workers=2, revise=same)
    next(found)
    assert len(taken) <= 4
    found.close()


def test_leaving_early_ends_the_workers():
    before = children()
    found = engines.run(doubled, ([number] for number in range(100)), n_workers=2, revise=same)
    next(found)
    assert children() - before
    found.close()
    assert children() == before


def children():
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc to see processes")
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(path)
    return found
