"""Which files are meant: folders walked in one order, links kept in their folder, nothing skipped in silence."""

import os
import tempfile
from pathlib import Path

import pytest

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import InputFile, find_files, read_file

# The user of no rights, by its number on every Unix.
NOBODY = 65534


def shown(paths):
    return [item.shown for item in find_files(paths) if isinstance(item, InputFile)]


def wrong(paths):
    return [(item.source_path, str(item)) for item in find_files(paths) if isinstance(item, SourceError)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.xml",
        "a.xml",
        "sub/c.xml",
        "sub/.hidden/x.xml",
        ".DS_Store",
        "Thumbs.db",
        "__MACOSX/x",
        "sub/~$d.csv",
    ):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path / "data"


def test_a_folder_is_walked_in_order_without_junk(folder):
    assert shown(["data"]) == ["data/a.xml", "data/b.xml", "data/sub/c.xml"]


def test_the_order_of_the_arguments_does_not_matter(folder):
    assert shown(["data/sub", "data/a.xml"]) == shown(["data/a.xml", "data/sub"])


def test_paths_are_shown_as_given(folder):
    assert shown([folder / "a.xml"]) == [(folder / "a.xml").as_posix()]


def test_a_file_given_twice_is_read_once(folder):
    assert shown(["data", "data/a.xml", folder / "a.xml"]).count("data/a.xml") <= 1
    assert len(shown(["data", "data/a.xml", folder / "a.xml"])) == 3


def test_a_hidden_file_that_is_named_is_meant(folder):
    assert shown(["data/.DS_Store"]) == ["data/.DS_Store"]


def test_a_missing_path_is_a_failure(folder):
    assert wrong(["data/nowhere"]) == [("data/nowhere", "there is no such file or folder")]


def test_an_empty_file_is_a_failure(folder):
    (folder / "empty.xml").write_text("")
    assert wrong(["data"]) == [("data/empty.xml", "the file is empty")]


def test_a_link_inside_its_folder_is_not_read_twice(folder):
    (folder / "z.xml").symlink_to("a.xml")
    (folder / "again").symlink_to("sub")
    assert shown(["data"]) == ["data/a.xml", "data/b.xml", "data/sub/c.xml"]
    assert wrong(["data"]) == []


def test_a_link_out_of_its_folder_is_a_failure(folder, tmp_path):
    (tmp_path / "secret.xml").write_text("x")
    (folder / "out.xml").symlink_to("../secret.xml")
    (folder / "outside").symlink_to("..")
    assert [path for path, reason in wrong(["data"]) if "leads out" in reason] == ["data/out.xml", "data/outside"]


def test_a_link_that_is_named_is_followed(folder, tmp_path):
    (tmp_path / "link.xml").symlink_to("data/a.xml")
    assert shown(["link.xml"]) == ["link.xml"]


def test_a_link_to_nothing_is_a_failure(folder):
    (folder / "broken.xml").symlink_to("gone.xml")
    assert wrong(["data"]) == [("data/broken.xml", "a symbolic link to nothing")]


def test_a_loop_of_links_ends(folder):
    (folder / "loop").symlink_to(".")
    (folder / "knot").symlink_to("knot")
    assert len(shown(["data"])) == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_a_failure_and_is_never_opened(folder):
    os.mkfifo(folder / "pipe.xml")
    assert wrong(["data"]) == [("data/pipe.xml", "neither a file nor a folder")]


@pytest.fixture
def unprivileged():
    """Root may read everything: give its rights up for as long as the test runs."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system knows no permissions")
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)
    yield
    if was_root:
        os.seteuid(0)


def test_a_folder_or_file_without_permission_is_a_failure_and_costs_only_itself(unprivileged):
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        (top / "closed").mkdir()
        (top / "closed.xml").write_text("<a/>")
        (top / "open.xml").write_text("<a/>")
        (top / "closed").chmod(0)
        (top / "closed.xml").chmod(0)
        try:
            found = list(find_files([name]))
            assert [item.source_path for item in found if isinstance(item, SourceError)] == [f"{name}/closed"]
            files = {item.shown: item for item in found if not isinstance(item, SourceError)}
            assert sorted(files) == [f"{name}/closed.xml", f"{name}/open.xml"]
            (item,) = read_file(files[f"{name}/closed.xml"], IngestParams(), sha256="0")
            assert isinstance(item, SourceError)
            assert "Permission denied" in str(item)
        finally:
            (top / "closed").chmod(0o755)


def test_nothing_given_is_nothing_found():
    assert find_files([]) == []
