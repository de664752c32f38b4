"""Make a volume for each claim of the storage class ``standard``, and remove it with its claim.

A process of the node, not a pod: no helper pod has to start before a volume is there.
"""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from node import volumes
from node.addons import PROVISIONER
from node.kubernetes_api import Api, Json, follow
from node.layout import NODE_NAME
from node.volumes import Volume

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
CLASS = "standard"
RETRY_S = 10.0


class Provisioner:
    """Serves claims one after the other; one that can't be served holds up no other."""

    def __init__(self, api: Api) -> None:
        self._api = api
        # By uid. More events of a claim come before it is bound.
        self._served: set[str] = set()
        self._failed: dict[str, Json] = {}

    def judge(self, event: Json) -> None:
        """Do what a claim's or a volume's state asks for.

        Raises
        ------
        ApiError
            If the API server refuses what is asked of it.
        """
        item = event["object"]
        uid = item["metadata"]["uid"]
        self._failed.pop(uid, None)
        if event["type"] == "DELETED":
            return
        if item["kind"] == "PersistentVolumeClaim" and wants_volume(item):
            if uid not in self._served:
                self._try(item, self._provide)
        elif item["kind"] == "PersistentVolume" and is_released(item):
            self._try(item, self._remove)

    def try_again(self) -> None:
        """Try again what failed."""
        for item in list(self._failed.values()):
            self.judge({"type": "MODIFIED", "object": item})

    def _try(self, item: Json, act: Callable[[Json], str]) -> None:
        started = time.monotonic()
        try:
            _say(act(item), started)
        except (ValueError, OSError, subprocess.CalledProcessError) as error:
            why = getattr(error, "stderr", None) or str(error)
            _say(f"failed: {item['metadata']['name']}: {why}", started)
            self._failed[item["metadata"]["uid"]] = item
            if item["kind"] == "PersistentVolumeClaim":
                namespace = item["metadata"]["namespace"]
                self._api.create(f"/api/v1/namespaces/{namespace}/events", failure(item, why))

    def _provide(self, claim: Json) -> str:
        document = volume_for(claim)
        volume = Volume(document["metadata"]["name"])
        volume.make(volumes.size_bytes(document["spec"]["capacity"]["storage"]))
        volume.mount()
        self._api.create(VOLUMES, document)
        self._served.add(claim["metadata"]["uid"])
        return (
            f"made {volume.name} for {claim['metadata']['namespace']}/{claim['metadata']['name']}"
        )

    def _remove(self, document: Json) -> str:
        volume = Volume(document["metadata"]["name"])
        volume.remove()
        self._api.delete(f"{VOLUMES}/{volume.name}")
        return f"removed {volume.name}"


def run(kubeconfig: Path) -> None:
    """Serve claims until the process is ended; end it when the API server can't be followed."""
    volumes.mount_all()
    api = Api(kubeconfig)
    provisioner = Provisioner(api)
    events: queue.SimpleQueue[Json | BaseException] = queue.SimpleQueue()
    for path, kind in ((CLAIMS, "PersistentVolumeClaim"), (VOLUMES, "PersistentVolume")):
        told = (api, path, kind, events.put)
        threading.Thread(target=follow, args=told, daemon=True).start()
    while True:
        try:
            event = events.get(timeout=RETRY_S)
        except queue.Empty:
            provisioner.try_again()
            continue
        if isinstance(event, BaseException):
            raise event
        provisioner.judge(event)


def wants_volume(claim: Json) -> bool:
    """Return whether a claim of our class has no volume yet."""
    spec = claim["spec"]
    if "deletionTimestamp" in claim["metadata"] or spec.get("volumeName"):
        return False
    return bool(spec.get("storageClassName") == CLASS)


def is_released(volume: Json) -> bool:
    """Return whether a volume of ours lost its claim and may be deleted."""
    noted = volume["metadata"].get("annotations", {})
    state = (
        noted.get("pv.kubernetes.io/provisioned-by"),
        volume.get("status", {}).get("phase"),
        volume["spec"].get("persistentVolumeReclaimPolicy"),
    )
    return state == (PROVISIONER, "Released", "Delete")


def volume_for(claim: Json) -> Json:
    """Return the PersistentVolume of a claim.

    Raises
    ------
    ValueError
        If the claim asks for a device.
    """
    meta, spec = claim["metadata"], claim["spec"]
    if spec.get("volumeMode", "Filesystem") != "Filesystem":
        raise ValueError(f"volumeMode must be Filesystem, got {spec['volumeMode']}")
    name = f"pvc-{meta['uid']}"
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
        },
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": CLASS,
            "local": {"path": str(Volume(name).folder)},
            "nodeAffinity": {
                "required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]},
            },
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
            },
        },
    }


def failure(claim: Json, why: str) -> Json:
    """Return the event that tells a claim's owner why there is no volume."""
    meta = claim["metadata"]
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{meta['name']}.", "namespace": meta["namespace"]},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": claim["kind"],
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
        },
        "reason": "ProvisioningFailed",
        "message": why.strip()[:1000],
        "type": "Warning",
        "source": {"component": PROVISIONER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _say(words: str, started: float) -> None:
    line = {"event": words, "seconds": round(time.monotonic() - started, 3)}
    print(json.dumps(line), file=sys.stderr, flush=True)
