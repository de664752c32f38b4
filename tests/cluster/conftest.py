"""Bring up the cluster that the tests of this folder run on.

``KUBECONFIG`` names another cluster; else the node of this checkout is started and left running:
``make cluster-down`` ends it. Where no node can run, the tests are skipped with one line that says
why, except in CI, where that is a failure.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NODE = Path(__file__).with_name("node")
ROOT = NODE.parents[2]

UP_S = 3600


def pytest_collection_modifyitems(config, items):
    """Skip the tests of this folder where no cluster can be had, and say it in one line."""
    from node import lifecycle
    from node.layout import names_another_cluster

    why = lifecycle.why_not()
    here = [item for item in items if NODE.parent in item.path.parents]
    if not here or why is None or names_another_cluster() or os.environ.get("CI"):
        return
    first, *others = here
    reason = f"{len(here)} tests need a cluster: {why}; or let KUBECONFIG name a cluster"
    first.add_marker(pytest.mark.skip(reason=reason))
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)


@pytest.fixture(scope="session", autouse=True)
def cluster():
    """Bring the cluster up; return the kubeconfig, which ``KUBECONFIG`` names too."""
    from node.layout import names_another_cluster, state

    if not names_another_cluster():
        done = subprocess.run(
            [sys.executable, str(NODE), "up"],
            check=False,
            timeout=UP_S,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            pytest.fail(f"the node did not come up:\n{done.stdout}", pytrace=False)
        os.environ["KUBECONFIG"] = str(state().kubeconfig)
        os.environ.setdefault("REGISTRY", state().registry.read_text().strip())
    return Path(os.environ["KUBECONFIG"])


@pytest.fixture(scope="session")
def programs(cluster):
    """Return where a program of the pinned parts lies (kubectl, helm ...)."""
    from node.go_build import build
    from node.go_parts import named, program

    def path(name):
        build(named([name]))
        return str(program(name))

    return path


@pytest.fixture(scope="session")
def kubectl(programs, cluster):
    """Return a function that runs kubectl on the cluster and returns what it prints."""

    def run(*words, stdin=None, check=True, timeout_s=60):
        command = [programs("kubectl"), "--kubeconfig", str(cluster), *words]
        done = subprocess.run(
            command, check=False, input=stdin, capture_output=True, text=True, timeout=timeout_s
        )
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    return run


@pytest.fixture(scope="session")
def images(cluster, tmp_path_factory):
    """Build and push the images that the registry lacks; return the file that names them all."""
    output = tmp_path_factory.mktemp("images") / "images.yaml"
    _run([sys.executable, str(ROOT / "platform" / "image_build"), "--output", str(output)])
    return output


@pytest.fixture(scope="session")
def maru_install(cluster, programs, images):
    """Return a function that runs ``maru install`` and returns the finished process."""

    def run(*words, check=True):
        command = [str(Path(sys.executable).with_name("maru")), "install", "--environment", "test"]
        if "--values" not in words:
            command.append("--drop-values")
        command += [*words, "--helm", programs("helm"), "--images", str(images)]
        return _run([*command, "--kubeconfig", str(cluster), "--repo", str(ROOT)], check=check)

    return run


@pytest.fixture(scope="session")
def installed(maru_install):
    """Install the platform, every chart of it; return what that printed."""
    done = maru_install()
    return done.stdout + done.stderr


def _run(command, *, check=True):
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=UP_S)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command[:3])}:\n{done.stdout}{done.stderr}")
    return done
