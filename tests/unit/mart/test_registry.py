"""Digests change with what decides rows, and a diff says in words what changed."""

from dataclasses import replace

from maru.mart import ActType, Mart
from maru.mart.registry import mart_digest, registry_diff, rule_digest

BUY = ActType("buy", "sales", "amount > 0", "amount", "a product paid for")
VISIT = ActType("visit", "visits")


def mart(*acts: ActType) -> Mart:
    return Mart("customer", acts)


def test_the_rule_decides_a_rules_digest_not_its_name_or_words():
    assert rule_digest(BUY) == rule_digest(replace(BUY, name="bought", description="other"))
    assert rule_digest(BUY) != rule_digest(replace(BUY, where="amount > 1"))
    assert rule_digest(BUY) != rule_digest(replace(BUY, table="orders"))
    assert rule_digest(BUY) != rule_digest(replace(BUY, amount=None))
    assert rule_digest(BUY) != rule_digest(replace(BUY, per="basket"))


def test_a_marts_digest_is_its_content_without_words():
    assert mart_digest(mart(BUY)) == mart_digest(mart(replace(BUY, description="other")))
    assert mart_digest(mart(BUY)) != mart_digest(mart(BUY, VISIT))
    assert mart_digest(mart(BUY)) != mart_digest(replace(mart(BUY), windows=(7,)))


def test_a_diff_says_what_was_added_removed_and_changed():
    old = mart(BUY, VISIT, ActType("same", "sales"))
    new = mart(
        replace(BUY, where="amount > 1"), ActType("click", "clicks"), ActType("same", "sales")
    )
    assert [(c.act_type, c.kind, c.text) for c in registry_diff(old, new)] == [
        ("buy", "changed", "buy: where was 'amount > 0', is 'amount > 1'"),
        ("click", "added", "click is clicks where TRUE"),
        ("visit", "removed", "visit was visits where TRUE"),
    ]


def test_equal_registries_have_no_diff():
    assert registry_diff(mart(BUY), mart(replace(BUY, description="other"))) == []
