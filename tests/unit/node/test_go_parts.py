"""What a part is, and when its binaries count as the same."""

import shutil

import pytest
from node import go_parts
from node.errors import NodeError
from node.go_parts import all_parts, named, read_part


def test_every_part_is_pinned_to_one_version_with_checksums():
    parts = {part.name: part for part in all_parts()}
    assert parts["kubernetes"].version == "1.36.3"
    assert set(parts["kubernetes"].programs) == {
        "kube-apiserver",
        "kube-controller-manager",
        "kube-proxy",
        "kube-scheduler",
        "kubectl",
        "kubelet",
    }
    assert set(parts["etcd"].programs) == {"etcd"}
    for part in parts.values():
        assert part.name == "pause" or (part.folder / "go.sum").stat().st_size > 1000
        assert part.name == "pause" or part.version


def test_what_the_node_runs_is_built_first():
    names = [part.name for part in all_parts()]
    assert names[-3:] == ["helm", "kube-score", "kubeconform"]


def test_the_version_is_stamped_into_the_binaries():
    stamps = next(p for p in all_parts() if p.name == "kubernetes").stamps
    assert "k8s.io/component-base/version.gitVersion=v1.36.3" in stamps
    assert "k8s.io/component-base/version.gitMinor=36" in stamps


def test_a_changed_pin_is_another_key(tmp_path):
    folder = tmp_path / "etcd"
    shutil.copytree(go_parts.FOLDER / "etcd", folder)
    same = read_part(folder)
    assert same.key == read_part(go_parts.FOLDER / "etcd").key
    sums = folder / "go.sum"
    sums.write_text(sums.read_text().replace("h1:", "h1:A", 1))
    assert read_part(folder).key != same.key


def test_a_part_is_named_by_its_own_name_or_a_program():
    assert [part.name for part in named(["kubectl", "kubernetes", "ctr"])] == [
        "containerd",
        "kubernetes",
    ]
    with pytest.raises(NodeError, match=r"there is no part 'docker'; there are: .*kubectl"):
        named(["docker"])


def test_a_program_lies_in_the_shared_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MARU_CACHE", str(tmp_path))
    assert go_parts.program("ctr").parent.parent == tmp_path / "parts"
    with pytest.raises(NodeError, match="there is no program 'docker'"):
        go_parts.program("docker")
