"""The files of both versions of cgroups, as containers show them."""

import pytest
from maru_server.memory_limit import MemoryReading, find_memory_limit

GIB = 1 << 30


@pytest.fixture
def version_1(tmp_path):
    """A pod on a cgroup v1 node: its group's path is the node's, its mount only its own part."""
    mounted = tmp_path / "sys" / "memory"
    mounted.mkdir(parents=True)
    (mounted / "memory.limit_in_bytes").write_text(f"{2 * GIB}\n")
    (mounted / "memory.max_usage_in_bytes").write_text(f"{GIB}\n")
    (mounted / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    path = "/kubepods/burstable/pod1/c1"
    return proc(
        tmp_path,
        f"35 31 0:32 {path} {mounted} ro,nosuid - cgroup cgroup rw,memory\n"
        f"36 31 0:33 {path} {tmp_path}/cpu ro - cgroup cgroup rw,cpu,cpuacct\n",
        f"5:memory:{path}\n4:cpu,cpuacct:{path}\n0::/\n",
    )


@pytest.fixture
def version_2(tmp_path):
    """A pod on a cgroup v2 node, with a namespace of its own."""
    mounted = tmp_path / "sys"
    mounted.mkdir()
    (mounted / "memory.max").write_text(f"{2 * GIB}\n")
    (mounted / "memory.peak").write_text(f"{GIB}\n")
    (mounted / "memory.events").write_text(
        "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 0\n"
    )
    return proc(tmp_path, f"35 31 0:32 / {mounted} ro - cgroup2 cgroup rw\n", "0::/\n")


def proc(tmp_path, mountinfo, cgroup):
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "mountinfo").write_text(f"22 1 0:21 / / rw - overlay overlay rw\n{mountinfo}")
    (folder / "cgroup").write_text(cgroup)
    return folder


@pytest.mark.parametrize("version", ["version_1", "version_2"])
def test_limit_peak_and_kills_are_read(version, request):
    limit = find_memory_limit(request.getfixturevalue(version))
    assert limit.read() == MemoryReading(2 * GIB, GIB, 3)


def test_a_group_below_the_mount_is_found(tmp_path, version_1):
    below = tmp_path / "sys" / "memory" / "below"
    below.mkdir()
    for name in ("memory.limit_in_bytes", "memory.max_usage_in_bytes"):
        (below / name).write_text("4096\n")
    (below / "memory.oom_control").write_text("oom_kill 1\n")
    (version_1 / "cgroup").write_text("5:memory:/kubepods/burstable/pod1/c1/below\n")
    assert find_memory_limit(version_1).read() == MemoryReading(4096, 4096, 1)


@pytest.mark.parametrize(
    ("version", "file", "words"),
    [
        ("version_1", "memory/memory.limit_in_bytes", "9223372036854771712"),
        ("version_2", "memory.max", "max"),
    ],
)
def test_no_limit_is_none(version, file, words, tmp_path, request):
    (tmp_path / "proc").exists()
    folder = request.getfixturevalue(version)
    (tmp_path / "sys" / file).write_text(words)
    assert find_memory_limit(folder).read().limit_bytes is None


def test_before_linux_5_19_what_is_used_stands_in_for_the_peak(tmp_path, version_2):
    (tmp_path / "sys" / "memory.peak").unlink()
    (tmp_path / "sys" / "memory.current").write_text("4096\n")
    assert find_memory_limit(version_2).read().peak_bytes == 4096


def test_where_nothing_limits_nothing_is_found(tmp_path):
    assert find_memory_limit(proc(tmp_path, "", "0::/\n")) is None
    assert find_memory_limit(tmp_path / "absent") is None
