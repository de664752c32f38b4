"""What a template names exists: Secrets and their keys, ConfigMaps, accounts, volumes, ports."""

import pytest
from rendering import (
    containers,
    every_chart_and_environment,
    everything,
    name_of,
    of_kind,
    pods,
    render,
    selects,
)

from maru.installation.secret_values import SECRETS

PAIRS = every_chart_and_environment()
KEYS = {spec.path: set(spec.values) for spec in SECRETS}
# What only a person can give: the secret of the client at a provider of logins, and the login
# at the projects' repository.
GIVEN = {
    ("jupyterhub", "oidc"): {"client-secret"},
    ("jupyterhub", "projects-git"): {"credentials"},
}


def named(manifests, kind):
    return {
        (m["metadata"]["namespace"], m["metadata"]["name"]): m for m in of_kind(manifests, kind)
    }


def secret_keys(pod):
    """Yield (Secret, key) for each use of a Secret; the key is None for a whole one."""
    for container in containers(pod):
        for variable in container.get("env", []):
            if ref := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield ref["name"], ref["key"]
        for source in container.get("envFrom", []):
            if ref := source.get("secretRef"):
                yield ref["name"], None
    for volume in pod["spec"].get("volumes", []):
        if secret := volume.get("secret"):
            for key in [item["key"] for item in secret.get("items", [])] or [None]:
                yield secret["secretName"], key


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_secrets_are_those_that_the_installation_makes(chart, environment):
    for name, namespace, pod in pods(render(chart, environment)):
        for secret, key in secret_keys(pod):
            known = (KEYS | GIVEN).get((namespace, secret))
            assert known, f"{name}: Secret {namespace}/{secret}"
            assert key is None or key in known, f"{name}: {secret}.{key}"


def test_every_secret_that_is_made_is_used():
    used = {
        (namespace, secret, key)
        for _, namespace, pod in pods(everything("test"))
        for secret, key in secret_keys(pod)
    }
    whole = {(namespace, secret) for namespace, secret, key in used if key is None}
    unused = [
        (path, key)
        for path, keys in KEYS.items()
        for key in keys
        if (*path, key) not in used and path not in whole
    ]
    assert unused == []


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_charts_hold_no_secret(chart, environment):
    assert of_kind(render(chart, environment), "Secret") == []


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_config_maps_accounts_and_claims_exist(chart, environment):
    manifests = render(chart, environment)
    maps, accounts = named(manifests, "ConfigMap"), named(manifests, "ServiceAccount")
    claims = named(manifests, "PersistentVolumeClaim")
    for name, namespace, pod in pods(manifests):
        spec = pod["spec"]
        assert (namespace, spec["serviceAccountName"]) in accounts, name
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        for volume in volumes.values():
            if config := volume.get("configMap"):
                assert (namespace, config["name"]) in maps, f"{name}: {config['name']}"
            if claim := volume.get("persistentVolumeClaim"):
                assert (namespace, claim["claimName"]) in claims, f"{name}: {claim['claimName']}"
        mounted = {m["name"] for c in containers(pod) for m in c.get("volumeMounts", [])}
        assert mounted <= set(volumes), f"{name}: mounts without a volume"


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_services_lead_to_ports_that_pods_open(chart, environment):
    manifests = render(chart, environment)
    workloads = [
        (m, pod)
        for m in manifests
        for _, _, pod in pods([m])
        if "app.kubernetes.io/name" in pod["metadata"].get("labels", {})
    ]
    for service in of_kind(manifests, "Service"):
        behind = [
            pod
            for m, pod in workloads
            if m["metadata"]["namespace"] == service["metadata"]["namespace"]
            and selects({"matchLabels": service["spec"]["selector"]}, pod["metadata"]["labels"])
        ]
        assert behind, f"{name_of(service)} leads nowhere"
        opened = {
            word
            for pod in behind
            for container in containers(pod)
            for port in container.get("ports", [])
            for word in (port.get("name"), port["containerPort"])
        }
        for port in service["spec"]["ports"]:
            assert port.get("targetPort", port["port"]) in opened, name_of(service)


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_probes_ask_ports_that_the_container_opens(chart, environment):
    for name, _, pod in pods(render(chart, environment)):
        for container in containers(pod):
            opened = {
                w for p in container.get("ports", []) for w in (p.get("name"), p["containerPort"])
            }
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                asked = container.get(probe, {})
                for how in ("httpGet", "tcpSocket"):
                    if how in asked:
                        assert asked[how]["port"] in opened, f"{name}: {probe}"


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_names_are_said_once(chart, environment):
    seen = [
        (m["kind"], m["metadata"]["namespace"], m["metadata"]["name"])
        for m in render(chart, environment)
    ]
    assert len(seen) == len(set(seen))


def test_charts_in_one_namespace_do_not_take_each_other_s_names():
    seen = [
        (m["kind"], m["metadata"]["namespace"], m["metadata"]["name"]) for m in everything("test")
    ]
    assert sorted(seen) == sorted(set(seen))
