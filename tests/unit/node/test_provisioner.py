"""Which claims get a volume, and which volumes go."""

import copy

import pytest
from node.provisioner import Provisioner, is_released, volume_for, wants_volume
from node.volumes import Volume, size_bytes

CLAIM = {
    "kind": "PersistentVolumeClaim",
    "metadata": {"namespace": "users", "name": "home", "uid": "u-1"},
    "spec": {
        "storageClassName": "standard",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
    },
    "status": {"phase": "Pending"},
}


def changed(document, path, value):
    """Return a copy of a document with one value changed."""
    document = copy.deepcopy(document)
    *parents, last = path.split("/")
    inner = document
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return document


def test_a_pending_claim_of_the_class_wants_a_volume():
    assert wants_volume(CLAIM)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec/storageClassName", "other"),
        ("spec/storageClassName", ""),
        ("spec/volumeName", "pvc-u-1"),
        ("metadata/deletionTimestamp", "2026-11-22T18:00:00Z"),
    ],
)
def test_other_claims_do_not(path, value):
    assert not wants_volume(changed(CLAIM, path, value))


def test_the_volume_is_for_that_claim_only_and_on_this_node():
    volume = volume_for(CLAIM)
    assert volume["metadata"]["name"] == "pvc-u-1"
    assert volume["spec"]["claimRef"]["uid"] == "u-1"
    assert volume["spec"]["capacity"] == {"storage": "10Gi"}
    assert volume["spec"]["local"]["path"] == str(Volume("pvc-u-1").folder)
    assert volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]


def test_only_our_own_released_volumes_are_removed():
    released = changed(volume_for(CLAIM), "status", {"phase": "Released"})
    assert is_released(released)
    assert not is_released(changed(released, "status", {"phase": "Bound"}))
    assert not is_released(changed(released, "spec/persistentVolumeReclaimPolicy", "Retain"))
    assert not is_released(changed(released, "metadata/annotations", {}))


class Recorder:
    """Stands where the API server is, and notes what is asked of it."""

    def __init__(self):
        self.asked = []
        self.events = []

    def create(self, path, document):
        if document["kind"] == "Event":
            about = document["involvedObject"]
            self.events.append(document)
            name = f"{about['namespace']}/{about['name']}"
            self.asked.append(("event", name, document["message"]))
        else:
            self.asked.append(("create", document["metadata"]["name"]))

    def delete(self, path):
        self.asked.append(("delete", path.rpartition("/")[2]))


@pytest.fixture
def made(monkeypatch):
    """Make no real volume; note the size of each."""
    sizes = []
    monkeypatch.setattr(Volume, "make", lambda self, size: sizes.append(size))
    monkeypatch.setattr(Volume, "mount", lambda self: None)
    return sizes


def test_a_claim_is_served_once_however_often_it_is_told(made):
    api = Recorder()
    provisioner = Provisioner(api)
    for _ in range(3):
        provisioner.judge({"type": "MODIFIED", "object": CLAIM})
    provisioner.judge({"type": "DELETED", "object": CLAIM})
    assert api.asked == [("create", "pvc-u-1")]
    assert made == [10 << 30]


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("spec/resources/requests/storage", "1e9", "a size is a number"),
        ("spec/volumeMode", "Block", "volumeMode must be Filesystem, got Block"),
    ],
)
def test_a_claim_that_cannot_be_served_is_told_why_and_holds_up_no_other(made, path, value, why):
    api = Recorder()
    provisioner = Provisioner(api)
    provisioner.judge({"type": "ADDED", "object": changed(CLAIM, path, value)})
    assert api.asked == [("event", "users/home", api.events[0]["message"])]
    assert why in api.events[0]["message"]
    other = changed(changed(CLAIM, "metadata/uid", "u-2"), "metadata/name", "other")
    provisioner.judge({"type": "ADDED", "object": other})
    assert api.asked[1:] == [("create", "pvc-u-2")]


def test_what_failed_is_tried_again_until_the_claim_is_gone(made, monkeypatch):
    api = Recorder()
    provisioner = Provisioner(api)

    def full(self):
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Volume, "mount", full)
        for uid in ("u-1", "u-2"):
            claim = changed(CLAIM, "metadata/uid", uid)
            provisioner.judge({"type": "ADDED", "object": claim})
    provisioner.judge({"type": "DELETED", "object": claim})
    provisioner.try_again()
    provisioner.try_again()
    assert [asked for asked in api.asked if asked[0] == "create"] == [("create", "pvc-u-1")]


@pytest.mark.parametrize(
    ("quantity", "size"),
    [("10Gi", 10 << 30), ("1.5Gi", 3 << 29), ("500M", 500_000_000), ("4096", 4096)],
)
def test_sizes_worked_out_by_hand(quantity, size):
    assert size_bytes(quantity) == size


def test_what_is_no_size_is_refused():
    with pytest.raises(ValueError, match="a size is a number with k, M, G"):
        size_bytes("10 GB")
