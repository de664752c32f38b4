from datetime import timedelta

import pytest

from maru.adapters.model_registry import RunRecord
from maru.cli.audit import live_for
from maru.release.gate import Verdict


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(seconds=59), "0 min"),
        (timedelta(minutes=61), "1 h 1 min"),
        (timedelta(days=2, hours=3, minutes=59), "2 d 3 h"),
        (timedelta(seconds=-5), "0 min"),
    ],
)
def test_durations_in_words(duration, words):
    assert live_for(duration) == words


def at(monkeypatch, day):
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, f"2026-01-{day:02d}T12:00:00+09:00")


@pytest.fixture
def life(workshop, maru, monkeypatch):
    """A, B, a revert of B, and its lift, a day each; return the digests."""
    numbers = {"head": "amount", "metric": "mae", "value": 1.5, "between": None}
    numbers |= {"best_naive": "mean", "naive": {"mean": 2.0}, "champion": None}
    at(monkeypatch, 1)
    a = workshop.candidate("A")
    maru("release", "charge")
    at(monkeypatch, 2)
    b = workshop.candidate("B", verdict=Verdict(passed=True, reasons=(), numbers=(numbers,)))
    maru("release", "charge")
    at(monkeypatch, 4)
    maru("rollback", "charge", "--reason", "totals are off")
    at(monkeypatch, 5)
    maru("release", "charge", "--lift", "they were not")
    return a, b


def test_every_move_is_told_newest_first(maru, life):
    a, b = life
    moves = maru("audit", "charge", "--json").data["moves"]
    assert [move["how"] for move in moves] == ["lift", "rollback", "release", "release"]
    assert [(move["before"], move["bundle"]) for move in moves] == [
        *((a, b), (b, a), (a, b), (None, a))
    ]
    assert [move["at"][:16] for move in moves] == [f"2026-01-0{day}T03:00" for day in (5, 4, 2, 1)]
    assert moves[2]["until"] == moves[1]["at"]
    assert moves[1]["rolled_back"] == [b]
    assert moves[0]["lifted"] == b
    assert moves[2]["gate"][0]["value"] == 1.5
    assert moves[0]["source"] == "5" * 40


def test_the_table_reads_in_one_glance(workshop, maru, life):
    a, b = (digest[7:19] for digest in life)
    lines = maru("audit", "charge").text.splitlines()
    sha = workshop.repository.git("rev-parse", "HEAD~1")[:10]
    start = lines.index(f"2026-01-04 03:00  rollback  {b} -> {a}     1 d 0 h")
    assert lines[start + 1 : start + 4] == [
        f"    by Ana <ana@example.com>, commit {sha}: Roll charge back to {a}",
        "    trained as of 2026-01-01 from commit 5555555555",
        f"    rolled back: {b}",
    ]
    assert lines[0].startswith(f"2026-01-05 03:00  lift      {a} -> {b} ")
    assert lines[0].endswith("  now")
    assert "    amount: mae 1.5, best naive row mean 2" in lines


def test_a_missing_bundle_hides_nothing_else(workshop, maru, life):
    workshop.store.get(life[0]).rename(workshop.scratch / "away")
    answer = maru("audit", "charge")
    assert answer.code == 0
    assert f"    bundle {life[0]} is not in" in answer.text


def test_a_removed_project_is_still_told(workshop, maru, life):
    workshop.repository.git("rm", "-r", "--quiet", "projects/charge")
    workshop.repository.commit("Remove charge")
    data = maru("audit", "charge", "--json").data
    assert data["live"] is None
    assert data["moves"][0]["how"] == "removal"
    assert data["rolled_back"] == sorted(life)


def test_a_project_without_a_release_and_an_unknown_one(maru):
    assert maru("audit", "charge").text == "charge was never released. Next: maru run charge"
    answer = maru("audit", "chrage")
    assert answer.code == 1
    assert "there is no project chrage, and there was none: there are charge" in answer.error


def test_what_git_alone_rolled_back_is_remembered_after_a_force_push(workshop, maru, tmp_path):
    registry = workshop.workspace.registry()
    a = workshop.candidate("A")
    b = workshop.offer("B", champion=a)
    file = tmp_path / "manifest.json"
    file.write_text("{}")
    run = registry.record("charge", RunRecord("run-1", {}, (), {}))
    for digest in (a, b):
        registry.register("charge", run_id=run, bundle=digest, manifest=file, tags={})
        assert maru("release", "charge", "--bundle", digest).code == 0
    assert registry.champion("charge") == b
    git = workshop.repository.git
    git("revert", "--no-edit", "HEAD")
    assert maru("audit", "charge").code == 0
    assert (registry.champion("charge"), registry.rolled_back("charge")) == (a, [b])
    git("reset", "--quiet", "--hard", "HEAD~2")
    answer = maru("release", "charge", "--bundle", b)
    assert "the model registry saw it rolled back, though git no longer tells" in answer.error
