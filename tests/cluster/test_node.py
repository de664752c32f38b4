"""The node itself: it serves, it survives, it leaves nothing behind.

What destroys something is done to a second node beside the one that the other tests use.
"""

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from node import lifecycle, readiness, system_images
from node.addresses import addresses_of
from node.layout import NODE_NAME, state
from node.volumes import MOUNTS
from node_under_test import (
    NODE,
    Node,
    assert_no_traces,
    claim,
    is_in_registry,
    pod,
    processes_of,
    push,
    traces,
)

# What the supervisor keeps running.
PARTS = (
    "apiserver",
    "containerd",
    "controller-manager",
    "etcd",
    "kubelet",
    "network-policy",
    "provisioner",
    "proxy",
    "registry",
    "scheduler",
)


@pytest.fixture(scope="module")
def first(programs):
    """Return the node that the other tests use."""
    if lifecycle.read_running(state()) is None:
        pytest.skip(
            "KUBECONFIG names another cluster: there is no node of this checkout to look at"
        )
    return Node(state().folder, programs("kubectl"))


@pytest.fixture(scope="module")
def second(programs, tmp_path_factory):
    """Return a node of its own that is up."""
    kubectl = programs("kubectl")
    # The same binaries, but a registry that nobody else uses.
    cache = tmp_path_factory.mktemp("cache")
    (cache / "parts").symlink_to(Path(kubectl).parents[1])
    node = Node(tmp_path_factory.mktemp("second"), kubectl, cache)
    node.run("up")
    yield node
    node.run("down", "--delete")


def test_starting_a_node_that_is_up_takes_under_two_seconds(first):
    _, seconds = first.run("up")
    assert seconds < 2


def test_every_part_runs_and_the_table_names_it(first):
    said = first.wait_until_ready()
    parts = {part["name"]: part for part in said["parts"]}
    assert {name for name, part in parts.items() if part["state"] == "running"} == set(PARTS)
    assert {n for n, p in parts.items() if p["state"] == "done"} == {
        "closed-pods",
        "system-images",
        "first-rights",
    }
    assert all(Path(f"/proc/{parts[name]['pid']}").exists() for name in PARTS)
    printed, _ = first.run("status")
    assert all(name in printed for name in PARTS)
    assert f"node {said['node_ip']} is ready" in printed


def test_names_of_the_cluster_are_answered(first):
    addresses = addresses_of(first.state)
    assert readiness.answers(addresses.dns, addresses.api_service)
    assert not readiness.answers(addresses.dns, addresses.dns)
    assert not readiness.answers(addresses.node, addresses.api_service), "no name server is there"


def test_every_part_has_a_certificate_of_its_own(first):
    users = set()
    for config in (first.state.inside / "config").glob("*.kubeconfig"):
        asked = [first.kubectl_path, "--kubeconfig", str(config), "auth", "whoami", "-o", "json"]
        said = json.loads(subprocess.check_output(asked))["status"]["userInfo"]
        users.add(said["username"])
        is_first = config.name == "first-admin.kubeconfig"
        assert ("system:masters" in said["groups"]) == is_first
    assert len(users) == len(lifecycle.CLIENTS)
    url = f"{addresses_of(first.state).api_url}/api"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(url, context=_unchecked())


def test_a_volume_has_the_size_of_its_claim_and_goes_with_it(first):
    first.kubectl("create", "namespace", "node-volumes")
    try:
        documents = [claim("home", "64Mi"), pod("user", claim="home")]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
        first.kubectl("-n", "node-volumes", "apply", "-f", "-", stdin=text)
        wait = ("wait", "--for=condition=Ready", "pod/user", "--timeout=60s")
        first.kubectl("-n", "node-volumes", *wait)
        bound = json.loads(first.kubectl("-n", "node-volumes", "get", "pvc/home", "-o", "json"))
        name = bound["spec"]["volumeName"]
        inside = Path(f"/proc/{first.describe()['pid']}/root{MOUNTS}/{name}/volume")
        assert list(inside.iterdir()) == [], "a database wants its folder empty"
        with pytest.raises(OSError, match="No space left"):
            (inside / "large").write_bytes(b"x" * (65 << 20))
        first.kubectl("-n", "node-volumes", "delete", "pod/user", "--grace-period=0", "--force")
        first.kubectl("-n", "node-volumes", "delete", "pvc/home")
        file = first.state.inside / "volumes" / f"{name}.ext4"
        deadline = time.monotonic() + 30
        while file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        first.kubectl("delete", "namespace", "node-volumes", "--wait=false")


