import pytest

from maru.release.gate import Verdict
from maru.release.pin import Pin

RELEASE = "projects/charge/release.yaml"


def test_the_candidate_goes_live_in_one_commit_of_one_file(workshop, maru):
    digest = workshop.candidate("A")
    answer = maru("release", "charge")
    assert answer.code == 0, answer.error
    git = workshop.repository.git
    assert (workshop.repository.root / RELEASE).read_bytes() == Pin(digest).to_bytes()
    assert git("show", "--name-only", "--format=", "HEAD") == RELEASE
    assert git("status", "--porcelain") == ""
    assert git("log", "-1", "--format=%s|%an") == f"Release charge {digest[7:19]}|Ana"
    sha = git("rev-parse", "HEAD")[:10]
    assert answer.text.splitlines() == [
        f"charge: nothing -> {digest[7:19]}, live with commit {sha}",
        "Serve it with: maru up. See: maru status",
    ]


def test_the_numbers_of_the_gate_are_printed_and_committed(workshop, maru):
    numbers = {"head": "amount", "metric": "mae", "value": 1.5, "between": None}
    numbers |= {"best_naive": "mean", "naive": {"mean": 2.0}, "champion": None}
    workshop.candidate("A")
    maru("release", "charge")
    workshop.candidate("B", verdict=Verdict(passed=True, reasons=(), numbers=(numbers,)))
    answer = maru("release", "charge")
    line = "amount: mae 1.5, best naive row mean 2"
    assert f"  {line}" in answer.text.splitlines()
    assert "Undo it with: maru rollback charge" in answer.text
    assert line in workshop.repository.git("log", "-1", "--format=%B")


def test_json_tells_the_same(workshop, maru):
    a = workshop.candidate("A")
    maru("release", "charge")
    b = workshop.candidate("B")
    data = maru("release", "charge", "--json").data
    assert (data["before"], data["bundle"]) == (a, b)
    assert data["commit"] == workshop.repository.git("rev-parse", "HEAD")
    assert data["rolled_back"] == []


def test_a_bundle_is_named_by_its_first_digits(workshop, maru):
    digest = workshop.candidate("A")
    workshop.workspace.candidate_file("charge").unlink()
    assert maru("release", "charge", "--bundle", digest[7:15]).code == 0
    assert workshop.live() == digest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "has no candidate: no run of it has finished here. Run maru run charge"),
        (("--bundle", "abc"), "'abc' is not a bundle digest"),
        (("--bundle", "sha256:" + "0" * 64), "is not in"),
    ],
)
def test_what_is_not_there_is_refused(workshop, maru, words, said):
    answer = maru("release", "charge", *words)
    assert answer.code == 1
    assert said in answer.error


def refused(workshop, maru, *words):
    """Release, see that nothing changed, and return why."""
    head, before = workshop.repository.git("rev-parse", "HEAD"), workshop.live()
    answer = maru("release", "charge", *words)
    assert answer.code == 1
    assert workshop.repository.git("rev-parse", "HEAD") == head
    assert workshop.live() == before
    return answer.error


def test_what_is_live_is_not_released_again(workshop, maru):
    workshop.candidate("A")
    maru("release", "charge")
    assert "is live already: there is nothing to do" in refused(workshop, maru)


def test_a_refusal_of_the_gate_is_repeated_in_its_words(workshop, maru):
    workshop.candidate("A", verdict=Verdict(passed=False, reasons=("mae is 9", "answers 0")))
    error = refused(workshop, maru)
    assert "- the gate refused it: mae is 9\n- the gate refused it: answers 0" in error


def test_a_candidate_that_never_met_what_is_live_is_refused_until_it_is_judged_anew(workshop, maru):
    a = workshop.candidate("A")
    b = workshop.offer("B")  # two runs of one code, both judged when nothing was live
    assert maru("release", "charge", "--bundle", a).code == 0
    said = f"it was judged when nothing was live, and now live is {a[7:19]}. Run maru run charge"
    for words in (("--bundle", b), ("--bundle", b, "--as-bot")):
        assert said in refused(workshop, maru, *words)
    workshop.offer("C")
    assert maru("release", "charge").code == 0
    error = refused(workshop, maru, "--bundle", b)
    assert "it was judged when nothing was live" in error


