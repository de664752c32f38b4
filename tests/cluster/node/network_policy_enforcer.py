r"""The NetworkPolicy enforcer of the test node: one process in the node's network namespace.

    python tests/cluster/node/network_policy.py --kubeconfig FILE \
        --pod-cidr 10.88.0.0/16 --node-ip 10.99.0.2

New pods are closed first: before anything else it closes the pod network, unless its table is
already there (it died and was started again); that table then stays until a newer one is known.
Without the API server the rules stay as they are. Whatever goes wrong ends the process with one
line on stderr; the node starts it again, and the rules in the kernel outlive it.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from queue import SimpleQueue

from node.network_policy_api import Api, KubeconfigError
from node.network_policy_cni import changes, given_addresses
from node.network_policy_nft import NftError, in_kernel, load, render
from node.network_policy_rules import compile_rules, nothing_judged
from node.network_policy_watch import KINDS, Event, Given, Lost, Objects, follow

DEBOUNCE_S = 0.02
"""What comes together, like the objects of one Helm release, is compiled together."""
AHEAD_OF_WHAT_IS_JUDGED = -10
"""The process's niceness: a new pod waits for its rules, however busy the others are."""
BRIDGED = tuple(Path(f"/proc/sys/net/bridge/bridge-nf-call-{kind}tables") for kind in ("ip", "ip6"))

Events = SimpleQueue[Event | BaseException]


class StartError(Exception):
    """The node is not as the enforcer needs it."""


def main() -> None:
    """Enforce until something breaks, and say in one line what did."""
    options = _options()
    os.setpriority(os.PRIO_PROCESS, 0, AHEAD_OF_WHAT_IS_JUDGED)
    try:
        close(options.pod_cidr, interface_of(options.node_ip))
        if not options.only_close:
            enforce(options)
    except (StartError, KubeconfigError, NftError) as error:
        sys.exit(f"network policy: {error}")


def close(pod_cidr: IPv4Network, uplink: str) -> None:
    """Close the pod network, unless rules are there."""
    send_bridged_packets_through_the_rules()
    if in_kernel() is None:
        load(render(nothing_judged(pod_cidr), uplink))
        _log(f"closed {pod_cidr} until its pods are known")


def enforce(options: argparse.Namespace) -> None:
    """Keep the kernel's table at what the API server holds; never return."""
    uplink = interface_of(options.node_ip)
    events: Events = SimpleQueue()
    api = Api(options.kubeconfig)
    for kind in KINDS:
        _start(partial(follow, api, kind, events.put), events)
    _start(partial(_follow_given, options.cni_results, events), events)
    objects, enforced = Objects(), None
    while True:
        is_news, arrived = _take_batch(objects, events)
        if not (is_news and objects.are_complete):
            continue
        began = time.monotonic()
        cluster = objects.cluster()
        table = render(compile_rules(cluster, options.pod_cidr), uplink)
        compiled = time.monotonic()
        if table != enforced:
            load(table, enforced)
            enforced = table
            _log(
                f"pods={len(table.egress)} policies={len(cluster.policies)}"
                f" namespaces={len(cluster.namespaces)} rules={table.rule_count}"
                f" sets={len(table.peer_sets)} compile_ms={1000 * (compiled - began):.1f}"
                f" load_ms={1000 * (time.monotonic() - compiled):.1f}"
                f" since_event_ms={1000 * (time.monotonic() - arrived):.1f}"
            )


def send_bridged_packets_through_the_rules() -> None:
    """Have the forward hook see what one pod sends to another on the same bridge."""
    for path in BRIDGED:
        try:
            path.write_text("1")
        except OSError as error:
            raise StartError(
                f"packets between pods on one bridge must pass the firewall, but {path} cannot be"
                f" set to 1 ({error.strerror}): load the kernel module br_netfilter"
            ) from error


def interface_of(address: IPv4Address) -> str:
    """Return the name of the interface that has an address."""
    command = ["ip", "-json", "-4", "address", "show", "to", str(address)]
    shown = subprocess.run(command, check=False, capture_output=True, text=True)
    names = [str(entry["ifname"]) for entry in json.loads(shown.stdout or "[]") if entry]
    if not names:
        raise StartError(f"--node-ip must be an address of this network namespace: got {address}")
    return names[0]


def _take_batch(objects: Objects, events: Events) -> tuple[bool, float]:
    """Wait for events and take them in; return whether they are news, and when the first came."""
    event = events.get()
    arrived = time.monotonic()
    time.sleep(DEBOUNCE_S)
    is_news = False
    while True:
        if isinstance(event, BaseException):
            raise event
        if isinstance(event, Lost) and objects.lost.get(event.kind) != event.why:
            _log(f"not following {event.kind}, the rules stay as they are: {event.why}")
        is_news |= objects.take(event)
        if events.empty():
            return is_news, arrived
        event = events.get()


def _follow_given(folder: Path, events: Events) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for _ in changes(folder):
        events.put(Given(given_addresses(folder)))


def _start(work: Callable[[], None], events: Events) -> None:
    """Do work in a thread that ends the process when it fails: the node starts it anew."""

    def run() -> None:
        try:
            work()
        except BaseException as error:
            events.put(error)

    threading.Thread(target=run, daemon=True).start()


def _log(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} network policy: {text}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Enforce NetworkPolicies on the test node.")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--pod-cidr", type=IPv4Network, required=True, help="the pods' addresses")
    parser.add_argument("--node-ip", type=IPv4Address, required=True, help="the node's own address")
    parser.add_argument(
        "--cni-results",
        type=Path,
        default=Path("/var/lib/cni/results"),
        help="where the CNI library keeps what it gave to each pod (%(default)s)",
    )
    parser.add_argument(
        "--only-close",
        action="store_true",
        help="close the pod network unless rules are there, and end: before any pod is started",
    )
    return parser.parse_args()