def test_two_nodes_never_meet(first, second):
    one, other = (addresses_of(node.state) for node in (first, second))
    assert not one.network.overlaps(other.network)
    before = first.wait_until_ready()
    second.run_pod("guest")
    assert "guest" not in first.kubectl("get", "pods", "-A")
    mine = {p["pid"] for p in before["parts"]}
    assert mine.isdisjoint({p["pid"] for p in second.describe()["parts"]} - {0})
    assert before["pid"] == first.describe()["pid"]


def test_pods_pull_by_digest_and_old_images_are_pruned(second):
    registry = second.state.registry.read_text().strip()
    images = [
        replace(system_images.pause(), entrypoint=("/pause", word)) for word in ("kept", "old")
    ]
    kept, old = (push(registry, "maru/test", f"k{n}", i) for n, i in enumerate(images))
    for number, reference in enumerate((kept, old)):
        second.run_pod(f"puller-{number}", image=reference)
    named = {"test": {"repository": kept.partition("@")[0], "digest": kept.partition("@")[2]}}
    (second.folder / "images.yaml").write_text(json.dumps({"global": {"images": named}}))
    printed, _ = second.run("prune", "--days", "0")
    assert "removed maru/test:k1" in printed
    assert "1 tags, 1 unpacked images removed" in printed
    assert is_in_registry(kept)
    assert not is_in_registry(old)
    second.run_pod("puller-again", image=kept)
    printed, _ = second.run("prune", "--days", "7")
    assert printed.startswith("0 tags, 0 unpacked images removed")


