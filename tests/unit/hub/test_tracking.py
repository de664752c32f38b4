from maru_hub.tracking import changes

CHARGE, SPAM, OWN = ("experiment", "1"), ("experiment", "2"), ("experiment", "9")


def test_what_is_owned_is_granted_and_what_is_foreign_is_taken_back():
    assert changes({SPAM: "MANAGE"}, {CHARGE}, {SPAM}) == [("revoke", SPAM), ("grant", CHARGE)]


def test_what_is_right_already_is_left_alone():
    assert changes({CHARGE: "MANAGE"}, {CHARGE}, {SPAM}) == []


def test_what_the_user_made_stays():
    assert changes({OWN: "MANAGE"}, set(), {SPAM}) == []


def test_a_lower_permission_is_taken_back_before_the_higher_is_granted():
    assert changes({CHARGE: "READ"}, {CHARGE}, set()) == [("revoke", CHARGE), ("grant", CHARGE)]
