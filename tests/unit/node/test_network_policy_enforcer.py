"""The enforcer's process on a node of network namespaces: it starts, follows, dies, comes again."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from network_policy_api_server import ListAndWatch
from network_policy_lab import NODE, POD_CIDR, UPLINK, Attempt, lab
from node import network_policy_enforcer
from node.network_policy_watch import NAMESPACES, PODS, POLICIES

ONE, TWO, THREE = (POD_CIDR[10 + i] for i in (1, 2, 3))
PROGRAM = Path(network_policy_enforcer.__file__).with_name("network_policy.py")
WAIT_S = 10
DENY_TWO = {
    "metadata": {"namespace": "shop", "name": "deny", "uid": "deny"},
    "spec": {"podSelector": {"matchLabels": {"number": "2"}}, "policyTypes": ["Ingress"]},
}
TO_TWO, TO_THREE = Attempt("pod1", TWO, 80), Attempt("pod1", THREE, 80)


def pod(number, address=True):
    """Return the pod whose network namespace is pod<number>, as the API gives it."""
    return {
        "metadata": {
            "namespace": "shop",
            "name": f"pod{number}",
            "uid": f"uid-{number}",
            "labels": {"number": str(number)},
        },
        "spec": {"containers": []},
        "status": {"phase": "Running", "podIP": str(POD_CIDR[10 + number])}
        if address
        else {"phase": "Pending"},
    }


@pytest.fixture(scope="module")
def bench():
    with lab(pods=3) as made:
        yield made


class Enforced:
    """A node with an API server and the enforcer's process."""

    def __init__(self, bench, folder):
        self.bench, self.folder = bench, folder
        self.results = folder / "results"
        self.process = None
        self.server = bench.inside("node", ListAndWatch)
        self.kubeconfig = self.server.write_kubeconfig(folder)
        self.server.put(NAMESPACES, {"metadata": {"name": "shop"}})

    def start(self, *more):
        """Start the enforcer on the node."""
        options = ["--kubeconfig", str(self.kubeconfig), "--pod-cidr", str(POD_CIDR)]
        options += ["--node-ip", str(NODE), "--cni-results", str(self.results), *more]
        command = [sys.executable, str(PROGRAM), *options]
        log = (self.folder / "log").open("a")
        self.process = self.bench.inside(
            "node", partial(subprocess.Popen, command, stdout=log, stderr=log)
        )

    def end(self):
        """End it all, and leave no rules."""
        self.process.kill()
        self.process.wait()
        self.server.go()
        self.bench.nft("add table inet maru_policy; delete table inet maru_policy")

    def reaches(self, attempt):
        """Say whether a connection comes through now."""
        return bool(self.bench.reached([attempt], wait_s=0.5))

    def wait_until(self, attempt, comes):
        """Wait until a connection comes through or does not; return the seconds."""
        began = time.monotonic()
        while self.reaches(attempt) is not comes:
            assert time.monotonic() < began + WAIT_S, (self.folder / "log").read_text()
        return time.monotonic() - began


@pytest.fixture
def enforced(bench, tmp_path):
    """An enforcer that has judged three open pods."""
    made = Enforced(bench, tmp_path)
    for number in (1, 2, 3):
        made.server.put(PODS, pod(number))
    bench.inside("node", partial(network_policy_enforcer.close, POD_CIDR, UPLINK))
    made.start()
    try:
        made.wait_until(TO_TWO, True)
        yield made
    finally:
        made.end()


def test_it_closes_the_pods_before_it_knows_them(bench, tmp_path):
    made = Enforced(bench, tmp_path)
    made.server.refused |= {PODS: 503}
    try:
        made.wait_until(TO_TWO, True)
        made.start()
        made.wait_until(TO_TWO, False)
        made.wait_until(Attempt("node", TWO, 80), True)
        for number in (1, 2):
            made.server.put(PODS, pod(number))
        made.server.refused.clear()
        made.wait_until(TO_TWO, True)
        assert not made.reaches(TO_THREE)
    finally:
        made.end()


def test_it_closes_and_ends_when_that_is_all_it_is_asked(bench, tmp_path):
    made = Enforced(bench, tmp_path)
    try:
        made.start("--only-close")
        assert made.process.wait(WAIT_S) == 0
        assert not made.reaches(TO_TWO)
    finally:
        made.end()


def test_policies_and_pods_come_and_go(enforced):
    enforced.server.put(POLICIES, DENY_TWO)
    assert enforced.wait_until(TO_TWO, False) < 1
    assert enforced.reaches(TO_THREE)
    enforced.server.delete(POLICIES, DENY_TWO)
    assert enforced.wait_until(TO_TWO, True) < 1
    enforced.server.delete(PODS, pod(3))
    assert enforced.wait_until(TO_THREE, False) < 1
    enforced.server.put(PODS, pod(3))
    assert enforced.wait_until(TO_THREE, True) < 1


