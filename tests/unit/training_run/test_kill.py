"""kill -9 in mart, training, back test and publishing: a rerun gives the same bundle."""

import shutil

import pytest
from killing import Killer, points

from maru.release.bundle import read_bundle
from maru.tables.storage import read_snapshot
from maru.workspace import Workspace


@pytest.fixture(scope="module")
def killer():
    killer = Killer("make_candidate")
    yield killer
    killer.close()


def nothing_half_written(workspace: Workspace) -> None:
    """Read everything that is there under its final name."""
    for folder in workspace.snapshots.glob("[!.]*"):
        assert read_snapshot(folder).digest == folder.name
    for part in ("marts/shop", "models/shop", "backtests/shop"):
        for folder in (workspace.home / part).glob("[!.]*"):
            done = folder / "done" if part.startswith("backtests") else folder
            assert not done.exists() or (done / "facts.json").is_file()
    for digest in workspace.store().list():
        read_bundle(workspace.store(), digest)
    if workspace.candidate_file("shop").exists():
        read_bundle(workspace.store(), workspace.candidate("shop").bundle)


def test_a_run_that_is_killed_anywhere_is_made_good_by_the_next(finished_shop, tmp_path, killer):
    shop, finished = finished_shop
    ignored = shutil.ignore_patterns(".maru", "docs")
    expected = finished.steps["register_candidate"]["bundle"]
    lines = killer.whole(shutil.copytree(shop.root, tmp_path / "whole", ignore=ignored))
    assert Workspace(tmp_path / "whole").candidate("shop").bundle == expected
    for last in points(lines):
        root = shutil.copytree(shop.root, tmp_path / f"at-{last}", ignore=ignored)
        workspace = Workspace(root)
        killer.killed(root, last)
        nothing_half_written(workspace)
        killer.whole(root)
        nothing_half_written(workspace)
        assert workspace.candidate("shop").bundle == expected, last
        assert list(workspace.store().list()) == [expected], last
