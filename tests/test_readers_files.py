"""Which files are meant: folders walked in one order, links kept in their folder, nothing skipped in silence."""

import os

import pytest

from patentclust.errors import SourceError
from patentclust.readers import InputFile, find_files


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


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_a_failure(folder):
    (folder / "sub").chmod(0)
    assert [path for path, _ in wrong(["data"])] == ["data/sub"]
    (folder / "sub").chmod(0o755)


def test_nothing_given_is_nothing_found():
    assert find_files([]) == []
