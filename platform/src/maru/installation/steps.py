"""Bring the platform onto a cluster: namespaces, secrets, then one chart after the other.

Each step finds what is there and does the rest, so a run that was killed is continued by the next.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from maru.errors import RunError
from maru.installation.record import ENVIRONMENT, NAMESPACE, OWN_VALUES, charts_with_own_values
from maru.installation.secret_values import SECRETS, changes

# Pod Security and the network policies of the charts go by these labels.
NAMESPACE_LABELS = {
    "maru.internal/platform": "true",
    "pod-security.kubernetes.io/enforce": "restricted",
}
NAMESPACES = ("maru", "jupyterhub", "jupyterhub-users")
# In the order of who needs whom.
CHARTS = {"storage": "maru", "mlflow": "maru", "jupyterhub": "jupyterhub"}
# How long a pod may be stuck, as in pulling an image, before it is called a failure.
PATIENCE_S = 90.0
# A volume that is not bound in the first second is no news.
SHOWN_AFTER_S = 5.0
# Helm itself works for a few seconds; a record that is pending for longer was left by a killed one.
HELM_S = 30.0
_LOOK_S = 1.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet or Job of a release.

    ``waits_for`` says in words what it still lacks, empty when it is ready; ``stuck`` what stands
    in its way; ``failed`` that it has given up.
    """

    name: str
    waits_for: str = ""
    stuck: str = ""
    failed: bool = False


