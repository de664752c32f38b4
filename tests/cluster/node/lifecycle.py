"""Bring a node up, from whatever is there, and take it down without a trace."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from node import addresses as networks
from node import cgroups, debian, disk, namespaces, readiness
from node.addons import addons
from node.addresses import Addresses, addresses_of
from node.certificates import issue_all
from node.configuration import write_all
from node.errors import NodeError
from node.go_build import build
from node.go_parts import BESIDE_THE_NODE, all_parts
from node.host_network import HostNetwork, interfaces, orphans
from node.kubeconfigs import write_kubeconfig
from node.layout import State
from node.namespaces import Process
from node.supervisor import write_atomically
from node.system_images import coredns, pause

PACKAGE = Path(__file__).resolve().parent
CLIENTS = (
    "first-admin",
    "controller-manager",
    "scheduler",
    "proxy",
    "kubelet",
    "provisioner",
    "network-policy",
)
LOOP_RELEASE_S = 30.0


@dataclass(frozen=True)
class Running:
    """What a started node has taken of the machine; written down before it is taken."""

    cgroups: list[str]
    parts: str
    """Which binaries it runs."""
    process: Process | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_alive


def read_running(state: State) -> Running | None:
    """Return what is written down of the node; None where it was never started or was ended."""
    try:
        document = json.loads(state.running.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    process = document["process"] and Process(**document["process"])
    return Running(document["cgroups"], document["parts"], process)


def up(state: State) -> None:
    """Bring the node up and wait until it serves; at once where it does already.

    Raises
    ------
    NodeError
        If this machine can't carry a node, a part does not build, or one does not come up.
    """
    check_machine()
    running = read_running(state)
    if running and running.is_alive and running.parts == _parts() and readiness.is_ready(state):
        return
    debian.install_missing()
    disk.check_all(state)
    build(all_parts())
    with alone(state):
        running = read_running(state)
        if running and running.is_alive and running.parts != _parts():
            print("the node runs other versions of its parts: starting it anew", flush=True)
            _clear(state, running)
            running = None
        if running and running.process and running.is_alive:
            process = running.process
        else:
            if running is not None:
                _clear(state, running)
            disk.check(state.folder, disk.start_bytes(state))
            process = _start(state)
        readiness.wait(state, process)


def down(state: State, delete: bool = False) -> None:
    """End the node and take away all that it made on the machine.

    Parameters
    ----------
    delete
        Also delete what it holds: objects, volumes and unpacked images, not the registry's.
    """
    if not state.folder.exists():
        return
    check_machine()
    with alone(state):
        running = read_running(state)
        if running is not None:
            _clear(state, running)
        if delete:
            shutil.rmtree(state.inside, ignore_errors=True)
            for path in (state.kubeconfig, state.registry):
                path.unlink(missing_ok=True)


def check_machine() -> None:
    """Check what no package can bring.

    Raises
    ------
    NodeError
        If this isn't Linux with root and cgroups.
    """
    if (why := why_not()) is not None:
        raise NodeError(f"a node can't run here: {why}")


def why_not() -> str | None:
    """Return why this machine can't carry a node; None where it can."""
    if sys.platform != "linux":
        return f"it takes Linux, this is {sys.platform}"
    if os.geteuid() != 0:
        return "it takes root (for namespaces, mounts and cgroups)"
    if not cgroups.parents(cgroups.MOUNTS.read_text(), cgroups.OWN.read_text()):
        return "it takes cgroups, and none are mounted"
    if not os.access("/sys/fs/cgroup", os.W_OK):
        return "it takes cgroups that can be written, and /sys/fs/cgroup is read-only"
    return None


