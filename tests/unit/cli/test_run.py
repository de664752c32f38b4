"""maru run, score, export, reproduce and backtest as a person or a script meets them."""

import json
import os

import pytest
from small_project import AS_OF

from maru.cli.main import main
from maru.release.pin import Pin
from maru.workspace import Workspace


@pytest.fixture
def maru(capsys):
    """Return the function that runs the program: exit code, what it printed, progress."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def inside(finished_shop, monkeypatch):
    """Return the finished project, with its root as the working directory."""
    shop, finished = finished_shop
    monkeypatch.chdir(shop.root)
    return shop, finished


def test_a_run_ends_with_verdict_page_and_next_command(shop, maru, monkeypatch):
    monkeypatch.chdir(shop.root)
    code, out, progress = maru("run", "shop", "--in-process")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("shop as of 2025-09-28, run 20250928-")
    assert "gate: passed" in lines
    assert lines[-2].startswith("report: .maru/runs/shop/")
    assert os.path.exists(lines[-2].removeprefix("report: "))  # noqa: PTH110
    assert lines[-1] == "next: maru release shop"
    assert progress.startswith("reading the tables\nrun 20250928-")
    assert "docs/evaluations.md has a new row: commit it with your work" in lines


def test_a_refused_candidate_exits_with_1_and_says_why_and_what_to_do(shop, maru, monkeypatch):
    monkeypatch.chdir(shop.root)
    shop.edit("pipeline.py", '"l1", params=TREES, rounds=25', '"l1", params=TREES, rounds=1')
    shop.commit("Fewer rounds")
    code, out, _ = maru("run", "shop", "--in-process")
    assert code == 1
    assert "gate: refused" in out
    assert "  typical_amount: mae is" in out
    assert "next: change projects/shop and run maru run shop again" in out


def test_a_run_of_uncommitted_code_names_the_commit_that_a_release_needs(shop, maru, monkeypatch):
    monkeypatch.chdir(shop.root)
    shop.edit("thresholds.py", "0.9", "0.8")
    _, out, _ = maru("run", "shop", "--in-process", "--json")
    assert json.loads(out)["next"].startswith("git commit projects/shop, then maru run shop")


def test_json_is_all_that_is_printed(shop, maru, monkeypatch):
    monkeypatch.chdir(shop.root)
    code, out, _ = maru("run", "shop", "--in-process", "--json")
    answer = json.loads(out)
    assert (code, answer["passed"], answer["as_of"]) == (0, True, "2025-09-28")
    assert answer["bundle"] == Workspace(shop.root).candidate("shop").bundle
    assert answer["metrics"]["amount.typical_amount.mae"] > 0


def test_mistakes_are_one_sentence_and_exit_1(inside, maru):
    code, _, error = maru("run", "shopp")
    assert (code, error.splitlines()[-1].startswith("maru: there is no project `shopp`")) == (
        1,
        True,
    )
    code, _, error = maru("run", "shop", "--as-of", "2030-01-01", "--in-process")
    assert code == 1
    assert "there is no data for features as of 2030-01-01" in error
    code, _, error = maru("backtest", "shop", "--origins", "0")
    assert (code, error) == (1, "maru: --origins must be 1 or more, got 0.\n")
    code, _, error = maru("export", "shop", "--as-of", "2025-01-01", "--top", "5")
    assert (code, "has no scores as of 2025-01-01" in error) == (1, True)
    code, _, error = maru("export", "shop", "--as-of", "2025-01-01", "--top", "5", "--opt-out", "x")
    assert (code, error) == (1, "maru: --opt-out: there is no file x.\n")
    code, _, error = maru("score", "shop", "--as-of", "2025-09-28")
    assert (code, "has nothing live to score with" in error) == (1, True)


def test_a_wrong_day_is_wrong_usage(inside, maru):
    code, _, error = maru("run", "shop", "--as-of", "yesterday")
    assert code == 2
    assert "invalid" in error


def test_scoring_and_exporting_say_counts_files_and_the_next_step(inside, maru):
    shop, _ = inside
    bundle = Workspace(shop.root).candidate("shop").bundle
    day = AS_OF.isoformat()
    code, out, _ = maru("score", "shop", "--as-of", day, "--bundle", bundle)
    assert code == 0
    assert "236 rows in, 236 scored, 0 failed" in out
    assert out.splitlines()[-1] == f"next: maru export shop --as-of {day} --top 500"
    (shop.root / "left.txt").write_text("c0001\nc0002\n\n")
    words = ("export", "shop", "--as-of", day, "--top", "10", "--opt-out", "left.txt", "--json")
    code, out, _ = maru(*words)
    answer = json.loads(out)
    (shop.root / "left.txt").unlink()
    assert (answer["audience"], answer["opted_out"]) == (10, 2)
    assert os.path.exists(answer["file"])  # noqa: PTH110
    assert answer["release"] == bundle


def test_the_live_release_scores_without_being_named(shop, maru, monkeypatch):
    monkeypatch.chdir(shop.root)
    maru("run", "shop", "--in-process")
    bundle = Workspace(shop.root).candidate("shop").bundle
    (shop.folder / "release.yaml").write_bytes(Pin(bundle).to_bytes())
    shop.commit("Release")
    code, out, _ = maru("score", "shop", "--json")
    assert (code, json.loads(out)["bundle"]) == (0, bundle)


def test_an_identical_run_is_said_so(inside, maru):
    _, finished = inside
    code, out, _ = maru("reproduce", finished.run.id)
    assert code == 0
    assert out.startswith("identical: mart, model and ")


def test_a_back_test_prints_a_board_for_each_target(inside, maru):
    code, out, progress = maru("backtest", "shop")
    assert code == 0
    assert "last_14_days     naive" in out
    assert "recency               naive" in out
    assert "[3/3] declared: origin 2025-09-01" in progress
    assert out.splitlines()[-1].startswith("report: .maru/backtests/shop/")