@pytest.mark.parametrize("name", PARTS)
def test_a_killed_part_comes_again_and_pods_run(second, name):
    before = {p["name"]: p for p in second.wait_until_ready()["parts"]}[name]
    os.kill(before["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while True:
        after = {p["name"]: p for p in second.describe()["parts"]}[name]
        if after["restarts"] > before["restarts"] and after["pid"]:
            break
        assert time.monotonic() < deadline, after
        time.sleep(0.1)
    assert after["last_exit"] == "SIGKILL"
    second.run_pod(f"after-{name}")
    second.wait_until_ready()


def test_pods_and_data_outlive_a_restart_that_takes_under_30_seconds(second):
    documents = [claim("kept", "64Mi"), pod("keeper", claim="kept")]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    second.kubectl("apply", "-f", "-", stdin=text)
    second.kubectl("wait", "--for=condition=Ready", "pod/keeper", "--timeout=60s")
    name = json.loads(second.kubectl("get", "pvc/kept", "-o", "json"))["spec"]["volumeName"]
    first_pid = second.describe()["pid"]
    Path(f"/proc/{first_pid}/root{MOUNTS}/{name}/volume/note").write_text("kept")
    second.run("down")
    _, seconds = second.run("up")
    assert seconds < 30
    again = second.describe()["pid"]
    assert again != first_pid
    assert Path(f"/proc/{again}/root{MOUNTS}/{name}/volume/note").read_text() == "kept"
    second.kubectl("wait", "--for=condition=Ready", "pod/keeper", "--timeout=60s")
    node = json.loads(second.kubectl("get", f"node/{NODE_NAME}", "-o", "json"))
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"


def test_a_node_that_was_killed_is_cleaned_up_and_started_by_the_next_up(second):
    said = second.wait_until_ready()
    inside = {p["pid"] for p in said["parts"]} - {0}
    os.kill(said["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in inside):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert second.describe()["up"] is False
    second.run("up")
    second.run_pod("after-the-kill")


@pytest.mark.parametrize("after_s", [0.3, 0.8, 1.5, 4])
def test_up_that_was_killed_half_way_works_the_second_time(programs, tmp_path, after_s):
    node = Node(tmp_path, programs("kubectl"))
    before = traces()
    process = node.start("up")
    time.sleep(after_s)
    process.kill()
    process.wait()
    try:
        node.run("up")
        node.run_pod("after-all")
    finally:
        node.run("down", "--delete")
    assert_no_traces(before, node)


def test_a_node_with_other_binaries_is_started_anew(second):
    before = second.wait_until_ready()["pid"]
    document = json.loads(second.state.running.read_text())
    second.state.running.write_text(json.dumps({**document, "parts": "of last week"}))
    printed, _ = second.run("up")
    assert "the node runs other versions of its parts: starting it anew" in printed
    assert second.describe()["pid"] != before


def test_a_part_that_does_not_come_up_is_named_with_its_last_words(programs, tmp_path):
    parts = Path(programs("kubectl")).parents[1]
    own = tmp_path / "cache" / "parts"
    own.mkdir(parents=True)
    for part in parts.iterdir():
        if not part.name.startswith("etcd-"):
            (own / part.name).symlink_to(part)
        else:
            (own / part.name).mkdir()
            (own / part.name / "etcd").write_text("#!/bin/sh\necho out of cheese >&2; exit 1\n")
            (own / part.name / "etcd").chmod(0o755)
    node = Node(tmp_path / "state", "", tmp_path / "cache")
    process = node.start("up")
    printed, _ = process.communicate(timeout=120)
    try:
        assert process.returncode == 1
        assert "the node does not come up: it waits for etcd, apiserver" in printed
        assert "etcd.log:\n  out of cheese" in printed
        assert "Traceback" not in printed
    finally:
        node.run("down", "--delete")


def test_a_node_whose_folder_was_deleted_ends_and_the_next_start_sweeps(programs, tmp_path):
    lost = Node(tmp_path / "lost", programs("kubectl"))
    other = Node(tmp_path / "other", programs("kubectl"))
    before = traces()
    lost.run("up")
    processes = processes_of(lost)
    deadline = time.monotonic() + 30
    while lost.folder.exists():  # its processes write until they notice
        shutil.rmtree(lost.folder, ignore_errors=True)
        assert time.monotonic() < deadline
    while any(process.is_alive for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    try:
        other.run("up")
        other.run("down")
        assert_no_traces(before, lost)
        lost.run("up")
        lost.run_pod("found-again")
    finally:
        other.run("down", "--delete")
        lost.run("down", "--delete")


def test_down_leaves_nothing(programs, tmp_path):
    node = Node(tmp_path, programs("kubectl"))
    before = traces()
    node.run("up")
    text = json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [claim("a", "64Mi"), pod("a", claim="a")]}
    )
    node.kubectl("apply", "-f", "-", stdin=text)
    node.kubectl("wait", "--for=condition=Ready", "pod/a", "--timeout=60s")
    processes = processes_of(node)
    assert len(processes) > len(PARTS)
    assert lifecycle.loop_devices(node.state)
    assert node.state.name in traces()["interfaces"]
    node.run("down")
    assert [p for p in processes if p.is_alive] == []
    assert_no_traces(before, node)
    node.run("down", "--delete")
    assert not node.state.inside.exists()
    assert [p.name for p in node.folder.iterdir()] == ["lock"]


def test_another_cluster_in_kubeconfig_is_used_instead(tmp_path):
    node = Node(tmp_path / "never", "")
    environment = {**node.environment, "KUBECONFIG": str(tmp_path / "theirs")}
    done = subprocess.run(
        [sys.executable, str(NODE), "up"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"KUBECONFIG names {tmp_path / 'theirs'}" in done.stdout
    assert not node.folder.exists()


def _unchecked():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
