"""What runs inside a node's namespaces: its first process and the node's own small programs."""

import socket
import sys
from pathlib import Path

from node import mounts, provisioner, system_images, volumes
from node.addresses import addresses_of
from node.components import components
from node.host_network import ip
from node.kubernetes_api import ApiError
from node.layout import CONFIG, NODE_NAME, State
from node.supervisor import Supervisor


def run_first_process(state: State) -> int:
    """Be process 1 of a node: set up mounts and network, then keep the parts running."""
    mounts.set_up(state)
    addresses = addresses_of(state)
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{addresses.node}/{addresses.link.prefixlen}", "dev", "eth0")
    ip("link", "set", "eth0", "up")
    ip("route", "add", "default", "via", str(addresses.host))
    for setting in ("net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"):
        Path("/proc/sys", setting).write_text("1")
    socket.sethostname(NODE_NAME)
    volumes.mount_all()
    Supervisor(components(addresses)).run()
    return 0


def run_program(name: str) -> int:
    """Run one of the node's own programs."""
    if name == "system-images":
        system_images.put_into_containerd()
        return 0
    if name == "provisioner":
        try:
            provisioner.run(CONFIG / "provisioner.kubeconfig")
        except (OSError, ApiError) as error:
            print(f"provisioner: {error}", file=sys.stderr)
        return 1
    raise ValueError(name)
