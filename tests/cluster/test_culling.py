"""Idle servers end and working ones don't, on the real hub: every row at once, each its own user.

With a short time by default; at the real 600 s with MARU_SOAK=1, where what was measured is written
to MARU_SOAK_REPORT if that is set.
"""

import base64
import json
import os
import time
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import websocket
from hub_client import Person

SOAK = os.environ.get("MARU_SOAK") == "1"
TIMEOUT_S = 600 if SOAK else 60
WARNING_S = 120 if SOAK else 20
# Longer than the time in which an idle server ends.
WORK_S = int(TIMEOUT_S * 1.3)
# From the last activity: the whole time, and at most a tenth more; then the hub has to see it.
LATEST_S = TIMEOUT_S * 1.1
SEEN_S = 30
# Between the start of a piece of work and what the test takes for it.
STARTED_S = 15
USERS = ("erika", "frank", "gina", "henk")

SPARK = f"""
import threading, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").getOrCreate()
def wait(_):
    import time
    time.sleep({WORK_S})
def job():
    spark.sparkContext.parallelize([1], 1).foreach(wait)
threading.Thread(target=job, daemon=True).start()
"""
SAVED = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "code", "id": "a", "source": "1 + 1", "metadata": {}, "outputs": []}
        | {"execution_count": None}
    ],
}


@pytest.fixture(scope="module")
def hub(kubectl, maru_install, installed, tmp_path_factory):
    """The hub's address, with a short idle time and users of its own while this module runs."""
    values = tmp_path_factory.mktemp("values")
    own = {
        "idle": {"timeoutSeconds": TIMEOUT_S, "warningSeconds": WARNING_S},
        "login": {"password": {"users": {name: {} for name in USERS}}},
    }
    (values / "jupyterhub.yaml").write_text(json.dumps(own))
    maru_install("--chart", "jupyterhub", "--values", str(values))
    node = kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}")
    port = kubectl(
        *("-n", "jupyterhub", "get", "service", "proxy-public"),
        *("-o", "jsonpath={.spec.ports[0].nodePort}"),
    )
    yield f"http://{node}:{port}"
    maru_install("--chart", "jupyterhub")


@pytest.fixture(scope="module")
def person(kubectl, hub):
    found = json.loads(kubectl("-n", "jupyterhub", "get", "secret", "hub", "-o", "json"))
    password = base64.b64decode(found["data"]["login-password"]).decode()
    opened = []

    def start(name, profile):
        someone = Person(hub, name, password)
        someone.log_in()
        someone.stop()
        someone.start(profile)
        someone.enter()
        opened.append(someone)
        return someone

    yield start
    for someone in opened:
        someone.stop()


def idle(someone):
    """What JupyterLab asks; None where there is no answer."""
    answer = someone.http.get(f"{someone.home}maru/idle", follow_redirects=False, timeout=5)
    return answer.json() if answer.status_code == 200 else None


def look(seen):
    """Note what one server does now, or that the hub has none."""
    if seen["someone"].server() is None:
        seen["gone"] = time.time() - seen["began"]
    elif state := idle(seen["someone"]):
        seen["why"].add(state["why"])
        if state["warning"]:
            seen["warned"] = max(seen["warned"] or 0, state["ends_in_s"])


def last_cull(someone):
    """Read why a server that is running again was ended before."""
    code = "print(open('/home/maru/.maru/culls.jsonl').read().splitlines()[-1])"
    return json.loads(someone.run(code).text)


def type_into_a_terminal(someone, command):
    """Open a terminal, start a job in it, close the page."""
    name = someone.ask_server("POST", "terminals").json()["name"]
    address = someone.url.removeprefix("http://")
    cookies = (c for c in someone.http.cookies.jar if someone.home.startswith(c.path))
    with closing(
        websocket.create_connection(
            f"ws://{address}{someone.home}terminals/websocket/{name}",
            cookie="; ".join(f"{c.name}={c.value}" for c in cookies),
            origin=someone.url,
            timeout=30,
        )
    ) as channel:
        channel.send(json.dumps(["stdin", command + "\r"]))
        time.sleep(2)


