"""Following the API server: what is posted when all goes well, and when it does not."""

import threading
import time
from ipaddress import IPv4Address
from queue import Empty, SimpleQueue

import pytest
from network_policy_api_server import ListAndWatch
from node.network_policy_api import Api, KubeconfigError
from node.network_policy_objects import Pod
from node.network_policy_watch import (
    KINDS,
    NAMESPACES,
    PODS,
    POLICIES,
    Given,
    Listing,
    Lost,
    Objects,
    Update,
    follow,
)

WAIT_S = 5


def pod(name, phase="Running", address=None, **labels):
    """Return a pod as the API gives it."""
    return {
        "metadata": {"namespace": "shop", "name": name, "uid": f"uid-{name}", "labels": labels},
        "spec": {"containers": []},
        "status": {"phase": phase, **({"podIP": address} if address else {})},
    }


@pytest.fixture
def server():
    made = ListAndWatch()
    yield made
    made.go()


@pytest.fixture
def posted(server, tmp_path):
    """What is posted about pods."""
    events = SimpleQueue()
    api = Api(server.write_kubeconfig(tmp_path))
    threading.Thread(target=follow, args=(api, PODS, events.put), daemon=True).start()
    return events


def next_of(events):
    return events.get(timeout=WAIT_S)


def names(listing):
    assert isinstance(listing, Listing), listing
    return {name for _, name in listing.objects}


def wait_for_watch(server, count=1):
    """Wait until so many watches have been asked for: what changes then is an event."""
    deadline = time.monotonic() + WAIT_S
    while sum("watch=1" in path for path in server.requests) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_list_and_then_each_change(server, tmp_path):
    server.put(PODS, pod("one"))
    events = SimpleQueue()
    api = Api(server.write_kubeconfig(tmp_path))
    threading.Thread(target=follow, args=(api, PODS, events.put), daemon=True).start()
    assert names(next_of(events)) == {"one"}
    server.put(PODS, pod("two", app="web"))
    added = next_of(events)
    assert added == Update(PODS, ("shop", "two"), Pod.from_api(pod("two", app="web")))
    server.put(PODS, pod("two", app="job"))
    assert next_of(events).value.labels == {"app": "job"}
    server.delete(PODS, pod("two"))
    assert next_of(events) == Update(PODS, ("shop", "two"), None)


def test_a_watch_that_ends_in_order_goes_on_where_it_was(server, posted):
    assert names(next_of(posted)) == set()
    server.put(PODS, pod("one"))
    next_of(posted)
    server.end_watches()
    server.put(PODS, pod("two"))
    assert next_of(posted).key == ("shop", "two")
    assert sum("watch" not in path for path in server.requests) == 1


def test_a_bookmark_moves_the_version_to_go_on_from(server, posted):
    next_of(posted)
    wait_for_watch(server)
    server.put(NAMESPACES, {"metadata": {"name": "shop"}})
    server.bookmark(PODS)
    version = server.version
    time.sleep(0.1)
    server.end_watches()
    wait_for_watch(server, count=2)
    assert f"resourceVersion={version}" in server.requests[-1]
    assert posted.empty()


@pytest.mark.parametrize("how", ["at the start of a watch", "inside a watch"])
def test_a_version_that_is_gone_is_listed_again(server, posted, how):
    next_of(posted)
    wait_for_watch(server)
    server.put(PODS, pod("one"))
    next_of(posted)
    if how == "inside a watch":
        server.gone_in_stream(PODS)
    else:
        server.end_watches(forget=True)
    assert isinstance(next_of(posted), Lost)
    assert names(next_of(posted)) == {"one"}


def test_what_changed_while_the_server_was_away_is_listed(server, posted, tmp_path):
    server.put(PODS, pod("one"))
    next_of(posted)
    server.go()
    lost = next_of(posted)
    while isinstance(lost, Update):
        lost = next_of(posted)
    assert isinstance(lost, Lost)
    assert "Error" in lost.why
    again = ListAndWatch(server.server_port)
    again.put(PODS, pod("two"))
    try:
        event = next_of(posted)
        while isinstance(event, Lost) or names(event) != {"two"}:
            event = next_of(posted)
    finally:
        again.go()


def test_a_refusal_is_named_and_tried_again(server, posted):
    next_of(posted)
    server.refused[PODS] = 403
    server.end_watches()
    lost = next_of(posted)
    assert "403" in lost.why
    server.refused.clear()
    while isinstance(event := next_of(posted), Lost):
        pass
    assert names(event) == set()


def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path):
    for text in ("", "clusters: []", "current-context: x\ncontexts: []"):
        path = tmp_path / "kubeconfig"
        path.write_text(text)
        with pytest.raises(KubeconfigError, match="must name a server"):
            Api(path)
    with pytest.raises(KubeconfigError, match="No such file"):
        Api(tmp_path / "missing")


def complete():
    """Return objects that are followed: one pod in one namespace."""
    objects = Objects()
    one = Pod.from_api(pod("one"))
    for kind, listed in ((PODS, {("shop", "one"): one}), (NAMESPACES, {("", "shop"): {}})):
        assert objects.take(Listing(kind, listed))
        assert not objects.are_complete
    assert objects.take(Listing(POLICIES, {}))
    assert objects.are_complete
    return objects


def test_objects_are_complete_when_every_kind_is_followed():
    objects = complete()
    for kind in KINDS:
        assert not objects.take(Lost(kind, "cut"))
        assert not objects.are_complete
        assert objects.take(Listing(kind, objects.kinds[kind]))
        assert objects.are_complete


def test_what_changes_nothing_is_no_news():
    """Most of what the API server says of a pod is of no interest here."""
    objects = complete()
    same = Pod.from_api({**pod("one"), "status": {"phase": "Pending", "conditions": [1]}})
    assert not objects.take(Update(PODS, ("shop", "one"), same))
    assert not objects.take(Listing(PODS, objects.kinds[PODS]))
    assert not objects.take(Update(PODS, ("shop", "none"), None))
    assert objects.take(Update(PODS, ("shop", "one"), Pod.from_api(pod("one", app="web"))))
    assert objects.take(Update(PODS, ("shop", "one"), None))


def test_a_given_address_counts_until_the_pod_has_ended():
    given = Given({"uid-one": IPv4Address("10.77.0.11")})
    for phase, told, addresses in (
        ("Pending", None, ["10.77.0.11"]),
        ("Running", "10.77.0.12", ["10.77.0.11"]),
        ("Succeeded", None, []),
    ):
        objects = complete()
        objects.take(Update(PODS, ("shop", "one"), Pod.from_api(pod("one", phase, told))))
        assert objects.take(given)
        assert not objects.take(given)
        (found,) = objects.cluster().pods
        assert [str(address) for address in found.addresses] == addresses


def test_nothing_more_is_posted_without_a_change(posted):
    next_of(posted)
    with pytest.raises(Empty):
        posted.get(timeout=0.3)
