"""A node that a test starts, kills and looks at, and what one could leave on the machine."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from node import lifecycle, namespaces, oci_image, system_images
from node.host_network import not_forwarding
from node.layout import State
from node.namespaces import Process

NODE = Path(__file__).with_name("node")
PAUSE = system_images.pause().name


@dataclass(frozen=True)
class Node:
    """A node by its folder, and its command line."""

    folder: Path
    kubectl_path: str
    cache: Path | None = None

    @property
    def state(self) -> State:
        return State(self.folder)

    @property
    def environment(self):
        kept = {k: v for k, v in os.environ.items() if k not in ("KUBECONFIG", "REGISTRY")}
        own = {"MARU_CACHE": str(self.cache)} if self.cache else {}
        return {**kept, "MARU_CLUSTER": str(self.folder), **own}

    def start(self, *words):
        """Start a command of the node's; return the process."""
        return subprocess.Popen(
            [sys.executable, str(NODE), *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words, timeout_s=180):
        """Run a command of the node's; return what it printed and how long it took."""
        started = time.monotonic()
        process = self.start(*words)
        printed, _ = process.communicate(timeout=timeout_s)
        assert process.returncode == 0, f"{words}: {printed}"
        return printed, time.monotonic() - started

    def describe(self):
        """Return what ``status --json`` says, whether the node is ready or not."""
        process = self.start("status", "--json")
        return json.loads(process.communicate(timeout=60)[0])

    def kubectl(self, *words, stdin=None, timeout_s=90):
        command = [self.kubectl_path, "--kubeconfig", str(self.state.kubeconfig), *words]
        done = subprocess.run(
            command, check=False, input=stdin, capture_output=True, text=True, timeout=timeout_s
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def run_pod(self, name, timeout_s=60, image=PAUSE):
        """Run a pod until it is ready, and delete it."""
        deadline = time.monotonic() + timeout_s
        while True:
            with suppress(AssertionError):
                self.kubectl("apply", "-f", "-", stdin=json.dumps(pod(name, image=image)))
                wait = f"--timeout={max(1, int(deadline - time.monotonic()))}s"
                self.kubectl("wait", "--for=condition=Ready", f"pod/{name}", wait)
                break
            assert time.monotonic() < deadline, self.kubectl("describe", f"pod/{name}")
            time.sleep(0.5)
        self.kubectl("delete", f"pod/{name}", "--grace-period=0", "--force")

    def wait_until_ready(self, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while not (said := self.describe())["ready"]:
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        return said


def pod(name, claim=None, image=PAUSE):
    """Return a pod that does nothing, with a volume where a claim is named."""
    container = {"name": "pause", "image": image, "imagePullPolicy": "IfNotPresent"}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    if claim:
        container["volumeMounts"] = [{"name": "home", "mountPath": "/home"}]
        spec["volumes"] = [{"name": "home", "persistentVolumeClaim": {"claimName": claim}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def claim(name, size):
    """Return a claim of the default storage class."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        },
    }


def push(registry, repository, tag, image):
    """Push an image to a registry; return its reference by digest."""
    manifest, *blobs = oci_image.contents(image)

    def send(verb, url, content, kind):
        request = urllib.request.Request(url, content, {"Content-Type": kind}, method=verb)
        return urllib.request.urlopen(request, timeout=30)

    for blob in blobs:
        at = f"http://{registry}/v2/{repository}/blobs/uploads/"
        place = send("POST", at, b"", "application/octet-stream").headers["Location"]
        joint = "&" if "?" in place else "?"
        send("PUT", f"{place}{joint}digest={oci_image.digest(blob)}", blob, "application/x")
    send("PUT", f"http://{registry}/v2/{repository}/manifests/{tag}", manifest, oci_image.MANIFEST)
    return f"{registry}/{repository}@{oci_image.digest(manifest)}"


def is_in_registry(reference):
    """Return whether the registry has an image by its digest."""
    host, _, rest = reference.partition("/")
    repository, _, digest = rest.partition("@")
    request = urllib.request.Request(
        f"http://{host}/v2/{repository}/manifests/{digest}",
        headers={"Accept": oci_image.MANIFEST},
        method="HEAD",
    )
    try:
        return urllib.request.urlopen(request, timeout=30).status == 200
    except urllib.error.HTTPError:
        return False


def traces():
    """Return all that a node could leave on this machine, besides files in its folder."""
    shown = [["nft", "-s", "list", "ruleset"], ["ip", "-4", "route"], ["ip", "-4", "rule"]]
    found = {" ".join(c): subprocess.check_output(c, text=True).splitlines() for c in shown}
    found["interfaces"] = sorted(p.name for p in Path("/sys/class/net").iterdir())
    found["mounts"] = [x.split()[4] for x in Path("/proc/self/mountinfo").read_text().splitlines()]
    found["cgroups"] = [str(p) for p in Path("/sys/fs/cgroup").rglob("*") if p.is_dir()]
    found["loop devices"] = subprocess.check_output(
        ["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"], text=True
    ).splitlines()
    found["not forwarding"] = not_forwarding()
    settings = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
    found["settings"] = [Path("/proc/sys", s).read_text() for s in settings]
    return found


def processes_of(node):
    """Return the node's first process and all that descend from it, those of pods too."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(stat[1])
    found = {node.describe()["pid"]}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return [Process(pid, namespaces.started_at(pid)) for pid in found]


def assert_no_traces(before, node):
    """Assert that nothing of a node is left, however much else happens on this machine."""
    after = traces()
    name = node.state.name
    new = {kind: [x for x in after[kind] if x not in before[kind]] for kind in after}
    assert {k: [x for x in v if name in x] for k, v in new.items() if v} == {
        k: [] for k, v in new.items() if v
    }
    assert "cni0" not in after["interfaces"], "the pods' bridge is inside"
    assert after["settings"] == before["settings"]
    assert after["not forwarding"] == before["not forwarding"]
    ours = ("/run/node", "/run/maru", "/run/containerd", "/var/lib/cni", "/proc", "/sys/fs")
    assert [x for x in new["mounts"] if x.startswith(ours) or str(node.folder) in x] == []
    others = [name for name in before["interfaces"] if name.startswith("maru-")]
    unknown = [x for x in new["cgroups"] if not any(name in x for name in others)]
    assert [x for x in unknown if "kubepods" in x] == []
    assert [x for x in new["nft -s list ruleset"] if "KUBE" in x or "CNI" in x] == []
    assert lifecycle.loop_devices(node.state) == []
