"""Run a command; beside it, bring the node up and build its images, so that both share the time.

    python tests/cluster/beside.py pytest tests/unit

The command's exit code is ours. Where no node can run, or ``KUBECONFIG`` names another cluster,
only the command runs. What fails beside it is tried again, and told, by tests/cluster; until then
its words lie in the log that is named at the start.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from node import lifecycle
from node.layout import names_another_cluster, state

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parents[1] / "platform" / "image_build"
END_S = 20.0
MAKE_READY = (
    *("sh", "-c", '"$1" "$2" up && "$1" "$3"', "beside"),
    *(sys.executable, str(HERE / "node"), str(IMAGES)),
)


def main(command: Sequence[str], make_ready: Sequence[str] = MAKE_READY) -> int:
    """Run the command; return its exit code."""
    if names_another_cluster() or lifecycle.why_not() is not None:
        return subprocess.run(command, check=False).returncode
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    log = state().folder / "ready.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"beside these tests a node and its images are made ready: {log}", flush=True)
    with log.open("w") as words:
        # A session of its own: what ends it ends all that it started, but not the node, which has
        # another.
        beside = subprocess.Popen(
            make_ready, stdout=words, stderr=subprocess.STDOUT, start_new_session=True
        )
    result = 1
    try:
        result = subprocess.run(command, check=False).returncode
    finally:
        if result != 0:
            _end(beside)
        beside.wait()
    return result


def _end(beside: subprocess.Popen[bytes]) -> None:
    """End a session, and wait until nothing of it is left, or only what nobody buries."""
    deadline = time.monotonic() + END_S
    with suppress(ProcessLookupError):
        os.killpg(beside.pid, signal.SIGTERM)
        beside.wait()
        while time.monotonic() < deadline:
            os.killpg(beside.pid, 0)
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