def test_a_candidate_that_met_what_is_no_longer_live_is_refused(workshop, maru):
    a = workshop.candidate("A")
    maru("release", "charge")
    b = workshop.candidate("B")
    c = workshop.offer("C")
    assert maru("release", "charge", "--bundle", b).code == 0
    said = f"it was judged with {a[7:19]}, and now live is {b[7:19]}"
    assert said in refused(workshop, maru, "--bundle", c)
    workshop.repository.git("rm", "--quiet", RELEASE)
    workshop.repository.commit("Take it down")
    said = f"it was judged with {a[7:19]}, and now nothing is live"
    assert said in refused(workshop, maru, "--bundle", c)


def test_a_lift_lets_pass_what_was_judged_against_another_release(workshop, maru):
    for name in "AB":
        workshop.candidate(name)
        maru("release", "charge")
    workshop.candidate("C", champion=None)
    error = refused(workshop, maru, "--as-bot", "--lift", "I am a machine")
    assert "it was judged when nothing was live" in error
    assert maru("release", "charge", "--lift", "the live one is wrong").code == 0


def test_a_folder_that_differs_from_what_was_trained_is_refused_with_its_files(workshop, maru):
    workshop.candidate("A")
    workshop.repository.write("projects/charge/features.py", "NAME = 'later'\n")
    workshop.repository.write("projects/charge/new.py", "")
    workshop.repository.git("rm", "--quiet", "projects/charge/data.py")
    workshop.repository.commit("Go on")
    error = refused(workshop, maru)
    assert "differs from the code that it was trained from: data.py, features.py, new.py" in error
    assert "Run maru run charge, or restore the files" in error


@pytest.mark.parametrize("kind", ["changed", "deleted", "untracked", "ignored"])
def test_files_that_are_not_committed_are_refused(workshop, maru, kind):
    file = workshop.repository.root / "projects/charge/features.py"
    if kind == "ignored":
        workshop.repository.write(".gitignore", ".maru/\n*.csv\n")
        file = file.with_name("rates.csv")
    elif kind == "untracked":
        file = file.with_name("rates.csv")
    workshop.candidate("Z")
    file.unlink() if kind == "deleted" else file.write_text("changed")
    workshop.offer("A")  # trained from the folder as it is
    assert f"files of the folder aren't committed: {file.name}" in refused(workshop, maru)


def test_hidden_files_and_caches_are_nobodys_code(workshop, maru):
    workshop.candidate("A")
    workshop.repository.write("projects/charge/.notes", "x")
    workshop.repository.write("projects/charge/__pycache__/data.pyc", "x")
    assert maru("release", "charge").code == 0


def test_a_candidate_of_uncommitted_files_is_made_again_once_they_are_committed(workshop, maru):
    workshop.candidate("A", dirty=True)
    assert "it was trained from files that weren't committed then" in refused(workshop, maru)


def test_a_broken_bundle_is_not_released(workshop, maru):
    digest = workshop.candidate("A")
    file = workshop.store.get(digest) / "contract.json"
    file.chmod(0o644)
    file.write_text("{}")
    assert "differs from its manifest: contract.json" in refused(workshop, maru)


def test_a_bundle_of_another_project_is_not_released(workshop, maru):
    workshop.candidate("A", project="coupon")
    assert "it is a bundle of the project coupon" in refused(workshop, maru)


def test_what_was_rolled_back_needs_a_reason_from_a_person(workshop, maru):
    workshop.candidate("A")
    maru("release", "charge")
    b = workshop.candidate("B")
    maru("release", "charge")
    workshop.repository.git("revert", "--no-edit", "HEAD")
    error = refused(workshop, maru)
    assert "it was rolled back by Ana at " in error
    assert f"maru release charge --bundle {b} --lift REASON" in error
    error = refused(workshop, maru, "--as-bot", "--lift", "I am a machine")
    assert "it was rolled back by Ana" in error
    assert maru("release", "charge", "--lift", "the data is mended").code == 0
    assert workshop.live() == b
    assert "the data is mended" in workshop.repository.git("log", "-1", "--format=%B")
    assert maru("status", "charge", "--json").data["projects"][0]["held"] is False


