"""The node's view of the file system: its own /run, /proc, /sys and cgroups over the machine's."""

import shutil
import subprocess
from pathlib import Path

from node import cgroups
from node.layout import HOME, REGISTRY, RUNTIME, State

# Kernel settings of the whole machine that the kubelet writes: here it writes into files.
MACHINE_SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
CGROUPS = Path("/sys/fs/cgroup")


def set_up(state: State) -> None:
    """Mount what the node needs; nothing of it is seen outside."""
    hierarchies = _hierarchies()
    _mount("--make-rprivate", "/")
    _mount("-t", "proc", "-o", "nosuid,nodev,noexec", "proc", "/proc")
    _mount("-t", "tmpfs", "-o", "mode=755", "run", "/run")
    # The kubelet links logs there, the network plugins keep their cache there.
    for folder in ("/var/log", "/var/lib/cni"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    HOME.mkdir()
    RUNTIME.mkdir()
    _mount("--bind", str(state.inside), str(HOME))
    REGISTRY.mkdir(exist_ok=True)
    _mount("--bind", str(state.registry_data), str(REGISTRY))
    _mount("-t", "sysfs", "-o", "nosuid,nodev,noexec", "sysfs", "/sys")
    _mount_cgroups(hierarchies)
    _keep_machine_settings()


def _hierarchies() -> list[tuple[str, str]]:
    """Return mount point and options of each version 1 hierarchy, as the machine has them."""
    found = []
    for line in cgroups.MOUNTS.read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(maxsplit=2)
        if kind == "cgroup":
            kept = [o for o in options.split(",") if o not in ("rw", "ro") and "release" not in o]
            found.append((before.split()[4], ",".join(kept)))
    return found


def _mount_cgroups(hierarchies: list[tuple[str, str]]) -> None:
    if not hierarchies:
        _mount("-t", "cgroup2", "cgroup2", str(CGROUPS))
        _share_out_controllers()
        return
    _mount("-t", "tmpfs", "-o", "mode=755", "cgroup", str(CGROUPS))
    for mountpoint, options in hierarchies:
        Path(mountpoint).mkdir(exist_ok=True)
        _mount("-t", "cgroup", "-o", options, "cgroup", mountpoint)


def _share_out_controllers() -> None:
    own = CGROUPS / "node"
    own.mkdir(exist_ok=True)
    (own / "cgroup.procs").write_text("0")
    for controller in (CGROUPS / "cgroup.controllers").read_text().split():
        (CGROUPS / "cgroup.subtree_control").write_text(f"+{controller}")


def _keep_machine_settings() -> None:
    copies = RUNTIME / "settings"
    copies.mkdir()
    for setting in MACHINE_SETTINGS:
        copy = copies / setting.replace("/", ".")
        shutil.copyfile(Path("/proc/sys") / setting, copy)
        _mount("--bind", str(copy), f"/proc/sys/{setting}")


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)
