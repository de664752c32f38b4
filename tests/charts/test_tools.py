"""kubeconform, kubernetes-validate, kube-score and checkov accept every chart in every environment.

What they would forbid and we do all the same stands in waivers.yaml, each with its reason; a waiver
that nothing needs any more fails.
"""

import pytest
import yaml
from policy_tools import (
    WAIVERS,
    Finding,
    all_manifests,
    checkov,
    environment,
    kube_score,
    kubeconform,
    kubernetes_validate,
    waivers,
    write_renders,
    write_schemas,
)


@pytest.fixture(scope="module")
def renders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("renders")
    write_renders(folder)
    return folder


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    environment()
    folder = tmp_path_factory.mktemp("schemas")
    write_schemas(folder, all_manifests())
    return folder


@pytest.fixture(scope="module")
def scored(renders):
    return kube_score(renders)


@pytest.fixture(scope="module")
def checked(renders):
    return checkov(renders)


def unexplained(findings):
    allowed = waivers()
    return [f for f in findings if not any(waiver.covers(f) for waiver in allowed)]


def test_kubeconform_accepts_every_object(renders, schemas):
    valid, found = kubeconform(renders, schemas)
    assert found == []
    assert valid == len(all_manifests())


def test_kubeconform_refuses_a_field_that_there_is_not(tmp_path, schemas):
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": 1}}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    _, (finding,) = kubeconform(tmp_path, schemas)
    assert "prots" in finding.words


def test_kubernetes_validate_accepts_every_object(renders):
    accepted, others = kubernetes_validate(renders)
    assert others == []
    assert accepted == len(all_manifests())


def test_kubernetes_validate_refuses_a_field_that_there_is_not(tmp_path):
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": 1}}
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    accepted, others = kubernetes_validate(tmp_path)
    assert accepted == 0
    assert any("prots" in line for line in others)


def test_kube_score_finds_nothing_that_is_not_explained(scored):
    assert unexplained(scored) == []


def test_checkov_finds_nothing_that_is_not_explained(checked):
    passed, found = checked
    assert passed > 1000
    assert unexplained(found) == []


def test_every_waiver_is_needed_and_says_why(scored, checked):
    findings = [*scored, *checked[1]]
    for waiver in waivers():
        assert len(waiver.reason.split()) >= 8, f"{waiver.rule}: a reason is a sentence"
        for pattern in waiver.objects:
            one = type(waiver)(waiver.tool, waiver.rule, (pattern,), waiver.reason)
            needed = any(one.covers(finding) for finding in findings)
            assert needed, f"{waiver.tool} {waiver.rule} {pattern}: nothing needs this waiver"


def test_a_waiver_covers_its_own_rule_and_object_only():
    text = "checkov: {CKV_1: {objects: ['Job/setup-*'], reason: why}}"
    (waiver,) = waivers(text)
    assert waiver.covers(Finding("checkov", "CKV_1", "Job/setup-1", "", ""))
    assert not waiver.covers(Finding("checkov", "CKV_1", "Job/other", "", ""))
    assert not waiver.covers(Finding("checkov", "CKV_2", "Job/setup-1", "", ""))
    assert not waiver.covers(Finding("kube-score", "CKV_1", "Job/setup-1", "", ""))


def test_waivers_stand_in_order():
    documents = yaml.safe_load(WAIVERS.read_text())
    for tool, rules in documents.items():
        assert list(rules) == sorted(rules), tool
