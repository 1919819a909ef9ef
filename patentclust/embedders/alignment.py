"""Have llama.cpp's scratch memory begin at a page: attention over a long text is else up to a fifth slower.

Its CPU part takes that memory from C++'s `new[]`: 16 bytes past a page, or wherever the heap stands. Half of those
places put loads of the attention's tiles across two cache lines, so a context was fast or slow by chance. There is no
setting for it. But `new[]` stands for nothing else in that library, so its import of it is led to the C library's own
page-aligned allocator, whose blocks are freed as any others are.

On 64-bit Linux with glibc; elsewhere nothing is done. Knows nothing of models.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

_LIBRARY = "libggml-cpu"
_NEW_ARRAY = b"_Znam"  # operator new[](size_t)
_MAPS = Path("/proc/self/maps")
# Relocations that hold a function's address, by machine (the ELF supplements' GLOB_DAT and JUMP_SLOT).
_ADDRESS_TYPES = {"x86_64": (6, 7), "aarch64": (1025, 1026)}
_STRTAB, _SYMTAB, _RELA, _RELA_BYTES, _PLT_BYTES, _PLT = 5, 6, 7, 8, 2, 23
_RELOCATION = np.dtype([("offset", "<u8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
_SYMBOL_BYTES = 24
_LINK_MAP_REQUEST = 2


class _LinkMap(ctypes.Structure):
    """The public head of the loader's record of a library (link.h)."""

    _fields_ = (("base", ctypes.c_uint64), ("name", ctypes.c_char_p), ("dynamic", ctypes.c_uint64))


def align_scratch() -> int:
    """Lead the `new[]` of llama.cpp's CPU part to page-aligned memory; return how many imports that took, 0 if none."""
    if platform.libc_ver()[0] != "glibc" or sys.maxsize < 2**32:
        return 0
    allocate = ctypes.cast(ctypes.CDLL(None).valloc, ctypes.c_void_p).value or 0
    return sum(redirect(path, _NEW_ARRAY, allocate) for path in loaded(_LIBRARY))


def loaded(name: str) -> list[Path]:
    """Return the files of this process's libraries whose names begin so."""
    paths = {Path(line.split(maxsplit=5)[5]) for line in _maps() if "/" in line}
    return sorted(path for path in paths if path.name.startswith(name))


def redirect(path: Path, symbol: bytes, target: int) -> int:
    """Have a loaded library call the function at `target` wherever it imports `symbol`; return how many places."""
    try:
        library = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD)
    except OSError:  # replaced on disk while it runs
        return 0
    return sum(_write(slot, target) for slot in imports(library, symbol))


def imports(library: ctypes.CDLL, symbol: bytes) -> list[int]:
    """Return where a loaded library keeps the addresses of a function it imports."""
    found = ctypes.POINTER(_LinkMap)()
    if ctypes.CDLL(None).dlinfo(ctypes.c_void_p(library._handle), _LINK_MAP_REQUEST, ctypes.byref(found)):
        return []
    base, section = found.contents.base, _dynamic_section(found.contents.dynamic)

    def address(tag: int) -> int:
        # glibc adds the base to these in place where it may write there.
        return section[tag] if section[tag] >= base else base + section[tag]

    slots = []
    for table, size in ((_RELA, _RELA_BYTES), (_PLT, _PLT_BYTES)):
        if table not in section:
            continue
        rows = np.frombuffer(ctypes.string_at(address(table), section[size]), _RELOCATION)
        for row in rows[np.isin(rows["type"], _ADDRESS_TYPES.get(platform.machine(), ()))]:
            name = ctypes.c_uint32.from_address(address(_SYMTAB) + _SYMBOL_BYTES * int(row["symbol"])).value
            if ctypes.string_at(address(_STRTAB) + name) == symbol:
                slots.append(base + int(row["offset"]))
    return slots


def _dynamic_section(address: int) -> dict[int, int]:
    section: dict[int, int] = {}
    while True:
        tag, value = (ctypes.c_uint64 * 2).from_address(address)
        if tag == 0:
            return section
        section[tag] = value
        address += 16


def _write(slot: int, target: int) -> bool:
    """Write an address; where the loader has closed the page behind itself, open it and close it again."""
    page = slot // mmap.PAGESIZE * mmap.PAGESIZE
    closed = not _is_writable(slot)
    if closed and _protect(page, mmap.PROT_READ | mmap.PROT_WRITE):
        return False
    ctypes.c_uint64.from_address(slot).value = target
    if closed:
        _protect(page, mmap.PROT_READ)
    return True


def _protect(page: int, access: int) -> int:
    return int(ctypes.CDLL(None).mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), access))


def _is_writable(address: int) -> bool:
    for line in _maps():
        span, rights = line.split(maxsplit=2)[:2]
        start, stop = (int(part, 16) for part in span.split("-"))
        if start <= address < stop:
            return "w" in rights
    return False


def _maps() -> list[str]:
    with suppress(OSError):  # no /proc
        return _MAPS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return []
