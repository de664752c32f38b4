"""The network: closed both ways, and each opening has somebody on either side."""

import re

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

from maru.installation.steps import CHARTS, NAMESPACE_LABELS

PAIRS = every_chart_and_environment()
ENVIRONMENTS = sorted({environment for _, environment in PAIRS})
ACCESS = "maru.internal/access-"
# Whose servers the variant of that name has somewhere else.
ELSEWHERE = {"postgresql", "s3"}


def policies(manifests, direction):
    return [m for m in of_kind(manifests, "NetworkPolicy") if direction in m["spec"]["policyTypes"]]


def selected(policy, manifests):
    """Return the pods that a policy selects, as (kind/name, template)."""
    return [
        (name, pod)
        for name, namespace, pod in pods(manifests)
        if namespace == policy["metadata"]["namespace"]
        and selects(policy["spec"]["podSelector"], pod["metadata"].get("labels", {}))
    ]


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_the_namespace_is_closed_both_ways(chart, environment):
    manifests = render(chart, environment)
    used = {m["metadata"]["namespace"] for m in of_kind(manifests, "NetworkPolicy")}
    assert CHARTS[chart] in used
    for namespace in used:
        assert any(
            m["metadata"]["namespace"] == namespace
            and m["spec"]["podSelector"] == {}
            and sorted(m["spec"]["policyTypes"]) == ["Egress", "Ingress"]
            and not m["spec"].get("ingress")
            and not m["spec"].get("egress")
            for m in of_kind(manifests, "NetworkPolicy")
        ), f"{namespace} has no policy that denies all"


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_no_rule_admits_everybody(chart, environment):
    for policy in of_kind(render(chart, environment), "NetworkPolicy"):
        rules = [(r, "from") for r in policy["spec"].get("ingress") or []]
        rules += [(r, "to") for r in policy["spec"].get("egress") or []]
        for rule, side in rules:
            assert rule.get(side), f"{name_of(policy)}: a rule without {side} is for all"
            assert {} not in rule[side], f"{name_of(policy)}: an empty peer is everybody"


def callers(manifests):
    """Return (server, kind/name, namespace, template) for each pod with the label of callers."""
    return [
        (label.removeprefix(ACCESS), name, namespace, pod)
        for name, namespace, pod in pods(manifests)
        for label, value in pod["metadata"].get("labels", {}).items()
        if label.startswith(ACCESS) and value == "true"
    ]


def admitted(policy):
    """Return the servers' names whose callers a policy admits."""
    return {
        label.removeprefix(ACCESS)
        for rule in policy["spec"].get("ingress") or []
        for peer in rule.get("from", [])
        for label in peer.get("podSelector", {}).get("matchLabels", {})
        if label.startswith(ACCESS)
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_who_is_admitted_exists_and_who_calls_is_admitted(environment):
    manifests = everything(environment)
    called = {server for server, *_ in callers(manifests)}
    # Users' pods are the hub's to make: it labels them for these.
    by_users = {"hub", "s3", "mlflow", "proxy-api"}
    served = {s for policy in policies(manifests, "Ingress") for s in admitted(policy)}
    elsewhere = ELSEWHERE if environment == "elsewhere" else set()
    # The front door is for people, not for pods.
    assert called - served <= elsewhere, "a caller whom nobody admits"
    assert served - called <= by_users | {"proxy-public"}, "an opening that nobody uses"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_caller_is_let_out_to_the_port_that_the_server_opens(environment):
    manifests = everything(environment)
    elsewhere = ELSEWHERE if environment == "elsewhere" else set()
    for server, name, namespace, pod in callers(manifests):
        labels = pod["metadata"]["labels"]
        ports = {
            port["port"]
            for policy in policies(manifests, "Egress")
            if policy["metadata"]["namespace"] == namespace
            and selects(policy["spec"]["podSelector"], labels)
            for rule in policy["spec"].get("egress") or []
            if leads_to(rule, server, server in elsewhere)
            for port in rule["ports"]
        }
        opened = {
            port["port"]
            for policy in policies(manifests, "Ingress")
            if server in admitted(policy)
            for rule in policy["spec"]["ingress"]
            for port in rule["ports"]
        }
        assert ports, f"{name} may call {server} and is not let out to it"
        assert not opened or ports & opened, f"{name}: let out to {ports}, {server} has {opened}"


def servers_named_in(pod):
    """Return the servers whose addresses stand in the environment of a pod's containers."""
    # What stands before an @ is a user.
    address = re.compile(r"(?://|@)(postgresql|s3|mlflow|hub)[.:/](?![^/]*@)")
    told = set()
    for variable in (v for c in containers(pod) for v in c.get("env", [])):
        value = variable.get("value", "")
        told |= {value} if variable["name"].endswith("HOST") else set(address.findall(value))
    return told


@pytest.mark.parametrize("chart", CHARTS)
def test_a_pod_that_is_told_a_server_s_address_is_a_caller_of_it(chart):
    """But for the strangers among the tests, who are told it to be shut out."""
    told = [
        (name, server, pod["metadata"]["labels"].get(f"{ACCESS}{server}"))
        for name, _, pod in pods(render(chart, "test"))
        for server in servers_named_in(pod)
    ]
    for name, server, label in told:
        assert label == (None if "stranger" in name else "true"), f"{name} is told {server}"
    assert told or chart == "jupyterhub"  # the hub is told by a file


def leads_to(rule, server, elsewhere):
    """Say whether an egress rule leads to a server: by its component, or to addresses elsewhere."""
    if elsewhere and any("ipBlock" in peer for peer in rule.get("to", [])):
        return True
    # One program may serve two kinds of callers, as proxy serves proxy-api and proxy-public.
    components = {server, server.split("-")[0]}
    asked = [peer.get("podSelector", {}).get("matchLabels", {}) for peer in rule.get("to", [])]
    return any(labels.get("app.kubernetes.io/component") in components for labels in asked)


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_policies_select_pods_and_open_ports_that_these_have(chart, environment):
    manifests = render(chart, environment)
    for policy in policies(manifests, "Ingress"):
        if not policy["spec"].get("ingress"):
            continue
        if policy["metadata"]["namespace"] != CHARTS[chart]:
            continue  # of pods that the hub makes
        chosen = selected(policy, manifests)
        assert chosen, f"{name_of(policy)} selects nobody"
        opened = {
            word
            for _, pod in chosen
            for container in containers(pod)
            for port in container.get("ports", [])
            for word in (port["containerPort"], port.get("name"))
        }
        for rule in policy["spec"]["ingress"]:
            for port in rule["ports"]:
                assert port["port"] in opened, f"{name_of(policy)} opens {port} that nobody has"


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_every_pod_that_calls_by_name_may_ask_for_names(chart, environment):
    manifests = render(chart, environment)
    dns = [
        policy
        for policy in policies(manifests, "Egress")
        for rule in policy["spec"].get("egress") or []
        if {"protocol": "UDP", "port": 53} in rule.get("ports", [])
    ]
    for name, _, _ in pods(manifests):
        assert any(name in [n for n, _ in selected(p, manifests)] for p in dns), name


def test_namespaces_carry_the_label_that_policies_ask_for():
    asked = {
        label
        for policy in of_kind(everything("test"), "NetworkPolicy")
        for rule in [*(policy["spec"].get("ingress") or []), *(policy["spec"].get("egress") or [])]
        for peer in [*rule.get("from", []), *rule.get("to", [])]
        for label in peer.get("namespaceSelector", {}).get("matchLabels", {}).items()
        if label[0] != "kubernetes.io/metadata.name"
    }
    assert asked <= set(NAMESPACE_LABELS.items())