@pytest.fixture(scope="module")
def rows(person):
    """Start every row, wait until all servers are gone; return what was seen of each.

    ``began``: when its work, or nothing, began. ``gone``: seconds from there until the hub had no
    server; ``ended``: until maru ended it, as its own record says. ``warned``: seconds before the
    end at which the warning was first seen. ``why``: all that maru said was going on.
    """
    erika, frank = person("erika", "pyspark"), person("frank", "pytorch")
    gina, henk = person("gina", "pytorch"), person("henk", "tensorflow")

    found = {}
    assert not erika.run(SPARK, erika.start_kernel()).error
    found["a Spark job whose cell returned"] = row(erika)
    frank.submit(f"import time; time.sleep({WORK_S})", frank.start_kernel())
    found["a silent cell without a browser"] = row(frank)
    type_into_a_terminal(gina, f"sleep {WORK_S}")
    found["a job of a terminal"] = row(gina)
    saved = {"type": "notebook", "format": "json", "content": SAVED}
    henk.ask_server("PUT", "contents/a.ipynb", json=saved)
    page = henk.channels(henk.start_kernel())
    found["an open page that does nothing"] = row(henk)
    with closing(page):
        watch(found)
    for seen in found.values():
        someone = person(seen["someone"].name, "pytorch")
        seen["cull"] = last_cull(someone)
        seen["ended"] = datetime.fromisoformat(seen["cull"]["at"]).timestamp() - seen["began"]
        seen["told"] = [notice["text"] for notice in idle(someone)["notices"]]
    write_report(found)
    return found


def row(someone):
    return {
        "someone": someone,
        "began": time.time(),
        "why": set(),
        "ended": 0.0,
        "gone": None,
        "warned": None,
    }


def watch(rows):
    deadline = time.monotonic() + WORK_S + LATEST_S + SEEN_S + 60
    while any(seen["gone"] is None for seen in rows.values()) and time.monotonic() < deadline:
        for seen in rows.values():
            # The hub and the proxy may be starting anew; the servers go on.
            with suppress(httpx.TransportError, ValueError, KeyError):
                if seen["gone"] is None:
                    look(seen)
        time.sleep(1)


def write_report(rows):
    if report := os.environ.get("MARU_SOAK_REPORT"):
        lines = [
            f"Idle time {TIMEOUT_S} s, work {WORK_S} s, seconds from the beginning of the work.\n",
            "| row | ended | idle by then | seen by the hub | warned before |",
            "|---|--:|--:|--:|--:|",
        ]
        for name, seen in rows.items():
            numbers = (seen["ended"], seen["cull"]["idle_s"], seen["gone"], seen["warned"])
            lines.append(f"| {name} | " + " | ".join(f"{n or 0:.0f}" for n in numbers) + " |")
        Path(report).write_text("\n".join(lines) + "\n")


def test_an_open_page_that_does_nothing_keeps_no_server(rows):
    seen = rows["an open page that does nothing"]
    assert TIMEOUT_S <= seen["cull"]["idle_s"] <= LATEST_S
    assert TIMEOUT_S - STARTED_S <= seen["ended"] <= LATEST_S
    assert seen["gone"] <= LATEST_S + SEEN_S


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("a silent cell without a browser", "executes"),
        ("a Spark job whose cell returned", "runs a Spark job"),
        ("a job of a terminal", "runs sleep"),
    ],
)
def test_work_keeps_its_server_until_it_is_done_and_no_longer(rows, name, word):
    seen = rows[name]
    assert any(word in why for why in seen["why"]), seen["why"]
    assert TIMEOUT_S <= seen["cull"]["idle_s"] <= LATEST_S
    assert WORK_S + TIMEOUT_S - STARTED_S <= seen["ended"] <= WORK_S + LATEST_S + STARTED_S
    assert seen["gone"] <= seen["ended"] + SEEN_S


def test_the_warning_stood_for_its_whole_time(rows):
    for name, seen in rows.items():
        assert seen["warned"] is not None, name
        assert seen["warned"] >= WARNING_S, name


def test_the_next_server_says_why(rows):
    for seen in rows.values():
        (text,) = seen["told"]
        assert text.startswith("Your last server was ended at ")


def test_the_notebook_reopens_as_saved(rows, person):
    henk = person("henk", "tensorflow")
    saved = henk.ask_server("GET", "contents/a.ipynb").json()["content"]
    assert saved["cells"][0]["source"] == "1 + 1"


def test_keep_gives_the_whole_time_again(rows, person):
    henk = person("henk", "tensorflow")
    time.sleep(3)
    xsrf = {"X-XSRFToken": henk._xsrf(henk.home)}
    kept = henk.http.post(f"{henk.home}maru/keep", headers=xsrf)
    assert kept.status_code == 200, kept.text
    assert kept.json()["ends_in_s"] > TIMEOUT_S - 2
