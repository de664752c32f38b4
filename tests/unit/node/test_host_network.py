"""What a node makes on the machine's network, tried in a network of the test's own."""

import os
import subprocess
import sys

import pytest
from node import go_parts

pytestmark = pytest.mark.usefixtures("machine")
PROGRAM = """
import subprocess, sys, time
from ipaddress import IPv4Network
from node.addresses import Addresses, taken_here
from node.host_network import HostNetwork, interfaces, not_forwarding

def show(*words):
    return subprocess.check_output(words, text=True)

def all_of_it():
    return [sorted(interfaces()), show("ip", "route"), show("nft", "list", "tables"),
            show("iptables", "-S", "FORWARD")]

subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
# Interfaces are shown by the sysfs of one's own network.
subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
for words in (
    "link add way-out type veth peer name far",
    "link set far up",
    "link set way-out up",
    "addr add 192.0.2.2/24 dev way-out",
    "route add default via 192.0.2.1",
):
    subprocess.run(["ip", *words.split()], check=True)
subprocess.run(["ip", "link", "set", "way-out", "mtu", "1400"], check=True)
if "drop" in sys.argv:
    subprocess.run(["iptables", "-P", "FORWARD", "DROP"], check=True)
node, second = (
    subprocess.Popen(["unshare", "--net", "sleep", "20"], stdout=-3, stderr=-3) for _ in range(2)
)
while show("readlink", f"/proc/{second.pid}/ns/net") == show("readlink", "/proc/self/ns/net"):
    time.sleep(0.01)
addresses = Addresses(IPv4Network("10.20.0.0/16"))
network = HostNetwork("maru-test")
before, closed = all_of_it(), not_forwarding()
network.connect(addresses, node.pid)
rules = show("iptables", "-S", "FORWARD")
assert ("-A FORWARD -i maru-test -j ACCEPT" in rules) == ("drop" in sys.argv), rules
assert "masquerade" in show("nft", "list", "table", "ip", "maru-test")
assert "mtu 1400" in show("ip", "link", "show", "maru-test")
assert "10.20.0.0/16 via 10.20.255.2" in show("ip", "route")
assert IPv4Network("10.20.0.0/16") in taken_here()
assert IPv4Network("10.20.0.0/16") not in taken_here(except_interface="maru-test")
assert closed == ["way-out"] and not_forwarding() == []
other = HostNetwork("maru-other")
other.connect(Addresses(IPv4Network("10.21.0.0/16")), second.pid)
network.disconnect()
assert not_forwarding() == [], "the other node still needs it"
other.disconnect()
assert all_of_it() == before, (before, all_of_it())
assert not_forwarding() == closed
network.disconnect()
node.kill(); second.kill()
"""


@pytest.mark.parametrize("firewall", ["open", "drop"])
def test_what_is_made_is_taken_away_again(firewall):
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, "-c", f"{PROGRAM}", firewall],
        check=False,
        env={**os.environ, "PYTHONPATH": str(go_parts.FOLDER.parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
