"""What a node needs of the machine's network: one interface, one NAT table, forwarding."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from node.addresses import Addresses

PREFIX = "maru-"
NOTE = Path("/run/maru-forwarding")


@dataclass(frozen=True)
class HostNetwork:
    """The machine's end of a node's network; ``name`` is the interface's and the table's."""

    name: str

    def connect(self, addresses: Addresses, pid: int) -> None:
        """Join the node's network to the machine's, and through it to the outside."""
        mtu = str(outside_mtu())
        ip(
            "link",
            "add",
            self.name,
            "mtu",
            mtu,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "mtu",
            mtu,
            "netns",
            str(pid),
        )
        ip("address", "add", f"{addresses.host}/{addresses.link.prefixlen}", "dev", self.name)
        ip("link", "set", self.name, "up")
        ip("route", "replace", str(addresses.network), "via", str(addresses.node), "dev", self.name)
        table = f"""
            table ip {self.name} {{}}
            delete table ip {self.name}
            table ip {self.name} {{
                chain postrouting {{
                    type nat hook postrouting priority srcnat;
                    ip saddr {addresses.network} oifname != "{self.name}" masquerade
                }}
            }}
        """
        subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)
        forward(self.name)
        note_forwarding()
        for name in outside_interfaces():
            forward(name)
        if _forwards_nothing_by_default():
            for rule in self._accepting():
                subprocess.run(["iptables", "--wait", "-I", "FORWARD", *rule], check=True)

    def disconnect(self) -> None:
        """Take it all away; what is gone already is no error."""
        _quietly("ip", "link", "delete", self.name)
        _quietly("nft", "delete", "table", "ip", self.name)
        for rule in self._accepting():
            while self.name in _forward_chain() and _quietly(
                "iptables", "--wait", "-D", "FORWARD", *rule
            ):
                pass
        if not any(link.startswith(PREFIX) for link in interfaces()):
            _undo_forwarding()

    def _accepting(self) -> list[list[str]]:
        """Return the rules that let packets of the node pass a firewall such as Docker's."""
        return [[way, self.name, "-j", "ACCEPT"] for way in ("-i", "-o")]


def orphans() -> list[str]:
    """Return the names of nodes of which only the table is left: their folder was deleted."""
    shown = subprocess.run(
        ["nft", "list", "tables", "ip"], check=True, capture_output=True, text=True
    )
    tables = [line.split()[-1] for line in shown.stdout.splitlines()]
    return [t for t in tables if t.startswith(PREFIX) and t not in interfaces()]


def interfaces() -> list[str]:
    """Return the names of the machine's interfaces."""
    return [path.name for path in Path("/sys/class/net").iterdir()]


def outside_interfaces() -> list[str]:
    """Return the interfaces that the machine's default routes use."""
    shown = subprocess.run(
        ["ip", "-4", "-json", "route", "show", "default"],
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted({route["dev"] for route in json.loads(shown.stdout or "[]") if "dev" in route})


def outside_mtu() -> int:
    """Return the largest packet that the way out takes; 1500 where there is none."""
    mtus = [int(Path(f"/sys/class/net/{n}/mtu").read_text()) for n in outside_interfaces()]
    return min([1500, *mtus])


def ip(*words: str) -> None:
    """Run ip(8)."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def not_forwarding() -> list[str]:
    """Return the outside interfaces that do not forward packets."""
    return [n for n in outside_interfaces() if _forwarding(n).read_text().strip() == "0"]


def forward(interface: str) -> None:
    """Let an interface's packets be forwarded."""
    _forwarding(interface).write_text("1")


def note_forwarding() -> None:
    """Note which outside interfaces don't forward yet: so it is again after the last node.

    The note lies where it is gone after a start of the machine, as the setting is.
    """
    with NOTE.open("a", encoding="utf-8") as note:
        note.writelines(f"{name}\n" for name in not_forwarding())


def _undo_forwarding() -> None:
    if not NOTE.exists():
        return
    for name in NOTE.read_text(encoding="utf-8").split():
        if _forwarding(name).exists():
            _forwarding(name).write_text("0")
    NOTE.unlink()


def _forwarding(interface: str) -> Path:
    return Path("/proc/sys/net/ipv4/conf") / interface / "forwarding"


def _forwards_nothing_by_default() -> bool:
    return "-P FORWARD DROP" in _forward_chain()


def _forward_chain() -> str:
    shown = subprocess.run(
        ["iptables", "--wait", "-S", "FORWARD"], check=False, capture_output=True, text=True
    )
    return shown.stdout


def _quietly(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
