from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from maru.adapters.git import GitHistory
from maru.release.history import BOT_EMAIL, Commit, Standing, Value, standing
from maru.release.pin import Pin

START = datetime(2026, 1, 1, tzinfo=UTC)
ANA, BOT = "ana@example.com", BOT_EMAIL
UNREADABLE = "unreadable"


def name(one: str) -> str:
    return f"sha256:{ord(one):02x}" + 62 * "0"


def letter(digest: str) -> str:
    return chr(int(digest[7:9], 16))


def value(number: int, pinned: str | None, email: str = ANA) -> Value:
    commit = Commit(f"{number:040x}", email, email, START + timedelta(days=number), "said")
    if pinned == UNREADABLE:
        return Value(commit, None, "release.yaml is not YAML")
    return Value(commit, None if pinned is None else Pin(name(pinned)))


def walk(*pinned: str | None, bots: tuple[int, ...] = ()) -> Standing:
    """Return the standing after these values, one a day; the numbers in ``bots`` are the bot's."""
    return standing([value(i, p, BOT if i in bots else ANA) for i, p in enumerate(pinned)])


def rolled_back(found: Standing) -> str:
    return "".join(sorted(letter(digest) for digest in found.rolled_back))


def hows(found: Standing) -> list[str]:
    return [move.how for move in found.moves]


def test_a_life_worked_by_hand():
    found = walk("a", "b", "c", "a")
    assert hows(found) == ["release", "release", "release", "rollback"]
    assert found.live == Pin(name("a"))
    assert found.moves[-1].rolled_back == (name("b"), name("c"))
    assert found.moves[-1].before == name("c")
    assert [move.until and move.until.day for move in found.moves] == [2, 3, 4, None]
    assert found.since.commit.at == START + timedelta(days=3)
    assert found.held


@pytest.mark.parametrize(
    ("values", "expected", "how", "held"),
    [
        ((), "", None, False),
        (("a",), "", "release", False),
        (("a", "a"), "", "release", False),  # a commit that leaves the value alone
        (("a", "b", "a"), "b", "rollback", True),
        (("a", "b", "a", "b"), "", "lift", False),  # a revert of the revert
        (("a", "b", "a", "b", "a"), "b", "rollback", True),
        (("a", "b", "c", "a", "c"), "b", "lift", False),  # only what is pinned again is lifted
        (("a", "b", "c", "a", "b"), "c", "lift", False),
        (("a", "b", "c", "a", "c", "b"), "c", "rollback", True),  # back onto one rolled back
        (("a", "b", "a", "d", "b"), "d", "rollback", True),
        (("a", "b", "a", "d"), "b", "release", False),
        (("a", None), "a", "removal", True),  # a revert of the first release
        (("a", "b", None), "ab", "removal", True),
        (("a", "b", None, "b"), "a", "lift", False),
        (("a", None, "c"), "a", "release", False),
        ((None, None, "a"), "", "release", False),
        (("a", "b", UNREADABLE), "", "release", False),
        (("a", "b", UNREADABLE, "b"), "", "release", False),
        (("a", "b", UNREADABLE, "a"), "b", "rollback", True),
    ],
)
def test_values_decide_what_is_rolled_back(values, expected, how, held):
    found = walk(*values)
    assert rolled_back(found) == expected
    assert (hows(found) or [None])[-1] == how
    assert found.held is held


def test_a_bot_that_pins_again_lifts_nothing():
    found = walk("a", "b", "a", "b", bots=(3,))
    assert rolled_back(found) == "b"
    assert hows(found)[-1] == "repin"
    assert found.held


def test_a_bots_release_after_a_rollback_frees_nothing():
    assert walk("a", "b", "a", "c", bots=(3,)).held
    assert not walk("a", "b", "a", "c", "d", bots=(3,)).held


def test_another_bot_is_given_by_its_email_in_any_case():
    values = [value(i, p, "Robot@Example.com") for i, p in enumerate("abab")]
    assert rolled_back(standing(values)) == ""
    assert rolled_back(standing(values, bots=["robot@example.COM"])) == "b"


def test_another_image_of_the_same_bundle_moves_no_bundle():
    commit = value(1, "a").commit
    found = standing([value(0, "a"), Value(commit, Pin(name("a"), "scoring@sha256:1"))])
    assert hows(found) == ["release", "image"]
    assert found.rolled_back == frozenset()


def test_an_unreadable_value_leaves_what_was_live():
    found = walk("a", UNREADABLE)
    assert found.live == Pin(name("a"))
    assert found.problem == "release.yaml is not YAML"
    assert walk("a", UNREADABLE, "b").problem is None


@pytest.mark.parametrize(
    ("values", "target"),
    [
        ("a", None),
        ("ab", "a"),
        ("abc", "b"),
        ("abcb", "a"),  # never onto c, which the last rollback left
        ("abcba", None),
        ("abcad", "a"),
        ("abab", "a"),
        ("abcac", "a"),
    ],
)
def test_a_rollback_goes_to_the_newest_other_release_that_is_not_rolled_back(values, target):
    move = walk(*values).earlier()
    assert (move and move.after) == (target and name(target))


def test_who_rolled_a_bundle_back_is_told():
    found = walk("a", "b", "a", "c", None)
    assert found.rolled_back_by(name("b")) == found.moves[2]
    assert found.rolled_back_by(name("c")) == found.moves[4]
    assert walk("a", "b").rolled_back_by(name("b")) is None


