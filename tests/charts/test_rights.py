"""Rights in the Kubernetes API: the least that the pod needs, in one namespace."""

import pytest
from rendering import every_chart_and_environment, name_of, of_kind, render

PAIRS = every_chart_and_environment()
# A role with one of these can give itself all others.
DANGEROUS = {"escalate", "bind", "impersonate"}


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_no_rule_is_open_ended(chart, environment):
    for role in of_kind(render(chart, environment), "Role", "ClusterRole"):
        for rule in role["rules"]:
            words = [*rule.get("apiGroups", []), *rule["resources"], *rule["verbs"]]
            assert "*" not in words, f"{name_of(role)}: {rule}"
            assert not DANGEROUS & set(rule["verbs"]), f"{name_of(role)}: {rule}"


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_rights_end_at_a_namespace(chart, environment):
    assert of_kind(render(chart, environment), "ClusterRole", "ClusterRoleBinding") == []


@pytest.mark.parametrize(("chart", "environment"), PAIRS)
def test_bindings_join_a_role_and_an_account_of_the_chart(chart, environment):
    manifests = render(chart, environment)
    roles = {
        (m["metadata"]["namespace"], m["metadata"]["name"]) for m in of_kind(manifests, "Role")
    }
    accounts = {
        (m["metadata"]["namespace"], m["metadata"]["name"])
        for m in of_kind(manifests, "ServiceAccount")
    }
    bound = set()
    for binding in of_kind(manifests, "RoleBinding"):
        role = (binding["metadata"]["namespace"], binding["roleRef"]["name"])
        assert role in roles, name_of(binding)
        bound.add(role)
        for subject in binding["subjects"]:
            assert subject["kind"] == "ServiceAccount"
            assert (subject["namespace"], subject["name"]) in accounts, name_of(binding)
    assert bound == roles, "a role that nobody has"


@pytest.mark.parametrize("chart", ["storage", "mlflow"])
def test_storage_and_mlflow_ask_for_no_rights(chart):
    assert of_kind(render(chart, "production"), "Role", "RoleBinding") == []
