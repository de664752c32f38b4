"""What NetworkPolicies allow, case by case as worked out by hand, and against a plain reading."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_policy_reading import NUMBERS, World, reading_allows, worlds
from node.network_policy_objects import Cluster, Pod, Policy
from node.network_policy_rules import Packet, compile_rules, is_allowed, nothing_judged

POD_CIDR = IPv4Network("10.77.0.0/24")
OUTSIDE = IPv4Address("192.168.77.2")
NODE = IPv4Address("192.168.77.1")
WEB, JOB, OTHER = (IPv4Address(f"10.77.0.{i}") for i in (11, 12, 13))
"""web and job live in the namespace shop, other in the namespace away."""


def pod(address, namespace="shop", labels=None, ports=(), **changes):
    """Return a pod as the API gives it."""
    return {
        "metadata": {
            "namespace": namespace,
            "name": f"pod-{address}",
            "uid": f"uid-{address}",
            "creationTimestamp": changes.pop("created", "2026-11-22T10:00:00Z"),
            "labels": labels or {},
        },
        "spec": {
            "containers": [{"name": "main", "ports": list(ports)}],
            **changes.pop("spec", {}),
        },
        "status": {"phase": "Running", "podIP": str(address), "podIPs": [{"ip": str(address)}]}
        | changes.pop("status", {}),
    }


PODS = (
    pod(WEB, labels={"app": "web"}, ports=[{"name": "http", "containerPort": 8080}]),
    pod(JOB, labels={"app": "job"}, ports=[{"name": "http", "containerPort": 80}]),
    pod(OTHER, namespace="away", labels={"app": "job"}),
)
NAMESPACES = {"shop": {"team": "one"}, "away": {"team": "two"}}


def policy(selector=None, namespace="shop", **spec):
    """Return a policy as the API gives it; it selects all pods of its namespace by default."""
    return {
        "metadata": {"namespace": namespace, "name": "policy"},
        "spec": {"podSelector": selector or {}, **spec},
    }


def rules_of(*policies, pods=PODS, namespaces=NAMESPACES):
    """Compile objects of the API."""
    cluster = Cluster(
        tuple(Pod.from_api(item) for item in pods),
        namespaces,
        tuple(Policy.from_api(item) for item in policies),
    )
    return compile_rules(cluster, POD_CIDR)


def reaches(rules, source, destination, port=80, protocol="tcp", hook="forward"):
    """Say whether a connection may be opened."""
    return is_allowed(rules, Packet(source, destination, protocol, port, hook))


def test_pods_that_no_policy_selects_are_open():
    rules = rules_of()
    assert reaches(rules, WEB, JOB)
    assert reaches(rules, OTHER, WEB, 5432, "udp")
    assert reaches(rules, OUTSIDE, WEB)
    assert reaches(rules, WEB, OUTSIDE)


def test_default_deny_closes_both_ways_and_only_its_namespace():
    rules = rules_of(policy(policyTypes=["Ingress", "Egress"]))
    assert not reaches(rules, JOB, WEB)
    assert not reaches(rules, OUTSIDE, WEB)
    assert not reaches(rules, WEB, OUTSIDE)
    assert not reaches(rules, WEB, OTHER)
    assert not reaches(rules, OTHER, WEB)
    assert reaches(rules, OTHER, OUTSIDE)


@pytest.mark.parametrize(
    ("spec", "ingress_is_isolated", "egress_is_isolated"),
    [
        ({}, True, False),
        ({"policyTypes": []}, True, False),
        ({"ingress": []}, True, False),
        ({"egress": []}, True, False),  # the API server: an empty list is no section
        ({"egress": [{"to": [{"podSelector": {"matchLabels": {"no": "pod"}}}]}]}, True, True),
        ({"policyTypes": ["Egress"]}, False, True),
        ({"policyTypes": ["Egress"], "ingress": [{}]}, False, True),
        ({"policyTypes": ["Ingress"], "egress": []}, True, False),
    ],
)
def test_policy_types_and_their_default(spec, ingress_is_isolated, egress_is_isolated):
    rules = rules_of(policy({"matchLabels": {"app": "web"}}, **spec))
    assert reaches(rules, JOB, WEB) is not ingress_is_isolated
    assert reaches(rules, WEB, JOB) is not egress_is_isolated


def test_an_empty_rule_allows_everything():
    rules = rules_of(policy(policyTypes=["Ingress", "Egress"], ingress=[{}], egress=[{}]))
    assert reaches(rules, OUTSIDE, WEB, None, "icmp")
    assert reaches(rules, WEB, OUTSIDE, 9, "sctp")


@pytest.mark.parametrize("peers", [{}, {"from": []}, {"from": None}])
def test_empty_or_absent_peers_are_anyone(peers):
    rules = rules_of(policy(ingress=[{**peers, "ports": [{"port": 80}]}]))
    assert reaches(rules, OUTSIDE, WEB, 80)
    assert reaches(rules, OTHER, WEB, 80)
    assert not reaches(rules, OTHER, WEB, 81)


def test_egress_and_ingress_are_both_needed():
    to_job = policy(
        {"matchLabels": {"app": "web"}},
        policyTypes=["Egress"],
        egress=[{"to": [{"podSelector": {"matchLabels": {"app": "job"}}}]}],
    )
    deny_job = policy({"matchLabels": {"app": "job"}})
    assert reaches(rules_of(to_job), WEB, JOB)
    assert not reaches(rules_of(to_job, deny_job), WEB, JOB)
    from_web = policy(
        {"matchLabels": {"app": "job"}},
        ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}],
    )
    assert reaches(rules_of(to_job, deny_job, from_web), WEB, JOB)


def test_policies_add_up():
    web, job = ({"podSelector": {"matchLabels": {"app": name}}} for name in ("web", "job"))
    select = {"matchLabels": {"app": "web"}}
    first = policy(select, ingress=[{"from": [job], "ports": [{"port": 80}]}])
    second = policy(select, ingress=[{"from": [web], "ports": [{"port": 81}]}])
    third = policy(select, ingress=[{"from": [job], "ports": [{"port": 82}]}])
    rules = rules_of(first, second, third)
    assert [port for port in range(79, 84) if reaches(rules, JOB, WEB, port)] == [80, 82]


@pytest.mark.parametrize(
    ("peer", "reached_from"),
    [
        ({"podSelector": {}}, {WEB, JOB}),
        ({"podSelector": {"matchLabels": {"app": "job"}}}, {JOB}),
        ({"namespaceSelector": {}}, {WEB, JOB, OTHER}),
        ({"namespaceSelector": {"matchLabels": {"team": "two"}}}, {OTHER}),
        (
            {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "job"}}},
            {JOB, OTHER},
        ),
        (
            {
                "namespaceSelector": {"matchLabels": {"team": "one"}},
                "podSelector": {"matchLabels": {"app": "job"}},
            },
            {JOB},
        ),
        ({}, set()),
    ],
)
def test_peers_by_labels(peer, reached_from):
    rules = rules_of(policy({"matchLabels": {"app": "web"}}, ingress=[{"from": [peer]}]))
    assert {a for a in (JOB, OTHER, OUTSIDE) if reaches(rules, a, WEB)} == reached_from - {WEB}


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ({"operator": "In", "values": ["web", "db"]}, {"web"}),
        ({"operator": "NotIn", "values": ["web"]}, {"job", "none"}),
        ({"operator": "Exists"}, {"web", "job", "empty"} - {"empty"}),
        ({"operator": "DoesNotExist"}, {"none"}),
    ],
)
def test_match_expressions(expression, selected):
    addresses = {"web": WEB, "job": JOB, "none": OTHER}
    pods = [
        pod(address, labels={} if name == "none" else {"app": name})
        for name, address in addresses.items()
    ]
    selector = {"matchExpressions": [{"key": "app", **expression}]}
    rules = rules_of(policy(selector), pods=pods)
    assert {n for n, a in addresses.items() if not reaches(rules, OUTSIDE, a)} == selected


def test_all_requirements_of_a_selector_must_hold():
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "Exists"}],
    }
    assert reaches(rules_of(policy(selector)), OUTSIDE, WEB)


def test_ip_blocks_and_their_holes():
    block = {"cidr": "192.168.0.0/16", "except": ["192.168.77.0/30", "192.168.78.0/24"]}
    rules = rules_of(policy(ingress=[{"from": [{"ipBlock": block}]}]))

    def is_open(address):
        return reaches(rules, IPv4Address(address), WEB)

    assert is_open("192.168.77.4")
    assert is_open("192.168.255.255")
    assert not is_open("192.168.77.3")
    assert not is_open("192.168.78.200")
    assert not is_open("192.169.0.0")


def test_a_block_with_a_host_address_or_of_ipv6_or_all_hole():
    whole = {"cidr": "10.1.2.3/8", "except": ["0.0.0.0/0"]}
    rules = rules_of(
        policy(ingress=[{"from": [{"ipBlock": {"cidr": "::/0"}}, {"ipBlock": whole}]}])
    )
    assert not reaches(rules, IPv4Address("10.1.2.3"), WEB)


def test_ports_ranges_and_protocols():
    ports = [{"port": 8000, "endPort": 8002}, {"protocol": "UDP", "port": 53}, {"protocol": "SCTP"}]
    rules = rules_of(policy(ingress=[{"ports": ports}]))
    assert [p for p in range(7998, 8005) if reaches(rules, JOB, WEB, p)] == [8000, 8001, 8002]
    assert reaches(rules, JOB, WEB, 53, "udp")
    assert not reaches(rules, JOB, WEB, 53, "tcp")
    assert reaches(rules, JOB, WEB, 9, "sctp")
    assert not reaches(rules, JOB, WEB, None, "icmp")


def test_ingress_resolves_a_named_port_on_each_selected_pod():
    rules = rules_of(policy(ingress=[{"ports": [{"port": "http"}]}]))
    assert [p for p in (80, 8080) if reaches(rules, OTHER, WEB, p)] == [8080]
    assert [p for p in (80, 8080) if reaches(rules, OTHER, JOB, p)] == [80]
    assert not reaches(rules, OTHER, WEB, 8080, "udp")


def test_a_named_port_is_that_of_its_protocol():
    ports = [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "dns", "containerPort": 54},
    ]
    named = policy(ingress=[{"ports": [{"port": "dns", "protocol": "UDP"}]}])
    rules = rules_of(named, pods=[pod(WEB, ports=ports)])
    asked = [(port, protocol) for port in (53, 54) for protocol in ("tcp", "udp")]
    assert [a for a in asked if reaches(rules, OUTSIDE, WEB, *a)] == [(53, "udp")]


def test_egress_resolves_a_named_port_on_each_destination():
    namespaced = {"to": [{"podSelector": {}}], "ports": [{"port": "http"}]}
    anywhere = {"ports": [{"port": "http"}]}
    for rule in (namespaced, anywhere):
        rules = rules_of(policy(policyTypes=["Egress"], egress=[rule]))
        assert [p for p in (80, 8080) if reaches(rules, JOB, WEB, p)] == [8080]
        assert [p for p in (80, 8080) if reaches(rules, WEB, JOB, p)] == [80]
        assert not reaches(rules, WEB, OTHER, 80)
        assert not reaches(rules, WEB, OUTSIDE, 80)


def test_a_name_that_no_container_has_opens_nothing():
    rules = rules_of(policy(ingress=[{"ports": [{"port": "metrics"}]}]))
    assert not any(reaches(rules, JOB, WEB, port) for port in (80, 8080))


def test_a_sidecar_names_ports_and_another_init_container_does_not():
    named = [{"name": "metrics", "containerPort": 9000}]
    for restart, is_open in (("Always", True), (None, False)):
        container = {"name": "first", "restartPolicy": restart, "ports": named}
        web = pod(WEB, spec={"initContainers": [container]})
        rules = rules_of(policy(ingress=[{"ports": [{"port": "metrics"}]}]), pods=[web])
        assert reaches(rules, OUTSIDE, WEB, 9000) is is_open


def test_an_address_that_is_not_judged_yet_is_closed_both_ways():
    new = IPv4Address("10.77.0.99")
    for rules in (rules_of(), nothing_judged(POD_CIDR)):
        assert not reaches(rules, new, OUTSIDE)
        assert not reaches(rules, OUTSIDE, new)
        assert not reaches(rules, new, WEB)
        assert not reaches(rules, WEB, new)
        assert not reaches(rules, new, new)
        assert not reaches(rules, new, NODE, hook="input")


def test_the_node_always_reaches_its_pods():
    rules = rules_of(policy(policyTypes=["Ingress", "Egress"]))
    assert reaches(rules, NODE, WEB, 8080, hook="output")
    assert reaches(rules, NODE, IPv4Address("10.77.0.99"), hook="output")


def test_a_pod_reaches_the_node_by_an_ip_block_only():
    labels = {"to": [{"namespaceSelector": {}}, {"podSelector": {}}]}
    rules = rules_of(policy(policyTypes=["Egress"], egress=[labels]))
    assert not reaches(rules, WEB, NODE, 6443, hook="input")
    block = {"to": [{"ipBlock": {"cidr": f"{NODE}/32"}}], "ports": [{"port": 6443}]}
    rules = rules_of(policy(policyTypes=["Egress"], egress=[labels, block]))
    assert reaches(rules, WEB, NODE, 6443, hook="input")
    assert not reaches(rules, WEB, NODE, 10250, hook="input")
    assert reaches(rules, OTHER, NODE, 10250, hook="input")


def test_a_pod_reaches_itself():
    rules = rules_of(policy(policyTypes=["Ingress", "Egress"]))
    assert reaches(rules, WEB, WEB)


@pytest.mark.parametrize("flooded", ["224.0.0.251", "255.255.255.255"])
def test_what_a_bridge_would_hand_to_every_pod_is_closed(flooded):
    assert not reaches(rules_of(), WEB, IPv4Address(flooded), 5353, "udp")


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_ended_is_no_peer_and_its_address_is_closed(phase):
    ended = pod(JOB, labels={"app": "job"}, status={"phase": phase})
    rules = rules_of(policy(ingress=[{"from": [{"podSelector": {}}]}]), pods=[PODS[0], ended])
    assert not reaches(rules, JOB, WEB)
    assert not reaches(rules, JOB, OUTSIDE)


def test_an_address_belongs_to_the_newest_pod():
    """The old pod is still being deleted when the address is given to the next."""
    old = pod(JOB, labels={"app": "old"}, created="2026-11-22T09:00:00Z")
    new = pod(JOB, namespace="away", created="2026-11-22T11:00:00Z")
    peer = {"podSelector": {"matchLabels": {"app": "old"}}}
    allow_old = policy({"matchLabels": {"app": "web"}}, ingress=[{"from": [peer]}])
    deny_new = policy(namespace="away")
    for pods in ([PODS[0], old, new], [PODS[0], new, old]):
        rules = rules_of(allow_old, deny_new, pods=pods)
        assert not reaches(rules, JOB, WEB)
        assert not reaches(rules, OUTSIDE, JOB)


def test_pods_on_the_hosts_network_are_neither_subject_nor_peers():
    host = pod(NODE, labels={"app": "job"}, spec={"hostNetwork": True})
    rules = rules_of(policy(ingress=[{"from": [{"podSelector": {}}]}]), pods=[PODS[0], host])
    assert NODE not in rules.ingress
    assert not reaches(rules, NODE, WEB)


def test_a_pod_whose_namespace_is_not_known_yet_stays_closed():
    rules = rules_of(namespaces={"shop": {}})
    assert not reaches(rules, OTHER, OUTSIDE)
    assert reaches(rules, WEB, OUTSIDE)


def test_ipv6_addresses_of_pods_are_passed_over():
    both = {"podIP": str(WEB), "podIPs": [{"ip": str(WEB)}, {"ip": "fd00::11"}]}
    assert set(rules_of(pods=[pod(WEB, status=both)]).ingress) == {WEB}


ADDRESSES = (WEB, JOB, OTHER, IPv4Address("10.77.0.14"))
PACKETS = st.tuples(
    st.sampled_from([*ADDRESSES, OUTSIDE]),
    st.sampled_from([*ADDRESSES, OUTSIDE, NODE]),
    st.sampled_from(["tcp", "udp", "sctp", "icmp"]),
    st.sampled_from(NUMBERS),
)


@settings(max_examples=300, deadline=None)
@given(worlds(ADDRESSES), st.lists(PACKETS, min_size=1, max_size=30))
def test_the_compiled_rules_say_what_a_plain_reading_says(world: World, packets):
    rules = rules_of(
        *world.policies,
        pods=world.pods,
        namespaces={n["metadata"]["name"]: n["metadata"]["labels"] for n in world.namespaces},
    )
    for source, destination, protocol, number in packets:
        port = None if protocol == "icmp" else number
        hook = "input" if destination == NODE else "forward"
        if source not in POD_CIDR and hook == "input":
            continue  # nobody asks the policies
        packet = Packet(source, destination, protocol, port, hook)
        expected = reading_allows(world, source, destination, protocol, port)
        assert is_allowed(rules, packet) is expected, packet
