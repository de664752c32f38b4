"""back_test hands over predictions and leaderboard, and shows the metrics in KFP."""

import polars as pl


def test_it_hands_over_predictions_of_every_origin(left):
    step = left("back_test")
    replayed = step.document("predictions")
    predictions = pl.read_parquet(step.home / replayed["folder"] / "predictions.parquet")
    assert replayed["origins"] == ["2025-07-01", "2025-08-01", "2025-09-01"]
    assert predictions.height == replayed["rows"]
    heads = {"purchase_probability", "typical_amount", "expected_amount"}
    assert heads <= set(predictions.columns)
    assert {"amount:zero", "amount:mean", "amount:last_14_days"} <= set(predictions.columns)


def test_kfp_shows_the_means_of_the_board(left):
    step = left("back_test")
    folder = step.home / step.document("predictions")["folder"]
    board = pl.read_parquet(folder / "board.parquet")
    mean = board.filter(pl.col("origin").is_null() & (pl.col("row") == "typical_amount"))
    shown = step.metadata("metrics")
    assert shown["amount.typical_amount.mae"] == mean["mae"][0]
    assert "amount.zero.mae" in shown


def test_each_origin_is_kept_for_a_run_that_goes_on(left):
    step = left("back_test")
    place = (step.home / step.document("predictions")["folder"]).parent
    kept = sorted(file.stem for file in place.glob("origins/declared-from-2025-07-01/*.parquet"))
    assert kept == step.document("predictions")["origins"]
