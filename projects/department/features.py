"""The features of department: what a household bought, overall and in each department."""

from maru.mart import ActType, Blocks, Breakdown, Mart, Rfm, Weekdays

PURCHASE = ActType("purchase", "lines", "sales_value > 0", "sales_value", "a product paid for")

# A department's name in the shop -> in the names of columns and answers.
DEPARTMENTS = {
    "GROCERY": "grocery",
    "DRUG GM": "drug_gm",
    "PRODUCE": "produce",
    "MEAT": "meat",
    "MEAT-PCKGD": "meat_pckgd",
    "DELI": "deli",
    "PASTRY": "pastry",
    "FUEL": "fuel",
}

MART = Mart(
    entity="household_id",
    act_types=(
        PURCHASE,
        ActType("trip", "lines", "sales_value > 0", "sales_value", "a basket", per="basket_id"),
    ),
    windows=(7, 14, 30, 60, 90, 180),
    aggregates=("sum", "count", "mean", "distinct_days", "trend"),
    days=0,
    half_lives=(14, 30, 60),
    rfm=Rfm("trip"),
    blocks=(Blocks("weeks", 7, 84, act_types=("trip",)),),
    weekdays=Weekdays(("trip",)),
    breakdowns=(
        Breakdown(
            "department",
            "purchase",
            "department",
            values=tuple(DEPARTMENTS),
            windows=(14, 30, 60, 90, 180),
            aggregates=("sum", "count", "distinct_days", "share", "days_since"),
            half_lives=(30, 60),
        ),
    ),
)
