"""Nothing that was not known at local midnight of the day changes a column, family by family.

Planted rows lie on the day itself, after it, or before it but known only on the day or later. They
are of entities that were seen and of new ones, of old values and of new ones, small and huge.
"""

from datetime import date, timedelta

import pytest
from every_family import MART

from maru.mart.builder import MartBuilder
from maru.mart.columns import FROM_COLUMNS, FROM_ROWS
from maru.mart.fitting import fit_mart

AS_OF = "03-01"
FAMILIES = [*FROM_ROWS, *FROM_COLUMNS]


@pytest.fixture(scope="module")
def past(sale, mail, answer):
    """What was known before the day; the first row of each table is its history's first day."""
    sales = [
        sale("a", "01-01", 3.0, item="milk"),
        sale("a", "02-26", 5.0, basket="x"),
        sale("a", "02-26", 1.0, basket="x", shelf="toys", item="ball"),
        sale("b", "02-20", 9.0, known="02-25"),  # late, and known in time
        sale("b", "02-28", 2.0, shelf=None, item="tea"),
        sale("c", "02-02", 8.0, weight=0.25, points=4),
        sale("d", "02-27", 7.0, item="milk"),
    ]
    mails = [mail("a", "01-05", 1, "03-05"), mail("b", "02-20", 2, "02-25")]
    mails += [mail("a", "02-20", 3, "03-05")]
    answers = [answer("a", "01-07", 1)]
    people = [{"customer": "a", "income": "low", "children": 1, "rent": 500.0}]
    return {"sales": sales, "mails": mails, "answers": answers, "people": people}


@pytest.fixture(scope="module")
def planted(sale, mail, answer):
    """What happened, or became known, on the day or later."""
    at_or_after = ["03-01", "03-02", "04-15"]
    late = [("02-27", "03-01"), ("02-01", "03-10"), ("2016-12-01", "03-01")]
    sales, mails, answers = [], [], []
    for who in ("a", "b", "stranger"):
        for on in at_or_after:
            sales.append(sale(who, on, 99.0, shelf="boats", item="boat", points=90, weight=7.0))
            mails.append(mail(who, on, 3, "12-31"))
            answers.append(answer(who, on, 3))
        for on, known in late:
            past_day = on if on.startswith("02") else date(2016, 12, 1)
            sales.append(sale(who, past_day, 77.0, known=known, item="milk", points=80))
            mails.append(mail(who, past_day, 8, "12-31", known=known))
            answers.append(answer(who, past_day, 3, known=known))
    return {"sales": sales, "mails": mails, "answers": answers}


def with_planted(shop, past, planted):
    return shop(
        past["sales"] + planted["sales"],
        mails=past["mails"] + planted["mails"],
        answers=past["answers"] + planted["answers"],
        people=past["people"],
    )


def without(shop, past):
    return shop(past["sales"], mails=past["mails"], answers=past["answers"], people=past["people"])


@pytest.fixture(scope="module")
def builders(shop, past, planted, day):
    clean, dirty = without(shop, past), with_planted(shop, past, planted)
    state = fit_mart(MART, clean, as_of=day(AS_OF))
    return MartBuilder(MART, clean, state), MartBuilder(MART, dirty, state)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_that_were_not_known_change_no_column_of(family, builders, day):
    clean, dirty = builders
    columns = [column.name for column in clean.dictionary if column.family == family]
    assert columns
    expected = clean.build(day(AS_OF), columns=columns)
    got = dirty.build(day(AS_OF), columns=columns)
    different = [name for name in columns if not got[name].equals(expected[name])]
    assert different == []
    assert got.equals(expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_rows_count_once_they_are_known_in(family, builders, day):
    # The other side of the proof: after the planted days at least one column differs.
    clean, dirty = builders
    columns = [column.name for column in clean.dictionary if column.family == family]
    later = day("05-01")
    expected = clean.build(later, columns=columns, entities=list("abcd"))
    got = dirty.build(later, columns=columns, entities=list("abcd"))
    assert not got.equals(expected)


def test_entities_of_later_rows_are_not_answered_for(builders, day):
    clean, dirty = builders
    assert dirty.entities(day(AS_OF)).equals(clean.entities(day(AS_OF)))
    assert "stranger" in dirty.entities(day("03-02")).to_list()


def test_an_entity_of_later_rows_is_like_nobody(builders, day):
    clean, dirty = builders
    asked = dirty.build(day(AS_OF), entities=["stranger"])
    assert asked.equals(clean.build(day(AS_OF), entities=["stranger"]))


def test_rows_that_were_not_known_change_nothing_of_the_state(shop, past, planted, day):
    clean, dirty = without(shop, past), with_planted(shop, past, planted)
    fitted = [fit_mart(MART, snapshot, as_of=day(AS_OF)) for snapshot in (clean, dirty)]
    assert fitted[0].to_json() == fitted[1].to_json()


def test_each_day_sees_what_that_day_saw(builders, shop, past, planted, day):
    # A build from everything equals a build from the snapshot as it was at that midnight.
    _, dirty = builders
    everything = with_planted(shop, past, planted)
    for ago in range(0, 60, 7):
        as_of = day("03-11") - timedelta(ago)
        then = MartBuilder(MART, everything.until(as_of), dirty.state)
        assert dirty.build(as_of).equals(then.build(as_of)), as_of
