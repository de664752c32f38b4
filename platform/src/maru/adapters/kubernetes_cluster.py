"""A Kubernetes cluster, by its API: namespaces, Secrets, and how far what a release runs is."""

import base64
import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from maru.errors import RunError
from maru.installation.steps import Workload

_TIMEOUT_S = 15
_TAIL_LINES = 15
_PATIENCE_S = 30.0
_GONE_S = 120.0
_LOOK_S = 0.5
_STUCK = {
    *("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"),
    *("CreateContainerError", "CrashLoopBackOff", "RunContainerError"),
}


class _PatientClient(client.ApiClient):  # type: ignore[misc]
    """An API client that outlives a restart of the server, and refuses in words."""

    def call_api(self, *args: Any, **options: Any) -> Any:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return super().call_api(*args, **options)
            except urllib3.exceptions.HTTPError as error:
                if time.monotonic() > deadline:
                    raise RunError(_no_answer(self.configuration.host, error)) from None
                time.sleep(1.0)
            except ApiException as error:
                if error.status not in (401, 403):
                    raise
                said = json.loads(error.body or "{}").get("message", error.reason)
                raise RunError(
                    f"the cluster at {self.configuration.host} does not allow it: {said}. "
                    "maru install needs an account that may make namespaces and roles"
                ) from None


