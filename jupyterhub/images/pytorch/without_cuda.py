"""Let torch load without NVIDIA's libraries: write an empty one in place of each that is missing.

PyPI's torch is built for CUDA and linked with 3 GB of libraries that a machine without a GPU never
calls. The loader still wants each of them with each function that torch names. So every missing
one becomes a library of a few kilobytes with those names; a call, which there is none of without a
GPU, ends the process by SIGILL. What torch calls on every machine (CUDA's runtime, which says that
there is no GPU, and its profiler's hooks) is small and stays the real thing.

torch's metadata must not ask for what was left out either, or the first `pip install` of a package
that needs torch would fetch it after all.

    without_cuda.py SITE_PACKAGES LEFT_OUT    needs nm, readelf, as and ld (Debian: binutils)

LEFT_OUT is a file with the names of the packages that are not installed.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

# Not libcuda: that is the GPU's driver, which a machine with one brings itself.
_OURS_TO_WRITE = re.compile(r"lib(cu(?!da\.so)|nv|nccl)")
_THEIR_NAMES = re.compile(r"(cu|nv|nccl)\w+$")
# Room for a variable: larger than any that torch reads from such a library.
_VARIABLE_BYTES = 4096


# Of the package that has all of CUDA as extras, those that stay.
_TOOLKIT = re.compile(r"cuda-toolkit\[[^]]*\]")
_TOOLKIT_KEPT = "cuda-toolkit[cudart,cufile,cupti]"


def main(site_packages: Path, left_out: Path) -> None:
    """Write the missing libraries beside torch's own, where its loader path ends."""
    (metadata,) = site_packages.glob("torch-*.dist-info/METADATA")
    names = [line for line in left_out.read_text().split("\n") if line and line[0] != "#"]
    metadata.write_text(without_requirements(metadata.read_text(), names))
    folder = site_packages / "torch" / "lib"
    linked = [*folder.glob("*.so*"), *site_packages.glob("torch/_C*.so")]
    there = [*linked, *site_packages.glob("nvidia/*/lib/*.so*")]
    have = {library.name for library in there}
    missing = sorted({n for lib in linked for n in needed(lib) if _OURS_TO_WRITE.match(n)} - have)
    defined = {
        symbol.partition("@")[0] for library in there for symbol in symbols(library, "defined")
    }
    wanted = {
        symbol
        for library in linked
        for symbol in symbols(library, "undefined")
        if _THEIR_NAMES.match(symbol.partition("@")[0]) and symbol.partition("@")[0] not in defined
    }
    versions = {name: versions_of(name, linked) for name in missing}
    for name in missing:
        # A name without a version may come from any library: each gets all of them.
        mine = {s for s in wanted if "@" not in s or s.partition("@")[2] in versions[name]}
        write_library(folder / name, mine)
        print(f"{name}: {len(mine)} names")


def without_requirements(metadata: str, left_out: Iterable[str]) -> str:
    """Return a package's metadata with none of ``left_out`` among what it requires."""
    dropped = re.compile(rf"Requires-Dist: ({'|'.join(map(re.escape, left_out))})(?![\w.-])")
    lines = [line for line in metadata.split("\n") if not dropped.match(line)]
    return _TOOLKIT.sub(_TOOLKIT_KEPT, "\n".join(lines))


def needed(library: Path) -> list[str]:
    """Return the names of the libraries that one is linked with."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--dynamic", library))


def symbols(library: Path, kind: str) -> set[str]:
    """Return a library's dynamic symbols, ``name`` or ``name@version``."""
    lines = run("nm", "--dynamic", f"--{kind}-only", library).splitlines()
    return {line.split()[-1].replace("@@", "@") for line in lines}


def versions_of(name: str, linked: Iterable[Path]) -> set[str]:
    """Return the symbol versions that are asked of a library."""
    found: set[str] = set()
    for library in linked:
        file = ""
        for line in run("readelf", "--version-info", library).splitlines():
            if match := re.search(r"File: (\S+)", line):
                file = match[1]
            elif (match := re.search(r"Name: (\S+) +Flags", line)) and file == name:
                found.add(match[1])
    return found


def write_library(place: Path, names: Iterable[str]) -> None:
    """Write a shared library that defines ``names``, each under its version."""
    by_version: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        plain, _, version = name.partition("@")
        by_version[version].append(plain)
    lines = [".text"]
    for plain in sorted({n for group in by_version.values() for n in group}):
        lines += [f".globl {plain}", f".type {plain}, @function", f"{plain}:"]
    lines += ["ud2", f".skip {_VARIABLE_BYTES}", '.section .note.GNU-stack,"",@progbits']
    script = [
        f"{version or 'UNVERSIONED'} {{ global: {'; '.join(group)}; }};"
        for version, group in by_version.items()
        if version
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, object_file, map_file = (Path(folder, n) for n in ("stub.s", "stub.o", "stub.map"))
        source.write_text("\n".join([*lines, ""]))
        map_file.write_text("\n".join([*script, ""]))
        run("as", "-o", object_file, source)
        versioned = [f"--version-script={map_file}"] if script else []
        run("ld", "-shared", f"-soname={place.name}", *versioned, "-o", place, object_file)


def run(*words: str | Path) -> str:
    """Run a program and return what it prints."""
    return subprocess.run([*map(str, words)], stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
