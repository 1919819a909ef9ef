"""llama.cpp's scratch memory begins at a page, and nothing else changes."""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from patentclust import models
from patentclust.embedders import alignment
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.params import EmbedParams, Resources

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="done on Linux with glibc only")

TEXTS = ["An electrode of a lithium-ion cell. " * 40, "A gear box."]
Allocator = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t)


@pytest.fixture(autouse=True)
def aligned_again() -> Iterator[None]:
    yield
    alignment.align_scratch()


def address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def vectors(path: Path) -> np.ndarray:
    spec = models.find(str(path))
    embedder = InProcessEmbedder(path, spec, params=EmbedParams(model=str(path)), resources=Resources(threads=1))
    found = embedder.encode_document(TEXTS).vectors
    embedder.close()
    return found


def lead(target: int) -> None:
    (library,) = alignment.loaded("libggml-cpu")
    assert alignment.redirect(library, b"_Znam", target) == 1


def test_loading_llama_cpp_leads_its_scratch_to_page_aligned_memory(tiny_f32: Path) -> None:
    vectors(tiny_f32)
    (path,) = alignment.loaded("libggml-cpu")
    slots = alignment.imports(ctypes.CDLL(str(path)), b"_Znam")
    assert [ctypes.c_uint64.from_address(slot).value for slot in slots] == [address(libc().valloc)]


def test_a_context_takes_all_its_scratch_there(tiny_f32: Path) -> None:
    vectors(tiny_f32)
    valloc = libc().valloc
    valloc.restype, valloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    taken: list[tuple[int, int]] = []

    @Allocator
    def noting(size: int) -> int:
        taken.append((size, valloc(size)))
        return taken[-1][1]

    lead(address(noting))
    vectors(tiny_f32)
    lead(address(valloc))
    assert max(size for size, _ in taken) > 60_000
    assert [where % 4096 for _, where in taken] == [0] * len(taken)


@pytest.mark.parametrize("model", ["tiny_f32", "tiny_q8"])
def test_the_bits_are_the_same_without(model: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(model)
    aligned = vectors(path)
    lead(address(ctypes.CDLL("libstdc++.so.6")._Znam))
    assert np.array_equal(vectors(path), aligned)


@pytest.mark.parametrize("binding", ["lazy", "now"])
def test_an_import_is_led_elsewhere_even_where_the_loader_closed_its_page(binding: str, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make a library with")
    (tmp_path / "one.c").write_text("int toupper(int); int shout(int c) { return toupper(c); }\n")
    path = tmp_path / "libone.so"
    flags = ["-shared", "-fPIC", "-fno-builtin", f"-Wl,-z,relro,-z,{binding}"]
    subprocess.run([compiler, *flags, "-o", path, tmp_path / "one.c"], check=True)
    library = ctypes.CDLL(str(path))
    (slot,) = alignment.imports(library, b"toupper")
    assert library.shout(ord("a")) == ord("A")
    assert alignment.redirect(path, b"toupper", address(libc().tolower)) == 1
    assert library.shout(ord("A")) == ord("a")
    rights = [line for line in Path("/proc/self/maps").read_text().splitlines() if covers(line, slot)]
    assert rights[0].split()[1] == ("r--p" if binding == "now" else "rw-p")


def covers(line: str, where: int) -> bool:
    start, stop = (int(part, 16) for part in line.split()[0].split("-"))
    return start <= where < stop


def test_what_is_not_there_is_left_alone(tmp_path: Path) -> None:
    assert alignment.loaded("libnothing-of-the-kind") == []
    assert alignment.redirect(tmp_path / "libnone.so", b"_Znam", 0) == 0
