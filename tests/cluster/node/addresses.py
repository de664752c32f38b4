"""Choose a /16 for a node, free of all that the machine already reaches.

One network a node: the machine routes all of it into the node, so that pods, services and the node
are reached by their own addresses, and two nodes never share one.
"""

import ipaddress
import json
import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from node.errors import NodeError
from node.layout import State

Network = ipaddress.IPv4Network
Address = ipaddress.IPv4Address
POOL = Network("10.0.0.0/8")


@dataclass(frozen=True)
class Addresses:
    """The parts of a node's /16."""

    network: Network

    @property
    def pods(self) -> Network:
        return Network((int(self.network.network_address), 17))

    @property
    def services(self) -> Network:
        return Network((int(self.network.network_address) + 0x8000, 18))

    @property
    def link(self) -> Network:
        """Between the machine and the node."""
        return Network((int(self.network.network_address) + 0xFF00, 30))

    @property
    def host(self) -> Address:
        """The machine, as the node sees it."""
        return self.link[1]

    @property
    def node(self) -> Address:
        return self.link[2]

    @property
    def api_service(self) -> Address:
        return self.services[1]

    @property
    def dns(self) -> Address:
        return self.services[10]

    @property
    def api_url(self) -> str:
        return f"https://{self.node}:6443"

    @property
    def registry(self) -> str:
        return f"{self.node}:5000"


def addresses_of(state: State) -> Addresses:
    """Return the addresses that a node was made with."""
    return Addresses(Network(json.loads(state.facts.read_text(encoding="utf-8"))["network"]))


def choose(taken: list[Network], seed: str) -> Addresses:
    """Return addresses in the first free /16, tried in an order that the seed decides.

    Raises
    ------
    NodeError
        If no /16 of 10.0.0.0/8 is free.
    """
    candidates = list(POOL.subnets(new_prefix=16))[1:]
    random.Random(seed).shuffle(candidates)
    for network in candidates:
        if not any(network.overlaps(other) for other in taken):
            return Addresses(network)
    raise NodeError(
        f"no /16 of {POOL} is free of this machine's routes: {', '.join(map(str, taken))}"
    )


def taken_here(except_interface: str = "") -> list[Network]:
    """Return the networks that this machine has a route or a name server in."""
    shown = subprocess.run(
        ["ip", "-4", "-json", "route", "show", "table", "all"],
        check=True,
        capture_output=True,
        text=True,
    )
    routes = [
        Network(route["dst"], strict=False)
        for route in json.loads(shown.stdout)
        if route["dst"] != "default" and route.get("dev") != except_interface
    ]
    return routes + [Network(address) for address in name_servers()]


def name_servers(path: Path = Path("/etc/resolv.conf")) -> list[Address]:
    """Return the machine's IPv4 name servers that a node can reach: none on a loopback address."""
    systemd = Path("/run/systemd/resolve/resolv.conf")
    text = "".join(p.read_text(encoding="utf-8") for p in (path, systemd) if p.is_file())
    found = re.findall(r"^nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$", text, re.MULTILINE)
    addresses = dict.fromkeys(map(Address, found))
    return [address for address in addresses if not address.is_loopback]
