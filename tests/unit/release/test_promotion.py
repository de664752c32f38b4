import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Event

import pytest

from maru.cli.promoting import promotion
from maru.errors import ReleaseError
from maru.models.model_folder import load_model
from maru.project import load_project
from maru.release.history import standing
from maru.release.promotion import BOT, Promotion
from maru.release.runtime import this_runtime


class Registry:
    """A registry that remembers what it was told, or fails at everything."""

    def __init__(self, seen=(), error=None):
        self.seen, self.error, self.told = seen, error, []

    def mirror(self, project, *, live, rolled_back):
        if self.error:
            raise self.error
        self.told.append((project, live, rolled_back))

    def rolled_back(self, project):
        if self.error:
            raise self.error
        return self.seen


@pytest.fixture
def promote(workshop):
    """Return the function that makes a promotion with a registry."""

    def promote(registry=None):
        return Promotion(
            git=workshop.workspace.history(),
            store=workshop.store,
            load=lambda folder: load_model(folder).predict,
            registry=registry and (lambda: registry),
        )

    return promote


def loading(during):
    """Return a ``load`` that does something before the golden rows are answered."""

    def load(folder):
        during()
        return load_model(folder).predict

    return load


def test_a_rollback_during_a_release_is_not_gone_over(workshop, promote):
    for name in "AB":
        promote().release(charge(workshop), workshop.candidate(name))
    c = workshop.candidate("C")
    a_person = partial(workshop.repository.git, "revert", "--no-edit", "HEAD~1")
    bot = replace(promote(), load=loading(a_person))
    with pytest.raises(ReleaseError, match="committed by somebody else meanwhile"):
        bot.release(charge(workshop), c, author=BOT)
    found = standing(workshop.workspace.history().values("charge"))
    assert (found.live.bundle, found.held) == (workshop.champion(), True)
    assert found.live.bundle != c
    assert workshop.repository.git("status", "--porcelain") == ""


def test_two_promotions_of_one_checkout_work_one_after_the_other(workshop):
    a, b = workshop.candidate("A"), workshop.offer("B")
    started, done = Event(), []
    with ThreadPoolExecutor() as pool:

        def the_second():
            started.set()
            try:
                promotion(workshop.workspace).release(charge(workshop), b)
            except ReleaseError as error:
                done.append(str(error))

        def meanwhile():
            pool.submit(the_second)
            started.wait(10)
            time.sleep(0.3)
            assert done == []  # it waits

        first = replace(promotion(workshop.workspace), load=loading(meanwhile))
        assert first.release(charge(workshop), a).after == a
    assert f"now live is {a[7:19]}" in done[0]


def charge(workshop):
    return load_project(workshop.repository.root, "charge")


def test_the_registry_is_told_what_git_says(workshop, promote):
    registry = Registry()
    a = workshop.candidate("A")
    promote(registry).release(charge(workshop), a)
    b = workshop.candidate("B")
    promote(registry).release(charge(workshop), b)
    promote(registry).rollback("charge")
    assert registry.told == [("charge", a, []), ("charge", b, []), ("charge", a, [b])]


def test_a_registry_that_fails_stops_nothing_and_is_said_once(workshop, promote):
    away = Registry(error=OSError("no route\n" + 500 * "x"))
    done = promote(away).release(charge(workshop), workshop.candidate("A"))
    assert workshop.live() == done.after
    said = "the model registry was not brought to this release: no route "
    assert done.notes == (said + 151 * "x" + "...",)
    promote().release(charge(workshop), workshop.candidate("B"))
    assert promote(away).rollback("charge").notes == done.notes


def test_what_a_force_push_hid_the_registry_still_knows(workshop, promote):
    a = workshop.candidate("A")
    registry = Registry(seen=[a])
    with pytest.raises(ReleaseError, match="registry saw it rolled back, though git no longer"):
        promote(registry).release(charge(workshop), a)
    assert promote(registry).release(charge(workshop), a, lift="it was the data").after == a


def test_what_git_tells_of_a_bundle_outweighs_the_registry(workshop, promote):
    registry = Registry()
    for name in "AB":
        promote(registry).release(charge(workshop), workshop.candidate(name))
    b = workshop.live()
    promote(registry).rollback("charge")
    promote(registry).release(charge(workshop), b, lift="it was the data")
    registry.seen = [b]  # a tag is never taken away
    assert promote(registry).release(charge(workshop), workshop.candidate("C")).before == b


def test_another_image_is_restored_with_its_bundle(workshop, promote):
    a, b = workshop.candidate("A"), None
    promote().release(charge(workshop), a)
    pinned = "projects/charge/release.yaml"
    text = (workshop.repository.root / pinned).read_text()
    workshop.repository.write(pinned, text.replace("embedded", "registry.example/charge@sha256:1"))
    workshop.repository.commit("Pin an image")
    b = workshop.candidate("B")
    promote().release(charge(workshop), b)
    promote().rollback("charge")
    assert (workshop.repository.root / pinned).read_text().endswith("charge@sha256:1\n")


def test_in_another_runtime_the_golden_rows_are_compared_loosely_and_it_is_said(workshop, promote):
    here = this_runtime()
    a = workshop.candidate("A", runtime=replace(here, numpy="1.0"))
    assert promote().release(charge(workshop), a).notes == (
        "its golden rows were compared to 1e-09 relative, because the runtime differs: "
        f"numpy 1.0 -> {here.numpy}",
    )
