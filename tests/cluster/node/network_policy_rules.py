"""Pods, namespaces and NetworkPolicies, compiled into who may send what to whom: no I/O here.

`compile_rules` resolves selectors and named ports to addresses and numbers. A pod of the result
is open (no policy selects it) or isolated, for each direction by itself; an address of the pod
network that the result does not hold is closed. `is_allowed` judges a packet by the result in the
order in which the rendered nftables chains do, so that tests need no root to check semantics.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from node.network_policy_objects import (
    Cluster,
    IpBlock,
    Pod,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    merged,
)

FIRST_PORT, LAST_PORT = 0, 65535
FLOODED = (IPv4Network("224.0.0.0/4"), IPv4Network("255.255.255.255/32"))
"""A bridge hands these to every pod at once, where no pod's own rules would be asked."""


@dataclass(frozen=True, order=True)
class Ports:
    """A range of one protocol's ports, both ends included."""

    protocol: str
    first: int = FIRST_PORT
    last: int = LAST_PORT


@dataclass(frozen=True)
class Allow:
    """Peers may be talked to on ports. None: anyone; None: any protocol and port."""

    peers: frozenset[IPv4Network] | None
    ports: frozenset[Ports] | None


Isolation = frozenset[Allow] | None
"""What an isolated pod is allowed in one direction; None: it is open in that direction."""


