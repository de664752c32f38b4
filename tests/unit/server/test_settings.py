"""What the hub tells the pod is read once, and nonsense never keeps a user out."""

from pathlib import Path

import pytest
from maru_server.settings import read_settings

HOME = Path("/home/maru")


def test_what_the_hub_sets_is_read():
    settings, complaints = read_settings(
        {
            "MARU_IDLE_TIMEOUT_S": "600",
            "MARU_IDLE_WARNING_S": "120",
            "MARU_PROFILE": "Small, 2 GiB",
            "MARU_NEXT_PROFILE": "Medium, 4 GiB",
            "MARU_PROJECTS_REPO": "https://git.example/projects.git",
            "MARU_PROJECTS_BRANCH": "main",
            "MARU_GIT_CREDENTIALS_FILE": "/etc/git/credentials",
        },
        HOME,
    )
    assert complaints == []
    assert (settings.idle_timeout_s, settings.idle_warning_s) == (600, 120)
    assert (settings.profile, settings.next_profile) == ("Small, 2 GiB", "Medium, 4 GiB")
    assert settings.projects_repo == "https://git.example/projects.git"
    assert settings.projects_branch == "main"
    assert settings.git_credentials_file == Path("/etc/git/credentials")


def test_without_a_hub_the_contract_holds():
    settings, complaints = read_settings({}, HOME)
    assert (settings.idle_timeout_s, settings.idle_warning_s, complaints) == (600, 120, [])
    assert (settings.poll_s, settings.tick_s, settings.cpu_window_s) == (15, 2, 30)


@pytest.mark.parametrize("value", ["ten", "-1", "nan", "inf", "10m"])
def test_a_value_that_is_no_time_is_named_and_the_default_used(value):
    settings, complaints = read_settings({"MARU_IDLE_TIMEOUT_S": value}, HOME)
    assert settings.idle_timeout_s == 600
    (complaint,) = complaints
    assert complaint == (
        f"MARU_IDLE_TIMEOUT_S must be a number of seconds, 0 or more; got {value!r}. 600 is used"
    )


def test_a_warning_longer_than_half_the_time_is_cut():
    settings, (complaint,) = read_settings({"MARU_IDLE_TIMEOUT_S": "100"}, HOME)
    assert settings.idle_warning_s == 50
    assert "got 120. 50 is used" in complaint


def test_zero_means_never_and_asks_for_no_warning():
    settings, complaints = read_settings({"MARU_IDLE_TIMEOUT_S": "0"}, HOME)
    assert (settings.idle_timeout_s, complaints) == (0, [])
