"""The rendered rules in a real kernel: network namespaces as pods, real connections."""

import socket
import struct
import subprocess
import threading
import time
from contextlib import closing
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from network_policy_lab import (
    GATEWAY,
    NODE,
    OUTSIDE,
    POD_CIDR,
    PORTS,
    UPLINK,
    Attempt,
    lab,
)
from network_policy_reading import World, reading_allows, worlds
from node.network_policy_enforcer import close, interface_of
from node.network_policy_nft import in_kernel, load, render
from node.network_policy_objects import Cluster, Pod, Policy
from node.network_policy_rules import compile_rules, nothing_judged

ONE, TWO, THREE, FOUR = (POD_CIDR[10 + i] for i in (1, 2, 3, 4))
SERVICE = IPv4Address("10.96.0.10")
API_SERVICE = IPv4Address("10.96.0.1")
OPEN = {"policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
DENY = {"policyTypes": ["Ingress", "Egress"]}


@pytest.fixture(scope="module")
def bench():
    """A node with four pods."""
    with lab(pods=4) as made:
        made.inside("node", lambda: close(POD_CIDR, UPLINK))
        yield made


def pod(number):
    """Return the pod whose network namespace is pod<number>, as the API gives it."""
    address = str(POD_CIDR[10 + number])
    ports = [{"name": "http", "containerPort": 8080 if number == 1 else 80}]
    return {
        "metadata": {
            "namespace": "shop",
            "name": f"pod{number}",
            "labels": {"number": str(number)},
        },
        "spec": {"containers": [{"ports": ports}]},
        "status": {"phase": "Running", "podIP": address},
    }


PODS = tuple(pod(number) for number in (1, 2, 3, 4))


def policy(number=None, **spec):
    """Return a policy for one pod, or for all."""
    selector = {} if number is None else {"matchLabels": {"number": str(number)}}
    return {
        "metadata": {"namespace": "shop", "name": "policy"},
        "spec": {"podSelector": selector, **spec},
    }


def peer(number):
    """Return the peer that selects one pod."""
    return {"podSelector": {"matchLabels": {"number": str(number)}}}


def enforce(bench, *policies, pods=PODS, namespaces=None):
    """Load the rules for pods and policies on the bench's node."""
    cluster = Cluster(
        tuple(Pod.from_api(item) for item in pods),
        namespaces or {"shop": {}},
        tuple(Policy.from_api(item) for item in policies),
    )
    table = render(compile_rules(cluster, POD_CIDR), UPLINK)
    bench.inside("node", lambda: load(table))
    return table


def reached(bench, *attempts, expected):
    """Return which attempts came through, by their place."""
    answered = bench.reached(attempts, expected=len(expected))
    return [place for place, attempt in enumerate(attempts) if attempt in answered]


def test_two_pods_on_one_bridge_are_kept_apart(bench):
    attempts = [
        Attempt("pod1", TWO, 80),
        Attempt("pod1", TWO, 80, "udp"),
        Attempt("pod1", TWO, 0, "icmp"),
        Attempt("pod1", THREE, 80),
        Attempt("pod1", THREE, 80, "udp"),
        Attempt("pod1", THREE, 0, "icmp"),
    ]
    enforce(bench)
    assert reached(bench, *attempts, expected=range(6)) == [0, 1, 2, 3, 4, 5]
    enforce(bench, policy(2, **DENY))
    assert reached(bench, *attempts, expected=range(3)) == [3, 4, 5]


def test_bridged_packets_need_br_netfilter(bench):
    """The control of the test above: without it the bridge would pass what the rules deny."""
    enforce(bench, policy(2, **DENY))
    switch = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    attempt = Attempt("pod1", TWO, 80)
    try:
        bench.inside("node", lambda: switch.write_text("0"))
        assert bench.is_reached(attempt)
    finally:
        bench.inside("node", lambda: close(POD_CIDR, UPLINK))
    assert not bench.is_reached(attempt, expected=False)


def test_both_directions_are_needed(bench):
    attempt = Attempt("pod1", TWO, 80)
    to_two = policy(1, policyTypes=["Egress"], egress=[{"to": [peer(2)]}])
    from_one = policy(2, ingress=[{"from": [peer(1)], "ports": [{"port": 80}]}])
    enforce(bench, to_two, policy(2, **DENY))
    assert not bench.is_reached(attempt, expected=False)
    enforce(bench, policy(1, **DENY), from_one)
    assert not bench.is_reached(attempt, expected=False)
    enforce(bench, to_two, from_one)
    assert bench.is_reached(attempt)


def test_an_address_that_is_not_judged_yet_is_closed_but_for_the_node(bench):
    enforce(bench, pods=PODS[:3])
    attempts = [
        Attempt("pod1", FOUR, 80),
        Attempt("outside", FOUR, 80),
        Attempt("pod4", ONE, 80),
        Attempt("pod4", OUTSIDE, 80),
        Attempt("pod4", NODE, 80),
        Attempt("pod4", GATEWAY, 80),
        Attempt("node", FOUR, 80),
        Attempt("pod1", THREE, 80),
    ]
    assert reached(bench, *attempts, expected=range(2)) == [6, 7]
    enforce(bench)
    assert reached(bench, *attempts, expected=range(8)) == list(range(8))


def test_answers_do_not_reach_an_address_that_was_given_away(bench):
    """What a pod was asked is not answered by the next pod at its address, nor to it."""
    for caller, address, called in (("pod1", FOUR, "pod4"), ("pod4", ONE, "pod1")):
        enforce(bench)
        asking = bench.inside(caller, partial(socket.socket, type=socket.SOCK_DGRAM))
        asked = bench.inside(called, partial(socket.socket, type=socket.SOCK_DGRAM))
        with closing(asking), closing(asked):
            asked.bind(("0.0.0.0", 9003))
            asked.settimeout(5)
            asking.settimeout(5)
            asking.sendto(b"who", (str(address), 9003))
            _, peer = asked.recvfrom(100)
            asked.sendto(b"here", peer)
            assert asking.recv(100) == b"here"
            enforce(bench, pods=PODS[:3])
            asked.sendto(b"late", peer)
            asking.settimeout(0.3)
            with pytest.raises(TimeoutError):
                asking.recv(100)


def test_the_node_reaches_a_pod_that_is_closed_to_all(bench):
    enforce(bench, policy(**DENY))
    attempts = [Attempt("node", ONE, 80), Attempt("node", ONE, 80, "udp"), Attempt("pod2", ONE, 80)]
    assert reached(bench, *attempts, expected=range(2)) == [0, 1]


def test_answers_pass_where_a_pod_may_not_be_called(bench):
    enforce(bench, policy(1, policyTypes=["Ingress"]))
    attempts = [
        Attempt("pod1", TWO, 80),
        Attempt("pod1", OUTSIDE, 80, "udp"),
        Attempt("pod2", ONE, 80),
        Attempt("outside", ONE, 80),
    ]
    assert reached(bench, *attempts, expected=range(2)) == [0, 1]


def test_a_policy_ends_the_connections_that_it_forbids(bench):
    enforce(bench)
    server = bench.inside("pod2", lambda: socket.create_server((str(TWO), 9000)))
    with closing(server):
        client = bench.inside("pod1", lambda: socket.create_connection((str(TWO), 9000), 2))
        connection, _ = server.accept()
        with closing(client), closing(connection):
            connection.settimeout(0.3)
            client.sendall(b"before")
            assert connection.recv(100) == b"before"
            enforce(bench, policy(3, **DENY))
            client.sendall(b"untouched")
            assert connection.recv(100) == b"untouched"
            enforce(bench, policy(2, **DENY))
            client.sendall(b"after")
            with pytest.raises(TimeoutError):
                connection.recv(100)
            enforce(bench)
            connection.settimeout(5)
            assert connection.recv(100) == b"after"  # TCP sends it again


def _services(bench):
    """Translate Service addresses before the rules see them, as kube-proxy does."""
    bench.nft(
        f"""
        table ip services {{
          chain out {{ type nat hook prerouting priority dstnat;
            ip daddr {SERVICE} tcp dport 80 dnat to {TWO}:8080
            ip daddr {API_SERVICE} tcp dport 443 dnat to {NODE}:443
          }}
          chain back {{ type nat hook postrouting priority srcnat;
            ip saddr {TWO} ip daddr {TWO} masquerade
          }}
        }}
        """
    )


def test_a_service_is_judged_by_the_pod_behind_it(bench):
    _services(bench)
    attempt = Attempt("pod1", SERVICE, 80)
    to_pod = [{"to": [peer(2)], "ports": [{"port": 8080}]}]
    to_service = [{"to": [{"ipBlock": {"cidr": f"{SERVICE}/32"}}], "ports": [{"port": 80}]}]
    enforce(bench, policy(1, policyTypes=["Egress"], egress=to_pod))
    assert bench.is_reached(attempt)
    enforce(bench, policy(1, policyTypes=["Egress"], egress=to_service))
    assert not bench.is_reached(attempt, expected=False)
    enforce(bench, policy(2, ingress=[{"from": [peer(3)]}]))
    attempts = [attempt, Attempt("pod3", SERVICE, 80)]
    assert reached(bench, *attempts, expected=range(1)) == [1]


def test_a_pod_reaches_itself_through_its_service(bench):
    _services(bench)
    enforce(bench, policy(**DENY))
    attempts = [Attempt("pod2", SERVICE, 80), Attempt("pod1", SERVICE, 80)]
    assert reached(bench, *attempts, expected=range(1)) == [0]


def test_the_api_server_is_judged_by_the_nodes_address(bench):
    _services(bench)
    attempts = [
        Attempt("pod1", API_SERVICE, 443),
        Attempt("pod1", NODE, 443),
        Attempt("pod1", GATEWAY, 443),
    ]
    enforce(bench, policy(1, policyTypes=["Egress"], egress=[{"to": [{"namespaceSelector": {}}]}]))
    assert reached(bench, *attempts, expected=()) == []
    block = {"ipBlock": {"cidr": f"{NODE}/32"}}
    enforce(bench, policy(1, policyTypes=["Egress"], egress=[{"to": [block]}]))
    assert reached(bench, *attempts, expected=range(2)) == [0, 1]
    enforce(bench)
    assert reached(bench, *attempts, expected=range(3)) == [0, 1, 2]


def test_named_ports_are_each_pods_own(bench):
    enforce(bench, policy(ingress=[{"ports": [{"port": "http"}]}]))
    attempts = [Attempt("pod3", a, port) for a in (ONE, TWO) for port in (80, 8080)]
    assert reached(bench, *attempts, expected=range(2)) == [1, 2]


def test_a_hole_in_a_block_is_closed(bench):
    block = {"cidr": "0.0.0.0/0", "except": ["10.77.0.12/32", "192.168.77.0/24"]}
    enforce(bench, policy(1, policyTypes=["Egress"], egress=[{"to": [{"ipBlock": block}]}]))
    attempts = [Attempt("pod1", a, 80) for a in (TWO, THREE, OUTSIDE, NODE, GATEWAY)]
    assert reached(bench, *attempts, expected=range(2)) == [1, 4]


def test_sctp_is_judged_by_its_port(bench):
    """By raw packets: the kernel need not speak SCTP to forward it."""
    enforce(bench, policy(2, ingress=[{"ports": [{"protocol": "SCTP", "port": 5000}]}]))
    open_raw = partial(socket.socket, socket.AF_INET, socket.SOCK_RAW, 132)
    with (
        closing(bench.inside("pod2", open_raw)) as receiver,
        closing(bench.inside("pod1", open_raw)) as sender,
    ):
        receiver.settimeout(0.3)
        for port in (5001, 5000):  # an INIT chunk, so that connection tracking takes it
            chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 7, 65535, 1, 1, 9)
            packet = struct.pack("!HHI", 6000, port, 0) + b"\0\0\0\0" + chunk
            packet = packet[:8] + struct.pack("<I", _crc32c(packet)) + packet[12:]
            sender.sendto(packet, (str(TWO), 0))
        arrived = receiver.recv(200)
        assert struct.unpack("!H", arrived[22:24]) == (5000,)


