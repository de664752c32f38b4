"""Does the node serve: its parts, its API server, its name service."""

import json
import socket
import struct
import time
from datetime import datetime
from http.client import HTTPException
from typing import Any

from node.addresses import Address, addresses_of
from node.errors import NodeError
from node.kubernetes_api import Api, ApiError
from node.layout import State
from node.namespaces import Process

PATIENCE_S = 120.0
# Whoever was started that often in vain will not come up.
TOO_OFTEN = 8
LAST_LINES = 8
API_NAME = b"kubernetes.default.svc.cluster.local"


def parts(state: State) -> list[dict[str, Any]]:
    """Return what the supervisor last said of its parts; nothing before it said anything."""
    try:
        said: list[dict[str, Any]] = json.loads(state.status.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return said


def is_ready(state: State) -> bool:
    """Return whether the node is Ready and its name service answers."""
    return state.kubeconfig.exists() and not _unready(state)


def wait(state: State, first: Process) -> None:
    """Wait until the node is ready, and say now and then what is missing.

    Parameters
    ----------
    first
        The node's first process: without it nothing comes up any more.

    Raises
    ------
    NodeError
        If a part does not come up; its last words are in the message.
    """
    deadline = time.monotonic() + PATIENCE_S
    told = time.monotonic()
    while missing := _unready(state):
        failing = [p for p in parts(state) if not p["ready"] and p["restarts"] >= TOO_OFTEN]
        if failing or not first.is_alive or time.monotonic() > deadline:
            raise NodeError(_complaint(state, missing, failing))
        if time.monotonic() - told > 5:
            print(f"  waiting for {missing} ...", flush=True)
            told = time.monotonic()
        time.sleep(0.1)


def _unready(state: State) -> str:
    """Return what is not ready yet; empty when all is."""
    known = parts(state)
    if not known:
        return "the first process"
    if late := [part["name"] for part in known if not part["ready"]]:
        return ", ".join(late)
    started = next(part["since"] for part in known if part["name"] == "kubelet")
    try:
        nodes, _ = Api(state.kubeconfig).list("/api/v1/nodes")
    except (OSError, HTTPException, ApiError):
        return "the API server"
    if not any(is_reported_ready(node, started) for node in nodes):
        return "the kubelet to be Ready"
    addresses = addresses_of(state)
    if not answers(addresses.dns, addresses.api_service):
        return "CoreDNS"
    return ""


def is_reported_ready(node: dict[str, Any], since: float) -> bool:
    """Return whether the kubelet that started then says Ready; the one before it may have too."""
    for condition in node["status"].get("conditions", []):
        if condition["type"] == "Ready":
            said = datetime.fromisoformat(condition["lastHeartbeatTime"]).timestamp()
            return bool(condition["status"] == "True" and said >= int(since))
    return False


def answers(server: Address, expected: Address) -> bool:
    """Return whether the name server knows the address of the API server's Service."""
    labels = b"".join(bytes([len(word)]) + word for word in API_NAME.split(b"."))
    query = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.settimeout(1)
        try:
            asked.sendto(query, (str(server), 53))
            return asked.recv(512).endswith(expected.packed)
        except OSError:
            return False


def _complaint(state: State, missing: str, failing: list[dict[str, Any]]) -> str:
    known = parts(state)
    guilty = failing or [p for p in known if not p["ready"] and (p["pid"] or p["restarts"])]
    names = ["first-process"] if not known else [part["name"] for part in guilty]
    lines = [f"the node does not come up: it waits for {missing}."]
    for name in names[:2]:
        log = state.logs / f"{name}.log"
        words = log.read_text(errors="replace").splitlines() if log.exists() else []
        lines += [f"The end of {log}:", *(f"  {line[:300]}" for line in words[-LAST_LINES:])]
    lines.append("Mend that, or begin anew with: down --delete")
    return "\n".join(lines)
