"""Whom the memory limit ended, from two looks at a table of processes."""

from dataclasses import replace
from pathlib import Path

import pytest
from maru_server.belongings import Belongings
from maru_server.memory_kills import MemoryKills, kill_message, size
from maru_server.memory_limit import MemoryReading
from maru_server.processes import Process
from maru_server.settings import Settings

GIB = 1 << 30
NONE_YET = MemoryReading(2 * GIB, GIB, 0)
ONE = MemoryReading(2 * GIB, 2 * GIB, 1)
KERNELS = {"a": 10}


def process(pid, name="python", memory_bytes=GIB):
    return Process(pid, 1, pid, 0, name, "S", 100 + pid, 0.0, memory_bytes)


KERNEL, JVM, JOB = process(10), process(11, "java", 2 * GIB), process(20, "sort")
BEFORE = {p.pid: p for p in (KERNEL, JVM, JOB)}
OWNED = Belongings({"a": {10, 11}}, {"1": {20}}, set(), set())


def looks(*later):
    """Look once at BEFORE without a kill, then at each ``(seconds, reading, processes)``."""
    kills = MemoryKills()
    assert kills.look(0, NONE_YET, BEFORE, OWNED, KERNELS) == []
    return [kills.look(at, reading, rows, OWNED, KERNELS) for at, reading, rows in later]


def without(*pids):
    return {pid: p for pid, p in BEFORE.items() if pid not in pids}


def test_a_kernel_that_vanished_with_a_kill_was_the_victim():
    ((victim,),) = looks((2, ONE, without(10)))
    assert (victim.process, victim.kernel_id, victim.is_kernel) == (KERNEL, "a", True)


@pytest.mark.parametrize("row", [replace(KERNEL, state="Z"), replace(KERNEL, started=999)])
def test_one_that_nobody_waited_for_or_whose_pid_was_taken_is_gone_too(row):
    ((victim,),) = looks((2, ONE, {**BEFORE, 10: row}))
    assert victim.is_kernel


def test_a_kernel_comes_first_then_the_largest():
    ((victim,),) = looks((2, ONE, {}))
    assert victim.process is KERNEL
    ((first, second),) = looks((2, replace(ONE, kills=2), without(11, 20)))
    assert (first.process, second.process) == (JVM, JOB)
    assert (first.kernel_id, first.is_kernel, second.kernel_id) == ("a", False, None)


def test_a_victim_that_dies_slowly_is_waited_for():
    assert [len(v) for v in looks((2, ONE, BEFORE), (4, ONE, BEFORE), (6, ONE, without(10)))] == [
        0,
        0,
        1,
    ]


def test_one_that_nobody_saw_is_told_once():
    assert looks((2, ONE, BEFORE), (9, ONE, BEFORE), (11, ONE, BEFORE)) == [[], [None], []]


def test_what_vanishes_without_a_kill_was_ended_by_itself():
    assert looks((2, NONE_YET, {})) == [[]]


def test_kills_before_the_first_look_are_not_ours():
    kills = MemoryKills()
    assert kills.look(0, replace(ONE, kills=7), BEFORE, OWNED, KERNELS) == []
    assert kills.look(2, replace(ONE, kills=7), without(10), OWNED, KERNELS) == []


def test_the_message_names_limit_peak_and_the_next_profile():
    settings = Settings(Path("/"), next_profile="Medium, 4 GiB")
    ((victim,),) = looks((2, ONE, without(10)))
    assert kill_message(victim, "kernel of x.ipynb", ONE, settings) == (
        "kernel of x.ipynb was ended by the memory limit of 2 GiB (peak 2 GiB); Jupyter starts it "
        "again, empty. Choose the profile 'Medium, 4 GiB' or read less: "
        "p.features(as_of, columns=..., sample=...)"
    )


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (2 * GIB, "2 GiB"),
        (3 * GIB // 2, "1.5 GiB"),
        (512 << 20, "512 MiB"),
        (GIB - 4096, "1 GiB"),
        (4096, "4 KiB"),
    ],
)
def test_sizes_read_as_in_a_profile(size_bytes, words):
    assert size(size_bytes) == words