def _crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize("is_enforced", [True, False])
def test_a_broadcast_does_not_pass_a_pods_own_rules(bench, is_enforced):
    """Without the rules it arrives: the control."""
    enforce(bench, policy(2, **DENY))
    if not is_enforced:
        bench.nft("delete table inet maru_policy")
    receiver = bench.inside("pod2", lambda: socket.socket(type=socket.SOCK_DGRAM))
    sender = bench.inside("pod1", lambda: socket.socket(type=socket.SOCK_DGRAM))
    with closing(receiver), closing(sender):
        receiver.bind(("0.0.0.0", 9001))
        receiver.settimeout(0.3)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for address in ("255.255.255.255", str(POD_CIDR.broadcast_address)):
            sender.sendto(b"all", (address, 9001))
        try:
            arrived = receiver.recv(100)
        except TimeoutError:
            arrived = None
    assert (arrived is None) is is_enforced


@pytest.mark.parametrize("is_enforced", [True, False])
def test_ipv6_is_closed(bench, is_enforced):
    """Every interface has a link-local IPv6 address, past which no IPv4 rule looks."""
    enforce(bench)
    if not is_enforced:
        bench.nft("delete table inet maru_policy")
    for target, device in (("pod2", "eth0"), ("node", "br0")):
        address = _link_local(bench, target, device)

        def connect(address=address):
            scope = socket.if_nametoindex("eth0")
            with closing(socket.socket(socket.AF_INET6)) as sock:
                sock.settimeout(0.3 if is_enforced else 5)
                return sock.connect_ex((address, 80, 0, scope)) == 0

        assert bench.inside("pod1", connect) is not is_enforced


