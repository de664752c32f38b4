import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from maru.errors import ProjectError
from maru.new_project.guesses import SourceColumn, guess

DAYS = [dt.datetime(2026, 1, 1, 12), dt.datetime(2026, 3, 2, 9), dt.datetime(2026, 6, 30, 23)]
ORDERS = {
    "order_id": [1, 2, 3],
    "customer_id": ["a", "b", "a"],
    "ordered_at": DAYS,
    "shipped_on": [day.date() for day in DAYS],
    "sku_code": [4.0, 5.0, 6.0],
    "paid_total": [10.0, 20.0, None],
    "is_gift": [True, False, True],
    "tags": [["x"], [], []],
}


@pytest.fixture
def write(tmp_path: Path):
    """Return the function that writes columns as a Parquet file."""

    def to_file(columns: dict, name: str = "orders.parquet") -> Path:
        path = tmp_path / name
        frame = pl.DataFrame(columns)
        frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
        return path

    return to_file


def test_roles_are_guessed_by_name_and_said(write):
    found = guess(write(ORDERS))
    assert (found.entity, found.time, found.amount) == ("customer_id", "ordered_at", "paid_total")
    assert (found.first_day, found.last_day) == (dt.date(2026, 1, 1), dt.date(2026, 6, 30))
    assert found.said == (
        "time: ordered_at (by its name; --time COLUMN says otherwise)",
        "entity: customer_id (by its name; --entity COLUMN says otherwise)",
        "amount: paid_total (by its name; --amount COLUMN says otherwise)",
    )


def test_columns_are_declared_with_types_that_read_them(write):
    assert guess(write(ORDERS)).columns == (
        SourceColumn("order_id", "order_id", "int", False),
        SourceColumn("customer_id", "customer_id", "string", False),
        SourceColumn("ordered_at", "ordered_at", "timestamp", False),
        SourceColumn("shipped_on", "shipped_on", "date", False),
        SourceColumn("sku_code", "sku_code", "float", False),
        SourceColumn("paid_total", "paid_total", "money", True),
        SourceColumn("is_gift", "is_gift", "bool", False),
    )


def test_what_the_caller_says_wins(write):
    found = guess(write(ORDERS), entity="order_id", time="shipped_on", amount="sku_code")
    assert (found.entity, found.time, found.amount) == ("order_id", "shipped_on", "sku_code")
    assert found.said[0] == "time: shipped_on (as you said)"


def test_the_only_column_of_a_type_needs_no_name(write):
    found = guess(write({"x": ["a", "b"], "y": DAYS[:2], "z": [1.5, 2.5]}))
    assert (found.entity, found.time, found.amount) == ("x", "y", "z")
    assert found.said[0] == "time: y (the only one of a fitting type)"


def test_csv_is_read_alike(write):
    columns = {name: values for name, values in ORDERS.items() if name != "tags"}
    found = guess(write(columns, "orders.csv"))
    assert (found.entity, found.time, found.amount) == ("customer_id", "ordered_at", "paid_total")


def test_the_usual_amount_is_the_median_entitys_by_month(write):
    days = [dt.date(2026, 1, 1), dt.date(2026, 3, 2)]  # 60 days: two months
    found = guess(write({"user": ["a", "b"], "day": days, "amount": [30.0, 50.0]}))
    assert found.typical_amount == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        (ORDERS, {"time": "ordred_at"}, "--time ordred_at: the file has no such column; did you "),
        (
            ORDERS,
            {"time": "customer_id"},
            "--time customer_id: a string can't be the time; these can: ordered_at, shipped_on",
        ),
        (
            ORDERS,
            {"amount": "is_gift"},
            "--amount is_gift: a bool can't be the amount; these can: order_id, sku_code, paid_tot",
        ),
        (
            {"x": [1, 2], "y": [1, 2], "z": DAYS[:2]},
            {},
            r"which column is the entity\? Say --entity COLUMN; of a fitting type: x, y",
        ),
        (
            {"customer": ["a"], "amount": [1.0]},
            {},
            r"which column is the time\? Say --time COLUMN; of a fitting type: none",
        ),
        (
            {"customer": ["a"], "at": pl.Series([None], dtype=pl.Date), "amount": [1.0]},
            {},
            "has no row with a at",
        ),
    ],
)
def test_what_cannot_be_guessed_is_asked_for(write, columns, options, said):
    with pytest.raises(ProjectError, match=said):
        guess(write(columns), **options)


def test_files_that_cannot_be_read_are_said(tmp_path: Path):
    with pytest.raises(ProjectError, match=r"--from must be a .parquet or .csv file, got"):
        guess(tmp_path / "orders.xlsx")
    with pytest.raises(ProjectError, match=r"orders.parquet cannot be read: .* Check the path"):
        guess(tmp_path / "orders.parquet")
    (tmp_path / "orders.parquet").write_text("no parquet")
    with pytest.raises(ProjectError, match=r"orders.parquet cannot be read: .* Check the path"):
        guess(tmp_path / "orders.parquet")


def test_names_that_a_rule_cannot_bear_are_changed_each_to_another(write):
    days = DAYS[:2]
    columns = {"Customer ID": [1, 2], "customer-id": [1, 2], "day": days, "2nd": ["x", "y"]}
    found = guess(write({**columns, "Sum (paid)": [1.0, 2.0], "§": ["x", "y"]}))
    assert [(column.source, column.name) for column in found.columns] == [
        ("Customer ID", "customer_id"),
        ("customer-id", "customer_id_2"),
        ("day", "on_day"),
        ("2nd", "n_2nd"),
        ("Sum (paid)", "sum_paid"),
        ("§", "column"),
    ]
    assert (found.entity, found.time, found.amount) == ("customer_id", "on_day", "sum_paid")
