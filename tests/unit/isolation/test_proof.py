"""What a proof's verdict is, and what the command makes of it."""

import httpx
import pytest
from isolation.cli import complaints
from isolation.proof import BROKEN, HELD, LOST, NOT_RUN, Broken, NotRun, Proof


def judged(look):
    return Proof("a promise", look).judge(None)


def raising(error):
    def look(scene):
        raise error

    return judged(look)


def test_what_it_returns_is_what_held():
    verdict = judged(lambda scene: "closed")
    assert (verdict.result, verdict.seen) == (HELD, "closed")


def test_what_was_reached_breaks_it():
    verdict = raising(Broken("wide open"))
    assert (verdict.result, verdict.seen) == (BROKEN, "wide open")


def test_it_says_what_it_lacks():
    verdict = raising(NotRun("no such thing here"))
    assert (verdict.result, verdict.seen) == (NOT_RUN, "no such thing here")


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        AssertionError("503"),
        ValueError("no number"),
        IndexError("no output"),
        RuntimeError("kubectl get pods: refused"),
        ConnectionResetError(),
    ],
)
def test_a_missing_answer_neither_holds_nor_breaks_it(error):
    verdict = raising(error)
    assert verdict.result == LOST
    assert repr(error) in verdict.seen


@pytest.mark.parametrize(
    ("verdicts", "code", "said"),
    [
        ([judged(lambda scene: "closed"), raising(NotRun("no GPU"))], 0, ""),
        ([raising(Broken("open"))], 1, "isolation is broken: a promise\n"),
        ([raising(ValueError())], 1, "not proven, for an answer is missing: a promise\n"),
    ],
)
def test_the_command_fails_by_what_is_broken_and_by_what_was_lost(verdicts, code, said, capsys):
    assert complaints(verdicts) == code
    assert capsys.readouterr().err == said
