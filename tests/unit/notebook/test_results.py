import pytest

from maru.errors import ModelError


@pytest.fixture(scope="module")
def evaluation(p):
    return p.evaluate(months=2)


@pytest.fixture(scope="module")
def trained(p):
    return p.train("2025-06-01")


def test_an_evaluation_shows_sentences_and_the_leaderboard(evaluation):
    for shown in (repr(evaluation), evaluation._repr_html_()):
        assert "typical_amount: mean absolute error" in shown
        assert "last_14_days" in shown
        assert "mape" in shown
    assert evaluation._repr_html_().startswith("<p><b>shop evaluated at 2 origins")


def test_the_leaderboard_is_the_mean_of_its_months(evaluation):
    row = ("amount", "typical_amount")
    months = evaluation.by_month.sort_index().loc[row, "mae"]
    assert len(months) == 2
    assert evaluation.leaderboard.loc[row, "mae"] == pytest.approx(months.mean())


def test_importance_is_a_share_highest_first(evaluation, trained):
    for found in (evaluation.importance, trained.importance):
        assert found.sum() == pytest.approx(1.0)
        assert found.is_monotonic_decreasing


def test_a_trained_model_shows_what_it_reads(trained):
    for shown in (repr(trained), trained._repr_html_()):
        assert "shop trained as of 2025-06-01" in shown
        assert f"from {len(trained.columns)} columns" in shown


def test_a_trained_model_answers_rows_in_their_order(p, trained):
    rows = p.features("2025-06-01", trained.columns).iloc[::-1]
    found = trained.predict(rows)
    assert found.index.equals(rows.index)
    assert found.columns.to_list() == ["purchase_probability", "typical_amount", "expected_amount"]
    assert found["purchase_probability"].between(0, 1).all()


def test_a_missing_column_is_named(p, trained):
    with pytest.raises(
        ModelError, match=r"these rows lack .* such as purchase_.*columns=model.columns"
    ):
        trained.predict(p.features("2025-06-01", "toy_*"))
