"""Give a virtual environment its own libgomp.so.1, where the machine has none.

LightGBM's wheel needs the system's ``libgomp.so.1``, which a bare Debian lacks. scikit-learn's
wheel brings the same library, but under a hashed name, so that the loader does not take it for
the one that LightGBM asks for. A copy with its own name (DT_SONAME) put back is all it takes: once
it is loaded in a process, the loader uses it for every library that needs ``libgomp.so.1``.

Standard library only: setup runs this before anything is installed.
"""

import os
import struct
from pathlib import Path

NAME = "libgomp.so.1"
PLACE = Path("lib", "maru", NAME)
HOOK = "maru_openmp.pth"
# 258 = RTLD_NOW | RTLD_GLOBAL. _ctypes, because ctypes would add milliseconds to every start.
HOOK_LINE = f'import sys, _ctypes; _ctypes.dlopen(sys.prefix + "/{PLACE.as_posix()}", 258)\n'

_ELF64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_STRTAB, _DT_SONAME = 0, 5, 14


def add_openmp(venv: Path) -> Path:
    """Write the copy and the line that loads it at the start of every Python of the environment.

    The wheel's own file is left as it is: it may be a hard link into a package cache.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    ValueError
        If scikit-learn's wheel has no libgomp, or it is no 64-bit ELF library with a longer name.
    """
    packages = next(venv.glob("lib/python*/site-packages"))
    found = sorted(packages.glob("scikit_learn.libs/libgomp-*.so*"))
    if not found:
        raise ValueError(f"{packages}/scikit_learn.libs has no libgomp")
    copy = venv / PLACE
    copy.parent.mkdir(parents=True, exist_ok=True)
    _write(copy, with_soname(found[0].read_bytes(), NAME))
    _write(packages / HOOK, HOOK_LINE.encode())
    return copy


def with_soname(library: bytes, name: str) -> bytes:
    """Return an ELF library under another DT_SONAME, that is at most as long as the one it has."""
    start = soname_offset(library)
    end = library.index(b"\0", start)
    new = name.encode()
    if len(new) > end - start:
        raise ValueError(f"{name} is longer than {library[start:end].decode()}")
    return library[:start] + new.ljust(end - start, b"\0") + library[end:]


def soname_offset(library: bytes) -> int:
    """Return where in the file the string of DT_SONAME begins."""
    if not library.startswith(_ELF64_LITTLE_ENDIAN):
        raise ValueError("not a 64-bit little-endian ELF file")
    headers_at, size, count = *struct.unpack_from("<Q", library, 32), *_header_size(library)
    headers = [
        struct.unpack_from("<IIQQQQ", library, headers_at + number * size)
        for number in range(count)
    ]
    dynamic = next((h for h in headers if h[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        raise ValueError("not a shared library: it has no dynamic section")
    entries = dict(_dynamic_entries(library, dynamic[2]))
    if _DT_SONAME not in entries:
        raise ValueError("the library has no DT_SONAME")
    address = entries[_DT_STRTAB] + entries[_DT_SONAME]
    for kind, _, offset, virtual, _, length in headers:
        if kind == _PT_LOAD and virtual <= address < virtual + length:
            return int(address - virtual + offset)
    raise ValueError("the string table lies in no loaded segment")


def _header_size(library: bytes) -> tuple[int, int]:
    size, count = struct.unpack_from("<HH", library, 54)
    return size, count


def _dynamic_entries(library: bytes, offset: int) -> list[tuple[int, int]]:
    entries: list[tuple[int, int]] = []
    while True:
        tag, value = struct.unpack_from("<qQ", library, offset)
        if tag == _DT_NULL:
            return entries
        entries.append((tag, value))
        offset += 16


def _write(path: Path, content: bytes) -> None:
    # Written aside and renamed: a process that has the old one loaded keeps it whole.
    staged = path.with_name(f".{path.name}.new")
    staged.write_bytes(content)
    os.replace(staged, path)  # noqa: PTH105
