"""Where the node's cgroups lie, by what the kernel says of the process that starts it."""

from pathlib import Path

from node import cgroups
from node.cgroups import parents

VERSION_1 = """\
30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
31 25 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 25 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
33 25 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
OWN_1 = "5:cpu,cpuacct:/\n4:memory:/session/7\n1:name=systemd:/\n0::/\n"
VERSION_2 = "30 25 0:26 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"


def test_in_version_1_it_is_below_the_starter_whose_limits_hold():
    assert parents(VERSION_1, OWN_1) == [
        Path("/sys/fs/cgroup/cpu,cpuacct"),
        Path("/sys/fs/cgroup/memory/session/7"),
        Path("/sys/fs/cgroup/systemd"),
    ]


def test_in_version_2_it_is_below_the_root():
    assert parents(VERSION_2, "0::/user.slice/session.scope\n") == [Path("/sys/fs/cgroup")]


def test_in_a_container_the_mounted_part_of_the_hierarchy_counts():
    mounts = "31 25 0:27 /box /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    assert parents(mounts, "4:memory:/box/7\n") == [Path("/sys/fs/cgroup/memory/7")]
    assert parents(mounts, "4:memory:/else\n") == [Path("/sys/fs/cgroup/memory")]


def test_without_cgroups_there_is_none():
    assert parents("30 25 0:26 / / rw - ext4 /dev/vda rw\n", "") == []


def test_removing_takes_all_below(tmp_path):
    root = tmp_path / "maru-1"
    (root / "kubepods" / "pod1" / "main").mkdir(parents=True)
    assert cgroups.remove([root, tmp_path / "never"]) == []
    assert not root.exists()


def test_what_still_holds_something_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroups, "PATIENCE_S", 0.2)
    root = tmp_path / "maru-1"
    root.mkdir()
    (root / "held").touch()
    assert cgroups.remove([root]) == [root]
