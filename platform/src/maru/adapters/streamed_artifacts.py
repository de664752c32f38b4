"""MLflow's artifacts in an S3 store that only the MLflow server reaches: ``streamed-s3://BUCKET``.

For ``s3://`` the server tells every client to fetch from the store itself, by signed addresses; a
client that can't reach the store then waits for minutes. It decides so by the class of the
repository, so this one has the S3 repository and is none. MLflow finds it by its entry point.
"""

from typing import Any

from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

SCHEME = "streamed-s3"


class StreamedS3(ArtifactRepository):
    """An S3 repository whose contents pass through the server, both ways."""

    def __init__(self, artifact_uri: str, *args: Any, **options: Any) -> None:
        super().__init__(artifact_uri, *args, **options)
        inside = artifact_uri.replace(f"{SCHEME}://", "s3://", 1)
        self._inside: Any = S3ArtifactRepository(inside, *args, **options)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Write one file."""
        self._inside.log_artifact(local_file, artifact_path)

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Write a folder."""
        self._inside.log_artifacts(local_dir, artifact_path)

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """List what lies directly below a path."""
        found: list[FileInfo] = self._inside.list_artifacts(path)
        return found

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Delete a file or a folder."""
        self._inside.delete_artifacts(artifact_path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        self._inside._download_file(remote_file_path, local_path)
