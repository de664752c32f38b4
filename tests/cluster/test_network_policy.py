"""Network policy between real pods: each denial beside a connection that is allowed.

Holds on any cluster whose network plugin enforces NetworkPolicy; what ends the enforcer of the test
node is skipped on others.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import kubernetes
import pytest
import yaml

NODE = Path(__file__).with_name("node")
IMAGE_BUILD = Path(__file__).parents[2] / "platform" / "image_build"

POD = """
import socket, threading, time
def serve(port):
    tcp = socket.create_server(("0.0.0.0", port))
    udp = socket.socket(type=socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", port))
    def answer():
        while True:
            data, peer = udp.recvfrom(100)
            udp.sendto(b"here", peer)
    threading.Thread(target=answer, daemon=True).start()
    while True:
        connection, _ = tcp.accept()
        connection.sendall(b"here")
        connection.close()
for port in (8080, 9090):
    threading.Thread(target=serve, args=(port,), daemon=True).start()
time.sleep(3600)
"""

TRY = """
import json, socket, sys, threading
def reaches(host, port, protocol):
    try:
        kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
        with socket.socket(type=kind) as sock:
            sock.settimeout(WAIT_S)
            sock.connect((host, port))
            if protocol == "udp":
                sock.send(b"who")
                return bool(sock.recv(100))
            return True
    except OSError:
        return False
WAIT_S, targets = json.load(sys.stdin)
reached = [None] * len(targets)
def attempt(place):
    reached[place] = reaches(*targets[place])
threads = [threading.Thread(target=attempt, args=(i,)) for i in range(len(targets))]
[t.start() for t in threads]
[t.join() for t in threads]
print(json.dumps(reached))
"""

LOOK_UNTIL_TOLD = """
import socket, sys, threading, time
target = (sys.argv[1], 8080)
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
print("ready", flush=True)
while not ended.is_set():
    began = time.time()
    try:
        with socket.create_connection(target, 0.03):
            came = 1
    except OSError:
        came = 0
    print(began, came, flush=True)
    time.sleep(0.005)
"""

FIRST_ACT = """
import socket, sys, time
began = time.monotonic()
named = socket.getaddrinfo("kubernetes.default.svc.cluster.local", 443)
print("name", time.monotonic() - began, flush=True)
began = time.monotonic()
socket.create_connection((sys.argv[1], 8080), 10).close()
print("connection", time.monotonic() - began, flush=True)
"""

TRY_FROM_THE_FIRST_MOMENT = """
import socket, sys, time
came, until = 0, time.monotonic() + 3
while time.monotonic() < until:
    try:
        socket.create_connection((sys.argv[1], 8080), 0.05).close()
        came += 1
    except OSError:
        pass
print(came)
"""

DENY = {"policyTypes": ["Ingress", "Egress"]}


class Field:
    """Two namespaces of pods that answer, and the means to try and to forbid."""

    def __init__(self, kubectl, image):
        self._kubectl = kubectl
        self._image = image
        suffix = uuid.uuid4().hex[:6]
        self.shop, self.away = f"policy-shop-{suffix}", f"policy-away-{suffix}"
        self._addresses = {}

    def make(self):
        """Start the pods web and job in one namespace and other in the second, with a Service."""
        for name, team in ((self.shop, "one"), (self.away, "two")):
            self.apply(
                {
                    "apiVersion": "v1",
                    "kind": "Namespace",
                    "metadata": {"name": name, "labels": {"team": team}},
                }
            )
        self.apply(
            self.pod("web", self.shop),
            self.pod("job", self.shop),
            self.pod("other", self.away),
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "web", "namespace": self.shop},
                "spec": {
                    "selector": {"app": "web"},
                    "ports": [{"port": 80, "targetPort": "http"}],
                },
            },
        )
        for namespace in (self.shop, self.away):
            self._kubectl(
                *("-n", namespace, "wait", "pod", "--all", "--for=condition=Ready"),
                "--timeout=120s",
                timeout_s=150,
            )

    def remove(self):
        """Delete everything, and wait until it is gone."""
        names = ("namespace", self.shop, self.away, "--ignore-not-found", "--timeout=120s")
        self._kubectl("delete", *names, timeout_s=150)

    def apply(self, *objects):
        """Put objects to the cluster."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self._kubectl("apply", "-f", "-", stdin=json.dumps(items))

    def policies(self, **specs):
        """Have just these policies in the namespace of web and job; wait until they hold."""
        self._kubectl("-n", self.shop, "delete", "networkpolicy", "--all")
        if specs:
            self.apply(*(self.policy(name, spec) for name, spec in specs.items()))
        time.sleep(0.5)

    def policy(self, name, spec):
        """Return a policy of the namespace of web and job, by default for all of it."""
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": self.shop},
            "spec": {"podSelector": {}, **spec},
        }

    def pod(self, name, namespace, command=("python3", "-c", POD), **spec):
        """Return a pod, by default one that answers on 8080 (named http) and 9090."""
        probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": False,
                "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
                "containers": [
                    {
                        "name": "main",
                        "image": self._image,
                        "command": list(command),
                        "ports": [{"name": "http", "containerPort": 8080}],
                        **({} if spec else {"readinessProbe": probe}),
                    }
                ],
                **spec,
            },
        }

    def run_once(self, name, program, *arguments):
        """Run a program in a pod of its own in the namespace of web; return what it printed."""
        command = ("python3", "-c", program, *arguments)
        self.apply(self.pod(name, self.shop, command, restartPolicy="Never"))
        ended = "--for=jsonpath={.status.phase}=Succeeded"
        self._kubectl("-n", self.shop, "wait", f"pod/{name}", ended, "--timeout=60s", timeout_s=80)
        printed = self._kubectl("-n", self.shop, "logs", name)
        self._kubectl("-n", self.shop, "delete", "pod", name)
        return printed

    def address(self, name):
        """Return the address of a pod, or of the Service with `service/web`."""
        if name not in self._addresses:
            namespace = self.away if name == "other" else self.shop
            kind, field = (
                ("", ".spec.clusterIP")
                if name.startswith("service/")
                else ("pod/", ".status.podIP")
            )
            self._addresses[name] = self._kubectl(
                "-n", namespace, "get", f"{kind}{name}", "-o", f"jsonpath={{{field}}}"
            )
        return self._addresses[name]

    def reaches(self, source, *targets, wait_s=1):
        """Try connections from a pod all at once; return which came through, by place."""
        namespace = self.away if source == "other" else self.shop
        printed = self._kubectl(
            *("-n", namespace, "exec", "-i", source, "--", "python3", "-c", TRY),
            stdin=json.dumps([wait_s, targets]),
        )
        return [place for place, came in enumerate(json.loads(printed)) if came]


