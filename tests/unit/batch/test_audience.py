"""Audiences: rank, opt-out, control, expiry."""

import csv
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.batch.audience import Wish, choose, export, is_control
from maru.batch.day_folder import MANIFEST, DayFolder, manifest_bytes
from maru.errors import DataError, ReleaseError, RunError
from maru.release.digests import hash_file
from maru.workspace import Workspace

DAY = date(2018, 1, 1)
BUNDLE = "sha256:" + "a" * 64
SCORES = pl.DataFrame(
    {
        "entity": ["a", "b", "c", "d", "e"],
        "amount": [5.0, 9.0, 9.0, 1.0, 7.0],
        "is_payer": [True, True, False, False, True],
    }
)


def chosen(wish: Wish, opt_out=(), head="amount"):
    return choose(SCORES, project="charge", as_of=DAY, head=head, wish=wish, opt_out=opt_out)


def test_the_highest_scores_by_rank_and_equal_ones_by_name():
    frame, counts = chosen(Wish(top=3))
    assert frame["entity"].to_list() == ["b", "c", "e"]
    assert frame["rank"].to_list() == [1, 2, 3]
    assert counts == {"scored": 5, "opted_out": 0, "eligible": 5, "audience": 3, "control": 0}


def test_who_opted_out_is_counted_and_takes_nobodys_place():
    frame, counts = chosen(Wish(top=3), opt_out=["b", "nobody"])
    assert frame["entity"].to_list() == ["c", "e", "a"]
    assert counts["opted_out"] == 1


def test_a_share_is_of_those_who_may_be_written_to():
    assert chosen(Wish(share=0.5), opt_out=["b"])[1]["audience"] == 2
    assert chosen(Wish(share=1.0))[1]["audience"] == 5


def test_more_than_there_are_is_all():
    assert chosen(Wish(top=99))[1]["audience"] == 5


def test_an_entity_with_several_rows_counts_once_by_its_highest():
    twice = pl.concat([SCORES, SCORES.with_columns(pl.col("amount") / 2)])
    frame, counts = choose(
        twice, project="charge", as_of=DAY, head="amount", wish=Wish(top=9), opt_out=()
    )
    assert counts["scored"] == 5
    assert frame["score"].to_list() == [9.0, 9.0, 7.0, 5.0, 1.0]


@given(st.text(), st.floats(0, 1))
def test_who_is_control_does_not_change_and_grows_with_the_share(entity, share):
    drawn = is_control(entity, "charge", DAY, share)
    assert drawn == is_control(entity, "charge", DAY, share)
    assert not drawn or is_control(entity, "charge", DAY, 1.0)
    assert not is_control(entity, "charge", DAY, 0.0)


def test_about_the_share_is_control_and_another_day_draws_anew():
    entities = [f"c{number}" for number in range(4000)]
    today = [is_control(entity, "charge", DAY, 0.1) for entity in entities]
    other = [is_control(entity, "charge", date(2018, 1, 2), 0.1) for entity in entities]
    assert 340 < sum(today) < 460
    both = sum(one and two for one, two in zip(today, other, strict=True))
    assert both < 80


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({}, "--top N or --share S"),
        ({"top": 1, "share": 0.5}, "--top N or --share S"),
        ({"top": 0}, "--top must be 1 or more, got 0"),
        ({"share": 1.5}, "--share must be above 0 and at most 1, got 1.5"),
        ({"top": 1, "hold_out": 1.0}, "--hold-out must be 0 or more and below 1, got 1.0"),
        ({"top": 1, "expires_days": 0}, "--expires-days must be 1 or more, got 0"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(wish, said):
    with pytest.raises(RunError, match=said):
        Wish(**wish)


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path)
    day = DayFolder(workspace.scores("charge", DAY))
    with day.alone(), day.publishing(BUNDLE, replace=False) as staged:
        SCORES.write_parquet(staged / "part-00000.parquet")
        files = {"part-00000.parquet": {"sha256": hash_file(staged / "part-00000.parquet")[0]}}
        manifest = {"bundle": BUNDLE, "files": files, "outputs": ["amount", "is_payer"]}
        (staged / MANIFEST).write_bytes(manifest_bytes(manifest))
    return workspace


def test_the_file_keeps_the_contract(workspace):
    done = export(
        workspace, "charge", as_of=DAY, wish=Wish(top=2, hold_out=0.999999), opt_out=["b"]
    )
    with (done.folder / "audience.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "entity": "c",
        "score": "9.0",
        "rank": "1",
        "release": BUNDLE,
        "as_of": "2018-01-01",
        "expires": "2018-01-08",
        "control": "true",
    }
    assert done.manifest["sha256"] == hash_file(done.folder / "audience.csv")[0]
    assert done.manifest["opted_out"] == 1


def test_the_same_wish_is_exported_once(workspace):
    first = export(workspace, "charge", as_of=DAY, wish=Wish(top=2))
    again = export(workspace, "charge", as_of=DAY, wish=Wish(top=2))
    other = export(workspace, "charge", as_of=DAY, wish=Wish(top=2), opt_out=["b"])
    assert (first.before, again.before, other.before) == (False, True, False)
    assert first.folder == again.folder != other.folder


def test_an_audience_that_was_changed_is_refused(workspace):
    done = export(workspace, "charge", as_of=DAY, wish=Wish(top=2))
    (done.folder / "audience.csv").write_text("entity\n")
    with pytest.raises(ReleaseError, match=r"audience\.csv differs from its sha256"):
        export(workspace, "charge", as_of=DAY, wish=Wish(top=2))


def test_a_day_without_scores_names_the_command(workspace):
    with pytest.raises(RunError, match="Run maru score charge --as-of 2018-02-01 first"):
        export(workspace, "charge", as_of=date(2018, 2, 1), wish=Wish(top=2))


def test_scores_that_were_changed_are_refused(workspace):
    (workspace.scores("charge", DAY) / "part-00000.parquet").write_bytes(b"other")
    with pytest.raises(ReleaseError, match="differs from its sha256"):
        export(workspace, "charge", as_of=DAY, wish=Wish(top=2))


def test_an_output_that_the_scores_lack_is_said_so(workspace):
    with pytest.raises(DataError, match="the scores have no profit; they have amount, is_payer"):
        export(workspace, "charge", as_of=DAY, wish=Wish(top=2, head="profit"))
