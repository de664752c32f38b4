"""When the node counts as ready, and what is said when it doesn't come up."""

import json
import os

import pytest
from node import readiness
from node.errors import NodeError
from node.layout import State
from node.namespaces import Process, started_at

GONE = Process(os.getpid(), -1)
HERE = Process(os.getpid(), started_at(os.getpid()))


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path)
    state.logs.mkdir(parents=True)
    return state


def say(state, **parts):
    """Write what the supervisor says: name=(ready, restarts, pid)."""
    state.status.write_text(
        json.dumps(
            [
                {"name": n, "ready": ready, "restarts": restarts, "pid": pid, "since": 0.0}
                for n, (ready, restarts, pid) in parts.items()
            ]
        )
    )


def node(status, heartbeat):
    return {
        "status": {
            "conditions": [
                {"type": "DiskPressure", "status": "False", "lastHeartbeatTime": heartbeat},
                {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat},
            ]
        }
    }


@pytest.mark.parametrize(
    ("status", "heartbeat", "ready"),
    [
        ("True", "2026-11-22T18:00:05Z", True),
        ("True", "2026-11-22T18:00:04Z", False),
        ("False", "2026-11-22T18:00:06Z", False),
        ("Unknown", "2026-11-22T18:00:06Z", False),
    ],
)
def test_only_the_kubelet_that_runs_now_says_ready(status, heartbeat, ready):
    started = 1795370405.7  # 2026-11-22T18:00:05.7Z; a heartbeat has whole seconds
    assert readiness.is_reported_ready(node(status, heartbeat), started) is ready


def test_a_node_that_never_reported_is_not_ready():
    assert not readiness.is_reported_ready({"status": {}}, 0)


def test_a_part_that_fails_again_and_again_is_named_with_its_last_words(state):
    say(state, etcd=(True, 0, 7), registry=(False, readiness.TOO_OFTEN, 0), proxy=(False, 0, 0))
    (state.logs / "registry.log").write_text("first\n" * 20 + "panic: the port is taken\n")
    with pytest.raises(NodeError) as caught:
        readiness.wait(state, HERE)
    words = str(caught.value)
    assert "it waits for registry, proxy" in words
    assert f"The end of {state.logs}/registry.log:" in words
    assert words.count("first") == readiness.LAST_LINES - 1
    assert "panic: the port is taken" in words
    assert "proxy.log" not in words, "nothing is known against it"


def test_a_first_process_that_died_is_told_by_its_own_words(state):
    (state.logs / "first-process.log").write_text("mount: /run: permission denied\n")
    with pytest.raises(NodeError, match="mount: /run: permission denied"):
        readiness.wait(state, GONE)


def test_nothing_is_ready_before_a_kubeconfig_is_written(state):
    assert not readiness.is_ready(state)
