"""JupyterLab in a real browser: the hand-written extension loads, warns, keeps, and tells."""

import json
import os
import re
from pathlib import Path

import pytest
from browser import NoBrowser, opened
from playwright.sync_api import expect


@pytest.fixture
def page():
    try:
        with opened() as browser:
            yield browser.new_page(viewport={"width": 1280, "height": 800})
    except NoBrowser as why:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(why))


def open_lab(page, server):
    page.goto(f"{server.url}/lab?token=token-of-a-test&reset")
    page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)


def picture(page, name):
    """Keep what the page shows where MARU_PICTURES says, for somebody to look at."""
    if folder := os.environ.get("MARU_PICTURES"):
        page.wait_for_timeout(1_000)  # a toast slides in
        page.screenshot(path=Path(folder) / name)


def test_the_warning_stands_before_the_end_and_keep_starts_the_time_anew(page, start_server):
    server = start_server(MARU_IDLE_TIMEOUT_S="40", MARU_IDLE_WARNING_S="20")
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_lab(page, server)
    warning = page.locator(".Toastify__toast", has_text="This server ends in")
    expect(warning).to_be_visible(timeout=40_000)
    assert server.idle()["ends_in_s"] >= 19
    picture(page, "warning.png")
    warning.get_by_role("button", name="Keep").click()
    expect(warning).to_have_count(0)
    assert server.idle()["ends_in_s"] > 35
    assert [record["decision"] for record in server.records("culls.jsonl")] == ["kept"]
    assert errors == []


def test_what_is_too_long_for_a_notification_is_shown_whole(page, start_server):
    server = start_server()
    server.process.kill()
    server.process.wait()
    open_lab(page, start_server())
    told = page.locator(".Toastify__toast", has_text="Your last server stopped without warning")
    told.get_by_role("button", name="Details").click(timeout=20_000)
    expect(page.locator(".jp-Dialog-body")).to_contain_text("What was saved is here.")
    picture(page, "details.png")


def test_an_open_page_keeps_no_idle_server_alive_and_the_next_one_says_why(page, start_server):
    server = start_server(MARU_IDLE_TIMEOUT_S="12", MARU_IDLE_WARNING_S="4")
    open_lab(page, server)
    assert server.wait_until_ended(40) == 0
    why = json.loads((server.home / ".maru" / "last_run.json").read_text())["why"]
    assert re.search(r"for (1[2-9]|2\d) s", why), why
    server = start_server()
    open_lab(page, server)
    told = page.locator(".Toastify__toast", has_text="Your last server was ended at")
    expect(told).to_be_visible(timeout=20_000)
    picture(page, "last-server.png")
    page.reload()
    page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
    page.wait_for_timeout(3_000)
    expect(told).to_have_count(0)
