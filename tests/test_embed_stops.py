"""However a run ends, nothing is lost, nothing torn, and the next one ends with the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from patentclust import artifacts
from tests.corpora import file_bytes, workspace_with

SCRIPT = """
import resource, sys
from pathlib import Path
from patentclust.analysis import packing
from patentclust import cli
packing.SHARD_UNITS = 10
if sys.argv[1] != "-":
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), -1))
sys.argv = ["patentclust", *sys.argv[2:]]
cli.main()
"""


def start(root: Path, model: Path, *flags: str, limit: str = "-") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, limit, "embed", "-w", str(root), "-m", str(model), "--threads", "1"]
    environment = os.environ | {"PATENTCLUST_VECTORS": str(root / "vectors")}
    return subprocess.Popen(
        [*command, "--unit", "document", *flags],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def wait_for_shards(root: Path, n: int, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and len(list(root.rglob("part-*.parquet"))) < n:
        time.sleep(0.002)
    assert process.poll() is None, process.stderr.read()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_q8: Path) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("undisturbed")
    process = start(workspace_with(root, 400).root, tiny_q8)
    assert process.wait() == 0, process.stderr.read()
    return file_bytes(root)


@pytest.mark.parametrize("flags", [(), ("--no-cache",), ("--isolate",)])
def test_ctrl_c_ends_with_130_and_the_way_on(
    flags: tuple[str, ...], tmp_path: Path, tiny_q8: Path, undisturbed: dict[str, bytes]
) -> None:
    root = workspace_with(tmp_path, 400).root
    process = start(root, tiny_q8, *flags)
    wait_for_shards(root, 2, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert len(list(root.rglob("part-*.parquet"))) < 40
    assert start(root, tiny_q8, *flags).wait() == 0
    assert file_bytes(root) == undisturbed


def test_killed_within_a_shard_the_cache_keeps_what_was_done(
    tmp_path: Path, tiny_q8: Path, undisturbed: dict[str, bytes]
) -> None:
    root = workspace_with(tmp_path, 400).root
    for n in (1, 3, 8):
        process = start(root, tiny_q8)
        wait_for_shards(root, n, process)
        time.sleep(0.004)
        process.kill()
        process.wait()
    assert start(root, tiny_q8).wait() == 0
    assert file_bytes(root) == undisturbed
    assert not list(root.rglob("*.tmp-*"))


def test_a_full_disk_is_told_and_leaves_no_torn_file(
    tmp_path: Path, tiny_q8: Path, undisturbed: dict[str, bytes]
) -> None:
    root = workspace_with(tmp_path, 400).root
    process = start(root, tiny_q8, "--no-cache", limit="3000")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "cannot write" in said
    assert "finished work is kept" in said
    assert "Traceback" not in said
    assert not list(root.rglob("*.tmp-*"))
    for path in root.rglob("part-*.parquet"):
        artifacts.read_table(path, kind="embeddings")
    assert start(root, tiny_q8).wait() == 0
    assert file_bytes(root) == undisturbed


def test_a_cache_on_a_full_disk_costs_time_only(tmp_path: Path, tiny_q8: Path, undisturbed: dict[str, bytes]) -> None:
    root = workspace_with(tmp_path, 400).root
    process = start(root, tiny_q8, limit="60000")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "cache of vectors is not used" in said
    assert file_bytes(root) == undisturbed


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, tiny_q8: Path) -> None:
    root = workspace_with(tmp_path, 5).root
    (root / "embeddings").write_text("a file where the folder should be")
    process = start(root, tiny_q8, "--no-cache")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cannot write" in said
    assert "Traceback" not in said


def test_a_read_only_folder_is_told(tmp_path: Path, tiny_q8: Path) -> None:
    root = workspace_with(tmp_path, 5).root
    mounted = subprocess.run(["mount", "--bind", "-o", "ro", str(root), str(root)], capture_output=True, check=False)
    if mounted.returncode:
        root.chmod(0o555)
    try:
        if os.access(root, os.W_OK):
            pytest.skip("this user may write anywhere, and may not mount")
        process = start(root, tiny_q8, "--no-cache")
        _, said = process.communicate(timeout=60)
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", str(root)], check=True)
        root.chmod(0o755)
    assert process.returncode == 1
    assert "cannot use the workspace" in said
    assert "Traceback" not in said


def test_a_second_run_on_the_same_workspace_is_refused(
    tmp_path: Path, tiny_q8: Path, undisturbed: dict[str, bytes]
) -> None:
    root = workspace_with(tmp_path, 400).root
    first = start(root, tiny_q8)
    wait_for_shards(root, 1, first)
    second = start(root, tiny_q8)
    _, said = second.communicate(timeout=60)
    assert first.wait() == 0
    assert second.returncode == 1
    assert "another patentclust run" in said
    assert file_bytes(root) == undisturbed
