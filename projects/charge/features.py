"""The features of charge: what a household bought, when, and in which parts of the shop."""

from maru.mart import (
    ActType,
    Blocks,
    Breakdown,
    Distinct,
    ItemGroups,
    Mart,
    Pair,
    Ratio,
    Rfm,
    Segments,
    Weekdays,
)

PAID = "sales_value > 0"

PURCHASE = ActType("purchase", "lines", PAID, "sales_value", "a product paid for: one line")
ACT_TYPES = (
    PURCHASE,
    ActType("trip", "lines", PAID, "sales_value", "a basket", per="basket_id"),
    ActType(
        "big_trip", "lines", PAID, "sales_value", "50 USD and more", per="basket_id", at_least=50
    ),
    ActType("small_trip", "lines", PAID, "sales_value", "below 15 USD", per="basket_id", below=15),
    ActType("capped", "lines", PAID, "sales_value", "a day counts up to 100 USD", day_cap=100),
    ActType("private", "lines", f"{PAID} AND brand = 'Private'", "sales_value", "the shop's brand"),
    ActType("discount", "lines", "retail_disc > 0", "retail_disc", "USD off by the loyalty card"),
    ActType("coupon", "lines", "coupon_disc > 0", "coupon_disc", "USD off by a maker's coupon"),
    ActType("match", "lines", "coupon_match_disc > 0", "coupon_match_disc", "the shop's match"),
    ActType("campaign", "campaigns_received", description="a campaign received", until="end_date"),
    ActType("redemption", "redemptions", description="a campaign's coupon redeemed"),
)
LONG = (30, 90, 180, 365)

MART = Mart(
    entity="household_id",
    act_types=ACT_TYPES,
    windows=(7, 14, 21, 30, 45, 60, 90, 120, 180, 365),
    aggregates=(
        *("sum", "count", "mean", "max", "max_day", "distinct_days", "trend"),
        *("sum_per_30d", "count_per_30d", "days_per_30d"),
    ),
    lagged=("purchase", "trip", "big_trip", "private", "discount"),
    half_lives=(7, 14, 30, 45, 60, 90, 120, 180),
    rfm=Rfm("trip"),
    blocks=(
        Blocks("week", length=7, within_days=84, act_types=("purchase", "trip")),
        Blocks("month", length=30, within_days=180, act_types=("purchase", "trip")),
        Blocks("rolling", length=30, step=5, within_days=120, act_types=("purchase", "trip")),
    ),
    weekdays=Weekdays(("purchase", "trip")),
    breakdowns=(
        Breakdown(
            *("department", "purchase", "department"),
            top=20,
            windows=(7, 14, *LONG),
            aggregates=("sum", "count", "distinct_days", "max", "share", "days_since"),
            other=True,
        ),
        Breakdown(
            *("category", "purchase", "product_category"),
            top=100,
            windows=LONG,
            aggregates=("sum", "count", "days_since"),
        ),
        Breakdown(
            *("brand", "purchase", "brand"),
            windows=(7, 14, *LONG),
            aggregates=("sum", "count", "mean", "share", "trend"),
        ),
        Breakdown(
            *("maker", "purchase", "manufacturer_id"),
            top=40,
            windows=LONG,
            aggregates=("sum", "count", "days_since"),
        ),
    ),
    distincts=(
        Distinct("store", "purchase", "store_id"),
        Distinct("product", "purchase", "product_id"),
        Distinct("category", "purchase", "product_category"),
    ),
    item_groups=ItemGroups("purchase", "product_id", top=100, groups=10),
    pairs=(Pair("redeemed", "campaign", "redemption", match_on=("campaign_id",)),),
    ratios=(
        Ratio("purchase_30_to_90", "purchase_sum_per_30d_30d", "purchase_sum_per_30d_90d", add=20),
        Ratio(
            "purchase_60_to_180", "purchase_sum_per_30d_60d", "purchase_sum_per_30d_180d", add=20
        ),
    ),
    segments=Segments(
        (
            "purchase_sum_30d",
            "purchase_sum_90d",
            "trip_count_30d",
            "trip_count_90d",
            "trip_mean_90d",
        )
    ),
)
