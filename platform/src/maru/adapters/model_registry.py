"""MLflow as the record of runs and the registry of model versions.

Any ``MLFLOW_TRACKING_URI`` will do; the default is SQLite. MLflow is written to and never asked
what is live: git says that, and the ``champion`` alias mirrors it.
"""

import fcntl
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlflow.entities import Experiment, Metric, Param, RunTag
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from maru.errors import RunError

CHAMPION = "champion"
ROLLED_BACK = "rolled_back"
BUNDLE = "bundle"

_PARAMETER_LENGTH = 6000
_METRICS_A_BATCH = 1000
_PARAMETERS_A_BATCH = 100

for _name in ("mlflow", "alembic"):
    # They announce every table of a new store.
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True)
class Score:
    """One metric of one row of a leaderboard; ``step`` orders the origins, None is their mean."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class RunRecord:
    """What is kept of a run: how it was made, how good it is, and its files by folder."""

    run: str
    parameters: Mapping[str, str]
    scores: Sequence[Score]
    tags: Mapping[str, str]
    files: Mapping[str, Sequence[Path]] = field(default_factory=dict)


class MlflowRegistry:
    """The runs and model versions of every project: one experiment and one model a project."""

    def __init__(self, uri: str, *, artifacts: Path) -> None:
        """Open the store at ``uri``; ``artifacts`` is where the files of a local store go.

        Raises
        ------
        RunError
            If the store does not answer.
        """
        self._uri = uri
        self._artifacts = artifacts
        try:
            with self._alone():
                self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
                # The store makes its tables at the first question; two at once would collide.
                self._client.search_experiments(max_results=1)
        except MlflowException as error:
            said = str(error).splitlines()[0]
            raise RunError(
                f"MLflow at {_without_password(uri)} does not answer: {said[:300]}. Set "
                "MLFLOW_TRACKING_URI to a store that does, or unset it for the local one."
            ) from error

    def record(self, project: str, record: RunRecord) -> str:
        """Write down a run and return MLflow's id of it.

        A metric that is not finite is left out: MLflow's charts can't show it.
        """
        experiment = self._experiment(project)
        tags = {"maru.run": record.run, "mlflow.runName": record.run, **record.tags}
        run_id = str(self._client.create_run(experiment.experiment_id, tags=tags).info.run_id)
        now = int(time.time() * 1000)
        metrics = [
            Metric(score.name, score.value, now, score.step)
            for score in record.scores
            if abs(score.value) < float("inf")
        ]
        for start in range(0, len(metrics), _METRICS_A_BATCH):
            self._client.log_batch(run_id, metrics=metrics[start : start + _METRICS_A_BATCH])
        parameters = [Param(k, v[:_PARAMETER_LENGTH]) for k, v in record.parameters.items()]
        for start in range(0, len(parameters), _PARAMETERS_A_BATCH):
            self._client.log_batch(run_id, params=parameters[start : start + _PARAMETERS_A_BATCH])
        for folder, paths in record.files.items():
            for path in paths:
                self._client.log_artifact(run_id, str(path), folder)
        self._client.set_terminated(run_id)
        return run_id

    def add_files(self, run_id: str, folder: str, paths: Sequence[Path]) -> None:
        """Add files to a recorded run."""
        for path in paths:
            self._client.log_artifact(run_id, str(path), folder)

    def register(
        self, project: str, *, run_id: str, bundle: str, manifest: Path, tags: Mapping[str, str]
    ) -> str:
        """Register a bundle as a model version of the project and return the version's number.

        A bundle that is registered already keeps its version and takes on the new tags.
        """
        self._model(project)
        if found := self._version(project, bundle):
            for key, value in tags.items():
                self._client.set_model_version_tag(project, found.version, key, value)
            return str(found.version)
        self._client.log_artifact(run_id, str(manifest), BUNDLE)
        root = self._client.get_run(run_id).info.artifact_uri
        made = self._client.create_model_version(
            project, source=f"{root}/{BUNDLE}", run_id=run_id, tags={BUNDLE: bundle, **tags}
        )
        self._client.log_batch(run_id, tags=[RunTag("maru.model_version", str(made.version))])
        return str(made.version)

    def mirror(self, project: str, *, live: str | None, rolled_back: Sequence[str]) -> None:
        """Bring the registry to what git says: the champion alias, and what was rolled back.

        A ``rolled_back`` tag is only ever added, so that a force push doesn't forget it. Bundles
        that were never registered here are passed over.
        """
        for bundle in rolled_back:
            if found := self._version(project, bundle):
                self._client.set_model_version_tag(project, found.version, ROLLED_BACK, "true")
        version = self._version(project, live) if live else None
        if version:
            self._client.set_registered_model_alias(project, CHAMPION, version.version)
        elif self._champion(project):
            self._client.delete_registered_model_alias(project, CHAMPION)

    def champion(self, project: str) -> str | None:
        """Return the bundle that the champion alias points at, None where there is none."""
        version = self._champion(project)
        return None if version is None else str(version.tags[BUNDLE])

    def rolled_back(self, project: str) -> list[str]:
        """Return the bundles that were seen rolled back, sorted."""
        asked = f"name = '{project}' and tags.{ROLLED_BACK} = 'true'"
        return sorted(v.tags[BUNDLE] for v in self._client.search_model_versions(asked))

    def _experiment(self, project: str) -> Experiment:
        with self._alone():
            found = self._client.get_experiment_by_name(project)
            if found is None:
                place = (self._artifacts / project).as_uri() if self._is_local else None
                made = self._client.create_experiment(project, artifact_location=place)
                found = self._client.get_experiment(made)
        return found

    def _model(self, project: str) -> None:
        try:
            self._client.create_registered_model(project)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _version(self, project: str, bundle: str) -> ModelVersion | None:
        asked = f"name = '{project}' and tags.{BUNDLE} = '{bundle}'"
        return next(iter(self._client.search_model_versions(asked)), None)

    def _champion(self, project: str) -> ModelVersion | None:
        try:
            return self._client.get_model_version_by_alias(project, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    @property
    def _is_local(self) -> bool:
        return self._uri.startswith("sqlite:")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep two processes from making the same tables or experiment in a local store."""
        if not self._is_local:
            yield
            return
        self._artifacts.mkdir(parents=True, exist_ok=True)
        with (self._artifacts / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _without_password(uri: str) -> str:
    """Return a URI as it may be shown."""
    return re.sub(r"//[^/@]*@", "//", uri)
