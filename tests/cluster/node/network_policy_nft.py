"""The rule set as nftables text, and the kernel's table that holds it.

    forward, input ── a pod sends ──> from_pod ── map egress ──> the pod's chain ──> to
                   └─ others send ─────────────────────────────────────────────────> to
    to ── map ingress ──> the pod's chain ──> accept

A packet passes only where a rule says so: whatever falls off the end of a pod's chain, or meets no
entry in a map, is dropped by the rule behind the map. So a packet under way while the kernel
changes from one generation of rules to the next can be dropped, never let through.

Chains and peer sets are named after what they hold. An update adds those that are missing, points
the maps at them and deletes those that nothing names any more, in one transaction; the hooked
chains are never taken away, which would let packets through between the old and the new one.

A packet's source address is taken at its word: a pod that may forge it (CAP_NET_RAW, which the
restricted PodSecurity standard takes away) is judged as the one that it says it is.
"""

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network

from node.network_policy_rules import (
    FIRST_PORT,
    FLOODED,
    LAST_PORT,
    Allow,
    Isolation,
    Ports,
    RuleSet,
)

TABLE = "inet maru_policy"
_NAMED_AFTER_CONTENT = re.compile(
    r"^\s*(chain|set) ((?:egress|ingress|peers)_[0-9a-f]{16}) \{$", re.M
)


class NftError(Exception):
    """The kernel or nft refused the rules."""


@dataclass(frozen=True)
class Table:
    """What a rule set comes to: peer sets, pods' chains, and the maps that lead pods to them."""

    base: tuple[str, ...]
    peer_sets: Mapping[str, frozenset[IPv4Network]]
    chains: Mapping[str, tuple[str, ...]]
    egress: Mapping[IPv4Address, str]
    ingress: Mapping[IPv4Address, str]

    @property
    def named_after_content(self) -> frozenset[tuple[str, str]]:
        """Return the chains and sets that come and go with what they hold."""
        chains = {("chain", name) for name in self.chains}
        return frozenset(chains | {("set", name) for name in self.peer_sets})

    @property
    def rule_count(self) -> int:
        """Count the rules, those of every pod included."""
        return len(self.base) + sum(len(chain) for chain in self.chains.values())


def render(rules: RuleSet, uplink: str) -> Table:
    """Write the rule set as nftables rules. `uplink` is the node's interface to the outside."""
    peer_sets: dict[str, frozenset[IPv4Network]] = {}
    chains: dict[str, tuple[str, ...]] = {}

    @cache
    def lead(direction: str, isolation: Isolation, peer: str, passes: str) -> str:
        """Return the verdict that leads a pod's packets to its chain, and keep that chain."""
        if isolation is None:
            return passes
        lines = sorted(
            line for allow in isolation for line in _allow_lines(allow, peer, passes, peer_sets)
        )
        name = _name(direction, lines)
        chains[name] = tuple(lines)
        return f"jump {name}"

    egress = {a: lead("egress", i, "daddr", "goto to") for a, i in rules.egress.items()}
    ingress = {a: lead("ingress", i, "saddr", "accept") for a, i in rules.ingress.items()}
    return Table(_base(rules.pod_cidr, uplink), peer_sets, chains, egress, ingress)


def transaction(table: Table, present: frozenset[tuple[str, str]]) -> str:
    """Write what turns the kernel's table, which holds `present`, into this one at once."""
    lines = [f"add table {TABLE}"]
    lines += [f"add {_placed(thing)} {declared}" for thing, declared in _FRAME.items()]
    lines += [f"flush {_placed(thing)}" for thing in _FRAME]
    for name, networks in table.peer_sets.items():
        if ("set", name) not in present:
            lines += _peer_set(name, networks)
    for name, rules in table.chains.items():
        if ("chain", name) not in present:
            lines.append(f"add chain {TABLE} {name}")
            lines += [f"add rule {TABLE} {name} {rule}" for rule in rules]
    lines += [f"add rule {TABLE} {rule}" for rule in table.base]
    lines += _elements("pods", table.egress)
    lines += _elements("itself", (f"{address} . {address}" for address in table.egress))
    lines += _elements("egress", (f"{a} : {verdict}" for a, verdict in table.egress.items()))
    lines += _elements("ingress", (f"{a} : {verdict}" for a, verdict in table.ingress.items()))
    # "chain" sorts before "set": the chains go first, because their rules hold the sets.
    gone = present - table.named_after_content
    lines += [f"delete {kind} {TABLE} {name}" for kind, name in sorted(gone)]
    return "\n".join(lines) + "\n"


def in_kernel() -> frozenset[tuple[str, str]] | None:
    """Return what the kernel's table holds of what is named after its content; None: no table."""
    listed = _nft("--terse", "list", "table", *TABLE.split())
    if listed.returncode:
        if "No such file or directory" in listed.stderr:
            return None
        raise NftError(f"cannot list the table {TABLE}: {listed.stderr.strip()}")
    return frozenset(_NAMED_AFTER_CONTENT.findall(listed.stdout))