@pytest.fixture(scope="module")
def image(cluster, tmp_path_factory):
    """The image below all others, which has a Python."""
    output = tmp_path_factory.mktemp("images") / "images.yaml"
    build = [sys.executable, str(IMAGE_BUILD), "--only", "base", "--output", str(output)]
    subprocess.run(build, check=True)
    base = yaml.safe_load(output.read_text())["global"]["images"]["base"]
    return f"{base['repository']}@{base['digest']}"


@pytest.fixture(scope="module")
def field(kubectl, image):
    """The pods and namespaces, removed at the end."""
    made = Field(kubectl, image)
    try:
        made.make()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def api_server(kubectl):
    """Where the API server listens, and its Service."""
    slices = kubectl("get", "endpointslice", "kubernetes", "-o", "json")
    found = json.loads(slices)
    address, port = found["endpoints"][0]["addresses"][0], found["ports"][0]["port"]
    service = kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
    return (address, port, "tcp"), (service, 443, "tcp")


def test_default_deny_and_the_callers_that_are_named(field):
    web, job = field.address("web"), field.address("job")
    targets = [(web, 8080, "tcp"), (web, 9090, "tcp"), (web, 8080, "udp"), (job, 8080, "tcp")]
    field.policies()
    assert field.reaches("other", *targets) == [0, 1, 2, 3]
    field.policies(deny=DENY)
    assert field.reaches("other", *targets) == []
    caller = {
        "namespaceSelector": {"matchLabels": {"team": "two"}},
        "podSelector": {"matchLabels": {"app": "other"}},
    }
    allow = {
        "podSelector": {"matchLabels": {"app": "web"}},
        "ingress": [{"from": [caller], "ports": [{"port": "http"}]}],
    }
    field.policies(deny=DENY, allow=allow)
    assert field.reaches("other", *targets) == [0]
    assert field.reaches("job", *targets[:3]) == []


def test_two_pods_of_a_namespace_need_both_directions(field):
    target = (field.address("web"), 8080, "tcp")
    select = {"podSelector": {"matchLabels": {"app": "web"}}}
    ingress = {**select, "ingress": [{"from": [{"podSelector": {}}]}]}
    egress = {"policyTypes": ["Egress"], "egress": [{"to": [select]}]}
    for policies, expected in (
        ({"deny": DENY}, []),
        ({"deny": DENY, "ingress": ingress}, []),
        ({"deny": DENY, "egress": egress}, []),
        ({"deny": DENY, "ingress": ingress, "egress": egress}, [0]),
    ):
        field.policies(**policies)
        assert field.reaches("job", target) == expected, policies


def test_a_service_is_judged_by_its_pods(field):
    service = (field.address("service/web"), 80, "tcp")
    web = {"podSelector": {"matchLabels": {"app": "web"}}}
    field.policies()
    assert field.reaches("job", service) == [0]
    to_web = {"to": [web], "ports": [{"port": 8080}]}
    field.policies(egress={"policyTypes": ["Egress"], "egress": [to_web]})
    assert field.reaches("job", service) == [0]
    assert field.reaches("web", service) == [0]
    to_job = {"to": [{"podSelector": {"matchLabels": {"app": "job"}}}]}
    field.policies(egress={"policyTypes": ["Egress"], "egress": [to_job]})
    assert field.reaches("job", service) == []


