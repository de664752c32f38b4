"""Pods that run an image's smoke test the way the platform runs the image."""

import json
import time

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
SCRATCH = {"home": "/home/maru", "tmp": "/tmp"}


def smoke_pod(name, image, command, *, files, memory, environment=(), sidecars=()):
    """Return a pod under the restricted standard, with an empty home and the files in /smoke.

    A sidecar runs beside the smoke test and ends with it.
    """
    mounts = [{"name": volume, "mountPath": path} for volume, path in SCRATCH.items()]
    volumes = [{"name": volume, "emptyDir": {}} for volume in SCRATCH]
    if files:
        mounts.append({"name": "smoke", "mountPath": "/smoke", "readOnly": True})
        volumes.append({"name": "smoke", "configMap": {"name": files}})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "runAsGroup": 1000,
                "fsGroup": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "smoke",
                    "image": image,
                    "command": command,
                    "env": [{"name": n, "value": v} for n, v in environment],
                    "securityContext": RESTRICTED,
                    "resources": {"requests": {"cpu": "50m"}, "limits": {"memory": memory}},
                    "volumeMounts": mounts,
                }
            ],
            "initContainers": list(sidecars),
            "volumes": volumes,
        },
    }


def s3_sidecar(image, access_key, secret_key):
    """Return a container with an S3 store on port 9000, empty at the start."""
    script = 'mkdir -p /tmp/data && exec versitygw "$@"'
    settings = ["versitygw", "--port=127.0.0.1:9000", "--region=us-east-1", "posix", "/tmp/data"]
    return {
        "name": "s3",
        "image": image,
        "restartPolicy": "Always",
        "command": ["/bin/sh", "-ec", script, *settings],
        "env": [
            {"name": "ROOT_ACCESS_KEY_ID", "value": access_key},
            {"name": "ROOT_SECRET_ACCESS_KEY", "value": secret_key},
        ],
        "securityContext": RESTRICTED,
        "resources": {"requests": {"cpu": "50m"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }


def config_map(name, files):
    """Return the files as a ConfigMap, by their base names."""
    data = {file.name: file.read_text() for file in files}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def namespace(name):
    """Return a namespace that admits restricted pods only."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }


def finished(kubectl, name, *, timeout_s):
    """Wait until a pod ended; return its phase and its log.

    A pod that can't start is given up on with what Kubernetes says of it.
    """
    end = time.monotonic() + timeout_s
    phase = "unknown"
    while time.monotonic() < end:
        status = json.loads(kubectl("get", "pod", name, "-o", "json"))["status"]
        phase = status["phase"]
        if phase in ("Succeeded", "Failed"):
            return phase, kubectl("logs", name, "--container=smoke")
        time.sleep(0.5)
    return phase, kubectl("describe", "pod", name)
