"""Pods' addresses as the network plugins gave them."""

import json
import os
import threading
from ipaddress import IPv4Address
from queue import SimpleQueue

from node.network_policy_cni import changes, given_addresses

WAIT_S = 5


def result(uid, *addresses):
    """Return what the CNI library keeps of a pod's interface."""
    return json.dumps(
        {
            "kind": "cniCacheV1",
            "cniArgs": [["K8S_POD_NAMESPACE", "shop"], ["K8S_POD_UID", uid]],
            "result": {"cniVersion": "1.0.0", "ips": [{"address": a} for a in addresses]},
        }
    )


def test_a_pods_address_is_found_by_its_uid(tmp_path):
    (tmp_path / "node-abc-eth0").write_text(result("one", "10.77.0.11/24"))
    (tmp_path / "cni-loopback-abc-lo").write_text(result("one", "127.0.0.1/8", "::1/128"))
    (tmp_path / "node-def-eth0").write_text(result("two", "fd00::12/64", "10.77.0.12/24"))
    assert given_addresses(tmp_path) == {
        "one": IPv4Address("10.77.0.11"),
        "two": IPv4Address("10.77.0.12"),
    }


def test_the_newest_sandbox_of_a_pod_counts(tmp_path):
    for name, address, written in (("b", "10.77.0.12", 200), ("a", "10.77.0.11", 100)):
        path = tmp_path / name
        path.write_text(result("one", f"{address}/24"))
        os.utime(path, (written, written))
    assert given_addresses(tmp_path) == {"one": IPv4Address("10.77.0.12")}


def test_what_is_not_a_pods_result_is_passed_over(tmp_path):
    (tmp_path / "half").write_text(result("one", "10.77.0.11/24")[:40])
    (tmp_path / "other").write_text(json.dumps({"cniArgs": None}))
    (tmp_path / "no-address").write_text(json.dumps({"cniArgs": [["K8S_POD_UID", "x"]]}))
    assert given_addresses(tmp_path) == {}


def test_each_change_of_the_folder_is_told(tmp_path):
    told = SimpleQueue()

    def follow():
        for _ in changes(tmp_path):
            told.put(sorted(given_addresses(tmp_path)))

    threading.Thread(target=follow, daemon=True).start()
    assert told.get(timeout=WAIT_S) == []
    (tmp_path / "a").write_text(result("one", "10.77.0.11/24"))
    assert told.get(timeout=WAIT_S) == ["one"]
    (tmp_path / "unfinished").write_text("")
    assert told.get(timeout=WAIT_S) == ["one"]
    (tmp_path / "a").unlink()
    assert told.get(timeout=WAIT_S) == []
