"""When a server is warned about and when it ends, worked by hand."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from maru_server.idle_rule import judge
from maru_server.settings import Settings

TEN_MINUTES = Settings(home=Path("/home/maru"))


@pytest.mark.parametrize(
    ("idle_s", "ends_in_s", "warning", "over"),
    [
        (0, 600, False, False),
        (464, 136, False, False),
        (465, 135, True, False),  # one poll of 15 s before the two minutes begin
        (599.9, pytest.approx(0.1), True, False),
        (600, 0, True, True),
        (900, -300, True, True),
    ],
)
def test_ten_minutes_with_two_of_warning(idle_s, ends_in_s, warning, over):
    verdict = judge(idle_s, TEN_MINUTES)
    assert (verdict.ends_in_s, verdict.is_warning, verdict.is_over) == (ends_in_s, warning, over)


def test_never_is_never():
    verdict = judge(1e9, Settings(home=Path("/home/maru"), idle_timeout_s=0))
    assert (verdict.ends_in_s, verdict.is_warning, verdict.is_over) == (None, False, False)


@given(timeout_s=st.floats(1, 1e5), share=st.floats(0, 0.5), idle_s=st.floats(0, 1e6))
def test_nothing_ends_before_its_time_nor_without_a_warning(timeout_s, share, idle_s):
    settings = Settings(Path("/"), idle_timeout_s=timeout_s, idle_warning_s=timeout_s * share)
    verdict = judge(idle_s, settings)
    assert verdict.is_over == (idle_s >= timeout_s)
    assert verdict.is_warning or not verdict.is_over or not settings.idle_warning_s


@given(timeout_s=st.floats(1, 1e5))
def test_a_server_looks_at_itself_at_least_ten_times_in_its_time(timeout_s):
    settings = Settings(Path("/"), idle_timeout_s=timeout_s)
    assert settings.tick_s <= max(0.2, min(60, timeout_s / 10))
