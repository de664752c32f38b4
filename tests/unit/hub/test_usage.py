from datetime import UTC, datetime, timedelta

import pytest
from jupyterhub import orm
from maru_hub.usage import RunningServer, running_servers, usages
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def server(user, minutes_idle, **options):
    return RunningServer(
        user, options, NOW - timedelta(hours=2), NOW - timedelta(minutes=minutes_idle)
    )


def test_the_longest_idle_comes_first_with_what_it_holds(settings):
    servers = [
        server("ana", 1, profile="pyspark", size="large"),
        server("ben", 9, profile="pytorch", size="small"),
    ]
    first, second = usages(servers, settings.profiles, NOW)
    assert (first.user, first.profile, first.memory_gib, first.cpu) == (
        "ben",
        "PyTorch small",
        1,
        1,
    )
    assert first.idle == timedelta(minutes=9)
    assert (second.user, second.profile, second.memory_gib) == ("ana", "PySpark large", 4)


def test_a_server_without_a_choice_has_the_default(settings):
    [line] = usages([server("ana", 0)], settings.profiles, NOW)
    assert line.profile == "PySpark small"


@pytest.mark.parametrize("options", [{"profile": "gone", "size": "odd"}, {"size": "odd"}])
def test_a_profile_that_is_offered_no_more_is_still_listed(settings, options):
    [line] = usages([server("ana", 0, **options)], settings.profiles, NOW)
    assert line.memory_gib == 0


def test_an_activity_in_the_future_is_no_idle_time(settings):
    [line] = usages([server("ana", -5)], settings.profiles, NOW)
    assert line.idle == timedelta(0)


def test_only_running_servers_are_read_from_the_hubs_database():
    engine = create_engine("sqlite://")
    orm.Base.metadata.create_all(engine)
    with Session(engine) as db:
        for name, is_running in (("ana", True), ("ben", False)):
            user = orm.User(name=name)
            spawner = orm.Spawner(name="", user=user, user_options={"profile": "pytorch"})
            spawner.started = NOW.replace(tzinfo=None)
            if is_running:
                spawner.server = orm.Server()
            db.add_all([user, spawner])
        db.commit()
        [found] = running_servers(db)
    assert (found.user, found.started, found.last_activity) == ("ana", NOW, NOW)