def test_a_bundle_that_was_live_before_needs_no_equal_folder(workshop, maru):
    for name in "AB":
        workshop.candidate(name)
        maru("release", "charge")
    b = workshop.live()
    maru("rollback", "charge")
    workshop.candidate("C")
    assert maru("release", "charge", "--bundle", b, "--lift", "it was the data").code == 0


def test_an_earlier_release_is_gone_back_to_not_released(workshop, maru):
    for name in "AB":
        workshop.candidate(name)
        maru("release", "charge")
    a = maru("audit", "charge", "--json").data["moves"][-1]["bundle"]
    error = refused(workshop, maru, "--bundle", a)
    assert f"To go back: maru rollback charge --to {a[7:19]}" in error
    assert "To go back" in refused(workshop, maru, "--bundle", a, "--as-bot")


def test_a_lift_that_leaves_a_newer_release_says_that_it_is_rolled_back(workshop, maru):
    for name in "AB":
        workshop.candidate(name)
        maru("release", "charge")
    b = workshop.live()
    maru("rollback", "charge")
    d = workshop.candidate("D")
    maru("release", "charge")
    answer = maru("release", "charge", "--bundle", b, "--lift", "it was the data")
    assert f"  rolled back: {d[7:19]}" in answer.text


def test_the_bot_commits_under_its_own_name(workshop, maru, monkeypatch):
    workshop.candidate("A")
    assert maru("release", "charge", "--as-bot").code == 0
    author = workshop.repository.git("log", "-1", "--format=%an %ae")
    assert author == "maru bot@maru.internal"
    monkeypatch.setenv("MARU_BOT_EMAIL", "robot@example.com")
    workshop.candidate("B")
    assert maru("release", "charge", "--as-bot").code == 0
    assert workshop.repository.git("log", "-1", "--format=%ae") == "robot@example.com"


def test_the_bot_leaves_a_project_under_review_to_a_person(workshop, maru):
    workshop.spec("review")
    workshop.candidate("A")
    error = refused(workshop, maru, "--as-bot")
    assert "promote: review. A person releases it: maru release charge" in error
    assert maru("release", "charge").code == 0


def test_after_a_rollback_auto_acts_as_review_until_a_person_releases(workshop, maru):
    for name in "AB":
        workshop.candidate(name)
        maru("release", "charge")
    maru("rollback", "charge")
    workshop.candidate("C")  # a retrained model: another digest, perhaps the same fault
    assert "promote: auto acts as review" in refused(workshop, maru, "--as-bot")
    assert maru("release", "charge").code == 0
    workshop.candidate("D")
    assert maru("release", "charge", "--as-bot").code == 0


def test_golden_rows_that_fail_here_are_refused(workshop, maru):
    workshop.candidate("A", expected=1.001)
    error = refused(workshop, maru)
    assert "golden answers differ here, compared byte for byte" in error
    assert "golden row 'test:" in error


def test_a_detached_head_is_refused(workshop, maru):
    workshop.candidate("A")
    workshop.repository.git("switch", "--quiet", "--detach")
    assert "HEAD is detached" in refused(workshop, maru)


def test_a_shallow_clone_is_refused(workshop, maru, tmp_path):
    workshop.candidate("A")
    root, shallow = workshop.repository.root, tmp_path / "shallow"
    workshop.repository.git("clone", "--quiet", "--depth=1", root.as_uri(), str(shallow))
    workshop.workspace.home.rename(shallow / ".maru")
    answer = maru("release", "charge", repo=shallow)
    assert answer.code == 1
    assert "Run git fetch --unshallow" in answer.error


def test_an_unreadable_release_yaml_is_replaced_by_a_release(workshop, maru):
    a = workshop.candidate("A")
    maru("release", "charge")
    workshop.repository.write(RELEASE, "bundle: [")
    workshop.repository.commit("Edit by hand")
    assert maru("release", "charge").code == 0
    assert workshop.live() == a
