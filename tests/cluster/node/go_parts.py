"""Which programs the node is made of, and where each one lies once it is built.

A part is a folder ``parts/<name>`` with go.mod and go.sum, which pin and hash every module, and
either tools.go, which imports the programs to build, or a program of our own. Its binaries lie in
``~/.cache/maru/parts/<hash of all that>/`` (``MARU_CACHE`` overrides ``~/.cache/maru``).
"""

import hashlib
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from node.errors import NodeError

FOLDER = Path(__file__).resolve().parent / "parts"
# Raise it when the way of building changes what comes out.
RECIPE = "1"
# What a program says its version is; `go build` of a dependency doesn't stamp it.
STAMPS = {
    "kubernetes": (
        "k8s.io/component-base/version.gitVersion={version}",
        "k8s.io/component-base/version.gitMajor={major}",
        "k8s.io/component-base/version.gitMinor={minor}",
        "k8s.io/component-base/version.gitTreeState=clean",
    ),
    "containerd": ("github.com/containerd/containerd/v2/version.Version={version}",),
    "helm": ("helm.sh/helm/v4/internal/version.version={version}",),
    "kubeconform": ("main.version={version}",),
    "kube-score": ("main.version={version}",),
    "registry": ("github.com/distribution/distribution/v3/version.version={version}",),
}
BESIDE_THE_NODE = ("helm", "kubeconform", "kube-score")
IMPORT = re.compile(r'^\s*_ "(?P<package>[^"]+)"(?: // (?P<name>\S+))?$', re.MULTILINE)
REQUIRED = re.compile(r"^require (?P<module>\S+) v(?P<version>\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """Programs that are built together from one go.mod."""

    name: str
    folder: Path
    programs: dict[str, str]
    """Package of each program by the program's name."""
    version: str
    """The pinned version, as ``1.36.3``; empty for our own."""
    key: str
    """Hash of all that decides what is built."""

    @property
    def home(self) -> Path:
        """The folder of the binaries; it exists only when all of them are there."""
        return cache() / "parts" / self.key

    @property
    def is_built(self) -> bool:
        return self.home.is_dir()

    @property
    def stamps(self) -> tuple[str, ...]:
        """What is written into the binaries, as ``package.variable=value``."""
        major, minor, *_ = [*self.version.split("."), "", ""]
        words = {"version": f"v{self.version}", "major": major, "minor": minor}
        return tuple(stamp.format(**words) for stamp in STAMPS.get(self.name, ()))


def cache() -> Path:
    """Return the folder that all checkouts share."""
    return Path(os.environ.get("MARU_CACHE") or Path.home() / ".cache" / "maru")


def read_part(folder: Path) -> Part:
    """Read what a part's folder pins.

    Raises
    ------
    NodeError
        If tools.go imports nothing, or go.mod requires no module directly.
    """
    if not (tools := folder / "tools.go").exists():
        return Part(folder.name, folder, {folder.name: "."}, "", _key(folder))
    found = IMPORT.finditer(tools.read_text(encoding="utf-8"))
    programs = {m["name"] or m["package"].rsplit("/", 1)[1]: m["package"] for m in found}
    required = REQUIRED.search((folder / "go.mod").read_text(encoding="utf-8"))
    if not programs or required is None:
        raise NodeError(f"{folder} names no program: tools.go imports it, go.mod requires it")
    return Part(folder.name, folder, programs, required["version"], _key(folder))


def all_parts() -> list[Part]:
    """Return every part: what the node runs, then what tests use beside it."""
    folders = [f for f in FOLDER.iterdir() if (f / "go.mod").exists()]
    return sorted(map(read_part, folders), key=lambda p: (p.name in BESIDE_THE_NODE, p.name))


def named(names: list[str]) -> list[Part]:
    """Return the parts of these names, in the order of building; all for no name.

    A name may be a part's or one of its programs'.

    Raises
    ------
    NodeError
        If there is no such part or program.
    """
    parts = all_parts()
    if not names:
        return parts
    known = {name: part for part in parts for name in (*part.programs, part.name)}
    if unknown := [name for name in names if name not in known]:
        raise NodeError(f"there is no part {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    return [part for part in parts if part in [known[name] for name in names]]


def program(name: str) -> Path:
    """Return where a program lies, built or not.

    Raises
    ------
    NodeError
        If no part has such a program.
    """
    for part in all_parts():
        if name in part.programs:
            return part.home / name
    known = sorted(name for part in all_parts() for name in part.programs)
    raise NodeError(f"there is no program {name!r}; there are: {', '.join(known)}")


def _key(folder: Path) -> str:
    digest = hashlib.sha256(f"{RECIPE}\0{platform.machine()}\0{STAMPS.get(folder.name)}".encode())
    for path in sorted(folder.iterdir()):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return f"{folder.name}-{digest.hexdigest()[:16]}"
