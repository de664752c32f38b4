"""What is kept in the home, and that a home that takes nothing costs nobody anything."""

import json
import logging

import pytest
from maru_server.last_run import Run, what_ended
from maru_server.notices import Notices
from maru_server.records import Records


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path / ".maru", logging.getLogger("test"))


def lines(tmp_path, name):
    return [json.loads(line) for line in (tmp_path / ".maru" / name).read_text().splitlines()]


def test_each_record_is_a_line_in_its_file_and_in_the_log(records, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        records.cull({"decision": "ended"})
        records.event({"event": "cloned", "text": "für"})
    (cull,), (event,) = lines(tmp_path, "culls.jsonl"), lines(tmp_path, "events.jsonl")
    assert (cull["event"], cull["decision"], event["text"]) == ("cull", "ended", "für")
    assert [json.loads(message) for message in caplog.messages] == [cull, event]


def test_a_file_that_grew_large_is_kept_once(records, tmp_path):
    for n in range(3):
        records.cull({"n": n, "what": "x" * (1 << 20)})
    assert [line["n"] for line in lines(tmp_path, "culls.jsonl")] == [2]
    assert [line["n"] for line in lines(tmp_path, "culls.old.jsonl")] == [1]


def test_a_home_that_takes_nothing_is_said_and_nothing_fails(tmp_path, caplog):
    (tmp_path / ".maru").write_text("a file where the folder should be")
    records = Records(tmp_path / ".maru", logging.getLogger("test"))
    records.cull({"decision": "ended"})
    records.write_last_run({"how": "idle"})
    assert records.last_run() is None
    assert sum("can't be written" in message for message in caplog.messages) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"how": '])
def test_a_last_run_that_was_cut_off_is_none(records, tmp_path, content):
    (tmp_path / ".maru").mkdir()
    (tmp_path / ".maru" / "last_run.json").write_text(content)
    assert records.last_run() is None


def test_the_first_end_is_the_one_that_counts(records):
    run = Run(records, "2026-01-01T00:00:00+00:00")
    run.is_alive(0)
    assert what_ended(records.last_run()).startswith("your last server stopped without warning")
    run.ended("idle", "nothing happened for 600 s")
    run.ended("stopped", "its user or the hub stopped it")
    run.is_alive(1e9)
    assert "nothing happened for 600 s" in what_ended(records.last_run())


def test_a_first_server_and_one_that_was_stopped_need_no_words():
    assert what_ended(None) is None
    assert what_ended({"how": "stopped", "why": "its user"}) is None


def test_the_end_is_told_to_the_minute():
    idle = {"how": "idle", "ended_at": "2026-01-02T03:04:05+00:00", "why": "nothing happened"}
    assert (
        what_ended(idle) == "your last server was ended at 2026-01-02 03:04 UTC: nothing happened"
    )
    assert "after an unknown time:" in what_ended({"alive_at": "?"})


def test_notices_are_sentences_with_ids_of_their_own(records, tmp_path):
    first, second = Notices(records), Notices(records)
    first.add("cloned", "success", "the projects are in ~/projects")
    second.add("cloned", "success", "the projects are in ~/projects")
    (one,), (other,) = first.as_json(), second.as_json()
    assert one["text"] == "The projects are in ~/projects."
    assert one["id"] != other["id"]
    assert len(lines(tmp_path, "events.jsonl")) == 2
