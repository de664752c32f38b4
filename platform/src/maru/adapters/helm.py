"""Helm, as a program: install or upgrade one chart."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from maru.errors import RunError

_TIMEOUT_S = 300.0


def find_helm(named: Path | None) -> Path:
    """Return the program: the named one, or the one on PATH.

    Raises
    ------
    RunError
        If there is none.
    """
    if named is not None:
        if shutil.which(named) is None:
            raise RunError(f"--helm must be a program that may be run, got {named}")
        return named
    found = shutil.which("helm")
    if found is None:
        raise RunError(
            "charts are installed by helm, and there is no helm on PATH. Name one: --helm PATH. "
            "`.venv/bin/python tests/cluster/node path helm` builds one and prints its path"
        )
    return Path(found)


class Helm:
    """The program, and the cluster that it works on."""

    def __init__(self, program: Path, kubeconfig: Path | None) -> None:
        self._program = program
        self._kubeconfig = kubeconfig

    def upgrade(self, release: str, namespace: str, chart: Path, values: Sequence[Path]) -> str:
        """Install or upgrade a release, without waiting for its pods; return its revision.

        Raises
        ------
        RunError
            If helm refuses, with its words.
        """
        words = ["upgrade", release, str(chart), "--install", "--namespace", namespace]
        words += ["--history-max", "5", "--output", "json"]
        if self._applies_in_the_server:
            # What somebody applied by hand belongs to them until it is taken back.
            words.append("--force-conflicts")
        for file in values:
            words += ["--values", str(file)]
        answer = json.loads(self._run(words, f"chart {release}"))
        return str(answer["version"])

    @cached_property
    def _applies_in_the_server(self) -> bool:
        """Whether this helm is 4 or newer; 3 overwrites what others changed without being told."""
        version = self._run(["version", "--template", "{{.Version}}"], "helm version")
        return int(version.strip().removeprefix("v").partition(".")[0]) >= 4

    def _run(self, words: list[str], what: str) -> str:
        where = ["--kubeconfig", str(self._kubeconfig)] if self._kubeconfig else []
        try:
            done = subprocess.run(
                [str(self._program), *words, *where],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RunError(
                f"{what}: helm did not end within {_TIMEOUT_S:.0f} s; run the same again"
            ) from None
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "level=" not in line]
            raise RunError(f"{what}: helm refuses it\n" + "\n".join(said[-15:]))
        return done.stdout
