"""What pods of charts/mlflow run beside the server: ``python -m maru.cli.mlflow_job PROGRAM``."""

import contextlib
import importlib
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from maru.errors import MaruError, RunError

_EXPERIMENT = "maru-helm-test"
_CONNECT_S = 5.0
# Any number, as long as nobody else locks the same one in this database.
_LOCK = 7_310_557


def migrate() -> None:
    """Make the tables of runs and of accounts, or bring them to the version of this MLflow.

    One replica at a time: migrations that run beside each other break each other.
    """
    from mlflow.server.auth.config import read_auth_config

    # MLflow has no public functions for it; the version is pinned and tests/cluster runs this.
    runs: Any = importlib.import_module("mlflow.store.db.utils")
    accounts: Any = importlib.import_module("mlflow.server.auth.db.utils")
    engine = runs.create_sqlalchemy_engine_with_retry(os.environ["MLFLOW_BACKEND_STORE_URI"])
    with engine.connect() as link:
        link.exec_driver_sql(f"select pg_advisory_lock({_LOCK})")
        if runs._all_tables_exist(engine):
            runs._upgrade_db(engine)
        else:
            runs._initialize_tables(engine)
        of_accounts = runs.create_sqlalchemy_engine_with_retry(read_auth_config().database_uri)
        accounts.migrate_if_needed(of_accounts, "head")
    print("the tables are those of this version", flush=True)


def test() -> None:
    """Be refused without a login; with it write a run with an artifact, read it, remove it."""
    import httpx
    from mlflow import MlflowClient

    uri = os.environ["MLFLOW_TRACKING_URI"]
    anonymous = httpx.get(f"{uri}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=30)
    if anonymous.status_code != httpx.codes.UNAUTHORIZED:
        raise RunError(f"MLflow answers without a login: {anonymous.status_code}, not 401")
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(_EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(_EXPERIMENT)
    run = client.create_run(experiment).info.run_id
    client.log_metric(run, "answer", 42.0)
    client.log_text(run, "kept in the S3 store", "words.txt")
    with tempfile.TemporaryDirectory() as folder:
        words = Path(client.download_artifacts(run, "words.txt", folder)).read_text()
    if client.get_run(run).data.metrics != {"answer": 42.0} or words != "kept in the S3 store":
        raise RunError(f"MLflow gave back other than was written: {words!r}")
    client.delete_run(run)
    print("refused without a login; a run and its artifact were written and read", flush=True)


def stranger() -> None:
    """Fail if a pod without the callers' label reaches the server."""
    url = urlsplit(os.environ["MLFLOW_TRACKING_URI"])
    address = (str(url.hostname), url.port or 80)
    with contextlib.suppress(OSError), socket.create_connection(address, _CONNECT_S):
        raise RunError(f"a stranger reaches {address[0]}:{address[1]}")
    print("a stranger does not reach MLflow", flush=True)


PROGRAMS: dict[str, Callable[[], None]] = {
    program.__name__: program for program in (migrate, test, stranger)
}


def main(arguments: list[str]) -> int:
    """Run one program; return 0, or 1 with one sentence on stderr."""
    try:
        PROGRAMS[arguments[0]]()
    except MaruError as error:
        print(f"maru: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
