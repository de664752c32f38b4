"""How many days of each window lie in the history."""

import pytest

from maru.mart import ActType


def test_each_table_has_its_own_history(sale, mail, shop, bare, build):
    snapshot = shop([sale("a", "01-11")], mails=[mail("a", "01-01", 1, "02-01")])
    mart = bare(act_types=(ActType("sale", "sales"), ActType("mail", "mails")), windows=(7, 30))
    built = build(mart, snapshot, "01-21")
    columns = [name for name in built.columns if name.startswith("observed")]
    assert dict(zip(columns, built.select(columns).row(0), strict=True)) == {
        "observed_days_7d": 7,
        "observed_days_30d": 10,
        "observed_days_mails_7d": 7,
        "observed_days_mails_30d": 20,
    }


@pytest.mark.parametrize(
    ("as_of", "days"), [("01-12", 1), ("02-09", 29), ("02-10", 30), ("03-01", 30)]
)
def test_the_history_grows_to_the_window(sale, shop, bare, build, as_of, days):
    built = build(bare(windows=(30,)), shop([sale("a", "01-11")]), as_of)
    assert built["observed_days_30d"].to_list() == [days]