# The reference: the rule read aloud, value by value, with nothing remembered but the result.
def reference(values: list[tuple[str | None, str]]) -> tuple[str | None, set[str]]:
    gone: set[str] = set()
    past: list[str | None] = [None]
    for pinned, email in values:
        earlier = pinned != past[-1] and pinned in past
        if earlier:
            was_gone = pinned in gone
            firsts = sorted({v: past.index(v) for v in past}.items(), key=lambda item: item[1])
            gone |= {v for v, first in firsts if v is not None and first > past.index(pinned)}
            if was_gone and email == ANA:
                gone.discard(pinned)
        past.append(pinned)
    return past[-1], gone


steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["push", "release", "retrain", "revert", "rollback", "squash", "merge", "remove"]
        ),
        st.sampled_from([ANA, ANA, BOT]),
        st.integers(0, 4),
    ),
    max_size=14,
)


class Branch:
    """Plays steps on a list of values: what each kind of commit leaves on the first parents."""

    def __init__(self) -> None:
        self.values: list[tuple[str | None, str]] = []
        self.fresh = iter("bcdefghijklmnopqrstuvwxyz" * 4)

    @property
    def now(self) -> str | None:
        return self.values[-1][0] if self.values else None

    def changes(self) -> list[tuple[str | None, str | None]]:
        """Return each change as (from, to)."""
        pinned = [None, *(v for v, _ in self.values)]
        return [(a, b) for a, b in pairwise(pinned) if a != b]

    def play(self, step: str, number: int) -> str | None:
        """Return the value that a step leaves."""
        seen = [v for v, _ in self.values if v is not None]
        if step in ("release", "retrain"):
            return next(self.fresh)
        if step == "revert" and self.changes():  # also the revert of a revert
            return self.changes()[-1][0]
        if step == "rollback" and seen:
            return seen[-1 - number % len(seen)]
        if step in ("squash", "merge") and seen:  # a branch of several values leaves its last one
            return [next(self.fresh), seen[number % len(seen)], self.now][number % 3]
        return None if step == "remove" else self.now


@given(steps)
@settings(max_examples=400, deadline=None)
def test_any_life_agrees_with_the_rule_read_aloud(life):
    branch = Branch()
    for step, email, number in life:
        branch.values.append((branch.play(step, number), email))
        found = standing([value(i, v, e) for i, (v, e) in enumerate(branch.values)])
        live, gone = reference(branch.values)
        assert (found.live and letter(found.live.bundle)) == live
        assert set(rolled_back(found)) == gone
        if earlier := found.earlier():
            after = standing(
                [value(i, v, e) for i, (v, e) in enumerate(branch.values)]
                + [value(99, letter(earlier.after))]
            )
            assert found.live is None or found.live.bundle in after.rolled_back


@given(steps)
@settings(max_examples=200, deadline=None)
def test_what_the_person_left_behind_is_never_offered_again(life):
    branch = Branch()
    for step, email, number in life:
        branch.values.append((branch.play(step, number), email))
    found = standing([value(i, v, e) for i, (v, e) in enumerate(branch.values)])
    earlier = found.earlier()
    assert earlier is None or earlier.after not in found.rolled_back
    if found.moves and found.moves[-1].how in ("release", "lift"):
        assert found.live.bundle not in found.rolled_back


class Git:
    """Plays the same steps as real commits."""

    PATH = "projects/charge/release.yaml"

    def __init__(self, repository) -> None:
        self.repository = repository
        repository.commit("Begin")

    def put(self, pinned: str | None) -> None:
        if pinned is None:
            (self.repository.root / self.PATH).unlink(missing_ok=True)
        else:
            self.repository.write(self.PATH, Pin(name(pinned)).to_bytes())

    def play(self, step: str, pinned: str | None, now: str | None, email: str) -> None:
        git = self.repository.git
        who = {"GIT_AUTHOR_EMAIL": email, "GIT_COMMITTER_EMAIL": email}
        if step == "revert" and pinned != now:
            last = git("log", "--first-parent", "-1", "--format=%H %P", "--", self.PATH).split()
            mainline = ["--mainline", "1"] if len(last) > 2 else []
            git("revert", "--no-edit", *mainline, last[0], **who)
        elif step in ("squash", "merge"):
            git("switch", "--quiet", "--create", "side")
            for content in ("z", "y", pinned):  # what a branch tried before never ran
                self.put(content)
                self.repository.commit("Try", **who)
            git("switch", "--quiet", "main")
            git("merge", "--quiet", *(["--squash"] if step == "squash" else ["--no-ff"]), "side")
            self.repository.commit("Take the branch", **who) if step == "squash" else git(
                *("commit", "--amend", "--quiet", "--no-edit", "--reset-author"), **who
            )
            git("branch", "--quiet", "-D", "side")
        else:
            self.put(pinned)
            self.repository.commit(f"{step} B; rolled back: nothing", **who)


@given(st.data())
@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_real_commits_agree_with_the_rule_read_aloud(tmp_path_factory, new_repository, data):
    repository = new_repository(tmp_path_factory.mktemp("life") / "repository")
    git, branch = Git(repository), Branch()
    for step, email, number in data.draw(steps.filter(lambda life: 4 <= len(life) <= 9)):
        now, pinned = branch.now, branch.play(step, number)
        git.play(step, pinned, now, email)
        branch.values.append((pinned, email))
    found = standing(GitHistory(repository.root).values("charge"))
    live, gone = reference(branch.values)
    assert (found.live and letter(found.live.bundle)) == live
    assert set(rolled_back(found)) == gone
