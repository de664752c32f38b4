"""A pod that belongs to nobody: what it can reach, no rule has closed."""

import json
import time
import uuid

from isolation.scene import Cluster

NAMESPACE = "maru-isolation-control"
END_S = 90.0


class Bystander:
    """Runs Python in short-lived pods of an image that the cluster has already."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        deployment = cluster.get("-n", "maru", "deployment", "mlflow")
        self._image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]

    def open(self) -> None:
        """Make the namespace without rules."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": labels},
        }
        self._cluster.run("apply", "-f", "-", given=json.dumps(namespace))

    def close(self) -> None:
        """Take it away."""
        self._cluster.run("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found")

    def run(self, code: str, namespace: str = NAMESPACE) -> str:
        """Run a program in a pod and return what it printed, stripped."""
        name = f"bystander-{uuid.uuid4().hex[:8]}"
        self._cluster.run(
            "-n", namespace, "create", "-f", "-", given=json.dumps(self._pod(name, code))
        )
        try:
            deadline = time.monotonic() + END_S
            while True:
                phase = self._cluster.get("-n", namespace, "pod", name)["status"]["phase"]
                if phase in ("Succeeded", "Failed"):
                    return self._cluster.run("-n", namespace, "logs", name).strip()
                if time.monotonic() > deadline:
                    return f"the pod {name} is {phase} after {END_S:.0f} s"
                time.sleep(0.5)
        finally:
            self._cluster.run("-n", namespace, "delete", "pod", name, "--wait=false")

    def _pod(self, name: str, code: str) -> dict[str, object]:
        size = {"cpu": "20m", "memory": "128Mi", "ephemeral-storage": "16Mi"}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 1000,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "bystander",
                        "image": self._image,
                        "command": ["python", "-c", code],
                        "resources": {"requests": size, "limits": size},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]},
                            "readOnlyRootFilesystem": True,
                        },
                    }
                ],
            },
        }
