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
    TopDays,
    Weekdays,
)

PAID = "sales_value > 0"
LONG = (30, 90, 180, 365)

PURCHASE = ActType("purchase", "lines", PAID, "sales_value", "a product paid for: one line")
ACT_TYPES = (
    PURCHASE,
    ActType("trip", "lines", PAID, "sales_value", "a basket", per="basket_id"),
    ActType("big_trip", "lines", PAID, "sales_value", "from 50 USD", per="basket_id", at_least=50),
    ActType("small_trip", "lines", PAID, "sales_value", "below 15 USD", per="basket_id", below=15),
    ActType("capped", "lines", PAID, "sales_value", "a day counts up to 100 USD", day_cap=100),
    ActType("kind", "lines", PAID, None, "a category of a day", per="product_category"),
    ActType("private", "lines", f"{PAID} AND brand = 'Private'", "sales_value", "the shop's brand"),
    ActType("discount", "lines", "retail_disc > 0", "retail_disc", "USD off by the loyalty card"),
    ActType("coupon", "lines", "coupon_disc > 0", "coupon_disc", "USD off by a maker's coupon"),
    ActType("match", "lines", "coupon_match_disc > 0", "coupon_match_disc", "the shop's match"),
    ActType("campaign", "campaigns_received", description="a campaign received", until="end_date"),
    ActType("redemption", "redemptions", description="a campaign's coupon redeemed"),
)
BREAKDOWNS = (
    Breakdown(
        *("department", "purchase", "department"),
        top=20,
        windows=(7, 14, *LONG),
        aggregates=("sum", "sum_per_30d", "count", "distinct_days", "share", "days_since"),
        half_lives=(60,),
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
)

# What a household usually spends in 30 days: a rate that forgets half in 30 days, plus 20 USD
# against small numbers. Amounts over it say how the household differs from itself; as features
# they predict better than the amounts (chosen on origins up to 1 June 2017).
USUAL = "purchase_sum_ewma_30d"
USUAL_AT_LEAST = 20 / 30

DEPARTMENTS = ("grocery", "drug_gm", "produce", "fuel", "meat", "meat_pckgd", "deli", "pastry")
AMOUNTS = (
    *(f"purchase_sum_per_30d_{days}d" for days in (7, 14, 21, 30, 45, 60, 90, 180)),
    *(f"purchase_sum_ewma_{days}d" for days in (7, 14, 45, 60, 90, 180)),
    *(f"purchase_sum_month_{n}" for n in range(1, 5)),
    *(f"purchase_sum_week_{n}" for n in range(1, 9)),
    *(f"purchase_months_{name}" for name in ("median", "min", "max", "std")),
    *(f"purchase_weeks_{name}" for name in ("median", "std", "max")),
    *(f"purchase_weeks_{name}" for name in ("trimmed_mean", "root_mean", "slope")),
    *(f"purchase_rolling_{name}" for name in ("median", "quarter", "three_quarters", "min", "max")),
    *(f"{act}_sum_per_30d_{days}d" for act in ("capped", "big_trip") for days in (30, 90)),
    *(f"{act}_sum_per_30d_{days}d" for act in ("discount", "coupon", "match") for days in (30, 90)),
    *(f"private_sum_per_30d_{days}d" for days in (30, 90)),
    *("purchase_max_day_30d", "purchase_max_day_90d", "trip_max_90d"),
    *(f"trip_mean_{days}d" for days in (30, 90, 180)),
    *(f"purchase_sum_but_top_{n}_90d" for n in (1, 3)),
    *(f"purchase_sum_top_{n}_90d" for n in (2, 4)),
    "purchase_weekday_expected",
    *(f"department_{name}_sum_per_30d_{days}d" for name in DEPARTMENTS for days in (30, 90)),
    *(f"department_{name}_sum_ewma_60d" for name in DEPARTMENTS),
)
TO_USUAL = tuple(
    Ratio(f"{name}_to_usual", name, USUAL, add_below=USUAL_AT_LEAST) for name in AMOUNTS
)
GROWTH = (
    Ratio("growth_30_to_90", "purchase_sum_per_30d_30d", "purchase_sum_per_30d_90d", add=20),
    Ratio("growth_60_to_180", "purchase_sum_per_30d_60d", "purchase_sum_per_30d_180d", add=20),
    Ratio("growth_ewma_14_to_60", "purchase_sum_ewma_14d", "purchase_sum_ewma_60d", add=20 / 30),
    Ratio("weekdays_to_rate", "purchase_weekday_expected", "purchase_sum_per_30d_120d", add=5),
)

# The columns that the recipe of the reference model reads (see docs/mart.md).
RECIPE = (
    *(ratio.name for ratio in (*TO_USUAL, *GROWTH)),
    *(USUAL, "purchase_sum_ewma_90d", "purchase_weeks_zero_share"),
    *(f"purchase_days_per_30d_{days}d" for days in (7, 14, 30, 60, 90, 180)),
    *(f"purchase_distinct_days_ewma_{days}d" for days in (14, 30, 60)),
    *(f"trip_count_per_30d_{days}d" for days in (30, 60, 90, 180)),
    *(f"small_trip_sum_per_30d_{days}d" for days in (30, 90)),
    *(f"{act}_count_per_30d_{days}d" for act in ("purchase", "kind") for days in (30, 90)),
    *("rfm_recency_days", "rfm_second_recency_days", "rfm_tenure_days", "rfm_active_days"),
    *("rfm_mean_gap_days", "rfm_longest_gap_days", "rfm_recency_to_pace", "rfm_recency_to_gap"),
    "purchase_weekday_weekend",
)

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
        Blocks(
            *("weeks", 7, 84),
            act_types=("purchase", "trip"),
            statistics=(
                *("median", "std", "max", "zero_share", "trimmed_mean", "root_mean", "slope"),
            ),
        ),
        Blocks("months", 30, 180, act_types=("purchase", "trip")),
        Blocks(
            *("rolling", 30, 120),
            step=5,
            act_types=("purchase", "trip"),
            statistics=("median", "quarter", "three_quarters", "min", "max"),
        ),
    ),
    weekdays=Weekdays(("purchase", "trip")),
    top_days=TopDays(("purchase",), windows=(30, 90, 180)),
    breakdowns=BREAKDOWNS,
    distincts=(
        Distinct("store", "purchase", "store_id"),
        Distinct("product", "purchase", "product_id"),
        Distinct("category", "purchase", "product_category"),
    ),
    item_groups=ItemGroups("purchase", "product_id", top=100, groups=10),
    pairs=(Pair("redeemed", "campaign", "redemption", match_on=("campaign_id",)),),
    ratios=(*TO_USUAL, *GROWTH),
    segments=Segments(
        (
            *("purchase_sum_30d", "purchase_sum_90d", "trip_count_30d", "trip_count_90d"),
            *("trip_mean_90d", USUAL),
        )
    ),
)