class Cluster(Protocol):
    """A Kubernetes cluster."""

    def ensure_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        """Make the namespace where it is missing, label it; return whether it was."""

    def annotations(self, namespace: str) -> dict[str, str]:
        """Return the annotations of a namespace; nothing where there is none."""

    def annotate(self, namespace: str, values: Mapping[str, str]) -> None:
        """Set annotations of a namespace; others stay."""

    def read_secret(self, namespace: str, name: str) -> dict[str, str]:
        """Return the values of a Secret; nothing where there is none."""

    def write_secret(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        """Put keys into a Secret, made where it is missing; other keys stay."""

    def forget_finished_setup(self, namespace: str, release: str) -> None:
        """Delete the finished setup jobs of a release, so that they run again; wait until gone."""

    def forget_pending_release(self, namespace: str, release: str, older_than_s: float) -> bool:
        """Delete the records of helms that were killed; return whether younger ones are there."""

    def workloads(self, namespace: str, release: str) -> list[Workload]:
        """Return what a release runs."""

    def last_words(self, namespace: str, release: str, workload: str) -> str:
        """Return the end of the log of a workload's pod that isn't well."""


class Charts(Protocol):
    """Helm."""

    def upgrade(self, release: str, namespace: str, chart: Path, values: Sequence[Path]) -> str:
        """Install or upgrade a release; return its revision."""


@dataclass(frozen=True)
class Installation:
    """What is installed, from where, and how long each chart may take."""

    cluster: Cluster
    charts: Charts
    folder: Path
    images: Path
    environment: str
    timeout_s: float
    own_values: Path | None = None
    names: Sequence[str] = field(default_factory=lambda: tuple(CHARTS))
    may_drop_values: bool = False

    def run(self, report: Report) -> None:
        """Do every step.

        Raises
        ------
        RunError
            If a chart's workload fails, or isn't ready in time, with its last log lines. Before
            anything is changed: if a chart would lose the user's own values.
        """
        given = [name for name in self.names if self._own(name)]
        own_values = charts_with_own_values(
            self.cluster.annotations(NAMESPACE), self.names, given, may_drop=self.may_drop_values
        )
        words = f"with values of your own for {', '.join(given)}" if given else "as it is"
        report(f"environment {self.environment}, {words}")
        for name in NAMESPACES:
            made = self.cluster.ensure_namespace(name, NAMESPACE_LABELS)
            report(f"namespace {name}: {'made' if made else 'there'}")
        record = {ENVIRONMENT: self.environment, OWN_VALUES: " ".join(sorted(own_values))}
        self.cluster.annotate(NAMESPACE, record)
        write_missing_secrets(self.cluster, report)
        for name in self.names:
            self._install(name, report)

    def _install(self, name: str, report: Report) -> None:
        namespace = CHARTS[name]
        self._wait_for_other_helm(namespace, name, report)
        self.cluster.forget_finished_setup(namespace, name)
        started = time.monotonic()
        revision = self.charts.upgrade(name, namespace, self.folder / name, self._values(name))
        report(f"chart {name}: revision {revision} written; waiting for its pods")
        wait_until_ready(self.cluster, namespace, name, self.timeout_s, report)
        report(f"chart {name}: ready after {time.monotonic() - started:.0f} s")

    def _values(self, name: str) -> list[Path]:
        files = [self.folder / name / "environments" / f"{self.environment}.yaml", self.images]
        return [*files, *self._own(name)]

    def _own(self, name: str) -> list[Path]:
        own = self.own_values / f"{name}.yaml" if self.own_values else None
        return [own] if own and own.is_file() else []

    def _wait_for_other_helm(self, namespace: str, name: str, report: Report) -> None:
        said = False
        while self.cluster.forget_pending_release(namespace, name, HELM_S):
            if not said:
                report(
                    f"chart {name}: another helm works on it, or was killed; at most {HELM_S:.0f} s"
                )
                said = True
            time.sleep(_LOOK_S)


def write_missing_secrets(cluster: Cluster, report: Report) -> None:
    """Make the values that the Secrets lack; report names and keys, never a value."""
    there = {spec.path: cluster.read_secret(*spec.path) for spec in SECRETS}
    for spec in SECRETS:
        new = changes(spec, there)
        if new:
            cluster.write_secret(*spec.path, new)
            there[spec.path] = {**there[spec.path], **new}
        words = f"wrote {', '.join(new)}" if new else "there"
        report(f"secret {spec.namespace}/{spec.name}: {words}")


def wait_until_ready(
    cluster: Cluster, namespace: str, release: str, timeout_s: float, report: Report
) -> None:
    """Wait until all that a release runs is ready, and report each change.

    Raises
    ------
    RunError
        If a job fails, a pod is stuck for ``PATIENCE_S``, or time is over; with the last log lines.
    """
    deadline = time.monotonic() + timeout_s
    said: dict[str, str] = {}
    stuck_since: dict[str, float] = {}
    while True:
        workloads = cluster.workloads(namespace, release)
        now = time.monotonic()
        stuck_since = {w.name: stuck_since.get(w.name, now) for w in workloads if w.stuck}
        for workload in workloads:
            stuck_s = now - stuck_since.get(workload.name, now)
            words = workload.waits_for or "ready"
            if stuck_s > SHOWN_AFTER_S:
                words = workload.stuck
            if said.get(workload.name) != words:
                report(f"  {workload.name}: {words}")
                said[workload.name] = words
            over = bool(workload.waits_for) and now > deadline
            if workload.failed or stuck_s > PATIENCE_S or over:
                raise _failure(cluster, namespace, release, workload, timeout_s)
        if all(not workload.waits_for for workload in workloads):
            return
        time.sleep(_LOOK_S)


def _failure(
    cluster: Cluster, namespace: str, release: str, workload: Workload, timeout_s: float
) -> RunError:
    if workload.failed:
        what = "failed"
    elif workload.stuck:
        what = "is stuck"
    else:
        what = f"was not ready within {timeout_s:.0f} s"
    words = workload.stuck or workload.waits_for
    lines = [f"{workload.name} in namespace {namespace} {what}: {words}"]
    if log := cluster.last_words(namespace, release, workload.name):
        lines += ["its last words:", *(f"  {line}" for line in log.splitlines())]
    lines.append(f"Mend it and run maru install again; see: kubectl -n {namespace} get events")
    return RunError("\n".join(lines))
