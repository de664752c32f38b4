"""The pods that KubeSpawner makes of our configuration, compared with golden files.

After a wanted change: MARU_REGENERATE=1 pytest tests/unit/hub/test_spawner.py, and read the diff.
"""

import asyncio
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyterhub import orm
from kubernetes_asyncio.client import ApiClient
from maru_hub.spawner import NotebookSpawner, check_options, happened_at

GOLDEN = Path(__file__).parent / "golden"


def orm_group(name):
    return SimpleNamespace(name=name)


def make_spawner(config, user="ana", groups=(), **options):
    """A spawner as JupyterHub makes one, bound to no cluster and no database."""
    hub = SimpleNamespace(
        public_host="", url="http://hub", base_url="/hub/", api_url="http://hub/hub/api"
    )
    person = SimpleNamespace(
        name=user,
        id=1,
        url=f"/user/{user}/",
        settings={},
        orm_user=SimpleNamespace(groups=[orm_group(g) for g in groups]),
    )
    spawner = config.JupyterHub.spawner_class(config=config, user=person, hub=hub, _mock=True)
    spawner.api_token, spawner.user_options = "the-api-token", options
    spawner.db = orm.new_session_factory("sqlite:///:memory:")()
    return spawner


@pytest.fixture
def no_cluster(monkeypatch):
    """A spawner reads the cluster's address when it is made; these call no cluster."""
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)


def of_spawner(config, value, **options):
    """Return what a function makes of a spawner; one can only be made in a running loop."""

    async def play():
        return value(make_spawner(config, **options))

    return asyncio.run(play())


async def manifest(config, **options):
    spawner = make_spawner(config, **options)
    await spawner.load_user_options()
    pod = await spawner.get_pod_manifest()
    claim = spawner.get_pvc_manifest()
    async with ApiClient() as client:
        return [client.sanitize_for_serialization(made) for made in (pod, claim)]


def made(config, **options):
    pod, claim = asyncio.run(manifest(config, **options))
    return pod, claim


@pytest.fixture
def config(settings, configured, no_cluster):
    return configured(settings)


@pytest.mark.parametrize("image", ["pyspark", "pytorch", "tensorflow"])
@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_the_pod_of_each_profile_is_the_golden_one(config, image, size):
    pod, claim = made(config, profile=image, size=size)
    found = json.dumps({"pod": pod, "claim": claim}, indent=1, sort_keys=True) + "\n"
    path = GOLDEN / f"{image}-{size}.json"
    if os.environ.get("MARU_REGENERATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


def test_a_pod_keeps_to_the_restricted_standard(config):
    pod, _ = made(config)
    spec, [container] = pod["spec"], pod["spec"]["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert {name for v in spec["volumes"] for name in v if name != "name"} <= {
        "emptyDir",
        "persistentVolumeClaim",
        "secret",
    }


def test_no_password_stands_in_a_pod(config):
    pod, _ = made(config)
    variables = {v["name"]: v for v in pod["spec"]["containers"][0]["env"]}
    # Said here, not in the Secret: one that is older than these names still fits.
    assert variables["AWS_ACCESS_KEY_ID"]["value"] == "user-ana"
    assert variables["MLFLOW_TRACKING_USERNAME"]["value"] == "user-ana"
    for name in ("AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD"):
        reference = variables[name]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": "credentials-ana", "key": name}
    assert not any("the-root" in json.dumps(v) or "admin-pass" in json.dumps(v) for v in variables)


def test_an_option_from_the_rest_api_changes_nothing_but_profile_and_size(config):
    """Whoever may start a server sends any JSON as its options."""
    plain, _ = made(config, profile="pytorch", size="small")
    odd, _ = made(
        config,
        profile="pytorch",
        size="small",
        image="evil.example.com/x",
        service_account="hub",
        namespace="jupyterhub",
        kubespawner_override={"privileged": True},
        **{"size--unlisted-choice": ""},
    )
    assert odd == plain


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": "root"}, "profile 'root' is not offered; there is pyspark, pytorch, tensorf"),
        ({"profile": "pytorch", "size": "huge"}, "size 'huge' is not offered for pytorch"),
        ({"size": "huge"}, "size 'huge' is not offered for pyspark"),
    ],
)
def test_a_profile_that_is_not_offered_is_refused(config, options, said):
    with pytest.raises(ValueError, match=said):
        of_spawner(config, lambda spawner: check_options(spawner, options))


def test_what_is_offered_is_not_refused(config):
    of_spawner(config, lambda spawner: check_options(spawner, {}))
    of_spawner(config, lambda spawner: check_options(spawner, {"profile": "pytorch"}))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ana", "ana"), ("a.b", "a-b"), ("a_b", "a-b"), ("x" * 60, "x" * 61), ("ána", "ana")],
)
def test_no_two_users_share_a_name_in_the_cluster(config, one, other):
    """GHSA-v7m9-9497-p9gr: with KubeSpawner's older names they could share a home."""
    first, second = made(config, user=one), made(config, user=other)
    for ours, theirs in zip(first, second, strict=True):
        assert ours["metadata"]["name"] != theirs["metadata"]["name"]
    assert account(first) != account(second)


def account(objects):
    return objects[0]["spec"]["serviceAccountName"]


@pytest.mark.parametrize("user", ["ana", "Ána.Alves@example.com", "x" * 200, "--"])
def test_the_credentials_are_the_ones_that_the_pod_names(config, user):
    """The Secret's name is made twice: by KubeSpawner's template and by our own code."""
    named, slug = of_spawner(
        config,
        lambda spawner: (
            spawner._expand_user_properties("credentials-{username}"),
            spawner.slug,
        ),
        user=user,
    )
    assert named == f"credentials-{slug}"


def test_a_user_is_known_by_name_and_groups(config):
    names = of_spawner(config, lambda spawner: spawner.person.names, groups=["crm"])
    assert names == {"ana", "crm"}


def test_a_login_that_is_a_groups_name_is_not_that_group(config):
    assert of_spawner(config, lambda spawner: spawner.person.names, user="crm") == {"crm"}

    def of_a_hub_with_that_group(spawner):
        spawner.db.add(orm.Group(name="crm"))
        return spawner.person.names

    assert of_spawner(config, of_a_hub_with_that_group, user="crm") == set()


def test_only_profiles_that_say_so_read_the_raw_log(config):
    def reads(**options):
        return of_spawner(config, lambda spawner: spawner._reads_raw_log(), **options)

    assert reads(profile="pyspark")
    assert reads(), "the default profile is PySpark"
    assert not reads(profile="pytorch")


def test_an_event_happened_when_it_was_seen_last():
    whole = {"lastTimestamp": "2026-11-22T18:33:56Z", "eventTime": None}
    exact = {"lastTimestamp": None, "eventTime": "2026-11-22T18:33:55.953241Z"}
    assert happened_at(whole) > happened_at(exact) > happened_at({})


def test_our_one_hook_into_kubespawner_is_still_there():
    """It waits at a pace of our own after the pod was made; without it spawns are slower."""
    assert "after_pod_created_hook" in NotebookSpawner.class_trait_names(config=True)
