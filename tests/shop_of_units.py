"""The small project made to answer for units: does who buys a toy buy again within two weeks?"""

HEADS = """\
        Target(
            "buys",
            OrderedPairLabel(Events("toy", "purchases", "shelf = 'toys'"), PURCHASE, 14),
            "event",
            (recency("purchase_days_since"), Mean()),
        ),
    ),
    heads=(Head("purchase_probability", "buys", (Member("binary", params=TREES, rounds=5),)),),
    training=TrainingOrigins(first=date(2025, 2, 15)),
    back_test=BackTestOrigins(count=3),
    minimum_positives=20,
"""
GATE = """\
        GateRule("typical_amount", "mae"),
        GateRule("expected_amount", "rmse"),
"""
SPENT = '''

def spent(snapshot, units):
    """Add the cents that a customer ever spent before."""
    lines = snapshot.table("purchases").group_by("customer").agg(spent_ever=pl.col("amount").sum())
    return units.join(lines, on="customer", how="left").with_columns(
        pl.col("spent_ever").fill_null(0).cast(pl.Float64)
    )


TASK = Task('''


def answer_for_units(shop, *, features_of_units=False):
    """Edit the project's pipeline; with a column of the units' own, if wanted."""
    text = (shop.folder / "pipeline.py").read_text()
    shop.edit(
        "pipeline.py", text[text.index('        Target("amount"') : text.index("    gate=(")], HEADS
    )
    shop.edit("pipeline.py", GATE, "")
    shop.edit("pipeline.py", "import AmountLabel, PurchaseLabel", "import Events, OrderedPairLabel")
    shop.edit("thresholds.py", "target_recall=0.9", "at=0.5")
    if features_of_units:
        dear = "Events('dear', 'purchases', 'amount > 20')"  # who spends much does it again
        shop.edit(
            "pipeline.py", 'PURCHASE, 14),\n            "event', f'{dear}, 14),\n            "event'
        )
        shop.edit("pipeline.py", "from kfp import dsl", "import polars as pl\nfrom kfp import dsl")
        shop.edit(
            "pipeline.py", "    TrainingOrigins,\n)", "    TrainingOrigins,\n    UnitFeatures,\n)"
        )
        shop.edit("pipeline.py", "\nTASK = Task(", SPENT)
        shop.edit(
            "pipeline.py",
            "    gate=(",
            '    unit_features=UnitFeatures(("spent_ever",), spent, own_rows=True),\n    gate=(',
        )
