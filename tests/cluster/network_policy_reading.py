"""NetworkPolicy as its specification reads, said as directly as can be, and random clusters.

`reading_allows` answers for one connection from the API's own objects, with nothing prepared: it
is slow, and has nothing in common with the enforcer but the objects. What both must agree on is
drawn by `worlds`.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]


@dataclass(frozen=True)
class World:
    """The objects of a cluster, as the API server gives them."""

    pods: tuple[Json, ...]
    namespaces: tuple[Json, ...]
    policies: tuple[Json, ...]

    def pod_at(self, address: IPv4Address) -> Json | None:
        """Return the pod that lives at an address of the pod network."""
        for pod in self.pods:
            if pod["status"].get("podIP") == str(address) and is_on_pod_network(pod):
                return pod
        return None


def is_on_pod_network(pod: Json) -> bool:
    """Say whether a pod has its own address and has not ended."""
    ended = pod["status"]["phase"] in ("Succeeded", "Failed")
    return not pod["spec"].get("hostNetwork", False) and not ended


def reading_allows(
    world: World, source: IPv4Address, destination: IPv4Address, protocol: str, port: int | None
) -> bool:
    """Say whether a connection may be opened: the source's egress and the destination's ingress.

    An address where no pod lives is somebody outside, or the node as a destination.
    """
    sender, receiver = world.pod_at(source), world.pod_at(destination)
    if sender is not None and sender is receiver:
        return True
    packet = (protocol, port, receiver)
    if sender is not None and not _direction_allows(world, "Egress", sender, destination, packet):
        return False
    return receiver is None or _direction_allows(world, "Ingress", receiver, source, packet)


def _direction_allows(
    world: World, direction: str, pod: Json, peer: IPv4Address, packet: tuple[Any, ...]
) -> bool:
    policies = [
        policy
        for policy in world.policies
        if policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
        and _selected(policy["spec"]["podSelector"], pod["metadata"]["labels"])
        and direction in _types(policy["spec"])
    ]
    if not policies:
        return True
    for policy in policies:
        for rule in policy["spec"].get(direction.lower()) or []:
            peers = rule.get("from" if direction == "Ingress" else "to")
            ports = rule.get("ports")
            peer_fits = not peers or any(_peer_fits(world, policy, p, peer) for p in peers)
            port_fits = not ports or any(_port_fits(p, *packet) for p in ports)
            if peer_fits and port_fits:
                return True
    return False


def _types(spec: Json) -> list[str]:
    if spec.get("policyTypes"):
        return list(spec["policyTypes"])
    return ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _peer_fits(world: World, policy: Json, peer: Json, address: IPv4Address) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        inside = address in ip_network(block["cidr"])
        return inside and not any(address in ip_network(hole) for hole in block.get("except", []))
    pod = world.pod_at(address)
    if pod is None:
        return False
    if "namespaceSelector" in peer:
        name = pod["metadata"]["namespace"]
        labels = next(n for n in world.namespaces if n["metadata"]["name"] == name)
        if not _selected(peer["namespaceSelector"], labels["metadata"].get("labels", {})):
            return False
    elif pod["metadata"]["namespace"] != policy["metadata"]["namespace"]:
        return False
    return _selected(peer.get("podSelector", {}), pod["metadata"]["labels"])


def _port_fits(rule: Json, protocol: str, port: int | None, receiver: Json | None) -> bool:
    wanted: Any = rule.get("port")
    if rule.get("protocol", "TCP").lower() != protocol:
        return False
    if wanted is None:
        return True
    if isinstance(wanted, str):
        containers = receiver["spec"]["containers"] if receiver else []
        named = [p for c in containers for p in c.get("ports", []) if p.get("name") == wanted]
        fitting = [p for p in named if p.get("protocol", "TCP").lower() == protocol]
        return bool(fitting) and fitting[0]["containerPort"] == port
    end: int = rule.get("endPort", wanted)
    return port is not None and wanted <= port <= end


def _selected(selector: Json, labels: Json) -> bool:
    for key, value in selector.get("matchLabels", {}).items():
        if key not in labels or labels[key] != value:
            return False
    for line in selector.get("matchExpressions", []):
        key, operator, values = line["key"], line["operator"], line.get("values", [])
        if operator == "Exists" and key not in labels:
            return False
        if operator == "DoesNotExist" and key in labels:
            return False
        if operator == "In" and (key not in labels or labels[key] not in values):
            return False
        if operator == "NotIn" and key in labels and labels[key] in values:
            return False
    return True


NAMESPACES = ("north", "south")
NUMBERS = (80, 81, 443, 8080)
LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=2)
EXPRESSIONS = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from("ab"),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from("xy"), min_size=1, max_size=2, unique=True),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator},
        st.sampled_from("ab"),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
SELECTORS = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {},
        optional={"matchLabels": LABELS, "matchExpressions": st.lists(EXPRESSIONS, max_size=2)},
    ),
)
BLOCKS = st.sampled_from(
    [
        {"cidr": "0.0.0.0/0"},
        {"cidr": "0.0.0.0/0", "except": ["10.77.0.0/24"]},
        {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32", "192.168.77.0/30"]},
        {"cidr": "10.77.0.0/24", "except": ["10.77.0.12/32"]},
        {"cidr": "10.77.0.12/31"},
        {"cidr": "192.168.77.0/24"},
        {"cidr": "192.168.77.0/24", "except": ["192.168.77.1/32"]},
        {"cidr": "fd00::/8"},
    ]
)
PEERS = st.one_of(
    st.builds(lambda block: {"ipBlock": block}, BLOCKS),
    st.builds(lambda pods: {"podSelector": pods}, SELECTORS),
    st.builds(lambda namespaces: {"namespaceSelector": namespaces}, SELECTORS),
    st.builds(
        lambda namespaces, pods: {"namespaceSelector": namespaces, "podSelector": pods},
        SELECTORS,
        SELECTORS,
    ),
)
PROTOCOLS = st.fixed_dictionaries(
    {}, optional={"protocol": st.sampled_from(["TCP", "UDP", "SCTP"])}
)
PORTS = st.one_of(
    PROTOCOLS,
    st.builds(
        lambda kind, port: {**kind, "port": port},
        PROTOCOLS,
        st.sampled_from([*NUMBERS, "web", "other"]),
    ),
    st.builds(
        lambda kind, ends: {**kind, "port": min(ends), "endPort": max(ends)},
        PROTOCOLS,
        st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)),
    ),
)
CONTAINER_PORTS = st.builds(
    lambda kind, name, number: {**kind, "name": name, "containerPort": number},
    PROTOCOLS,
    st.sampled_from(["web", "other"]),
    st.sampled_from(NUMBERS),
)


def _rules(peers: str) -> st.SearchStrategy[list[Json]]:
    return st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                peers: st.lists(PEERS, max_size=2),
                "ports": st.lists(PORTS, max_size=2),
            },
        ),
        max_size=2,
    )


def _policies() -> st.SearchStrategy[Json]:
    types = [["Ingress"], ["Egress"], ["Ingress", "Egress"], []]
    spec = st.fixed_dictionaries(
        {"podSelector": SELECTORS},
        optional={
            "policyTypes": st.sampled_from(types),
            "ingress": _rules("from"),
            "egress": _rules("to"),
        },
    )
    return st.builds(
        lambda namespace, spec: {"metadata": {"namespace": namespace, "name": "p"}, "spec": spec},
        st.sampled_from(NAMESPACES),
        spec,
    )


@st.composite
def worlds(draw: st.DrawFn, addresses: tuple[IPv4Address, ...]) -> World:
    """Draw pods at the addresses, in two namespaces, and policies for them."""
    namespaces = tuple(
        {"metadata": {"name": name, "labels": {**draw(LABELS), "name": name}}}
        for name in NAMESPACES
    )
    pods = tuple(
        {
            "metadata": {
                "namespace": draw(st.sampled_from(NAMESPACES)),
                "name": f"pod-{address}",
                "uid": str(address),
                "labels": draw(LABELS),
            },
            "spec": {"containers": [{"ports": draw(st.lists(CONTAINER_PORTS, max_size=2))}]},
            "status": {"phase": "Running", "podIP": str(address)},
        }
        for address in addresses
    )
    return World(pods, namespaces, tuple(draw(st.lists(_policies(), min_size=1, max_size=4))))


def pod_addresses(world: World) -> set[IPv4Address]:
    """Return the addresses of the pods that are on the pod network."""
    found = (ip_address(pod["status"]["podIP"]) for pod in world.pods if is_on_pod_network(pod))
    return {address for address in found if isinstance(address, IPv4Address)}
