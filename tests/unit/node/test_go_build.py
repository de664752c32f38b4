"""A part is built whole or not at all, with the real Go where the machine has one."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from node import go_build, go_parts, go_toolchain
from node.errors import NodeError
from node.go_build import build
from node.go_parts import read_part

needs_go = pytest.mark.skipif(
    shutil.which("go") is None, reason="no Go on this machine: the node builds with the wheel"
)
BUILD = (
    sys.executable,
    "-c",
    "import sys; from pathlib import Path; from node.go_build import build; "
    "from node.go_parts import read_part; build([read_part(Path(sys.argv[1]))])",
)
CODE = 'package main\n\nfunc main() { println("built") }\n'


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return a cache whose compiled standard library all tests here share."""
    return tmp_path_factory.mktemp("cache")


def environment():
    """Return an environment in which the package is found."""
    return {**os.environ, "PYTHONPATH": str(go_parts.FOLDER.parents[1])}


@pytest.fixture
def part(tmp_path, monkeypatch, cache):
    """Return a tiny part."""
    monkeypatch.setenv("MARU_CACHE", str(cache))
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "go.mod").write_text("module maru.internal/tiny\n\ngo 1.21\n")
    (folder / "main.go").write_text(CODE)
    # Of its own: no test finds what another one built.
    (folder / "own.go").write_text(f"package main\n\n// {tmp_path}\n")
    return folder


@needs_go
def test_a_part_is_built_once(part, capsys):
    build([read_part(part)])
    assert "[1/1] tiny ..." in capsys.readouterr().out
    program = read_part(part).home / "tiny"
    assert subprocess.check_output([program], stderr=subprocess.STDOUT, text=True) == "built\n"
    made = program.stat().st_mtime_ns
    build([read_part(part)])
    assert capsys.readouterr().out == ""
    assert program.stat().st_mtime_ns == made


@needs_go
def test_a_part_that_does_not_build_leaves_nothing_and_shows_why(part, capsys):
    (part / "main.go").write_text(CODE.replace("println", "nothing"))
    with pytest.raises(NodeError, match=r"(?s)tiny does not build.*undefined: nothing"):
        build([read_part(part)])
    assert not read_part(part).is_built
    assert "[1/1] tiny: did not build; trying once more" in capsys.readouterr().out


@needs_go
def test_a_build_that_was_killed_is_no_part_and_the_next_one_makes_it(part):
    process = subprocess.Popen([*BUILD, str(part)], env=environment(), stdout=subprocess.DEVNULL)
    unfinished = read_part(part).home.with_name(read_part(part).key + ".unfinished")
    deadline = time.monotonic() + 20
    while not unfinished.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not read_part(part).is_built
    build([read_part(part)])
    assert read_part(part).is_built
    assert not unfinished.exists()


@needs_go
def test_the_second_of_two_builds_waits_and_finds_all_of_it(part):
    both = [
        subprocess.Popen(
            [*BUILD, str(part)],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("[1/1] tiny ..." in text for text in printed) == [False, True]
    assert read_part(part).is_built


@needs_go
def test_gos_caches_are_thrown_away_when_nothing_is_missing(part, tmp_path, monkeypatch):
    own = read_part(part)
    monkeypatch.setattr(go_build, "all_parts", lambda: [own])
    build([own])
    assert own.is_built
    assert [path.name for path in go_parts.cache().iterdir()] == ["parts"]


def test_the_lowest_go_is_what_every_part_asks_for():
    assert go_toolchain.needed() >= (1, 26, 0)


def test_the_wheel_is_new_enough_for_every_part():
    pinned = go_toolchain.LOCK.read_text().split("==")[1].split()[0]
    assert tuple(map(int, pinned.split("."))) >= go_toolchain.needed()
    assert "--hash=sha256:" in go_toolchain.LOCK.read_text()


def test_a_build_never_downloads_another_go(tmp_path, monkeypatch):
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    environment = go_toolchain.build_environment(tmp_path / "go")
    assert environment["GOTOOLCHAIN"] == "local"
    assert "-mod=readonly" in environment["GOFLAGS"]
