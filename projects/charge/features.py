"""The features of charge: what a household bought, when, and in which parts of the shop."""

from maru.mart import ActType, Mart

PURCHASE = ActType(
    "purchase", "lines", "sales_value > 0", "sales_value", "a product paid for, a line"
)
TRIP = ActType(
    "trip", "lines", "sales_value > 0", "sales_value", "a basket paid for", per="basket_id"
)

MART = Mart(entity="household_id", act_types=(PURCHASE, TRIP))
