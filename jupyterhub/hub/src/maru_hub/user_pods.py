"""What every user's pod looks like, as traitlets of KubeSpawner.

Names follow KubeSpawner's ``safe`` slugs (``{username}`` in templates): two user names never share
one, which the older scheme allowed (GHSA-v7m9-9497-p9gr).
"""

from typing import Any

from maru_hub.reach import account_of
from maru_hub.settings import Credentials, Settings
from maru_hub.units import size_bytes, written_size

HOME = "/home/maru"
GIT_FOLDER = "/var/run/maru/git"
"""Holds the file ``credentials`` where an administrator made the Secret ``git-<slug>``."""
USER_ID = 1000
# Of each server's account: the variables of its name and of its password.
OBJECT_STORE_ACCOUNT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
TRACKING_ACCOUNT = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


def pod_traits(settings: Settings) -> dict[str, Any]:
    """Return the traitlets of KubeSpawner by name."""
    return {
        **_names(settings),
        **_security(),
        **_volumes(settings),
        "image_pull_policy": "IfNotPresent",
        # As jupyterhub-singleuser, in half the time.
        "cmd": ["python", "-m", "maru_server.quick_start"],
        "working_dir": HOME,
        "default_url": "/lab",
        "environment": environment(settings),
        "profile_list": settings.profiles.kubespawner_list(settings.images),
        "extra_labels": dict(settings.pods.labels),
        "node_selector": dict(settings.pods.node_selector),
        "start_timeout": settings.pods.start_timeout_s,
        "http_timeout": 60,
        # The hub reads the state of pods from its own copy: looking often costs nothing, and a
        # server that stopped itself is gone from the hub within so many seconds.
        "poll_interval": 5,
        "delete_grace_period": 10,
        # By default the hub ends itself after five failed spawns in a row, so one user who asks for
        # what can't be had would restart it for all.
        "consecutive_failure_limit": 0,
    }


def _names(settings: Settings) -> dict[str, Any]:
    return {
        "namespace": settings.pods.namespace,
        "slug_scheme": "safe",
        "pod_name_template": "notebook-{user_server}",
        "pvc_name_template": "home-{username}",
        "service_account": "notebook-{username}",
        "automount_service_account_token": False,
        "component_label": "notebook",
        "hub_connect_url": settings.addresses.hub,
    }


def _security() -> dict[str, Any]:
    """Return what the restricted Pod Security standard asks for, and a read-only image."""
    return {
        "uid": USER_ID,
        "gid": USER_ID,
        "fs_gid": USER_ID,
        "allow_privilege_escalation": False,
        "pod_security_context": {
            "runAsNonRoot": True,
            # A home with many files would be walked through at every spawn otherwise.
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "container_security_context": {
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "extra_pod_config": {"enableServiceLinks": False},
    }


def _volumes(settings: Settings) -> dict[str, Any]:
    """Return the home, which outlives the pod, and what is lost with it.

    Shared memory is counted against the profile's memory, so its size needs no limit of its own;
    without the volume it is 64 MiB, too small for PyTorch's data loaders.
    """
    tmp = written_size(size_bytes(settings.pods.tmp_size))
    return {
        "storage_pvc_ensure": True,
        "storage_capacity": settings.pods.home_size,
        "storage_class": settings.pods.storage_class or None,
        "storage_access_modes": ["ReadWriteOnce"],
        "delete_pvc": False,
        # Else a home that an administrator deleted would be waited for, and never made again.
        "remember_pvc_name": False,
        "volumes": {
            "home": {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}},
            "tmp": {"name": "tmp", "emptyDir": {"sizeLimit": tmp}},
            "shared-memory": {"name": "shared-memory", "emptyDir": {"medium": "Memory"}},
            "git": {
                "name": "git",
                "secret": {"secretName": "git-{username}", "optional": True, "defaultMode": 0o440},
            },
        },
        "volume_mounts": {
            "home": {"name": "home", "mountPath": HOME},
            "tmp": {"name": "tmp", "mountPath": "/tmp"},
            "shared-memory": {"name": "shared-memory", "mountPath": "/dev/shm"},
            "git": {"name": "git", "mountPath": GIT_FOLDER, "readOnly": True},
        },
    }


def environment(settings: Settings) -> dict[str, Any]:
    """Return the variables of every pod; the profile's and the user's own are added at the spawn.

    A pod's specification names the Secret that holds the user's credentials and never carries them.
    """
    idle, found = settings.idle, {}
    found["HOME"] = HOME
    # Beside the home: Jupyter writes there before anything else, and a full home must still start.
    found["JUPYTER_RUNTIME_DIR"] = "/tmp/jupyter"
    found["MARU_GIT_CREDENTIALS_FILE"] = f"{GIT_FOLDER}/credentials"
    found["MARU_IDLE_TIMEOUT_S"] = str(idle.timeout_s)
    found["MARU_IDLE_WARNING_S"] = str(idle.warning_s)
    # What the hub knows of a server's activity is never older than this.
    found["JUPYTERHUB_ACTIVITY_INTERVAL"] = str(min(60, max(10, idle.timeout_s // 10)))
    if settings.projects.repository:
        found["MARU_PROJECTS_REPO"] = settings.projects.repository
        found["MARU_PROJECTS_BRANCH"] = settings.projects.branch
    return {**found, **_addresses(settings.credentials), **_accounts(settings.credentials)}


def _addresses(credentials: Credentials) -> dict[str, str]:
    found = {}
    if store := credentials.object_store:
        found["AWS_ENDPOINT_URL_S3"] = store.endpoint
        found["AWS_REGION"] = found["AWS_DEFAULT_REGION"] = store.region
        found["MARU_HOME_BUCKET"] = store.home_bucket
        found["MARU_PROJECT_BUCKET"] = store.project_bucket
        found["MARU_RAW_BUCKET"] = store.raw_bucket
    if credentials.tracking:
        found["MLFLOW_TRACKING_URI"] = credentials.tracking.uri
    return found


def _accounts(credentials: Credentials) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for server, (name, password) in (
        (credentials.object_store, OBJECT_STORE_ACCOUNT),
        (credentials.tracking, TRACKING_ACCOUNT),
    ):
        if server:
            found[name] = account_of("{username}")
            reference = {"name": "credentials-{username}", "key": password}
            found[password] = {"name": password, "valueFrom": {"secretKeyRef": reference}}
    return found
