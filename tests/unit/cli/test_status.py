import pytest

from maru.adapters.file_lock import FileLock
from maru.release.gate import Verdict
from maru.release.pin import Pin
from maru.workspace import write_json


def state(maru):
    (found,) = maru("status", "--json").data["projects"]
    return found


def lines(maru):
    return [line.strip() for line in maru("status", "charge").text.splitlines()]


def test_a_new_project_is_healthy_with_nothing_live(maru):
    answer = maru("status")
    assert answer.code == 0
    assert answer.text.splitlines() == [
        "charge",
        "  live       nothing",
        "  serving    maru up does not run here. Next: maru up",
        "  candidate  none. Next: maru run charge",
        "  promote    auto",
    ]


def test_a_release_is_told_with_who_and_since_when(workshop, maru):
    digest = workshop.candidate("A")
    assert f"{digest[7:19]}, trained as of 2026-01-01, passed the gate. Next: maru release" in (
        maru("status").text
    )
    maru("release", "charge")
    found = state(maru)
    assert (found["live"], found["how"], found["author"]) == (digest, "release", "Ana")
    assert found["commit"] == workshop.repository.git("rev-parse", "HEAD")
    assert found["candidate"]["state"] == "live"
    assert found["ahead"] == []
    told = lines(maru)
    assert told[1].startswith(f"live       {digest[7:19]} since 20")
    assert told[1].endswith(f"UTC (release by Ana, commit {found['commit'][:10]})")
    assert "folder     answers as what is live" in told


def test_a_folder_that_went_on_is_ahead_but_for_tests_docs_and_sizes(workshop, maru):
    workshop.candidate("A")
    maru("release", "charge")
    write = workshop.repository.write
    write("projects/charge/README.md", "Read me")
    write("projects/charge/tests/test_features.py", "")
    write("projects/charge/project.yaml", spec := text(workshop) + "serving: {replicas: 3}\n")
    assert state(maru)["ahead"] == []
    write("projects/charge/project.yaml", spec + "horizon_days: 7\n")
    write("projects/charge/service.py", "")
    assert state(maru)["ahead"] == ["project.yaml", "service.py"]
    assert "folder     ahead of what is live: project.yaml, service.py" in lines(maru)


def text(workshop):
    return (workshop.repository.root / "projects/charge/project.yaml").read_text()


def test_what_stands_in_a_candidates_way_is_told(workshop, maru):
    workshop.candidate("A")
    maru("release", "charge")
    workshop.candidate("B", verdict=Verdict(passed=False, reasons=("mae is 9",)))
    assert "refused by the gate: mae is 9" in maru("status").text
    workshop.candidate("C")
    workshop.repository.write("projects/charge/features.py", "NAME = 'later'\n")
    assert "is of other code than the folder's. Next: maru run charge" in maru("status").text


def test_a_bundle_that_was_pinned_against_the_gate_is_told_with_its_reasons(workshop, maru):
    bad = workshop.candidate("A", verdict=Verdict(passed=False, reasons=("mae is 9",)))
    workshop.repository.write("projects/charge/release.yaml", Pin(bad).to_bytes())
    workshop.repository.commit("Release by hand")
    said = f"bundle {bad[7:19]} may not be live for charge: the gate refused it: mae is 9"
    assert said in maru("status").text
    answer = maru("serve", "charge", "--port", "0")
    assert answer.code == 1
    assert "may not be live" in answer.error


def test_after_a_rollback_promotion_is_held(workshop, maru):
    for name in "AB":
        workshop.candidate(name)
        maru("release", "charge")
    maru("rollback", "charge")
    told = lines(maru)
    assert "promote    auto, held since the last rollback until a person releases" in told
    assert state(maru)["candidate"]["state"] == "rolled back"
    assert "(rollback by Ana" in told[1]


@pytest.fixture
def serve(workshop):
    """Return the function that says what a running maru up serves."""
    lock = FileLock(workshop.workspace.home / "up.lock")
    assert lock.take()

    def serve(**project):
        found = [{"project": "charge", **project}] if project else []
        document = {"schema": 1, "branch": "main", "url": "http://127.0.0.1:3000"}
        write_json(workshop.workspace.up_state, {**document, "projects": found})
        return lock

    yield serve
    lock.release()


def test_what_maru_up_serves_is_told_and_why_not(workshop, maru, serve):
    a = workshop.candidate("A")
    maru("release", "charge")
    serve(bundle=a, problem=None)
    place = "at http://127.0.0.1:3000/charge"
    assert f"serving    {place}" in lines(maru)
    b = workshop.candidate("B")
    maru("release", "charge")
    old = f"serving    {a[7:19]} {place}"
    assert f"{old} still: maru up follows the branch main" in lines(maru)
    serve(bundle=a, problem="bundle is not here")
    assert f"{old}, not what is live: bundle is not here" in lines(maru)
    assert state(maru)["live"] == b
    serve()
    assert f"serving    nothing {place} still: maru up follows the branch main" in lines(maru)


def test_a_maru_up_that_has_ended_serves_nothing(workshop, maru, serve):
    a = workshop.candidate("A")
    serve(bundle=a, problem=None).release()
    assert state(maru)["served"] is None


def test_an_unreadable_release_yaml_is_a_problem_and_what_was_live_goes_on(workshop, maru):
    a = workshop.candidate("A")
    maru("release", "charge")
    workshop.repository.write("projects/charge/release.yaml", "latest")
    workshop.repository.commit("Edit by hand")
    answer = maru("status")
    assert answer.code == 1
    assert "What was live goes on" in answer.text
    assert a[7:19] in answer.text


def test_a_mistake_of_one_project_does_not_hide_another(workshop, maru):
    workshop.repository.write("projects/broken/project.yaml", "schema: [")
    answer = maru("status", "--json")
    assert answer.code == 1
    broken, charge = answer.data["projects"]
    assert "project.yaml" in broken["problem"]
    assert charge["problem"] is None
    assert "  problem    " in maru("status").text


def test_no_project_and_an_unknown_project(workshop, maru):
    assert "there is no project `chrage`" in maru("status", "chrage").error
    workshop.repository.git("rm", "-r", "--quiet", "projects")
    assert maru("status").text == "there is no project yet. Next: maru new NAME"
