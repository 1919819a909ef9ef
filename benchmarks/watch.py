"""Watch a command as its user does: its progress line and its memory, every so often, then whether its ETA held.

    python benchmarks/watch.py [--every 20] -- patentclust embed -w FOLDER -m minilm

The command runs in a terminal of its own, so that it draws its progress. Prints a Markdown table; the last column is
when the run would have ended by the ETA shown, to be held against when it did.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import sys
import time

import psutil

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ETA = re.compile(r"ETA (\d+):(\d\d):(\d\d)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=float, default=20)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    os.environ |= {"COLUMNS": "200", "LINES": "50", "TERM": "xterm"}
    start = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        command = arguments.command[1:] if arguments.command[0] == "--" else arguments.command
        os.execvp(command[0], command)
    said = watch(child, terminal, start, arguments.every)
    _, status = os.waitpid(child, 0)
    print(f"\nended after {time.monotonic() - start:,.0f} s with {os.waitstatus_to_exitcode(status)}; it said:\n")
    print("\n".join(f"    {line}" for line in said))
    sys.exit(os.waitstatus_to_exitcode(status))


def watch(child: int, terminal: int, start: float, every: float) -> list[str]:
    """Print a row now and then until the terminal closes; return the lines that are no progress."""
    print("| s | RSS MiB | progress | would end at s |\n|---|---|---|---|", flush=True)
    process, text, due = psutil.Process(child), "", every
    while True:
        if select.select([terminal], [], [], 1)[0]:
            try:
                data = os.read(terminal, 1 << 16)
            except OSError:
                break
            if not data:
                break
            text += data.decode("utf-8", "replace")
        now = time.monotonic() - start
        if now >= due:
            due += every
            lines = lines_of(text)
            eta = ETA.search(lines[-1]) if lines else None
            end = now + sum(int(n) * s for n, s in zip(eta.groups(), (3600, 60, 1), strict=True)) if eta else None
            print(f"| {now:,.0f} | {process.memory_info().rss / 2**20:,.0f} | {lines[-1] if lines else ''} "
                  f"| {'' if end is None else f'{end:,.0f}'} |", flush=True)  # fmt: skip
    return [line for line in lines_of(text) if "ETA" not in line]


def lines_of(text: str) -> list[str]:
    plain = ESCAPES.sub("", text).replace("\r", "\n")
    return [line.strip() for line in plain.split("\n") if line.strip()]


if __name__ == "__main__":
    main()
