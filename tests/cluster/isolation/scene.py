"""Who takes part in the proofs: two users at work, and a look at the cluster from outside."""

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub_client import Person

USERS = "jupyterhub-users"
OWNER = "hub.jupyter.org/username"
# A neighbour that shares the processor may be late; one that stands still is not isolated.
LONGEST_GAP_S = 3.0
TICK_S = 0.1
COUNT = f"""
import threading, time
ticks = []
def count():
    while True:
        ticks.append(time.time())
        time.sleep({TICK_S})
threading.Thread(target=count, daemon=True).start()
"""


@dataclass(frozen=True)
class Cluster:
    """kubectl on one cluster."""

    kubectl: Path
    kubeconfig: Path

    def run(self, *words: str, given: str | None = None, timeout_s: float = 60) -> str:
        """Run kubectl and return what it prints; ``RuntimeError`` with its words if it fails."""
        command = [str(self.kubectl), "--kubeconfig", str(self.kubeconfig), *words]
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    def get(self, *words: str) -> Any:
        """Return an object, or a list of them, as JSON."""
        return json.loads(self.run("get", *words, "-o", "json"))

    def secret(self, namespace: str, name: str, key: str) -> str:
        """Return one value of a Secret."""
        return base64.b64decode(self.get("-n", namespace, "secret", name)["data"][key]).decode()


@dataclass(frozen=True)
class Scene:
    """``attacker`` and ``neighbour`` have servers; ``bystander`` runs code in a pod of nobody's."""

    cluster: Cluster
    attacker: Person
    neighbour: Person
    bystander: Callable[..., str]

    def pod(self, person: Person) -> dict[str, Any]:
        """Return a user's pod."""
        # By the annotation: a label can't hold every login.
        pods: list[dict[str, Any]] = [
            found
            for found in self.cluster.get("-n", USERS, "pods")["items"]
            if found["metadata"].get("annotations", {}).get(OWNER) == person.name
        ]
        return pods[0]

    def slug(self, person: Person) -> str:
        """Return the user's name as objects of the cluster and prefixes of the store have it."""
        name: str = self.pod(person)["metadata"]["name"]
        return name.removeprefix("notebook-")

    def service_address(self, namespace: str, name: str) -> str:
        """Return the address of a Service inside the cluster."""
        address: str = self.cluster.get("-n", namespace, "service", name)["spec"]["clusterIP"]
        return address

    @contextmanager
    def neighbour_counts(self) -> Iterator[Callable[[], float]]:
        """Let the neighbour's kernel count; yield what tells its longest pause so far, in s."""
        kernel = self.neighbour.start_kernel()
        self.neighbour.run(COUNT, kernel)
        try:
            yield lambda: self._longest_gap(kernel)
        finally:
            self.neighbour.ask_server("DELETE", f"kernels/{kernel}")

    def _longest_gap(self, kernel: str) -> float:
        code = "t = ticks + [time.time()]; print(max(b - a for a, b in zip(t, t[1:])))"
        return float(self.neighbour.run(code, kernel).text)

    def hub_answers_s(self) -> float:
        """Return how long the hub took to answer."""
        began = time.monotonic()
        answer = self.neighbour.http.get("/hub/health", timeout=30)
        answer.raise_for_status()
        return time.monotonic() - began
