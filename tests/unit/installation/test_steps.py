"""The order of an installation, what it waits for, and what it says. The cluster is in memory."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from maru.errors import RunError
from maru.installation import steps
from maru.installation.steps import (
    CHARTS,
    NAMESPACE_LABELS,
    NAMESPACES,
    Installation,
    Workload,
    wait_until_ready,
    write_missing_secrets,
)


@dataclass
class MemoryCluster:
    """Namespaces and Secrets in dictionaries; workloads as scripted, the last state stays."""

    namespaces: dict = field(default_factory=dict)
    secrets: dict = field(default_factory=dict)
    states: dict = field(default_factory=dict)
    pending: int = 0
    log: str = ""
    recorded: dict = field(default_factory=dict)
    done: list = field(default_factory=list)

    def ensure_namespace(self, name, labels):
        made = name not in self.namespaces
        self.namespaces[name] = dict(labels)
        return made

    def annotations(self, namespace):
        return dict(self.recorded.get(namespace, {}))

    def annotate(self, namespace, values):
        assert namespace in self.namespaces
        self.recorded.setdefault(namespace, {}).update(values)

    def read_secret(self, namespace, name):
        return dict(self.secrets.get((namespace, name), {}))

    def write_secret(self, namespace, name, values):
        assert namespace in self.namespaces
        self.secrets.setdefault((namespace, name), {}).update(values)

    def forget_finished_setup(self, namespace, release):
        self.done.append(f"forget {release}")

    def forget_pending_release(self, namespace, release, older_than_s):
        self.pending -= 1
        return self.pending >= 0

    def workloads(self, namespace, release):
        script = self.states.get(release, [[Workload("deployment/a")]])
        return script.pop(0) if len(script) > 1 else script[0]

    def last_words(self, namespace, release, workload):
        return self.log


@dataclass
class MemoryCharts:
    """Remembers what was installed, with which values."""

    cluster: MemoryCluster
    installed: list = field(default_factory=list)

    def upgrade(self, release, namespace, chart, values):
        assert self.cluster.done[-1] == f"forget {release}"
        self.installed.append((release, namespace, [str(v) for v in values]))
        return "1"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(steps, "_LOOK_S", 0.001)


@pytest.fixture
def cluster():
    return MemoryCluster()


def installation(cluster, **options):
    given = {"environment": "test", "timeout_s": 5.0, **options}
    charts = MemoryCharts(cluster)
    return Installation(cluster, charts, Path("charts"), Path("images.yaml"), **given), charts


def test_namespaces_then_secrets_then_charts_in_their_order(cluster):
    install, charts = installation(cluster)
    install.run(lambda line: None)
    assert cluster.namespaces == dict.fromkeys(NAMESPACES, NAMESPACE_LABELS)
    assert [(name, space) for name, space, _ in charts.installed] == list(CHARTS.items())
    assert charts.installed[0][2] == ["charts/storage/environments/test.yaml", "images.yaml"]


def test_own_values_come_last_and_only_where_there_is_a_file(cluster, tmp_path):
    (tmp_path / "mlflow.yaml").write_text("replicas: 3\n")
    install, charts = installation(cluster, own_values=tmp_path)
    install.run(lambda line: None)
    files = {name: values for name, _, values in charts.installed}
    assert files["mlflow"][-1] == str(tmp_path / "mlflow.yaml")
    assert len(files["storage"]) == 2


def test_what_it_was_installed_with_stands_on_the_cluster(cluster, tmp_path):
    (tmp_path / "mlflow.yaml").write_text("replicas: 3\n")
    installation(cluster, environment="production", own_values=tmp_path)[0].run(lambda line: None)
    assert cluster.recorded["maru"] == {
        "maru.internal/environment": "production",
        "maru.internal/own-values": "mlflow",
    }
    without, charts = installation(cluster, environment="production")
    with pytest.raises(RunError, match=r"would be lost: mlflow\.yaml"):
        without.run(lambda line: None)
    assert charts.installed == []
    installation(cluster, names=("storage",))[0].run(lambda line: None)
    installation(cluster, may_drop_values=True)[0].run(lambda line: None)
    assert cluster.recorded["maru"]["maru.internal/own-values"] == ""


def test_a_second_run_keeps_every_secret(cluster):
    install, _ = installation(cluster)
    install.run(lambda line: None)
    first = {path: dict(values) for path, values in cluster.secrets.items()}
    install.run(lambda line: None)
    assert cluster.secrets == first


def test_no_secret_is_ever_said(cluster):
    said = []
    install, _ = installation(cluster)
    install.run(said.append)
    words = "\n".join(said)
    assert "secret jupyterhub/hub: wrote proxy-token, cookie-secret" in words
    for values in cluster.secrets.values():
        assert not [value for value in values.values() if value in words]


def test_a_run_that_was_killed_after_half_the_secrets_is_continued(cluster):
    for name in NAMESPACES:
        cluster.ensure_namespace(name, {})
    cluster.write_secret("maru", "postgresql", {"postgres-password": "kept" * 10})
    write_missing_secrets(cluster, lambda line: None)
    postgresql = cluster.secrets["maru", "postgresql"]
    assert postgresql["postgres-password"] == "kept" * 10
    assert len(postgresql) == 4


def test_it_waits_until_all_is_ready_and_says_each_change_once(cluster):
    waiting = Workload("job/setup", "running")
    cluster.states["storage"] = [[waiting], [waiting], [Workload("job/setup")]]
    said = []
    wait_until_ready(cluster, "maru", "storage", 5.0, said.append)
    assert said == ["  job/setup: running", "  job/setup: ready"]


def test_a_failed_job_ends_it_with_its_last_words(cluster):
    cluster.states["storage"] = [[Workload("job/setup", "BackoffLimitExceeded", failed=True)]]
    cluster.log = "waiting for PostgreSQL\nmaru: it does not answer"
    with pytest.raises(RunError) as error:
        wait_until_ready(cluster, "maru", "storage", 5.0, lambda line: None)
    assert str(error.value) == (
        "job/setup in namespace maru failed: BackoffLimitExceeded\n"
        "its last words:\n"
        "  waiting for PostgreSQL\n"
        "  maru: it does not answer\n"
        "Mend it and run maru install again; see: kubectl -n maru get events"
    )


def test_what_is_stuck_is_given_some_time_and_then_named(cluster, monkeypatch):
    monkeypatch.setattr(steps, "PATIENCE_S", 0.05)
    monkeypatch.setattr(steps, "SHOWN_AFTER_S", 0.01)
    stuck = "container a: ImagePullBackOff: no such image"
    cluster.states["mlflow"] = [[Workload("deployment/mlflow", "0 of 1 ready", stuck)]]
    said = []
    with pytest.raises(RunError, match=r"deployment/mlflow .* is stuck: container a: ImagePull"):
        wait_until_ready(cluster, "maru", "mlflow", 60.0, said.append)
    assert said == ["  deployment/mlflow: 0 of 1 ready", f"  deployment/mlflow: {stuck}"]


def test_what_was_stuck_for_a_moment_goes_on(cluster, monkeypatch):
    monkeypatch.setattr(steps, "PATIENCE_S", 0.5)
    stuck = Workload("deployment/a", "0 of 1 ready", "container a: ErrImagePull")
    cluster.states["mlflow"] = [
        [stuck],
        [Workload("deployment/a", "0 of 1 ready")],
        [stuck],
        [Workload("deployment/a")],
    ]
    wait_until_ready(cluster, "maru", "mlflow", 5.0, lambda line: None)


def test_time_that_is_over_is_said_with_what_was_missing(cluster):
    cluster.states["mlflow"] = [[Workload("deployment/mlflow", "0 of 1 ready")]]
    with pytest.raises(RunError, match="was not ready within 0 s: 0 of 1 ready"):
        wait_until_ready(cluster, "maru", "mlflow", 0.0, lambda line: None)


def test_another_helm_is_waited_for(cluster):
    cluster.pending = 3
    said = []
    install, charts = installation(cluster, names=("mlflow",))
    install.run(said.append)
    assert [line for line in said if "another helm" in line] == [
        "chart mlflow: another helm works on it, or was killed; at most 30 s"
    ]
    assert len(charts.installed) == 1
