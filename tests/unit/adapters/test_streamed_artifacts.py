"""The repository of MLflow's server. That bytes pass through is tested in tests/cluster."""

from importlib.metadata import entry_points

import pytest
from mlflow.store.artifact.artifact_repo import (
    MultipartDownloadMixin,
    MultipartUploadMixin,
    PresignedUploadMixin,
)
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

from maru.adapters.streamed_artifacts import SCHEME, StreamedS3


@pytest.mark.parametrize(
    "mixin", [MultipartDownloadMixin, MultipartUploadMixin, PresignedUploadMixin]
)
def test_clients_are_never_sent_to_the_store(mixin):
    repository = StreamedS3("streamed-s3://mlflow")
    assert not isinstance(repository, mixin)
    assert issubclass(S3ArtifactRepository, mixin), "MLflow no longer does what this avoids"


def test_the_bucket_and_the_prefix_are_those_of_the_address():
    repository = StreamedS3("streamed-s3://mlflow/runs")
    assert repository._inside.artifact_uri == "s3://mlflow/runs"


def test_mlflow_finds_it_by_the_scheme():
    (found,) = entry_points(group="mlflow.artifact_repository", name=SCHEME)
    assert found.load() is StreamedS3
