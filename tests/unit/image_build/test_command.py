"""The command as a person runs it, as far as it goes without a registry."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = Path(__file__).resolve().parents[3] / "platform" / "image_build"


def run(*words, **environment):
    return subprocess.run(
        [sys.executable, str(COMMAND), *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_help_teaches_with_examples_and_names_the_images():
    done = run("--help")
    assert done.returncode == 0
    assert "make images REGISTRY=" in done.stdout
    assert "pytorch" in done.stdout


def test_without_a_registry_it_says_where_to_get_one(tmp_path):
    done = run(MARU_CLUSTER=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        f"images: no registry to push to: {tmp_path}/registry isn't there. "
        "Run make cluster-up, or name one: make images REGISTRY=host:port\n"
    )


def test_a_build_argument_without_a_value_is_refused(tmp_path):
    done = run("--registry", "127.0.0.1:9", "--build-arg", "ACCELERATOR")
    assert done.returncode == 1
    assert "--build-arg takes NAME=VALUE, got 'ACCELERATOR'" in done.stderr