class KubernetesCluster:
    """The cluster that a kubeconfig names; the client's usual places where none is given."""

    def __init__(self, kubeconfig: Path | None) -> None:
        try:
            config.load_kube_config(str(kubeconfig) if kubeconfig else None)
        except (config.ConfigException, yaml.YAMLError) as error:
            why = " ".join(str(error).split())
            raise RunError(
                f"there is no cluster to install on: {why}. Name its kubeconfig: "
                "--kubeconfig FILE; `make cluster-up` starts a cluster of this machine's own"
            ) from None
        patient = _PatientClient()
        self._core = client.CoreV1Api(patient)
        self._apps = client.AppsV1Api(patient)
        self._batch = client.BatchV1Api(patient)
        self._ask: dict[str, Any] = {"_request_timeout": _TIMEOUT_S}

    def reach(self) -> str:
        """Return the cluster's address and version.

        Raises
        ------
        RunError
            If it does not answer.
        """
        host = client.Configuration.get_default_copy().host
        try:
            version = client.VersionApi().get_code(**self._ask).git_version
        except (ApiException, urllib3.exceptions.HTTPError) as error:
            raise RunError(_no_answer(host, error)) from None
        return f"{host}, Kubernetes {version}"

    def ensure_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        """Make the namespace where it is missing, label it; return whether it was."""
        body = {"metadata": {"name": name, "labels": dict(labels)}}
        try:
            self._core.create_namespace(body, **self._ask)
            return True
        except ApiException as error:
            if error.status != 409:
                raise
        self._core.patch_namespace(name, body, **self._ask)
        return False

    def annotations(self, namespace: str) -> dict[str, str]:
        """Return the annotations of a namespace; nothing where there is none."""
        try:
            found = self._core.read_namespace(namespace, **self._ask).metadata.annotations
        except ApiException as error:
            if error.status != 404:
                raise
            return {}
        return dict(found or {})

    def annotate(self, namespace: str, values: Mapping[str, str]) -> None:
        """Set annotations of a namespace; others stay."""
        body = {"metadata": {"annotations": dict(values)}}
        self._core.patch_namespace(namespace, body, **self._ask)

    def read_secret(self, namespace: str, name: str) -> dict[str, str]:
        """Return the values of a Secret; nothing where there is none."""
        try:
            data = self._core.read_namespaced_secret(name, namespace, **self._ask).data or {}
        except ApiException as error:
            if error.status != 404:
                raise
            return {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def write_secret(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        """Put keys into a Secret, made where it is missing; other keys stay."""
        body = {"metadata": {"name": name}, "stringData": dict(values)}
        try:
            self._core.create_namespaced_secret(namespace, body, **self._ask)
        except ApiException as error:
            if error.status != 409:
                raise
            self._core.patch_namespaced_secret(name, namespace, body, **self._ask)

    def forget_finished_setup(self, namespace: str, release: str) -> None:
        """Delete the finished setup jobs of a release, so that they run again; wait until gone.

        Raises
        ------
        RunError
            If one is still there after two minutes. Helm would find it, and make no new one.
        """
        for job in self._jobs(namespace, release):
            if not _is_going(job) and (job.status.succeeded or _condition(job, "Failed")):
                self._batch.delete_namespaced_job(
                    job.metadata.name, namespace, propagation_policy="Foreground", **self._ask
                )
        deadline = time.monotonic() + _GONE_S
        while going := [job for job in self._jobs(namespace, release) if _is_going(job)]:
            if time.monotonic() > deadline:
                name = going[0].metadata.name
                raise RunError(
                    f"job {name} in namespace {namespace} is deleted and not gone after "
                    f"{_GONE_S:.0f} s: a pod or a finalizer of it stays. See "
                    f"kubectl -n {namespace} get job,pod -l batch.kubernetes.io/job-name={name}; "
                    "then run maru install again"
                )
            time.sleep(_LOOK_S)

    def forget_pending_release(self, namespace: str, release: str, older_than_s: float) -> bool:
        """Delete the records of helms that were killed; return whether younger ones are there."""
        states = "pending-install,pending-upgrade,pending-rollback"
        records = self._core.list_namespaced_secret(
            namespace,
            label_selector=f"owner=helm,name={release},status in ({states})",
            **self._ask,
        ).items
        young = False
        for record in records:
            age = datetime.now(UTC) - record.metadata.creation_timestamp
            if age > timedelta(seconds=older_than_s):
                self._core.delete_namespaced_secret(record.metadata.name, namespace, **self._ask)
            else:
                young = True
        return young

    def workloads(self, namespace: str, release: str) -> list[Workload]:
        """Return what a release runs."""
        chosen = {"label_selector": f"app.kubernetes.io/instance={release}", **self._ask}
        pods = self._core.list_namespaced_pod(namespace, **chosen).items
        found = [
            _workload("deployment", item, item.status.available_replicas, pods)
            for item in self._apps.list_namespaced_deployment(namespace, **chosen).items
        ]
        found += [
            _workload("statefulset", item, item.status.ready_replicas, pods)
            for item in self._apps.list_namespaced_stateful_set(namespace, **chosen).items
        ]
        jobs = self._jobs(namespace, release)
        found += [_job(job, pods) for job in jobs if not _is_going(job)]
        return found

    def last_words(self, namespace: str, release: str, workload: str) -> str:
        """Return the end of the log of a workload's pod that isn't well."""
        chosen = {"label_selector": f"app.kubernetes.io/instance={release}", **self._ask}
        pods = self._core.list_namespaced_pod(namespace, **chosen).items
        for pod in _pods_of(workload.split("/")[1], pods):
            for status in _containers(pod):
                state = status.state
                if status.ready or (state.terminated and state.terminated.exit_code == 0):
                    continue
                waits_again = state.waiting is not None and status.restart_count > 0
                with contextlib.suppress(ApiException):
                    log: str = self._core.read_namespaced_pod_log(
                        pod.metadata.name,
                        namespace,
                        container=status.name,
                        tail_lines=_TAIL_LINES,
                        previous=waits_again,
                        **self._ask,
                    )
                    if log.strip():
                        return log.strip()
        return ""

    def _jobs(self, namespace: str, release: str) -> list[Any]:
        """Return the jobs of a release that no CronJob made."""
        chosen = {"label_selector": f"app.kubernetes.io/instance={release}", **self._ask}
        return [
            job
            for job in self._batch.list_namespaced_job(namespace, **chosen).items
            if not job.metadata.owner_references
            and (job.metadata.labels or {}).get("app.kubernetes.io/managed-by")
        ]


def _is_going(job: Any) -> bool:
    return job.metadata.deletion_timestamp is not None


def _no_answer(host: str, error: Exception) -> str:
    why = str(getattr(error, "reason", None) or error)
    return (
        f"the cluster at {host} does not answer: {why}. "
        "See `make cluster-status`, or name another: --kubeconfig FILE"
    )


def _workload(kind: str, item: Any, available: int | None, pods: list[Any]) -> Workload:
    name = f"{kind}/{item.metadata.name}"
    status, wanted = item.status, item.spec.replicas
    seen = (status.observed_generation or 0) >= item.metadata.generation
    updated = status.updated_replicas or 0
    if seen and updated == wanted and (available or 0) >= wanted == (status.replicas or 0):
        return Workload(name)
    have = min(updated, available or 0) if seen else 0
    return Workload(name, f"{have} of {wanted} ready", _what_is_stuck(item.metadata.name, pods))


def _job(job: Any, pods: list[Any]) -> Workload:
    name = f"job/{job.metadata.name}"
    if job.status.succeeded:
        return Workload(name)
    if failed := _condition(job, "Failed"):
        return Workload(name, failed.message or failed.reason, failed=True)
    words = f"running, {job.status.failed} failed before" if job.status.failed else "running"
    return Workload(name, words, _what_is_stuck(job.metadata.name, pods))


def _condition(job: Any, kind: str) -> Any:
    found = (c for c in job.status.conditions or [] if c.type == kind and c.status == "True")
    return next(found, None)


def _pods_of(workload: str, pods: list[Any]) -> list[Any]:
    """Return the pods whose name says that the workload made them, the newest first."""
    own = [
        pod
        for pod in pods
        if pod.metadata.owner_references and pod.metadata.name.startswith(f"{workload}-")
    ]
    return sorted(own, key=lambda pod: pod.metadata.creation_timestamp, reverse=True)


def _containers(pod: Any) -> Iterator[Any]:
    yield from pod.status.init_container_statuses or []
    yield from pod.status.container_statuses or []


def _what_is_stuck(workload: str, pods: list[Any]) -> str:
    """Say what stands in the way of a workload's newest pod; nothing when it is just starting."""
    for pod in _pods_of(workload, pods)[:1]:
        for status in _containers(pod):
            waiting = status.state.waiting
            if waiting and waiting.reason in _STUCK:
                return f"container {status.name}: {waiting.reason}: {waiting.message or ''}".strip()
        for condition in pod.status.conditions or []:
            if condition.type == "PodScheduled" and condition.reason == "Unschedulable":
                return f"no node takes it: {condition.message}"
    return ""