def _link_local(bench, name, device):
    """Return a link-local address once the kernel has found it free."""
    command = ["ip", "-n", bench.namespace(name), "-6", "-o", "address", "show", "dev", device]
    for _ in range(100):
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if "fe80::" in shown and "tentative" not in shown:
            return shown.split()[3].partition("/")[0]
        time.sleep(0.1)
    raise AssertionError(f"{name} got no link-local address: {shown}")


@settings(max_examples=30, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(worlds((ONE, TWO, THREE, FOUR)))
def test_the_kernel_does_what_a_plain_reading_says(bench, world: World):
    """Every pair of endpoints, protocol and port of a random cluster."""
    enforce(
        bench,
        *world.policies,
        pods=world.pods,
        namespaces={n["metadata"]["name"]: n["metadata"]["labels"] for n in world.namespaces},
    )
    sources = {name: address for name, address in bench.addresses.items() if name != "node"}
    attempts = [
        Attempt(name, destination, port, protocol)
        for name, source in sources.items()
        for destination in (ONE, TWO, THREE, FOUR, OUTSIDE, NODE, GATEWAY)
        for protocol, ports in (("tcp", PORTS), ("udp", PORTS), ("icmp", [0]))
        for port in ports
        # From outside to the node no policy is asked; UDP is answered from the nearest address.
        if (source != OUTSIDE or destination in bench.pods)
        and (destination, protocol) != (NODE, "udp")
    ]
    allowed = {
        attempt
        for attempt in attempts
        if reading_allows(
            world,
            bench.addresses[attempt.source],
            attempt.destination,
            attempt.protocol,
            attempt.port or None,
        )
    }
    answered = bench.reached(attempts, expected=len(allowed))
    assert (answered - allowed, allowed - answered) == (set(), set())


def test_nothing_slips_through_while_rules_are_replaced(bench):
    """A pod sends as fast as it can to one that it may not reach, while 150 updates are made."""
    may_reach_three = [{"to": [peer(3)]}]
    variants = [
        (policy(1, policyTypes=["Egress"], egress=may_reach_three),),
        (policy(1, policyTypes=["Egress"], egress=may_reach_three), policy(4, **DENY)),
        (policy(1, policyTypes=["Egress"], egress=may_reach_three), policy(2, **DENY)),
    ]
    enforce(bench, *variants[0])
    receivers = [
        bench.inside(name, lambda: socket.socket(type=socket.SOCK_DGRAM))
        for name in ("pod2", "pod3")
    ]
    sender = bench.inside("pod1", lambda: socket.socket(type=socket.SOCK_DGRAM))
    ended = threading.Event()

    def send():
        while not ended.is_set():
            sender.sendto(b"x", (str(TWO), 9002))
            sender.sendto(b"x", (str(THREE), 9002))

    for receiver in receivers:
        receiver.bind(("0.0.0.0", 9002))
        receiver.setblocking(False)
    thread = threading.Thread(target=send)
    thread.start()
    passed = [0, 0]
    try:
        for turn in range(150):
            enforce(bench, *variants[turn % len(variants)])
            passed = [n + _received(r) for n, r in zip(passed, receivers, strict=True)]
    finally:
        ended.set()
        thread.join()
        for sock in (*receivers, sender):
            sock.close()
    assert passed[0] == 0
    assert passed[1] > 1000


def _received(sock, at_most=10_000):
    """Count what came; at most so much, as more comes all the time."""
    for count in range(at_most):
        try:
            sock.recv(100)
        except BlockingIOError:
            return count
    return at_most


def test_an_update_leaves_nothing_behind_and_other_tables_alone(bench):
    bench.nft("table inet other { chain c { }; }")
    for policies in ((policy(2, **DENY),), (policy(1, **DENY), policy(3, **OPEN)), ()):
        table = enforce(bench, *policies)
        held = bench.inside("node", in_kernel)
        assert held == table.named_after_content
    tables = bench.inside(
        "node", lambda: subprocess.run(["nft", "list", "tables"], check=True, capture_output=True)
    )
    assert b"table inet other" in tables.stdout


def test_starting_again_leaves_the_rules_as_they_were(bench):
    enforce(bench, policy(2, **DENY))
    attempts = [Attempt("pod1", TWO, 80), Attempt("pod1", THREE, 80)]
    bench.inside("node", lambda: close(POD_CIDR, UPLINK))
    assert reached(bench, *attempts, expected=range(1)) == [1]


def test_the_first_start_closes_the_pod_network(bench):
    enforce(bench)
    bench.nft("delete table inet maru_policy")
    attempts = [Attempt("pod1", TWO, 80), Attempt("node", TWO, 80)]
    assert reached(bench, *attempts, expected=range(2)) == [0, 1]
    bench.inside("node", lambda: close(POD_CIDR, UPLINK))
    assert reached(bench, *attempts, expected=range(1)) == [1]


def test_five_hundred_pods_are_loaded_in_time(bench):
    """One namespace of pods that reach each other: rules grow with the pods, not with pairs."""
    pods = [
        {
            "metadata": {"namespace": "shop", "name": f"pod{i}", "labels": {}},
            "spec": {"containers": []},
            "status": {"phase": "Running", "podIP": f"10.77.{i // 250 + 1}.{i % 250 + 1}"},
        }
        for i in range(500)
    ]
    rule = [{"from": [{"podSelector": {}}]}]
    began = time.monotonic()
    table = enforce(bench, policy(ingress=rule), pods=pods)
    took = time.monotonic() - began
    enforce(bench)
    assert table.rule_count < 30
    assert took < 0.5


def test_the_uplink_is_found_by_the_nodes_address(bench):
    assert bench.inside("node", lambda: interface_of(NODE)) == UPLINK


def test_the_bench_is_closed_at_last(bench):
    """An empty rule set takes the place of a full one as well."""
    bench.inside("node", lambda: load(render(nothing_judged(POD_CIDR), UPLINK)))
    assert not bench.is_reached(Attempt("pod1", TWO, 80), expected=False)
