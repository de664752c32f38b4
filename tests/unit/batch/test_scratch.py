"""A scratch folder is one process's own, and does not outlive it for long."""

from maru.batch.scratch import scratch_folder


def names(parent):
    return sorted(path.name for path in (parent / ".rows").iterdir() if path.is_dir())


def test_it_is_empty_and_removed_in_the_end(tmp_path):
    with scratch_folder(tmp_path) as folder:
        (folder / "rows.parquet").write_text("rows")
        assert names(tmp_path) == [folder.name]
    assert names(tmp_path) == []


def test_what_somebody_uses_stays_and_what_a_killed_process_left_goes(tmp_path):
    left = tmp_path / ".rows" / "left"
    left.mkdir(parents=True)
    (left / "lock").write_text("")
    (tmp_path / ".rows" / "without").mkdir()
    with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
        assert names(tmp_path) == sorted([first.name, second.name])
