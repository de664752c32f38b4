"""A node's network is free of the machine's, and its parts don't overlap."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node.addresses import Addresses, choose, name_servers
from node.errors import NodeError


def test_parts_of_a_network_worked_out_by_hand():
    addresses = Addresses(IPv4Network("10.20.0.0/16"))
    assert str(addresses.pods) == "10.20.0.0/17"
    assert str(addresses.services) == "10.20.128.0/18"
    assert str(addresses.link) == "10.20.255.0/30"
    assert (str(addresses.host), str(addresses.node)) == ("10.20.255.1", "10.20.255.2")
    assert str(addresses.dns) == "10.20.128.10"
    assert addresses.registry == "10.20.255.2:5000"


@given(st.sets(st.integers(0, 255), max_size=250), st.text(max_size=5))
def test_a_chosen_network_overlaps_nothing_that_is_taken(numbers, seed):
    taken = [IPv4Network(f"10.{number}.3.0/24") for number in numbers]
    chosen = choose(taken, seed)
    assert not any(chosen.network.overlaps(network) for network in taken)
    parts = [chosen.pods, chosen.services, chosen.link]
    assert all(part.subnet_of(chosen.network) for part in parts)
    assert not any(a.overlaps(b) for a in parts for b in parts if a != b)


def test_the_same_node_tries_the_same_networks_and_another_one_others():
    assert choose([], "one") == choose([], "one")
    assert choose([], "one") != choose([], "other")
    assert choose([choose([], "one").network], "one") != choose([], "one")


def test_no_free_network_is_said():
    with pytest.raises(NodeError, match=r"no /16 of 10\.0\.0\.0/8 is free"):
        choose([IPv4Network("10.0.0.0/8")], "any")


def test_name_servers_on_a_loopback_address_are_left_out(tmp_path):
    (tmp_path / "resolv.conf").write_text(
        "search lan\nnameserver 127.0.0.53\nnameserver 9.9.9.9\nnameserver 9.9.9.9\n"
        "nameserver fe80::1\n"
    )
    assert name_servers(tmp_path / "resolv.conf") == [IPv4Address("9.9.9.9")]
