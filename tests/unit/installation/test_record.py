"""What a second `maru install` knows of the first one."""

import pytest

from maru.errors import RunError
from maru.installation.record import charts_with_own_values, chosen_environment

PRODUCTION = {"maru.internal/environment": "production"}


def chosen(record, named, *, own=False, change=False):
    return chosen_environment(record, named, is_own_node=own, may_change=change)


@pytest.mark.parametrize("named", [None, "production"])
@pytest.mark.parametrize("own", [False, True])
def test_a_second_run_stays_what_the_first_one_made(named, own):
    assert chosen(PRODUCTION, named, own=own) == "production"


def test_another_environment_is_refused_unless_it_is_meant():
    with pytest.raises(RunError, match=r"is production, and --environment says test.*--change-env"):
        chosen(PRODUCTION, "test", own=True)
    assert chosen(PRODUCTION, "test", change=True) == "test"


def test_only_the_node_of_the_checkout_is_a_test_one_when_nobody_says():
    assert chosen({}, None, own=True) == "test"
    assert chosen({}, "production") == "production"
    with pytest.raises(RunError, match="Say it once: --environment test or production"):
        chosen({}, None)


def test_values_that_were_given_once_are_not_lost_without_a_word():
    record = {"maru.internal/own-values": "jupyterhub storage"}
    with pytest.raises(RunError, match=r"lost: jupyterhub.yaml\. Name .*--values DIR"):
        charts_with_own_values(record, ["mlflow", "jupyterhub"], [], may_drop=False)
    left = charts_with_own_values(record, ["mlflow", "jupyterhub"], ["mlflow"], may_drop=True)
    assert left == {"mlflow", "storage"}
    assert charts_with_own_values(record, ["mlflow"], [], may_drop=False) == {
        "jupyterhub",
        "storage",
    }