@dataclass(frozen=True)
class RuleSet:
    """What is enforced. Both directions hold the same addresses: those of the judged pods."""

    pod_cidr: IPv4Network
    egress: Mapping[IPv4Address, Isolation]
    ingress: Mapping[IPv4Address, Isolation]


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection, after Service addresses became pod addresses."""

    source: IPv4Address
    destination: IPv4Address
    protocol: str
    port: int | None = None
    hook: Literal["forward", "input", "output"] = "forward"
    """forward: through the node; input: to the node itself; output: from the node itself"""


def compile_rules(cluster: Cluster, pod_cidr: IPv4Network) -> RuleSet:
    """Judge every pod that has an address and whose namespace is known."""
    pods = _pods_by_address(cluster)
    compiler = _Compiler(cluster, pods)
    return RuleSet(
        pod_cidr,
        egress={a: compiler.isolation(pod, "egress") for a, pod in pods.items()},
        ingress={a: compiler.isolation(pod, "ingress") for a, pod in pods.items()},
    )


def nothing_judged(pod_cidr: IPv4Network) -> RuleSet:
    """Return the rule set under which every pod is closed."""
    return RuleSet(pod_cidr, egress={}, ingress={})


def is_allowed(rules: RuleSet, packet: Packet) -> bool:
    """Say whether a packet that opens a connection passes."""
    from_pod, to_pod = (a in rules.pod_cidr for a in (packet.source, packet.destination))
    if packet.hook == "output":
        return True
    if packet.hook == "input":
        return not from_pod or _passes(rules.egress, packet.source, packet, packet.destination)
    if from_pod and any(packet.destination in network for network in FLOODED):
        return False
    if from_pod and packet.source not in rules.egress:
        return False
    if to_pod and packet.destination not in rules.ingress:
        return False
    if packet.source == packet.destination:
        return True
    if from_pod and not _passes(rules.egress, packet.source, packet, packet.destination):
        return False
    return not to_pod or _passes(rules.ingress, packet.destination, packet, packet.source)


def _passes(
    direction: Mapping[IPv4Address, Isolation], own: IPv4Address, packet: Packet, peer: IPv4Address
) -> bool:
    if own not in direction:
        return False
    isolation = direction[own]
    return isolation is None or any(
        (allow.peers is None or any(peer in network for network in allow.peers))
        and (allow.ports is None or any(_holds(ports, packet) for ports in allow.ports))
        for allow in isolation
    )


def _holds(ports: Ports, packet: Packet) -> bool:
    return (
        packet.protocol == ports.protocol
        and packet.port is not None
        and ports.first <= packet.port <= ports.last
    )


def _pods_by_address(cluster: Cluster) -> dict[IPv4Address, Pod]:
    """Return each address's pod: the newest, where one that is going has lost it to another.

    A pod whose namespace is not known yet cannot be told from what policies select: not judged.
    """
    known = (
        pod for pod in cluster.pods if pod.on_pod_network and pod.namespace in cluster.namespaces
    )
    return {
        address: pod
        for pod in sorted(known, key=lambda pod: (pod.created, pod.uid))
        for address in pod.addresses
    }


class _Compiler:
    """Resolves the rules of policies to addresses; what policies share is resolved once."""

    def __init__(self, cluster: Cluster, pods: Mapping[IPv4Address, Pod]) -> None:
        self._cluster = cluster
        self._pods = pods
        self._select: Callable[[str, PodPeer], frozenset[IPv4Address]] = cache(self._select_pods)
        self._peers: Callable[[str, Rule], frozenset[IPv4Network] | None] = cache(self._peers_of)
        self._egress: Callable[[str, Rule], frozenset[Allow]] = cache(self._egress_of)

    def isolation(self, pod: Pod, direction: Literal["ingress", "egress"]) -> Isolation:
        """Return the union of what the policies that select the pod allow; None if none does."""
        policies = [policy for policy in self._cluster.policies if _selects(policy, pod)]
        rules = [p.egress if direction == "egress" else p.ingress for p in policies]
        isolating = [some for some in rules if some is not None]
        if not isolating:
            return None
        allows: set[Allow] = set()
        for rule in (rule for some in isolating for rule in some):
            allows |= (
                self._egress(pod.namespace, rule)
                if direction == "egress"
                else self._ingress_of(pod, rule)
            )
        return frozenset(allows)

    def _ingress_of(self, pod: Pod, rule: Rule) -> frozenset[Allow]:
        """Named ports are the selected pod's own; a rule left without ports allows nothing."""
        ports = frozenset(_numbered(rule.ports, pod)) if rule.ports else None
        return _allow(self._peers(pod.namespace, rule), ports)

    def _egress_of(self, namespace: str, rule: Rule) -> frozenset[Allow]:
        """Named ports are those of each destination, so they allow only pods that have them."""
        peers = self._peers(namespace, rule)
        if not rule.ports:
            return _allow(peers, None)
        numbered = frozenset(_numbered(rule.ports, None))
        allows = set(_allow(peers, numbered))
        named: dict[Ports, set[IPv4Address]] = {}
        names = [port for port in rule.ports if isinstance(port.port, str)]
        for address in self._selected(namespace, rule) if names else ():
            for ports in _numbered(names, self._pods[address]):
                named.setdefault(ports, set()).add(address)
        for ports, addresses in named.items():
            allows |= _allow(_networks(addresses), frozenset({ports}))
        return frozenset(allows)

    def _peers_of(self, namespace: str, rule: Rule) -> frozenset[IPv4Network] | None:
        if not rule.peers:
            return None
        blocks = [peer.networks for peer in rule.peers if isinstance(peer, IpBlock)]
        return merged(frozenset().union(*blocks, _networks(self._selected(namespace, rule))))

    def _selected(self, namespace: str, rule: Rule) -> frozenset[IPv4Address]:
        """Return the addresses of the pods that a rule's peers select: all pods without peers."""
        if not rule.peers:
            return frozenset(self._pods)
        selectors = [peer for peer in rule.peers if isinstance(peer, PodPeer)]
        return frozenset().union(*(self._select(namespace, peer) for peer in selectors))

    def _select_pods(self, namespace: str, peer: PodPeer) -> frozenset[IPv4Address]:
        if peer.namespaces is None:
            namespaces = {namespace}
        else:
            labels = self._cluster.namespaces
            namespaces = {name for name in labels if peer.namespaces.matches(labels[name])}
        return frozenset(
            address
            for address, pod in self._pods.items()
            if pod.namespace in namespaces and peer.pods.matches(pod.labels)
        )


def _selects(policy: Policy, pod: Pod) -> bool:
    return policy.namespace == pod.namespace and policy.pods.matches(pod.labels)


def _networks(addresses: Iterable[IPv4Address]) -> frozenset[IPv4Network]:
    return frozenset(IPv4Network(address) for address in addresses)


def _numbered(rules: Iterable[PortRule], pod: Pod | None) -> Iterator[Ports]:
    """Yield the ports as numbers; a name that the pod has not (or without a pod) yields nothing."""
    for rule in rules:
        if rule.port is None:
            yield Ports(rule.protocol)
        elif isinstance(rule.port, int):
            yield Ports(rule.protocol, rule.port, rule.end or rule.port)
        elif pod and (number := pod.ports.get((rule.port, rule.protocol))):
            yield Ports(rule.protocol, number, number)


def _allow(
    peers: frozenset[IPv4Network] | None, ports: frozenset[Ports] | None
) -> frozenset[Allow]:
    """Return the one allowance, or none where it would name no peer or no port."""
    is_empty = peers == frozenset() or ports == frozenset()
    return frozenset() if is_empty else frozenset({Allow(peers, ports)})