def load(table: Table, replaced: Table | None = None) -> None:
    """Put the table into the kernel, in place of the one that is there: asked for if not given."""
    present = replaced.named_after_content if replaced else in_kernel() or frozenset()
    loaded = _nft("-f", "-", text=transaction(table, present))
    if loaded.returncode:
        raise NftError(f"nft refused the rules of {TABLE}: {loaded.stderr.strip()}")


def _nft(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["nft", *arguments], check=False, input=text, capture_output=True, text=True
    )


_HOOK = "{{ type filter hook {} priority filter - 5; policy accept; }}"
_FRAME = {
    "set pods": "{ type ipv4_addr; }",
    "set itself": "{ type ipv4_addr . ipv4_addr; }",
    "map egress": "{ type ipv4_addr : verdict; }",
    "map ingress": "{ type ipv4_addr : verdict; }",
    "chain forward": _HOOK.format("forward"),
    "chain input": _HOOK.format("input"),
    "chain from_pod": "",
    "chain to": "",
}


def _placed(thing: str) -> str:
    """Put the table's name into that of a thing: `chain to` -> `chain inet maru_policy to`."""
    return thing.replace(" ", f" {TABLE} ", 1)


def _base(pods: IPv4Network, uplink: str) -> tuple[str, ...]:
    """Return the rules of the chains that every packet meets.

    Only the packets that open a connection, or go on in its direction, are judged (each of them, so
    that a policy also ends the connections that it forbids); answers pass. What the node itself
    sends leaves by the output hook, where there is no chain. The pods have no IPv6 addresses but
    those that every interface makes for itself, which no policy could name: IPv6 is closed.
    """
    flooded = ", ".join(str(network) for network in FLOODED)
    answers = ("ct direction reply accept", "ct state related accept")
    return (
        "forward meta nfproto ipv6 counter drop",
        f"forward ip saddr {pods} ip daddr {{ {flooded} }} counter drop",
        f"forward ip saddr {pods} ip saddr != @pods counter drop",
        f"forward ip daddr {pods} ip daddr != @pods counter drop",
        *(f"forward {rule}" for rule in answers),
        "forward ip saddr . ip daddr @itself accept",
        f"forward ip saddr {pods} jump from_pod",
        f"forward ip daddr {pods} jump to",
        f'input meta nfproto ipv6 iifname != {{ "lo", "{uplink}" }} counter drop',
        'input iifname "lo" accept',
        *(f"input {rule}" for rule in answers),
        f"input ip saddr {pods} jump from_pod",
        "from_pod ip saddr vmap @egress",
        "from_pod counter drop",
        "to fib daddr type local accept",
        f"to ip daddr != {pods} accept",
        "to ip daddr vmap @ingress",
        "to counter drop",
    )


def _allow_lines(
    allow: Allow, peer: str, passes: str, peer_sets: dict[str, frozenset[IPv4Network]]
) -> list[str]:
    """Return an allowance as rules, one for each protocol, and keep the set of its peers."""
    if allow.peers is None:
        peers = ""
    else:
        name = _name("peers", sorted(allow.peers))
        peer_sets[name] = allow.peers
        peers = f"ip {peer} @{name} "
    if allow.ports is None:
        return [f"{peers}{passes}"]
    protocols = sorted({ports.protocol for ports in allow.ports})
    return [f"{peers}{_ports_match(protocol, allow.ports)} {passes}" for protocol in protocols]


def _ports_match(protocol: str, ports: Iterable[Ports]) -> str:
    ranges = _joined((p.first, p.last) for p in ports if p.protocol == protocol)
    if ranges == [(FIRST_PORT, LAST_PORT)]:
        return f"meta l4proto {protocol}"
    texts = (str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return f"{protocol} dport {{ {', '.join(texts)} }}"


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join ranges that overlap, which a set of nftables may not hold."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _peer_set(name: str, networks: frozenset[IPv4Network]) -> list[str]:
    """Return a set of single addresses, if it can be one: that is looked up by a hash."""
    are_single = all(network.prefixlen == 32 for network in networks)
    flags = "" if are_single else " flags interval;"
    elements = (n.network_address if are_single else n for n in sorted(networks))
    declared = f"add set {TABLE} {name} {{ type ipv4_addr;{flags} }}"
    return [declared, *_elements(name, elements)]


def _elements(name: str, elements: Iterable[object]) -> list[str]:
    text = ", ".join(str(element) for element in elements)
    return [f"add element {TABLE} {name} {{ {text} }}"] if text else []


def _name(kind: str, content: Iterable[object]) -> str:
    digest = sha256("\n".join(str(line) for line in content).encode()).hexdigest()
    return f"{kind}_{digest[:16]}"
