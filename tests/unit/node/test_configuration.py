"""What the parts are told, where a wrong word costs a pod or a night."""

import json
import tomllib
from ipaddress import IPv4Network

import pytest
from node import cgroups, configuration, system_images
from node.addons import addons
from node.addresses import Addresses
from node.components import components

ADDRESSES = Addresses(IPv4Network("10.20.0.0/16"))


@pytest.fixture
def written(tmp_path, machine):
    configuration.write_all(tmp_path, ADDRESSES, ["9.9.9.9"], "maru.internal/node/pause:1")
    return tmp_path


def test_the_kubelet_never_evicts_by_a_share_of_the_disk_nor_collects_an_image(written):
    kubelet = json.loads((written / "kubelet.yaml").read_text())
    sizes = {k: v for k, v in kubelet["evictionHard"].items() if "inodes" not in k}
    assert sizes == {
        "memory.available": "200Mi",
        "nodefs.available": "1Gi",
        "imagefs.available": "1Gi",
    }
    assert kubelet["imageGCHighThresholdPercent"] == 100
    assert kubelet["failCgroupV1"] is False


@pytest.mark.parametrize("unified", [True, False])
def test_one_process_dies_of_memory_not_its_container(monkeypatch, unified):
    monkeypatch.setattr(cgroups, "is_unified", lambda: unified)
    assert configuration.kubelet(ADDRESSES).get("singleProcessOOMKill") == (unified or None)


def test_images_come_from_the_nodes_registry_and_are_kept_once(written):
    containerd = tomllib.loads((written / "containerd.toml").read_text())
    images = containerd["plugins"]["io.containerd.cri.v1.images"]
    assert images["discard_unpacked_layers"] is True
    assert images["pinned_images"]["sandbox"] == "maru.internal/node/pause:1"
    hosts = tomllib.loads((written / "certs.d/10.20.255.2:5000/hosts.toml").read_text())
    assert hosts["server"] == "http://10.20.255.2:5000"


def test_pods_get_addresses_and_packets_that_fit_the_way_out(written):
    network = json.loads((written / "cni/10-bridge.conflist").read_text())
    bridge = network["plugins"][0]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.20.0.0/17"}]]
    assert bridge["mtu"] == configuration.outside_mtu()
    assert (written / "resolv.conf").read_text() == "nameserver 9.9.9.9\n"


def test_no_component_waits_for_one_that_comes_after_it():
    seen = set()
    for component in components(ADDRESSES):
        assert set(component.needs) <= seen, component.name
        seen.add(component.name)


def test_nothing_but_the_api_server_opens_etcd():
    commands = {c.name: " ".join(c.command) for c in components(ADDRESSES)}
    assert "--client-cert-auth" in commands["etcd"]
    assert "--anonymous-auth=false" in commands["apiserver"]
    assert [n for n, c in commands.items() if "apiserver-etcd.key" in c] == ["apiserver"]


def test_addons_are_one_object_each():
    found = addons(ADDRESSES, ["9.9.9.9"], system_images.coredns().name)["items"]
    keys = [(i["kind"], i["metadata"].get("namespace"), i["metadata"]["name"]) for i in found]
    assert len(keys) == len(set(keys))
    service = next(i for i in found if i["kind"] == "Service")
    assert service["spec"]["clusterIP"] == "10.20.128.10"
    corefile = next(i for i in found if i["kind"] == "ConfigMap")["data"]["Corefile"]
    assert "forward . 9.9.9.9" in corefile


def test_name_service_works_on_a_machine_without_one():
    found = addons(ADDRESSES, [], system_images.coredns().name)["items"]
    corefile = next(i for i in found if i["kind"] == "ConfigMap")["data"]["Corefile"]
    assert "forward" not in corefile


def test_another_corefile_is_another_pod():
    one, other = (
        next(i for i in addons(ADDRESSES, servers, "x")["items"] if i["kind"] == "Deployment")
        for servers in (["9.9.9.9"], [])
    )
    assert one["spec"]["template"]["metadata"] != other["spec"]["template"]["metadata"]