def test_a_pod_is_judged_by_the_address_that_the_plugins_gave_it(enforced):
    enforced.server.delete(PODS, pod(2))
    enforced.wait_until(TO_TWO, False)
    enforced.server.put(PODS, pod(2, address=False))
    time.sleep(0.2)
    assert not enforced.reaches(TO_TWO)
    given = {
        "cniArgs": [["K8S_POD_UID", "uid-2"]],
        "result": {"ips": [{"address": f"{TWO}/24"}]},
    }
    (enforced.results / "node-abc-eth0").write_text(json.dumps(given))
    assert enforced.wait_until(TO_TWO, True) < 1


def test_without_the_api_server_the_rules_stay_as_they_are(enforced):
    enforced.server.put(POLICIES, DENY_TWO)
    enforced.wait_until(TO_TWO, False)
    enforced.server.go()
    time.sleep(1)
    assert not enforced.reaches(TO_TWO)
    assert enforced.reaches(TO_THREE)
    port = enforced.server.server_port
    enforced.server = enforced.bench.inside("node", partial(ListAndWatch, port))
    enforced.server.put(NAMESPACES, {"metadata": {"name": "shop"}})
    for number in (1, 2, 3):
        enforced.server.put(PODS, pod(number))
    enforced.wait_until(TO_TWO, True)


def test_no_pod_is_judged_by_policies_that_are_not_followed(enforced):
    """The pods are followed again before the policies are: the new pod stays closed."""
    enforced.server.delete(PODS, pod(2))
    enforced.wait_until(TO_TWO, False)
    enforced.server.refused[POLICIES] = 503
    enforced.server.end_watches()
    enforced.server.put(PODS, pod(2))
    time.sleep(0.5)
    assert not enforced.reaches(TO_TWO)
    assert enforced.reaches(TO_THREE)
    enforced.server.put(POLICIES, {**DENY_TWO, "spec": {"podSelector": {}, "ingress": [{}]}})
    enforced.server.refused.clear()
    enforced.wait_until(TO_TWO, True)


def test_nothing_opens_while_it_is_dead_nor_when_it_starts_again(enforced):
    """A pod sends without a pause to one that it may not reach, until a new policy is seen."""
    enforced.server.put(POLICIES, DENY_TWO)
    enforced.wait_until(TO_TWO, False)
    deny_three = json.loads(json.dumps(DENY_TWO).replace("deny", "deny3").replace('"2"', '"3"'))
    open_socket = partial(socket.socket, type=socket.SOCK_DGRAM)
    receiver = enforced.bench.inside("pod2", open_socket)
    sender = enforced.bench.inside("pod1", open_socket)
    ended = threading.Event()

    def send():
        while not ended.is_set():
            sender.sendto(b"x", (str(TWO), 9002))
            time.sleep(0.0005)

    with closing(receiver), closing(sender):
        receiver.bind(("0.0.0.0", 9002))
        receiver.setblocking(False)
        thread = threading.Thread(target=send)
        thread.start()
        try:
            for _ in range(3):
                enforced.process.send_signal(signal.SIGKILL)
                enforced.process.wait()
                assert enforced.reaches(TO_THREE)
                enforced.server.put(POLICIES, deny_three)
                enforced.start()
                enforced.wait_until(TO_THREE, False)
                enforced.server.delete(POLICIES, deny_three)
                enforced.wait_until(TO_THREE, True)
        finally:
            ended.set()
            thread.join()
        with pytest.raises(BlockingIOError):
            receiver.recv(100)


def test_rules_that_somebody_took_away_end_it_and_it_starts_again(enforced):
    """The update fails, because what it builds on is gone; the next start closes, then judges."""
    enforced.server.put(POLICIES, DENY_TWO)
    enforced.wait_until(TO_TWO, False)
    enforced.bench.nft("delete table inet maru_policy")
    enforced.server.delete(POLICIES, DENY_TWO)
    assert enforced.process.wait(WAIT_S) == 1
    enforced.start()
    enforced.server.put(POLICIES, DENY_TWO)
    enforced.wait_until(TO_THREE, True)
    enforced.wait_until(TO_TWO, False)


def test_it_says_in_one_line_what_it_enforced(enforced):
    enforced.server.put(POLICIES, DENY_TWO)
    enforced.wait_until(TO_TWO, False)
    last = (enforced.folder / "log").read_text().splitlines()[-1]
    assert "pods=3 policies=1 namespaces=1 rules=" in last
    assert "compile_ms=" in last
    assert "load_ms=" in last


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kubeconfig", "/missing"], "the kubeconfig /missing must name a server"),
        (["--node-ip", "192.0.2.1"], "--node-ip must be an address of this network namespace"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(bench, tmp_path, options, message):
    made = Enforced(bench, tmp_path)
    try:
        made.start(*options)
        assert made.process.wait(WAIT_S) == 1
        said = (tmp_path / "log").read_text()
        assert message in said
        assert "Traceback" not in said
    finally:
        made.end()


def test_the_uplink_is_where_the_nodes_address_is(enforced):
    rules = enforced.bench.inside(
        "node",
        lambda: subprocess.check_output(["nft", "list", "chain", "inet", "maru_policy", "input"]),
    )
    assert f'"{UPLINK}"' in rules.decode()


def test_it_runs_ahead_of_other_processes(enforced):
    assert os.getpriority(os.PRIO_PROCESS, enforced.process.pid) < 0