def test_the_api_server_needs_a_block(field, api_server):
    address, _ = api_server[0][:2]
    field.policies()
    assert field.reaches("job", *api_server) == [0, 1]
    everybody = {"to": [{"namespaceSelector": {}}]}
    field.policies(egress={"policyTypes": ["Egress"], "egress": [everybody]})
    assert field.reaches("job", *api_server, (field.address("other"), 8080, "tcp")) == [2]
    block = {"to": [{"ipBlock": {"cidr": f"{address}/32"}}]}
    field.policies(egress={"policyTypes": ["Egress"], "egress": [block]})
    assert field.reaches("job", *api_server, (field.address("other"), 8080, "tcp")) == [0, 1]


def test_probes_of_the_kubelet_pass(field, kubectl):
    """The readiness probe asks every second; under default-deny the pod stays ready."""
    field.policies(deny=DENY)
    time.sleep(4)
    ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    assert kubectl("-n", field.shop, "get", "pod", "web", "-o", ready) == "True"


def test_a_new_pods_first_act_succeeds_at_once(field):
    """An address that is closed too long costs a second for a connection, five for a name."""
    field.policies()
    printed = field.run_once("first", FIRST_ACT, field.address("web"))
    took = {line.split()[0]: float(line.split()[1]) for line in printed.splitlines()}
    print(f"a new pod's first act: {took}")
    assert took["name"] < 1
    assert took["connection"] < 1


@pytest.mark.parametrize("is_denied", [True, False])
def test_a_new_pod_is_never_open_before_its_policies_hold(field, is_denied):
    to_job = [{"to": [{"podSelector": {"matchLabels": {"app": "job"}}}]}]
    egress = {"policyTypes": ["Egress"], "egress": to_job}
    field.policies(**({"egress": egress} if is_denied else {}))
    came = int(field.run_once("hasty", TRY_FROM_THE_FIRST_MOMENT, field.address("web")))
    assert (came == 0) is is_denied


@pytest.fixture
def watched(field, programs, cluster):
    """Return a function that looks from job at web while something is done: [(time, came), ...]."""

    def look(do):
        command = [programs("kubectl"), "--kubeconfig", str(cluster), "-n", field.shop]
        command += ["exec", "-i", "job", "--", "python3", "-c", LOOK_UNTIL_TOLD]
        with subprocess.Popen(
            [*command, field.address("web")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout.readline() == "ready\n"
            try:
                do()
            finally:
                printed, _ = process.communicate(timeout=30)
        lines = [line.split() for line in printed.splitlines()]
        return [(float(began), came == "1") for began, came in lines]

    return look


def test_a_policy_takes_effect_in_time(field, watched, cluster):
    """From the API server's answer to the first connection that behaves as the policy says."""
    api = kubernetes.client.NetworkingV1Api(kubernetes.config.new_client_from_config(str(cluster)))
    field.policies()
    denied_after, allowed_after = [], []

    def deny_and_allow():
        for _ in range(3):
            time.sleep(0.5)
            api.create_namespaced_network_policy(field.shop, field.policy("deny", DENY))
            denied.append(time.time())
            time.sleep(0.5)
            api.delete_namespaced_network_policy("deny", field.shop)
            allowed.append(time.time())
        time.sleep(0.5)

    denied, allowed = [], []
    looks = watched(deny_and_allow)
    for at, until in zip(denied, allowed, strict=True):
        denied_after.append(max([0, *(t - at for t, came in looks if at < t < until and came)]))
        allowed_after.append(min(t - until for t, came in looks if t > until and came))
    print(f"denied after {_ms(denied_after)}, allowed after {_ms(allowed_after)}")
    assert min(denied_after) < 0.2
    assert min(allowed_after) < 0.2
    assert not any(
        came
        for t, came in looks
        for at, until in zip(denied, allowed, strict=True)
        if at + 0.45 < t < until
    )


def _ms(seconds):
    return ", ".join(f"{1000 * s:.0f} ms" for s in seconds)


def test_rules_outlive_the_enforcer_and_it_comes_back(field, watched):
    """Killed under traffic that it forbids: nothing passes, and changes are seen again."""
    pid = enforcer_pid()
    if pid is None:
        pytest.skip("the cluster that KUBECONFIG names has another enforcer")
    field.policies(deny=DENY)

    def kill():
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while enforcer_pid() in (pid, None):
            assert time.monotonic() < deadline, "the enforcer was not started again"
            time.sleep(0.05)
        time.sleep(1)

    assert not any(came for _, came in watched(kill))
    field.policies()
    time.sleep(1)
    assert field.reaches("job", (field.address("web"), 8080, "tcp")) == [0]


def enforcer_pid():
    """Return the process id of the test node's enforcer; None while it or the node is not there."""
    shown = subprocess.run(
        [sys.executable, str(NODE), "status", "--json"], check=False, capture_output=True, text=True
    )
    status = json.loads(shown.stdout or "{}")
    if status.get("kubeconfig") != os.environ["KUBECONFIG"]:
        return None
    found = [part["pid"] for part in status["parts"] if part["name"] == "network-policy"]
    return found[0] or None
