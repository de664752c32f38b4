"""Make the environment of this repository in .venv, from nothing but Python and its venv module.

Run by ``make setup``. Everything comes from requirements.lock and is checked against its hashes.
A second run is instant; a run that was killed is taken up where it stopped. Standard library only.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import openmp

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "maru-setup.sha256"
UNFINISHED = VENV / "maru-setup.unfinished"
# Our own packages, installed so that edits take effect.
PACKAGES = (ROOT / "platform", ROOT / "jupyterhub" / "hub", ROOT / "jupyterhub" / "server")
INPUTS = (
    LOCK,
    *(package / "pyproject.toml" for package in PACKAGES),
    Path(__file__),
    Path(openmp.__file__),
)
# What the lock was resolved for.
WANTED_PYTHON = (3, 11)
# uv installs all the rest; setuptools builds the packages that come as source only.
INSTALLERS = ("uv", "setuptools")
TICK_S = 10.0
# A line per package: left out of what setup shows.
CHATTER = re.compile(
    r" [-+~] |Looking in links|Requirement already|Processing |Installing coll|Successfully"
)


class SetupError(Exception):
    """Setup cannot go on; the message says what to do."""


def main() -> int:
    """Bring .venv to what the lock says; return the exit code."""
    started = time.monotonic()
    try:
        _check_python()
        digest = inputs_digest()
        if STAMP.is_file() and STAMP.read_text() == digest and PYTHON.exists():
            return 0
        STAMP.unlink(missing_ok=True)
        steps: list[tuple[str, Callable[[], str]]] = [
            ("virtual environment", make_venv),
            ("installers", install_installers),
            ("packages of requirements.lock", install_packages),
            ("maru, editable", install_ours),
            ("OpenMP for LightGBM", ensure_openmp),
            ("byte code", compile_packages),
        ]
        for number, (title, step) in enumerate(steps, start=1):
            _run_step(f"[{number}/{len(steps)}] {title}", step)
        STAMP.write_text(digest)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: stopped; make setup goes on from here", file=sys.stderr)
        return 130
    print(f"ready in {time.monotonic() - started:.0f} s; next: make demo, or .venv/bin/maru --help")
    return 0


def make_venv() -> str:
    """Create .venv without pip, or anew where it is half made or its Python is gone."""
    probe = "import sys; print(sys.prefix, *sys.version_info[:2])"
    if _output(PYTHON, "-c", probe) == " ".join(map(str, (VENV, *WANTED_PYTHON))):
        return "kept"
    if find_spec("ensurepip") is None:  # Debian splits it off
        raise SetupError(
            "this Python can't make virtual environments. "
            "On Debian and Ubuntu: apt install python3-venv"
        )
    _run("venv", sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
    return f"Python {sys.version.split()[0]}"


def install_installers() -> str:
    """Install the pinned uv and setuptools, checked against the hashes of the lock."""
    pins = pinned(LOCK.read_text(encoding="utf-8"), INSTALLERS)
    names = [pin.split()[0].replace("==", " ") for pin in pins]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("".join(pins))
        requirements.flush()
        options = ("--quiet", "--no-deps", "--require-hashes", "-r", requirements.name)
        if _output(UV, "--version").startswith(names[0]):
            _run("uv", UV, "pip", "install", "--python", PYTHON, *options)
        else:
            _run("pip", PYTHON, "-m", "ensurepip", "--default-pip")
            _run("pip", PYTHON, "-m", "pip", "install", "--force-reinstall", *options)
    return ", ".join(names)


def install_packages() -> str:
    """Install exactly what the lock names, each file checked against its hash."""
    # Hard links make it fast; where the cache lies on another disk, uv copies and need not warn.
    mode = "hardlink" if _cache_is_near() else "copy"
    # No build isolation: it would fetch build tools that no hash of the lock covers.
    options = ["--no-build-isolation", "--require-hashes", "--link-mode", mode]
    # A run killed in here may leave a package that looks whole and is not.
    if UNFINISHED.exists():
        options.append("--reinstall")
    UNFINISHED.touch()
    _run("uv", UV, "pip", "sync", "--python", PYTHON, *options, LOCK)
    UNFINISHED.unlink()
    return f"{LOCK.read_text(encoding='utf-8').count('==')} packages"


def install_ours() -> str:
    """Install our own packages so that edits take effect; all they need is there already."""
    options = ("--no-deps", "--no-build-isolation", "--offline")
    editable = [word for package in PACKAGES for word in ("--editable", package)]
    _run("uv", UV, "pip", "install", "--python", PYTHON, *options, *editable)
    return ", ".join(str(package.relative_to(ROOT)) for package in PACKAGES)


def compile_packages() -> str:
    """Compile what is installed once, so that no later command pays for it.

    Some packages ship files of other Python versions, which do not compile: that is no failure.
    """
    packages = next(VENV.glob("lib/python*/site-packages"))
    _succeeds(PYTHON, "-m", "compileall", "-q", "-j", "0", packages)
    return f"{sum(1 for _ in packages.rglob('*.pyc')):,} files"


def ensure_openmp() -> str:
    """Let LightGBM find libgomp.so.1, and see a fresh process load LightGBM."""
    hook = next(VENV.glob("lib/python*/site-packages")) / openmp.HOOK
    hook.unlink(missing_ok=True)
    probe = "import ctypes; ctypes.CDLL('libgomp.so.1')"
    said = "the system's"
    if not _succeeds(PYTHON, "-c", probe):
        try:
            openmp.add_openmp(VENV)
        except ValueError as error:
            raise SetupError(f"{error}. On Debian and Ubuntu: apt install libgomp1") from None
        said = "a copy in .venv"
    load = (
        "import ctypes, importlib.util as i, pathlib as p;"
        "ctypes.CDLL(str(p.Path(i.find_spec('lightgbm').origin).parent / 'lib/lib_lightgbm.so'))"
    )
    if not _succeeds(PYTHON, "-c", load):
        raise SetupError(
            f"LightGBM's library does not load. See: {PYTHON} -c 'import lightgbm'. "
            "On Debian and Ubuntu this may help: apt install libgomp1 libstdc++6"
        )
    return said


def pinned(lock: str, names: Iterable[str]) -> list[str]:
    """Return the lines of the lock that pin each of these packages and their hashes."""
    found = []
    for name in names:
        pin = re.search(
            rf"^{name}==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+", lock, flags=re.MULTILINE
        )
        if pin is None:
            raise SetupError(f"requirements.lock does not pin {name}; make lock writes it")
        found.append(pin.group())
    return found


def _check_python() -> None:
    if sys.version_info[:2] != WANTED_PYTHON:
        wanted = ".".join(map(str, WANTED_PYTHON))
        raise SetupError(
            f"requirements.lock is for Python {wanted}, this is {sys.version.split()[0]}. "
            f"Run: make setup PYTHON=python{wanted}"
        )


def inputs_digest() -> str:
    """Return a digest of all that decides what .venv holds, and of where it lies."""
    digest = hashlib.sha256(f"{VENV}\0{WANTED_PYTHON}".encode())
    for path in INPUTS:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _cache_is_near() -> bool:
    cache = Path(_output(UV, "cache", "dir"))
    while not cache.exists():
        cache = cache.parent
    return cache.stat().st_dev == VENV.stat().st_dev


def _run_step(title: str, step: Callable[[], str]) -> None:
    started = time.monotonic()
    print(f"{title} ...", flush=True)
    with _ticking(started):
        said = step()
    print(f"      {said} ({time.monotonic() - started:.1f} s)", flush=True)


@contextmanager
def _ticking(started: float) -> Iterator[None]:
    """Show now and then that a long step is alive."""
    done = threading.Event()

    def tick() -> None:
        while not done.wait(TICK_S):
            print(f"      {time.monotonic() - started:.0f} s ...", flush=True)

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _environment() -> dict[str, str]:
    """Return the environment without what would lead Python or uv to another place."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER", "PIP_PREFIX")
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    return {**kept, "VIRTUAL_ENV": str(VENV), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _run(tool: str, *command: str | Path) -> None:
    """Run a command, show its words except one line per package, and stop setup if it fails."""
    words = [str(word) for word in command]
    process = subprocess.Popen(
        words,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if not CHATTER.match(line):
            print(f"      {tool}: {line.strip()}", flush=True)
    if process.wait() != 0:
        raise SetupError(f"{tool} failed (exit {process.returncode}); mend that, then: make setup")


def _output(*command: str | Path) -> str:
    """Return what a command prints; empty where it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, check=False, env=_environment(), capture_output=True, text=True
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _succeeds(*command: str | Path) -> bool:
    words = [str(word) for word in command]
    done = subprocess.run(words, check=False, env=_environment(), capture_output=True)
    return done.returncode == 0


if __name__ == "__main__":
    if shutil.which("git") is None:
        print("setup: git is missing; on Debian and Ubuntu: apt install git", file=sys.stderr)
        sys.exit(1)
    sys.exit(main())
