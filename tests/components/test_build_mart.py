"""build_mart hands over where the mart is; the rows stay in the workspace."""

import json

import polars as pl

from maru.mart.state import MartState


def test_it_hands_over_digests_and_a_folder(left):
    mart = left("build_mart").document("mart")
    assert (mart["rows"], mart["columns"]) == (236, 42)
    assert all(len(mart[name]) == 64 for name in ("snapshot", "digest", "content"))
    assert mart["build_seconds"] >= 0
    assert mart["peak_memory_mib"] > 50


def test_the_folder_holds_table_dictionary_profile_and_state(left):
    step = left("build_mart")
    folder = step.home / step.document("mart")["folder"]
    table = pl.read_parquet(folder / "mart.parquet")
    dictionary = json.loads((folder / "columns.json").read_text())["columns"]
    assert table.columns == ["customer", *(column["name"] for column in dictionary)]
    lineage = next(column for column in dictionary if column["name"] == "purchase_sum_42d")
    assert lineage["act_type"] == "purchase"
    assert len(lineage["rule_digest"]) == 64
    profile = pl.read_parquet(folder / "profile.parquet")
    assert profile["column"].to_list() == table.columns
    state = MartState.from_json((folder / "state.json").read_text())
    assert state.as_of.isoformat() == "2025-09-14"


def test_kfp_shows_rows_and_columns(left):
    shown = left("build_mart").metadata("mart")
    assert (shown["rows"], shown["columns"]) == (236.0, 42.0)
