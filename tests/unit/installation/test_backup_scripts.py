"""The scripts of charts/storage, with programs in the place of PostgreSQL's that write a line."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "charts" / "storage" / "files"
PROGRAMS = ("pg_dump", "pg_restore", "dropdb", "createdb", "psql")
SAYS = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
for word; do case $word in --file=*) echo dump > "${word#--file=}";; esac; done
eval "${DURING:-:}"
"""


@pytest.fixture
def volume(tmp_path):
    """Return the folder in which the scripts find the backups, their secret and their programs."""
    for name in ("backup", "run/secrets/postgresql", "bin", "first", "second"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "run/secrets/postgresql/postgres-password").write_text("word")
    for name in PROGRAMS:
        (tmp_path / "bin" / name).write_text(SAYS)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def command(volume, script, pod="first"):
    text = (SCRIPTS / script).read_text().replace("/tmp/", f"{volume / pod}/")
    for there in ("/backup/", "/run/secrets/"):
        text = text.replace(there, f"{volume}{there}")
    return ["sh", "-c", text]


def run(volume, script, pod="first", databases="hub mlflow", **environment):
    path = f"{volume / 'bin'}:{os.environ['PATH']}"
    log = {"LOG": str(volume / "log"), "DATABASES": databases, "PATH": path}
    return subprocess.run(
        command(volume, script, pod),
        env={**log, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def log(volume):
    return (volume / "log").read_text() if (volume / "log").exists() else ""


def test_only_the_databases_of_the_plan_are_dumped(volume):
    done = run(volume, "dump.sh")
    assert (done.returncode, done.stderr) == (0, "")
    partial = Path((volume / "first" / "partial").read_text().strip())
    assert sorted(path.name for path in (partial / "databases").iterdir()) == [
        "hub.dump",
        "mlflow.dump",
    ]
    assert "psql" not in log(volume)


def test_only_the_databases_of_the_plan_are_replaced(volume):
    dumps = volume / "backup" / "monday" / "databases"
    dumps.mkdir(parents=True)
    for name in ("mlflow", "payroll"):
        (dumps / f"{name}.dump").touch()
    (volume / "first" / "chosen").write_text("monday")
    done = run(volume, "load.sh")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "the backup has no database hub; it stays as it is",
        "restoring database mlflow",
    ]
    assert "payroll" not in log(volume)
    assert "dropdb --if-exists --force hub" not in log(volume)


@pytest.mark.parametrize("script", ["dump.sh", "load.sh"])
def test_of_two_at_once_the_second_is_refused_and_changes_nothing(volume, script):
    """The second starts while the first dumps; it must not take the first one's folder away."""
    (volume / "second" / "chosen").write_text("monday")
    second = volume / "second.sh"
    second.write_text(command(volume, script, "second")[2])
    during = f"unset DURING; sh {second} 2>> {volume}/refused 9>&-; exit 0"
    done = run(volume, "dump.sh", databases="mlflow", DURING=during)
    assert done.returncode == 0, done.stderr
    assert (volume / "refused").read_text() == (
        "another backup or restore is at work on this volume; start this one when it has ended\n"
    )
    assert log(volume).count("\n") == 1
    assert Path((volume / "first" / "partial").read_text().strip()).is_dir()


def test_a_later_dump_leaves_an_earlier_run_nothing_to_mistake_for_its_own(volume):
    run(volume, "dump.sh")
    run(volume, "dump.sh", "second")
    pods = (volume / "first", volume / "second")
    first, second = (Path((pod / "partial").read_text().strip()) for pod in pods)
    assert first != second
    assert (first.exists(), second.exists()) == (False, True)
