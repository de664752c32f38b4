import html

import pytest

from maru.adapters.git_checkout import CodeState
from maru.errors import RunError
from maru.notebook.runs import commit_words, find_run, past_runs, report_of
from maru.workspace import write_json


def test_runs_are_listed_the_newest_first(ran):
    found = ran.p.runs
    assert found.index.to_list() == [ran.b, ran.a]
    assert set(found["as_of"]) == {"2025-09-28"}
    assert set(found["status"]) == {"finished"}
    assert found.loc[ran.b, "commit"].endswith(" and edits")


def test_the_newest_report_is_drawn_in_a_frame_of_its_own(ran):
    page = ran.p.report()
    assert page.run == ran.b
    shown = page._repr_html_()
    assert shown.startswith('<iframe srcdoc="&lt;!')
    assert html.escape(page.file.read_text("utf-8"), quote=True) in shown
    assert str(page.file) in repr(page)
    assert ran.p.report(ran.a).run == ran.a


def test_an_unknown_run_names_those_there_are(ran):
    with pytest.raises(RunError, match=f"there is no run x of shop. Its newest runs are {ran.b}"):
        find_run(ran.p._workspace, "shop", "x")
    with pytest.raises(RunError, match="none yet: maru run shops makes one"):
        find_run(ran.p._workspace, "shops", "x")


def test_a_run_that_did_not_finish_has_no_report(ran):
    workspace = ran.p._workspace
    folder = workspace.runs("shop") / "20250101-stopped-1"
    document = past_runs(workspace, "shop")[-1].outcome()
    started = {"run": folder.name, "started": "2020-01-01T00:00:00+00:00", "status": "stopped"}
    write_json(folder / "run.json", {**document, **started})
    try:
        run = find_run(workspace, "shop", folder.name)
        with pytest.raises(RunError, match="20250101-stopped-1 has no report: it is stopped"):
            report_of(run)
        with pytest.raises(RunError, match="is stopped: it has no model and back test to compare"):
            ran.p.compare(folder.name, ran.a)
        assert past_runs(workspace, "shop")[-1].id == folder.name
    finally:
        (folder / "run.json").unlink()


def test_commits_are_said_in_words():
    assert commit_words(CodeState(None, None, None, dirty=True)) == "not committed"
    sha = "0123456789abcdef"
    assert commit_words(CodeState(sha, "t", sha, dirty=False)) == "0123456789ab"
    assert commit_words(CodeState(sha, "t", sha, dirty=True)) == "0123456789ab and edits"
