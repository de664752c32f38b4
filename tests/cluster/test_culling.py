"""Idle servers end and working ones don't, on the real hub: every row at once, each its own user.

With a short time by default; at the real 600 s with MARU_SOAK=1, where what was measured is written
to MARU_SOAK_REPORT if that is set.
"""

import base64
import json
import os
import time
from contextlib import closing
from pathlib import Path

import pytest
import websocket
from hub_client import Person

SOAK = os.environ.get("MARU_SOAK") == "1"
TIMEOUT_S = 600 if SOAK else 60
WARNING_S = 120 if SOAK else 20
# Longer than two times of nothing.
WORK_S = int(TIMEOUT_S * 2.2)
# From the last activity: the whole time, and at most a tenth more; then the hub has to see it.
LATEST_S = TIMEOUT_S * 1.1
SEEN_S = 30

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
    """The hub's address, its idle time short while this module runs."""
    values = tmp_path_factory.mktemp("values")
    idle = {"idle": {"timeoutSeconds": TIMEOUT_S, "warningSeconds": WARNING_S}}
    (values / "jupyterhub.yaml").write_text(json.dumps(idle))
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
    """What JupyterLab asks; None once the server is gone."""
    answer = someone.http.get(f"{someone.home}maru/idle", follow_redirects=False)
    return answer.json() if answer.status_code == 200 else None


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
    server. ``warned``: seconds before the end at which the warning was first seen. ``why``: all
    that maru said was going on.
    """
    ana, ben, carla = person("ana", "pyspark"), person("ben", "pytorch"), person("carla", "pytorch")
    boss = person("boss", "tensorflow")
    boss.ask_server(
        "PUT", "contents/a.ipynb", json={"type": "notebook", "format": "json", "content": SAVED}
    )
    page = boss.channels(boss.start_kernel())

    found = {}
    assert not ana.run(SPARK, ana.start_kernel()).error
    found["a Spark job whose cell returned"] = row(ana)
    ben.submit(f"import time; time.sleep({WORK_S})", ben.start_kernel())
    found["a silent cell without a browser"] = row(ben)
    type_into_a_terminal(carla, f"sleep {WORK_S}")
    found["a job of a terminal"] = row(carla)
    found["an open page that does nothing"] = row(boss)
    with closing(page):
        watch(found)
    return found


def row(someone):
    return {
        "someone": someone,
        "began": time.monotonic(),
        "why": set(),
        "gone": None,
        "warned": None,
    }


def watch(rows):
    deadline = time.monotonic() + WORK_S + LATEST_S + SEEN_S + 60
    while any(row["gone"] is None for row in rows.values()) and time.monotonic() < deadline:
        for seen in rows.values():
            if seen["gone"] is not None:
                continue
            state = idle(seen["someone"])
            if state:
                seen["why"].add(state["why"])
                if state["warning"]:
                    seen["warned"] = max(seen["warned"] or 0, state["ends_in_s"])
            elif seen["someone"].server() is None:
                seen["gone"] = time.monotonic() - seen["began"]
        time.sleep(1)
    if report := os.environ.get("MARU_SOAK_REPORT"):
        lines = (
            f"| {name} | {seen['gone']:.0f} | {seen['warned']:.0f} |\n"
            for name, seen in rows.items()
        )
        head = f"Idle time {TIMEOUT_S} s, work {WORK_S} s.\n\n| row | gone after, s | warned, s |\n"
        Path(report).write_text(head + "|---|--:|--:|\n" + "".join(lines))


def test_an_open_page_that_does_nothing_keeps_no_server(rows):
    gone = rows["an open page that does nothing"]["gone"]
    assert TIMEOUT_S - 15 <= gone <= LATEST_S + SEEN_S


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
    assert WORK_S + TIMEOUT_S - 15 <= seen["gone"] <= WORK_S + LATEST_S + SEEN_S


def test_the_warning_stood_for_its_whole_time(rows):
    for name, seen in rows.items():
        assert seen["warned"] is not None, name
        assert seen["warned"] >= WARNING_S, name


def test_the_next_server_says_why_and_the_notebook_reopens_as_saved(rows, person):
    boss = person("boss", "tensorflow")
    (text,) = [notice["text"] for notice in idle(boss)["notices"]]
    assert text.startswith("Your last server was ended at ")
    saved = boss.ask_server("GET", "contents/a.ipynb").json()["content"]
    assert saved["cells"][0]["source"] == "1 + 1"
    code = "print(open('/home/maru/.maru/culls.jsonl').read())"
    *_, why = map(json.loads, boss.run(code).text.strip().splitlines())
    assert (why["decision"], why["timeout_s"]) == ("ended", TIMEOUT_S)


def test_keep_gives_the_whole_time_again(rows, person):
    boss = person("boss", "tensorflow")
    time.sleep(3)
    xsrf = {"X-XSRFToken": boss._xsrf(boss.home)}
    kept = boss.http.post(f"{boss.home}maru/keep", headers=xsrf)
    assert kept.status_code == 200, kept.text
    assert kept.json()["ends_in_s"] > TIMEOUT_S - 2
