"""Make a volume for each claim of the storage class ``standard``, and remove it with its claim.

A process of the node, not a pod: no helper pod has to start before a volume is there.
"""

import json
import queue
import sys
import threading
import time
from pathlib import Path

from node import volumes
from node.addons import PROVISIONER
from node.kubernetes_api import Api, Json, follow
from node.layout import NODE_NAME
from node.volumes import Volume

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
CLASS = "standard"


def run(kubeconfig: Path) -> None:
    """Serve claims until the process is ended; end it when the API server can't be followed."""
    volumes.mount_all()
    api = Api(kubeconfig)
    events: queue.SimpleQueue[Json | BaseException] = queue.SimpleQueue()
    for path, kind in ((CLAIMS, "PersistentVolumeClaim"), (VOLUMES, "PersistentVolume")):
        told = (api, path, kind, events.put)
        threading.Thread(target=follow, args=told, daemon=True).start()
    served: set[str] = set()
    while True:
        event = events.get()
        if isinstance(event, BaseException):
            raise event
        judge(api, event, served)


def judge(api: Api, event: Json, served: set[str]) -> None:
    """Do what a claim's or a volume's state asks for.

    Parameters
    ----------
    served
        The claims that have got a volume, by uid; more events of a claim come before it is bound.
    """
    if event["type"] == "DELETED":
        return
    item = event["object"]
    uid = item["metadata"]["uid"]
    if item["kind"] == "PersistentVolumeClaim" and wants_volume(item) and uid not in served:
        _provide(api, item)
        served.add(uid)
    elif item["kind"] == "PersistentVolume" and is_released(item):
        _remove(api, item)


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
    """Return the PersistentVolume of a claim."""
    meta, spec = claim["metadata"], claim["spec"]
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


def _provide(api: Api, claim: Json) -> None:
    started = time.monotonic()
    document = volume_for(claim)
    volume = Volume(document["metadata"]["name"])
    volume.make(volumes.size_bytes(document["spec"]["capacity"]["storage"]))
    volume.mount()
    api.create(VOLUMES, document)
    _say(
        f"made {volume.name} for {claim['metadata']['namespace']}/{claim['metadata']['name']}",
        started,
    )


def _remove(api: Api, document: Json) -> None:
    started = time.monotonic()
    volume = Volume(document["metadata"]["name"])
    volume.remove()
    api.delete(f"{VOLUMES}/{volume.name}")
    _say(f"removed {volume.name}", started)


def _say(words: str, started: float) -> None:
    line = {"event": words, "seconds": round(time.monotonic() - started, 3)}
    print(json.dumps(line), file=sys.stderr, flush=True)
