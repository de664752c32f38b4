from hypothesis import given
from hypothesis import strategies as st
from maru_hub.bucket_policies import reach_into, reading, with_statements

ANA = reach_into("notebooks", "ana", ["ana"])
BEN = reach_into("notebooks", "ben", ["ben"])
BOTH = {"ana", "ben"}


def test_a_user_reaches_what_is_under_the_prefix_and_nothing_beside_it():
    objects, listing = ANA
    assert objects["Principal"] == {"AWS": ["ana"]}
    assert objects["Resource"] == ["arn:aws:s3:::notebooks/ana/*"]
    assert listing["Action"] == ["s3:ListBucket"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["ana/", "ana/*"]}}


def test_a_user_without_projects_gets_no_statement():
    assert reach_into("projects", "ana", []) == []


def test_a_reader_may_not_write():
    actions = {action for statement in reading("raw", "ana") for action in statement["Action"]}
    assert actions == {"s3:GetObject", "s3:ListBucket"}


def test_a_second_user_leaves_the_first_ones_statements():
    first = with_statements(None, "ana", ANA, BOTH)
    both = with_statements(first, "ben", BEN, BOTH)
    assert both["Statement"] == [*ANA, *BEN]


def test_what_is_no_longer_allowed_is_taken_back():
    policy = with_statements(None, "ana", reach_into("projects", "ana", ["charge", "churn"]), BOTH)
    less = with_statements(policy, "ana", reach_into("projects", "ana", ["churn"]), BOTH)
    assert less["Statement"][0]["Resource"] == ["arn:aws:s3:::projects/churn/*"]
    assert with_statements(less, "ana", [], BOTH) is None


def test_statements_of_an_account_that_is_gone_are_dropped():
    policy = with_statements(None, "ben", BEN, BOTH)
    assert with_statements(policy, "ana", ANA, {"ana"})["Statement"] == ANA


def test_what_somebody_else_wrote_stays():
    theirs = {"Sid": "backup", "Effect": "Allow", "Principal": {"AWS": ["backup"]}}
    policy = {"Version": "2012-10-17", "Statement": [theirs]}
    assert with_statements(policy, "ana", ANA, BOTH)["Statement"] == [theirs, *ANA]
    assert with_statements(policy, "ana", [], BOTH)["Statement"] == [theirs]


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)


@given(st.lists(st.tuples(names, st.lists(names, max_size=3)), max_size=12))
def test_in_any_order_each_account_has_its_last_statements(spawns):
    policy, accounts = None, {account for account, _ in spawns}
    for account, projects in spawns:
        policy = with_statements(policy, account, reach_into("p", account, projects), accounts)
    last = dict(spawns)
    expected = [s for account in last for s in reach_into("p", account, last[account])]
    found = (policy or {"Statement": []})["Statement"]
    assert sorted(map(str, found)) == sorted(map(str, expected))
