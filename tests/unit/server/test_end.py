"""A whole server's life: it ends itself with exit code 0, records why, and the next one knows."""

import json
import signal
import time

import httpx
import pytest

SHORT = {"MARU_IDLE_TIMEOUT_S": "10", "MARU_IDLE_WARNING_S": "4"}


def test_a_busy_kernel_without_a_browser_outlives_its_time_and_then_the_server_ends(start_server):
    server = start_server(**SHORT)
    kernel = server.open_notebook("long.ipynb")
    began = time.monotonic()
    server.execute(kernel, "import time; time.sleep(25)", wait=False)
    assert server.wait_until_ended(60) == 0
    # 25 s of work, 10 s of nothing, not a second early; a busy machine shuts kernels down slowly.
    assert 35 <= time.monotonic() - began < 50
    (why,) = server.records("culls.jsonl")
    assert why["decision"] == "ended"
    assert why["what"].startswith("kernel of long.ipynb")
    assert 10 <= why["idle_s"] < 13
    assert json.dumps(why, ensure_ascii=False) in server.log.read_text()
    assert "Kernel shutdown" in server.log.read_text()


def test_the_next_server_says_why_once(start_server):
    server = start_server(**SHORT)
    assert server.wait_until_ended(40) == 0
    server = start_server()
    (text,) = server.notices()
    assert text.startswith("Your last server was ended at ")
    assert "nothing happened for 1" in text
    assert "the last thing was: the server started" in text
    server.stop()
    assert start_server().notices() == []


@pytest.mark.parametrize(
    ("how", "told"), [(signal.SIGTERM, []), (signal.SIGKILL, ["Your last server stopped without"])]
)
def test_a_stop_is_told_from_a_death(start_server, how, told):
    server = start_server()
    server.process.send_signal(how)
    server.process.wait(20)
    assert [text[:32] for text in start_server().notices()] == told


def test_keep_gives_the_whole_time_again_and_is_recorded(start_server):
    server = start_server(**SHORT)
    time.sleep(6)
    assert server.idle()["warning"]
    kept = server.api.post("/maru/keep").json()
    assert not kept["warning"]
    assert kept["ends_in_s"] > 9.5
    (record,) = server.records("culls.jsonl")
    assert (record["decision"], record["what"]) == ("kept", "the server started")


def test_only_its_user_may_ask_and_keep(start_server):
    server = start_server()
    for method, path in (("GET", "/maru/idle"), ("POST", "/maru/keep")):
        stranger = httpx.request(method, server.url + path, headers={"Authorization": "token x"})
        assert stranger.status_code == 403
    # A page of another origin can make the browser send the cookie, but can't read the token in it.
    with httpx.Client(base_url=server.url) as browser:
        assert browser.get("/lab?token=token-of-a-test", follow_redirects=True).status_code == 200
        assert browser.get("/maru/idle").status_code == 200
        assert browser.post("/maru/keep").status_code == 403
        proof = {"X-XSRFToken": browser.cookies["_xsrf"]}
        assert browser.post("/maru/keep", headers=proof).status_code == 200
    assert len(server.records("culls.jsonl")) == 1


def test_the_hub_hears_of_a_silent_kernel(start_server):
    server = start_server()
    kernel = server.open_notebook()
    server.execute(kernel, "import time; time.sleep(30)", wait=False)
    time.sleep(6)
    first = server.api.get("/api/status").json()["last_activity"]
    time.sleep(6)
    assert server.api.get("/api/status").json()["last_activity"] > first


def test_a_setting_that_makes_no_sense_is_said_and_the_server_starts(start_server):
    server = start_server(MARU_IDLE_TIMEOUT_S="ten")
    assert server.idle()["ends_in_s"] > 590
    assert "MARU_IDLE_TIMEOUT_S must be a number of seconds" in server.log.read_text()