@contextlib.contextmanager
def alone(state: State) -> Iterator[None]:
    """Hold the state folder: two at once would start two nodes."""
    state.folder.mkdir(parents=True, exist_ok=True)
    with state.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("the node is being started or ended: waiting", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(state: State) -> Process:
    for folder in (state.inside, state.logs, state.registry_data):
        folder.mkdir(parents=True, exist_ok=True)
    for log in state.logs.glob("*.log"):
        log.replace(log.with_suffix(".log.before"))
    state.status.unlink(missing_ok=True)
    chosen = _choose_addresses(state)
    _configure(state, chosen)
    _sweep(state)
    network = HostNetwork(state.name)
    folders = cgroups.folders(state.name)
    # Written down before it is taken: whoever is killed in here leaves nothing unknown.
    taken = Running([str(f) for f in folders], _parts())
    _write_down(state, taken)
    cgroups.make(folders)
    command = [sys.executable, str(PACKAGE), "inside", "first-process", str(state.folder)]
    waiting = namespaces.start(command, folders, state.logs / "first-process.log")
    taken = replace(taken, process=waiting.process)
    _write_down(state, taken)
    network.connect(chosen, waiting.process.pid)
    waiting.let_go()
    return waiting.process


def _sweep(state: State) -> None:
    """Remove what is left of nodes whose folder was deleted, this one's former self included."""
    deadline = time.monotonic() + namespaces.END_S
    while state.name in interfaces() and time.monotonic() < deadline:
        time.sleep(0.1)  # it ends by itself
    for name in {state.name, *orphans()}:
        HostNetwork(name).disconnect()
        cgroups.remove(cgroups.folders(name))


def _parts() -> str:
    """Return a digest of the binaries that a node started now would run."""
    keys = [part.key for part in all_parts() if part.name not in BESIDE_THE_NODE]
    return hashlib.sha256(" ".join(keys).encode()).hexdigest()


def _choose_addresses(state: State) -> Addresses:
    taken = networks.taken_here(except_interface=state.name)
    if state.facts.exists():
        chosen = addresses_of(state)
        if not any(chosen.network.overlaps(other) for other in taken):
            return chosen
        raise NodeError(
            f"the node's network {chosen.network} is now used by this machine too; "
            "take the node down with --delete and up again for another"
        )
    chosen = networks.choose(taken, state.name)
    write_atomically(state.facts, json.dumps({"network": str(chosen.network)}) + "\n")
    return chosen


def _configure(state: State, chosen: Addresses) -> None:
    pki, config = state.inside / "pki", state.inside / "config"
    issue_all(pki, chosen)
    config.mkdir(exist_ok=True)
    config.chmod(0o700)
    servers = [str(server) for server in networks.name_servers()]
    write_all(config, chosen, servers, pause().name)
    write_atomically(config / "addons.json", json.dumps(addons(chosen, servers, coredns().name)))
    for client in CLIENTS:
        write_kubeconfig(config / f"{client}.kubeconfig", chosen.api_url, pki, client)
    write_kubeconfig(state.kubeconfig, chosen.api_url, pki, "admin")
    write_atomically(state.registry, f"{chosen.registry}\n")


def _clear(state: State, running: Running) -> None:
    """End the processes, then remove what outlives them."""
    if running.process is not None:
        running.process.end()
    HostNetwork(state.name).disconnect()
    left = cgroups.remove([Path(folder) for folder in running.cgroups])
    if left:
        raise NodeError(f"the cgroup {left[0]} still holds processes: see cgroup.procs in it")
    _wait_for_loop_devices(state)
    state.running.unlink()


def _wait_for_loop_devices(state: State) -> None:
    """Wait until the kernel has let go of the volumes: it does so after the last process."""
    deadline = time.monotonic() + LOOP_RELEASE_S
    while held := loop_devices(state):
        if time.monotonic() > deadline:
            raise NodeError(f"{held[0]} still holds a volume of the node; see: losetup -l")
        time.sleep(0.05)


def loop_devices(state: State) -> list[str]:
    """Return the loop devices that hold a volume of the node."""
    volumes = {file.stat().st_ino for file in (state.inside / "volumes").glob("*")}
    listed = subprocess.run(
        ["losetup", "--list", "--json", "--output", "NAME,BACK-INO"],
        check=True,
        capture_output=True,
        text=True,
    )
    devices = json.loads(listed.stdout or '{"loopdevices": []}')["loopdevices"]
    return [device["name"] for device in devices if device["back-ino"] in volumes]


def _write_down(state: State, running: Running) -> None:
    document = {
        "cgroups": running.cgroups,
        "parts": running.parts,
        "process": asdict(running.process) if running.process else None,
    }
    write_atomically(state.running, json.dumps(document, indent=1))
