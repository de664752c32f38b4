"""Pods and NetworkPolicies as far as enforcing asks: small, typed, read from the API's JSON.

What the API server refuses (an unknown operator, a peer of two kinds) is not checked again here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, collapse_addresses, ip_address, ip_network
from typing import Any

Json = Mapping[str, Any]
Labels = Mapping[str, str]
NOBODY: frozenset[IPv4Network] = frozenset()


@dataclass(frozen=True)
class Requirement:
    """One line of a label selector."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Labels) -> bool:
        """Say whether the labels meet this requirement; NotIn holds without the key, too."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
        raise ValueError(f"a label selector's operator {self.operator!r} is none of the API's")


@dataclass(frozen=True)
class Selector:
    """A label selector: all of its requirements hold, so that an empty one selects everything."""

    requirements: frozenset[Requirement] = frozenset()

    @classmethod
    def from_api(cls, selector: Json) -> "Selector":
        """Read matchLabels and matchExpressions."""
        labels = (selector.get("matchLabels") or {}).items()
        lines = selector.get("matchExpressions") or ()
        equal = [Requirement(key, "In", frozenset({value})) for key, value in labels]
        others = [
            Requirement(line["key"], line["operator"], frozenset(line.get("values") or ()))
            for line in lines
        ]
        return cls(frozenset([*equal, *others]))

    def matches(self, labels: Labels) -> bool:
        """Say whether an object with these labels is selected."""
        return all(requirement.holds(labels) for requirement in self.requirements)


@dataclass(frozen=True)
class IpBlock:
    """A peer by address: a CIDR less its holes. An IPv6 block holds nobody here."""

    networks: frozenset[IPv4Network]

    @classmethod
    def from_api(cls, block: Json) -> "IpBlock":
        """Cut every `except` out of the CIDR."""
        left = [ip_network(block["cidr"], strict=False)]
        for hole in (ip_network(text, strict=False) for text in block.get("except") or ()):
            left = [piece for network in left for piece in _without(network, hole)]
        return cls(merged(network for network in left if isinstance(network, IPv4Network)))


@dataclass(frozen=True)
class PodPeer:
    """A peer by labels; without a namespace selector the pods of the policy's own namespace."""

    namespaces: Selector | None
    pods: Selector


@dataclass(frozen=True)
class PortRule:
    """A protocol (lower case) and its port: a number, a name, or None for all of them."""

    protocol: str
    port: int | str | None = None
    end: int | None = None

    @classmethod
    def from_api(cls, port: Json) -> "PortRule":
        """Read one entry of `ports`; TCP when no protocol is named."""
        protocol = (port.get("protocol") or "TCP").lower()
        return cls(protocol, port.get("port"), port.get("endPort"))


@dataclass(frozen=True)
class Rule:
    """One rule of a policy. No peers: anyone. No ports: every protocol and port."""

    peers: tuple[IpBlock | PodPeer, ...] = ()
    ports: tuple[PortRule, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy. A direction that is None is one that it does not isolate."""

    namespace: str
    name: str
    pods: Selector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None

    @classmethod
    def from_api(cls, item: Json) -> "Policy":
        """Read a policy; without policyTypes it isolates ingress, and egress if it has rules."""
        spec = item["spec"]
        types = spec.get("policyTypes") or (
            ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
        )
        return cls(
            namespace=item["metadata"]["namespace"],
            name=item["metadata"]["name"],
            pods=Selector.from_api(spec.get("podSelector") or {}),
            ingress=_rules(spec.get("ingress"), "from") if "Ingress" in types else None,
            egress=_rules(spec.get("egress"), "to") if "Egress" in types else None,
        )


@dataclass(frozen=True)
class Pod:
    """A pod. One on the host's network, or that has ended, has no addresses of its own."""

    namespace: str
    name: str
    uid: str = ""
    created: str = ""
    labels: Labels = field(default_factory=dict)
    on_pod_network: bool = True
    addresses: tuple[IPv4Address, ...] = ()
    ports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(name, protocol in lower case) -> number"""

    @classmethod
    def from_api(cls, item: Json) -> "Pod":
        """Read a pod's labels, addresses and named ports."""
        metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
        ended = status.get("phase") in ("Succeeded", "Failed")
        on_pod_network = not spec.get("hostNetwork") and not ended
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata.get("uid", ""),
            created=metadata.get("creationTimestamp", ""),
            labels=metadata.get("labels") or {},
            on_pod_network=on_pod_network,
            addresses=_addresses(status) if on_pod_network else (),
            ports=_named_ports(spec),
        )


@dataclass(frozen=True)
class Cluster:
    """All that decides who may talk to whom."""

    pods: tuple[Pod, ...]
    namespaces: Mapping[str, Labels]
    policies: tuple[Policy, ...]


def merged(networks: Any) -> frozenset[IPv4Network]:
    """Return the fewest networks that hold the same addresses: equal sets look equal."""
    return frozenset(collapse_addresses(networks))


def _rules(rules: Any, peers: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            tuple(_peer(peer) for peer in rule.get(peers) or ()),
            tuple(PortRule.from_api(port) for port in rule.get("ports") or ()),
        )
        for rule in rules or ()
    )


def _peer(peer: Json) -> IpBlock | PodPeer:
    if peer.get("ipBlock") is not None:
        return IpBlock.from_api(peer["ipBlock"])
    namespaces, pods = peer.get("namespaceSelector"), peer.get("podSelector")
    if namespaces is None and pods is None:
        return IpBlock(NOBODY)
    return PodPeer(
        None if namespaces is None else Selector.from_api(namespaces), Selector.from_api(pods or {})
    )


def _without(network: Any, hole: Any) -> list[Any]:
    if network.version != hole.version or not network.overlaps(hole):
        return [network]
    return list(network.address_exclude(hole)) if hole.subnet_of(network) else []


def _addresses(status: Json) -> tuple[IPv4Address, ...]:
    texts = [entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip")]
    found = (ip_address(text) for text in texts or [status.get("podIP")] if text)
    return tuple(address for address in found if isinstance(address, IPv4Address))


def _named_ports(spec: Json) -> dict[tuple[str, str], int]:
    """Return the ports that containers name, init containers that run on as sidecars included."""
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    ports: dict[tuple[str, str], int] = {}
    for container in [*(spec.get("containers") or ()), *sidecars]:
        for port in container.get("ports") or ():
            if name := port.get("name"):
                key = (name, (port.get("protocol") or "TCP").lower())
                ports.setdefault(key, port["containerPort"])
    return ports
