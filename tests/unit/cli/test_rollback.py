import pytest

from maru.adapters.git import GitHistory
from maru.release.gate import Verdict
from maru.release.history import standing
from maru.release.pin import Pin


@pytest.fixture
def released(workshop, maru):
    """A, B and C were released one after the other; return their digests by name."""
    digests = {}
    for name in "ABC":
        digests[name] = workshop.candidate(name)
        assert maru("release", "charge").code == 0
    return digests


def rolled_back(workshop):
    return standing(GitHistory(workshop.repository.root).values("charge")).rolled_back


def test_the_release_before_comes_back_in_one_commit(workshop, maru, released):
    answer = maru("rollback", "charge", "--reason", "totals are off")
    assert answer.code == 0, answer.error
    assert workshop.live() == released["B"]
    git = workshop.repository.git
    assert git("show", "--name-only", "--format=", "HEAD") == "projects/charge/release.yaml"
    assert git("log", "-1", "--format=%s") == f"Roll charge back to {released['B'][7:19]}"
    assert "totals are off" in git("log", "-1", "--format=%b")
    b, c = released["B"][7:19], released["C"][7:19]
    assert answer.text.splitlines() == [
        f"charge: {c} -> {b}, live with commit {git('rev-parse', 'HEAD')[:10]}",
        f"  rolled back: {c}",
        "Until a person releases, nothing goes live by itself. See: maru audit charge",
    ]
    assert rolled_back(workshop) == {released["C"]}


def test_going_back_again_goes_further_back(workshop, maru, released):
    maru("rollback", "charge")
    data = maru("rollback", "charge", "--json").data
    assert workshop.live() == released["A"] == data["bundle"]
    assert data["rolled_back"] == [released["B"]]
    answer = maru("rollback", "charge")
    assert answer.code == 1
    assert "charge has no earlier release to go back to. See maru audit charge" in answer.error


@pytest.mark.parametrize("name", ["digest", "prefix", "revision"])
def test_a_rollback_goes_across_any_number_of_releases(workshop, maru, released, name):
    first = workshop.repository.git("log", "--format=%H", "--grep", "Release charge").split()[-1]
    digest = released["A"]
    to = {"digest": digest, "prefix": digest[7:15], "revision": first[:12]}[name]
    assert maru("rollback", "charge", "--to", to).code == 0
    assert workshop.live() == digest
    assert rolled_back(workshop) == {released["B"], released["C"]}


def test_the_restored_file_is_the_old_one_byte_for_byte(workshop, maru, released):
    git = workshop.repository.git
    first = git("log", "--format=%H", "--grep", "Release charge").split()[-1]
    maru("rollback", "charge", "--to", first)
    assert git("diff", first, "HEAD", "--", "projects/charge/release.yaml") == ""


def test_what_was_rolled_back_itself_is_not_gone_back_to(workshop, maru, released):
    maru("rollback", "charge")
    answer = maru("rollback", "charge", "--to", released["C"])
    assert answer.code == 1
    assert f"maru release charge --bundle {released['C']} --lift REASON" in answer.error


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("nowhere", "git knows no commit 'nowhere'"),
        ("00000000", "git knows no commit '00000000'"),
        ("HEAD", "is live already: there is nothing to do"),
        ("HEAD~9", "git knows no commit"),
        ("HEAD~5", "charge had no release at HEAD~5"),
        ("side", "was never live on this branch: it can only be released"),
    ],
)
def test_a_target_that_is_no_earlier_release_is_refused(workshop, maru, released, to, said):
    git = workshop.repository.git
    git("switch", "--quiet", "--create", "side")
    workshop.candidate("D")
    maru("release", "charge")
    git("switch", "--quiet", "main")
    head = git("rev-parse", "HEAD")
    answer = maru("rollback", "charge", "--to", to)
    assert answer.code == 1
    assert said in answer.error
    assert git("rev-parse", "HEAD") == head


def test_a_target_that_is_missing_or_broken_is_refused_before_the_commit(workshop, maru, released):
    head = workshop.repository.git("rev-parse", "HEAD")
    file = workshop.store.get(released["B"]) / "model" / "amount-0.txt"
    file.chmod(0o644)
    file.write_text("tree")
    assert "model/amount-0.txt has 4 bytes" in maru("rollback", "charge").error
    workshop.store.get(released["B"]).rename(workshop.scratch / "away")
    assert f"bundle {released['B']} is not in" in maru("rollback", "charge").error
    assert workshop.repository.git("rev-parse", "HEAD") == head


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"verdict": Verdict(passed=False, reasons=("mae is 9",))},
            "the gate refused it: mae is 9",
        ),
        ({"project": "coupon"}, "it is a bundle of the project coupon"),
    ],
)
def test_a_bundle_that_was_pinned_by_hand_against_the_gate_is_not_gone_back_to(
    workshop, maru, changes, said
):
    bad = workshop.candidate("A", **changes)
    workshop.repository.write("projects/charge/release.yaml", Pin(bad).to_bytes())
    workshop.repository.commit("Release by hand")
    workshop.candidate("B")
    assert maru("release", "charge").code == 0
    head = workshop.repository.git("rev-parse", "HEAD")
    for words in ((), ("--to", bad)):
        answer = maru("rollback", "charge", *words)
        assert answer.code == 1
        assert f"charge can't go back to {bad[7:19]}: {said}" in answer.error
    assert workshop.repository.git("rev-parse", "HEAD") == head


def test_a_project_without_a_release_has_nothing_to_go_back_to(workshop, maru):
    assert "no earlier release" in maru("rollback", "charge").error


def test_after_a_rollback_in_git_itself_the_command_goes_on_from_there(workshop, maru, released):
    workshop.repository.git("revert", "--no-edit", "HEAD")
    workshop.candidate("D")
    maru("release", "charge")
    assert maru("rollback", "charge").code == 0
    assert workshop.live() == released["B"]


def test_a_rollback_needs_neither_a_clean_folder_nor_the_projects_code(workshop, maru, released):
    workshop.repository.write("projects/charge/features.py", "half done")
    workshop.repository.write("projects/charge/project.yaml", "schema: [")
    assert maru("rollback", "charge").code == 0
    assert (workshop.repository.root / "projects/charge/features.py").read_text() == "half done"
