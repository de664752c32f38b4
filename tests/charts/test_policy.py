"""What every pod of every chart keeps: the restricted standard, pins, amounts, probes, budgets."""

import re

import pytest
from rendering import (
    containers,
    every_chart_and_environment,
    name_of,
    of_kind,
    pod_template,
    pods,
    render,
    selects,
)

PAIRS = every_chart_and_environment()
VOLUMES = {"configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected", "downwardAPI"}
LABELS = ("name", "instance", "component", "part-of", "managed-by")


def breaches(pod):
    """List what a pod breaks of the restricted Pod Security standard and of our own rules."""
    spec, found = pod["spec"], []
    context = spec.get("securityContext", {})
    if not context.get("runAsNonRoot"):
        found.append("pod: runAsNonRoot must be true")
    if context.get("runAsUser", 0) == 0:
        found.append("pod: runAsUser must be set and not 0")
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        found.append("pod: seccompProfile must be RuntimeDefault")
    for field in ("hostNetwork", "hostPID", "hostIPC", "hostUsers"):
        if spec.get(field):
            found.append(f"pod: {field} must not be set")
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            found.append(f"volume {volume['name']}: {set(volume) - {'name'}} is not allowed")
        if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
            found.append(f"volume {volume['name']}: emptyDir needs a sizeLimit")
    if spec.get("enableServiceLinks", True):
        found.append("pod: enableServiceLinks must be false")
    for container in containers(pod):
        found += container_breaches(container)
    return found


def container_breaches(container):
    """List what one container breaks."""
    name, found = container["name"], []
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False:
        found.append(f"{name}: allowPrivilegeEscalation must be false")
    if context.get("capabilities") != {"drop": ["ALL"]}:
        found.append(f"{name}: capabilities must be drop: [ALL] and nothing more")
    if context.get("readOnlyRootFilesystem") is not True:
        found.append(f"{name}: readOnlyRootFilesystem must be true")
    if not re.fullmatch(r"[^@]+@sha256:[0-9a-f]{64}", container["image"]):
        found.append(f"{name}: image {container['image']!r} is not pinned by digest")
    if re.search(r":[^/@]+@", container["image"].split("/", 1)[-1]):
        found.append(f"{name}: image {container['image']!r} has a tag")
    resources = container.get("resources", {})
    for field in ("cpu", "memory", "ephemeral-storage"):
        if field not in resources.get("requests", {}):
            found.append(f"{name}: resources.requests.{field} is missing")
        if field != "cpu" and field not in resources.get("limits", {}):
            found.append(f"{name}: resources.limits.{field} is missing")
    for port in container.get("ports", []):
        if "hostPort" in port:
            found.append(f"{name}: hostPort must not be set")
    return found


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_workloads_are_restricted(chart, environment):
    found = [f"{n}: {b}" for n, _, pod in pods(render(chart, environment)) for b in breaches(pod)]
    assert found == []


def test_the_policy_finds_each_breach():
    bare = {"spec": {"containers": [{"name": "c", "image": "postgres:15"}], "hostNetwork": True}}
    words = "\n".join(breaches(bare))
    for word in ("runAsNonRoot", "seccomp", "hostNetwork", "Escalation", "capabilities", "digest"):
        assert word in words
    volume = {"name": "v", "hostPath": {"path": "/"}}
    assert any("hostPath" in b for b in breaches({"spec": {**bare["spec"], "volumes": [volume]}}))


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_a_token_of_the_api_is_mounted_only_where_a_role_needs_one(chart, environment):
    manifests = render(chart, environment)
    bound = {
        subject["name"]
        for binding in of_kind(manifests, "RoleBinding", "ClusterRoleBinding")
        for subject in binding["subjects"]
    }
    for name, _, pod in pods(manifests):
        token = pod["spec"].get("automountServiceAccountToken")
        account = pod["spec"].get("serviceAccountName", "default")
        assert account != "default", f"{name} runs as the account that everybody shares"
        assert token is (account in bound), f"{name} as {account}: token mounted: {token}"


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_servers_have_probes_and_a_budget_that_lets_one_pod_go(chart, environment):
    manifests = render(chart, environment)
    budgets = of_kind(manifests, "PodDisruptionBudget")
    for workload in of_kind(manifests, "Deployment", "StatefulSet"):
        name, pod = name_of(workload), pod_template(workload)
        labels = pod["metadata"]["labels"]
        fitting = [b for b in budgets if selects(b["spec"]["selector"], labels)]
        assert len(fitting) == 1, f"{name} has {len(fitting)} budgets, wanted 1"
        assert fitting[0]["spec"].get("maxUnavailable") == 1, f"{name}: its budget blocks drains"
        for container in pod["spec"]["containers"]:
            for probe in ("readinessProbe", "livenessProbe"):
                assert probe in container, f"{name}: container {container['name']} lacks {probe}"
        assert selects(workload["spec"]["selector"], labels), f"{name} does not select its pods"


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_labels_are_the_common_ones_and_pods_carry_none_that_change(chart, environment):
    for manifest in render(chart, environment):
        labels = manifest["metadata"].get("labels", {})
        if manifest["kind"] != "Pod":
            for label in LABELS:
                assert f"app.kubernetes.io/{label}" in labels, name_of(manifest)
        if pod := pod_template(manifest):
            carried = pod["metadata"]["labels"]
            assert not {"helm.sh/chart", "app.kubernetes.io/version"} & set(carried)


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_every_object_says_its_namespace(chart, environment):
    from maru.installation.steps import NAMESPACES

    for manifest in render(chart, environment):
        assert manifest["kind"] not in ("ClusterRole", "ClusterRoleBinding", "Namespace")
        assert manifest["metadata"].get("namespace") in NAMESPACES, name_of(manifest)


@pytest.mark.parametrize("chart", sorted({chart for chart, _ in PAIRS}))
def test_every_chart_tests_itself(chart):
    tests = [
        m
        for m in render(chart, "test")
        if m["metadata"].get("annotations", {}).get("helm.sh/hook") == "test"
    ]
    assert tests != []


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_volumes_with_data_outlive_the_release(chart, environment):
    for claim in of_kind(render(chart, environment), "PersistentVolumeClaim"):
        notes = claim["metadata"].get("annotations", {})
        assert notes.get("helm.sh/resource-policy") == "keep", name_of(claim)
        assert "Delete=false" in notes["argocd.argoproj.io/sync-options"]


def test_the_setup_job_is_named_after_its_content():
    names = set()
    for environment in ("test", "production", "elsewhere"):
        (job,) = of_kind(render("storage", environment), "Job")
        names.add(job["metadata"]["name"])
    assert len(names) == 3
