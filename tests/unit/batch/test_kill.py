"""kill -9 while a day is scored: never a part, never twice, the same files in the end."""

import shutil

import pytest
from killing import Killer, points
from small_project import AS_OF

from maru.batch.day_folder import DayFolder
from maru.workspace import Workspace


@pytest.fixture(scope="module")
def killer():
    killer = Killer("score_day")
    yield killer
    killer.close()


def files(day: DayFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in day.link.iterdir()}


def test_a_scoring_that_is_killed_anywhere_is_made_good_by_the_next(
    finished_shop, tmp_path, killer
):
    shop, _ = finished_shop
    shutil.copytree(shop.root / ".maru" / "bundles", tmp_path / ".maru" / "bundles")
    shutil.copytree(shop.root / ".maru" / "candidates", tmp_path / ".maru" / "candidates")
    day = DayFolder(Workspace(tmp_path).scores("shop", AS_OF))
    lines = killer.whole(tmp_path)
    expected = files(day)
    assert len(expected) == 5
    for last in points(lines):
        shutil.rmtree(day.link.parent)
        killer.killed(tmp_path, last)
        assert not day.link.exists() or files(day) == expected, last
        killer.whole(tmp_path)
        assert files(day) == expected, last
        killer.whole(tmp_path)
        assert [path.name for path in (day.link.parent / ".rows").iterdir()] == ["lock"], last
        folders = [path for path in (day.link.parent / ".days").iterdir() if path.is_dir()]
        assert [folder.resolve() for folder in folders] == [day.link.resolve()], last
