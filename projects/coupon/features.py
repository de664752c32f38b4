"""The features of coupon: how a household uses coupons, and what a campaign offers it."""

import datetime as dt

import polars as pl

from maru.mart import ActType, Mart, Pair, Ratio
from maru.tables.snapshot import Snapshot

PURCHASE = ActType("purchase", "lines", "sales_value > 0", "sales_value", "a product paid for")
RECEIVED = ActType("received", "received", description="a campaign sent to the household")
REDEMPTION = ActType("redemption", "redemptions", description="a campaign's coupon redeemed")

MART = Mart(
    entity="household_id",
    act_types=(
        PURCHASE,
        ActType("trip", "lines", "sales_value > 0", None, "a basket", per="basket_id"),
        ActType("discounted", "lines", "retail_disc > 0", "sales_value", "at the card's price"),
        ActType("coupon", "lines", "coupon_disc > 0", "coupon_disc", "with a maker's coupon"),
        ActType("coupon_trip", "lines", "coupon_disc > 0", None, "with one", per="basket_id"),
        ActType("match", "lines", "coupon_match_disc > 0", "coupon_match_disc", "doubled"),
        RECEIVED,
        REDEMPTION,
    ),
    windows=(30, 90, 180, 365),
    aggregates=("sum", "count", "distinct_days", "trend"),
    days=0,
    weeks=0,
    months=6,
    half_lives=(),
    pairs=(Pair("redeemed", "received", "redemption", match_on=("campaign_id",)),),
    ratios=(Ratio("coupon_trip_share_180d", "coupon_trip_count_180d", "trip_count_180d"),),
)

OFFERED = (
    "offer_is_type_a",
    "offer_sum_90d",
    "offer_trips_90d",
    "offer_share_90d",
    "offer_type_sum_90d",
    "offer_type_coupons_90d",
    "offer_type_coupons_180d",
)


def offered(snapshot: Snapshot, units: pl.DataFrame) -> pl.DataFrame:
    """Add what each household bought before of what its campaign offers.

    Of the products with a coupon: USD and baskets in 90 days, and their share in all the household
    bought. Of products of the same types: USD in 90 days, and lines bought with a coupon in 90 and
    180 days. 0 where nothing was bought; the share is null where nothing at all was.
    """
    as_of = units["as_of"][0]
    offers = snapshot.table("offers").filter(pl.col("campaign_id").is_in(_campaigns(units)))
    types = offers.select("campaign_id", "product_type").drop_nulls().unique()
    lines = snapshot.table("lines").filter(pl.col("day") >= as_of - dt.timedelta(days=180))
    recent = pl.col("day") >= as_of - dt.timedelta(days=90)
    paid = pl.col("sales_value").filter(recent).sum() / 100.0
    coupons = pl.col("coupon_disc") > 0
    keys = ("household_id", "campaign_id")
    of_products = lines.join(offers, on="product_id").group_by(keys)
    of_types = lines.join(types, on="product_type").group_by(keys)
    return (
        units.join(snapshot.table("campaigns").select("campaign_id", "type"), on="campaign_id")
        .join(lines.group_by("household_id").agg(all_sum_90d=paid), on="household_id", how="left")
        .join(
            of_products.agg(
                offer_sum_90d=paid, offer_trips_90d=pl.col("basket_id").filter(recent).n_unique()
            ),
            on=keys,
            how="left",
        )
        .join(
            of_types.agg(
                offer_type_sum_90d=paid,
                offer_type_coupons_90d=(coupons & recent).sum(),
                offer_type_coupons_180d=coupons.sum(),
            ),
            on=keys,
            how="left",
        )
        .with_columns(pl.col(OFFERED[1:3] + OFFERED[4:]).cast(pl.Float64).fill_null(0.0))
        .with_columns(
            offer_is_type_a=(pl.col("type") == "Type A").cast(pl.Float64),
            offer_share_90d=pl.when(pl.col("all_sum_90d") > 0).then(
                pl.col("offer_sum_90d") / pl.col("all_sum_90d")
            ),
        )
        .select(*units.columns, *OFFERED)
    )


def _campaigns(units: pl.DataFrame) -> list[int]:
    return units["campaign_id"].unique().to_list()
