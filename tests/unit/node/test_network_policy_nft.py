"""The nftables text: what an update adds and deletes, and how little it is."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from node.network_policy_nft import render, transaction
from node.network_policy_rules import Allow, Ports, RuleSet, nothing_judged

PODS = IPv4Network("10.77.0.0/24")
ONE, TWO, THREE = (IPv4Address(f"10.77.0.{i}") for i in (11, 12, 13))
PEERS = frozenset({IPv4Network(f"{TWO}/32"), IPv4Network(f"{THREE}/32")})


def allow(*ports, peers=PEERS):
    """Return the isolation of a pod that may talk to peers on ports."""
    return frozenset({Allow(peers, frozenset(ports) or None)})


def rules(**ingress):
    """Return a rule set of three pods that are open but for what is said of one."""
    isolated = {ONE: None, TWO: None, THREE: None} | ingress.pop("pods", {})
    return RuleSet(PODS, egress={ONE: None, TWO: None, THREE: None}, ingress=isolated)


def only_chain(isolation):
    """Return the rules of the chain that one isolated pod gets."""
    (chain,) = render(rules(pods={ONE: isolation}), "eth0").chains.values()
    return [rule.split("@")[-1].partition(" ")[2] if "@" in rule else rule for rule in chain]


@pytest.mark.parametrize(
    ("isolation", "chain"),
    [
        (frozenset(), []),
        (allow(), ["accept"]),
        (allow(peers=None), ["accept"]),
        (allow(Ports("tcp", 80, 80)), ["tcp dport { 80 } accept"]),
        (allow(Ports("udp")), ["meta l4proto udp accept"]),
        (
            allow(Ports("tcp", 80, 80), Ports("tcp", 8000, 9000), Ports("sctp", 5, 5)),
            ["sctp dport { 5 } accept", "tcp dport { 80, 8000-9000 } accept"],
        ),
        (
            allow(Ports("tcp", 80, 90), Ports("tcp", 85, 95), Ports("tcp", 96, 96)),
            ["tcp dport { 80-96 } accept"],
        ),
    ],
)
def test_an_isolated_pods_chain(isolation, chain):
    assert only_chain(isolation) == chain


def test_pods_that_are_isolated_alike_share_their_chain_and_peers():
    isolation = allow(Ports("tcp", 80, 80))
    table = render(rules(pods={ONE: isolation, TWO: isolation}), "eth0")
    assert len(table.chains) == len(table.peer_sets) == 1
    assert table.ingress[ONE] == table.ingress[TWO] != table.ingress[THREE] == "accept"


def test_a_set_of_addresses_is_a_hash_and_one_of_networks_a_range():
    networks = frozenset({IPv4Network("10.0.0.0/8"), IPv4Network("192.168.77.2/32")})
    texts = [
        transaction(render(rules(pods={ONE: allow(peers=peers)}), "eth0"), frozenset())
        for peers in (PEERS, networks)
    ]
    assert "{ type ipv4_addr; }" in texts[0]
    assert "{ 10.77.0.12, 10.77.0.13 }" in texts[0]
    assert "{ type ipv4_addr; flags interval; }" in texts[1]
    assert "{ 10.0.0.0/8, 192.168.77.2/32 }" in texts[1]


def test_an_update_adds_what_is_missing_and_deletes_what_nothing_names():
    before = render(rules(pods={ONE: allow(), TWO: allow(Ports("udp"))}), "eth0")
    after = render(rules(pods={ONE: allow(), TWO: allow(peers=None)}), "eth0")
    lines = transaction(after, before.named_after_content).splitlines()
    added = {line.split()[-1] for line in lines if line.startswith("add chain") and "_" in line}
    new = set(after.chains) - set(before.chains)
    gone = set(before.chains) - set(after.chains)
    assert new
    assert gone
    assert new <= added
    assert not added & (set(before.chains) & set(after.chains))
    assert [line for line in lines if line.startswith("delete")] == [
        f"delete chain inet maru_policy {name}" for name in gone
    ]


def test_a_set_goes_after_the_chains_that_name_it():
    before = render(rules(pods={ONE: allow()}), "eth0")
    lines = transaction(render(rules(), "eth0"), before.named_after_content).splitlines()
    assert [line.split()[1] for line in lines[-2:]] == ["chain", "set"]


def test_the_chains_that_are_hooked_are_never_deleted():
    table = render(nothing_judged(PODS), "eth0")
    text = transaction(table, render(rules(pods={ONE: allow()}), "eth0").named_after_content)
    deleted = [line for line in text.splitlines() if line.startswith("delete")]
    assert deleted
    assert all("_" in line.split()[-1] for line in deleted)


def test_the_same_rules_make_the_same_text():
    isolation = allow(Ports("tcp", 80, 80), Ports("udp", 53, 53))
    texts = {transaction(render(rules(pods={ONE: isolation}), "eth0"), frozenset()) for _ in "ab"}
    assert len(texts) == 1
