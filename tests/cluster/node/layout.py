"""Where a node keeps what, seen from the machine and from inside the node.

Inside, the state folder is always mounted at ``/run/node``: no configuration file holds a path of
the checkout, and no socket's path grows too long.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from node.go_parts import cache

ROOT = Path(__file__).resolve().parents[3]
# Inside the node.
HOME = Path("/run/node")
PKI = HOME / "pki"
CONFIG = HOME / "config"
LOGS = HOME / "logs"
VOLUMES = HOME / "volumes"
REGISTRY = HOME / "registry"
RUNTIME = Path("/run/maru")
"""Sockets and mounts: gone with the node."""
NODE_NAME = "maru-node"


@dataclass(frozen=True)
class State:
    """The folder of one node; two nodes have two."""

    folder: Path

    @property
    def name(self) -> str:
        """A short name for what the node makes on the machine: cgroups, interface, NAT table."""
        return "maru-" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]

    @property
    def inside(self) -> Path:
        """What is mounted at ``/run/node``."""
        return self.folder / "node"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def registry(self) -> Path:
        """One line, host:port."""
        return self.folder / "registry"

    @property
    def facts(self) -> Path:
        """What was chosen when the node was first made: its network."""
        return self.inside / "facts.json"

    @property
    def running(self) -> Path:
        """Who runs the node: process id and start time, cgroups, what was changed on the host."""
        return self.folder / "running.json"

    @property
    def status(self) -> Path:
        """What the supervisor says of its parts."""
        return self.inside / "status.json"

    @property
    def logs(self) -> Path:
        return self.inside / "logs"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or ends the node."""
        return self.folder / "lock"

    @property
    def registry_data(self) -> Path:
        """Shared by all nodes of this machine: images are content, and large."""
        return cache() / "registry"


def state() -> State:
    """Return the node of this checkout, or the one that ``MARU_CLUSTER`` names."""
    return State(Path(os.environ.get("MARU_CLUSTER") or ROOT / ".cluster").resolve())


def names_another_cluster() -> bool:
    """Return whether ``KUBECONFIG`` names a cluster that isn't this checkout's node."""
    named = os.environ.get("KUBECONFIG")
    return bool(named) and Path(str(named)).resolve() != state().kubeconfig
