"""A whole run, in this process and in its own processes, and what a second run reuses."""

import shutil
from dataclasses import asdict
from datetime import date

import pytest
import yaml
from small_project import make_small_project

from maru.errors import DataError, ProjectError, RunError
from maru.project import load_project
from maru.release.bundle import read_bundle
from maru.release.manifest import Source
from maru.training_run.run import Run
from maru.training_run.start import start
from maru.workspace import Workspace

STEPS = {"build_mart", "train_model", "back_test", "register_candidate", "write_report"}


def digests(finished) -> dict[str, object]:
    steps = finished.steps
    return {
        "snapshot": finished.run.plan.snapshot,
        "mart": steps["build_mart"]["digest"],
        "content": steps["build_mart"]["content"],
        "model": steps["train_model"]["digest"],
        "metrics": steps["back_test"]["metrics"],
        "bundle": steps["register_candidate"]["bundle"],
    }


def copy_of(shop, root):
    """Return the project in a repository of its own, with nothing derived in it."""
    shutil.copytree(shop.root, root, ignore=shutil.ignore_patterns(".maru"))
    return type(shop)(root, shop.name, shop.source)


def test_a_run_ends_with_a_candidate_whose_bundle_says_where_it_comes_from(finished_shop):
    shop, finished = finished_shop
    workspace, plan = Workspace(shop.root), finished.run.plan
    assert set(finished.steps) == STEPS
    candidate = workspace.candidate("shop")
    assert (candidate.run, candidate.passed, candidate.reasons) == (finished.run.id, True, ())
    manifest = read_bundle(workspace.store(), candidate.bundle).manifest
    commit, tree = shop.git("rev-parse", "HEAD", "HEAD:projects/shop").split()
    assert manifest.source == Source(commit, tree, dirty=False)
    assert manifest.as_of == date(2025, 9, 28)
    assert (manifest.code, manifest.training) == (plan.code, plan.training)
    assert manifest.snapshot == plan.snapshot
    assert manifest.model == finished.steps["train_model"]["digest"]
    assert manifest.mart == finished.steps["build_mart"]["digest"]
    assert manifest.verdict == {"passed": True, "reasons": []}


def test_a_run_keeps_its_record_logs_and_compiled_pipeline(finished_shop):
    shop, finished = finished_shop
    run = Run.open(Workspace(shop.root), "shop", finished.run.id)
    outcome = run.outcome()
    assert outcome["status"] == "finished"
    assert next(step["step"] for step in outcome["timings"]) == "build_mart"
    assert {log.name[3:-4] for log in run.logs.glob("0*.log")} == STEPS
    tasks = yaml.safe_load((run.folder / "pipeline.yaml").read_text())["root"]["dag"]["tasks"]
    assert {name.replace("-", "_") for name in tasks} == STEPS
    assert run.report.read_text().startswith("<!doctype html>")


def test_a_look_at_test_origins_is_written_down_once(shop, run_shop):
    file = shop.root / "docs" / "evaluations.md"
    first, _ = run_shop(shop)
    assert first.look_recorded
    text = file.read_bytes()
    assert b"| 2026-01-02 | shop | run |" in text
    again, _ = run_shop(shop, fresh=True)
    assert not again.look_recorded
    assert file.read_bytes() == text


def test_a_kept_model_whose_files_are_not_whole_is_trained_anew(shop, run_shop):
    first, _ = run_shop(shop)
    folder = Workspace(shop.root).home / first.steps["train_model"]["folder"]
    next(folder.glob("model/*.txt")).write_bytes(b"")
    second, _ = run_shop(shop)
    assert second.steps["train_model"]["run"] == second.run.id
    assert digests(second) == digests(first)


def test_a_look_counts_when_a_later_step_fails(shop, run_shop):
    (shop.folder / "tests").mkdir()
    (shop.folder / "tests" / "golden.jsonl").write_text("no JSON\n")
    with pytest.raises(ProjectError, match=r"golden\.jsonl"):
        run_shop(shop)
    file = shop.root / "docs" / "evaluations.md"
    assert b"| 2026-01-02 | shop | run |" in file.read_bytes()
    (shop.folder / "tests" / "golden.jsonl").unlink()
    again, _ = run_shop(shop)
    assert not again.look_recorded


def test_a_look_is_written_down_before_its_numbers_are_shown(shop):
    file = shop.root / "docs" / "evaluations.md"
    early = []

    def show(line):
        if "mean absolute error" in line and not file.is_file():
            early.append(line)

    start(
        Workspace(shop.root),
        load_project(shop.root, shop.name),
        in_process=True,
        show=show,
        today=date(2026, 1, 2),
    )
    assert early == []
    assert file.is_file()


def test_in_its_own_processes_a_run_gives_the_same_digests(finished_shop, tmp_path, capfd):
    shop, in_process = finished_shop
    copied = copy_of(shop, tmp_path / "copy")
    shown: list[str] = []
    finished = start(
        Workspace(copied.root),
        load_project(copied.root, "shop"),
        show=shown.append,
        today=date(2026, 1, 2),
    )
    assert digests(finished) == digests(in_process)
    assert "[1/5] build_mart" in shown
    assert any(line.strip().startswith("42 columns of 236 entities") for line in shown)
    assert capfd.readouterr().out == ""


def test_a_changed_threshold_makes_another_bundle_of_the_same_model(shop, run_shop):
    first, _ = run_shop(shop)
    shop.edit("thresholds.py", "target_recall=0.9", "target_recall=0.8")
    second, shown = run_shop(shop)
    assert digests(second)["model"] == digests(first)["model"]
    assert digests(second)["bundle"] != digests(first)["bundle"]
    assert second.steps["train_model"]["run"] == first.run.id
    assert sum(f"reused from run {first.run.id}" in line for line in shown) == 2
    assert Workspace(shop.root).candidate("shop").dirty


def test_a_changed_parameter_trains_anew(shop, run_shop):
    first, _ = run_shop(shop)
    shop.edit("pipeline.py", '"l1", params=TREES, rounds=25', '"l1", params=TREES, rounds=20')
    second, _ = run_shop(shop)
    assert digests(second)["model"] != digests(first)["model"]
    assert second.steps["train_model"]["run"] == second.run.id


def test_an_earlier_day_and_a_commit_elsewhere(shop, run_shop):
    first, _ = run_shop(shop, as_of=date(2025, 9, 1))
    assert first.run.plan.as_of_reason == "--as-of says so"
    (shop.root / "README.md").write_text("About\n")
    shop.commit("Say what this is")
    second, _ = run_shop(shop, as_of=date(2025, 9, 1))
    assert digests(second) == digests(first)
    assert second.run.id != first.run.id


def test_a_day_beyond_the_data_is_refused_with_the_newest(shop, run_shop):
    with pytest.raises(RunError, match=r"Write --as-of 2025-09-28, or leave it out"):
        run_shop(shop, as_of=date(2025, 10, 1))


def test_a_run_outside_of_git_works_and_says_so(tmp_path, run_shop):
    shop = make_small_project(tmp_path / "repository")
    finished, _ = run_shop(shop)
    candidate = Workspace(shop.root).candidate("shop")
    assert (candidate.commit, candidate.dirty) == (None, True)
    assert finished.steps["register_candidate"]["gate"]["champion"] is None


def test_a_persons_mistake_in_a_step_reaches_them_as_its_sentence(shop):
    shop.edit("features.py", "shelf = 'toys'", "colour = 'red'")
    with pytest.raises(DataError, match="act type toy") as mistake:
        start(
            Workspace(shop.root),
            load_project(shop.root, "shop"),
            show=lambda line: None,
            today=date(2026, 1, 2),
        )
    assert "Traceback" not in str(mistake.value)
    run = next(Workspace(shop.root).runs("shop").iterdir())
    assert Run.open(Workspace(shop.root), "shop", run.name).outcome()["status"] == "failed"


OWN_STEP = '''

@dsl.component(base_image="python", install_kfp_package=False)
def own_step(project: str, bundle: str) -> None:
    """A step that an analyst wrote."""
    print("maru> it is", bundle[:7])
    if project == "shop":
        raise RuntimeError("the analyst's own fault")


@dsl.pipeline'''


def test_an_analysts_own_step_that_breaks_shows_its_last_lines_and_its_log(shop):
    shop.edit("pipeline.py", "\n\n@dsl.pipeline", OWN_STEP)
    text = (shop.folder / "pipeline.py").read_text()
    (shop.folder / "pipeline.py").write_text(text + "    own_step(project=project, bundle=run)\n")
    with pytest.raises(RunError, match=r"step own_step of run 20250928-.* failed") as broken:
        start(
            Workspace(shop.root),
            load_project(shop.root, "shop"),
            show=lambda line: None,
            today=date(2026, 1, 2),
        )
    assert "the analyst's own fault" in str(broken.value)
    assert "own_step.log" in str(broken.value)
    assert "--in-process" in str(broken.value)


def test_a_pipeline_with_other_parameters_is_refused(shop, run_shop):
    text = (shop.folder / "pipeline.py").read_text()
    text = text.replace("def pipeline(project: str, run: str)", "def pipeline(name: str, run: str)")
    (shop.folder / "pipeline.py").write_text(text.replace("project=project", "project=name"))
    with pytest.raises(RunError, match="must take project and run, got"):
        run_shop(shop)


def test_a_folder_without_a_pipeline_is_refused(shop, run_shop):
    shop.edit("pipeline.py", "\ndef pipeline(", "\ndef other(")
    with pytest.raises(ProjectError, match="must declare `pipeline`"):
        run_shop(shop)


def test_two_runs_at_once_make_the_same_bundle_and_harm_nothing(finished_shop, tmp_path):
    import subprocess
    import sys

    shop, in_process = finished_shop
    copied = copy_of(shop, tmp_path / "copy")
    command = [sys.executable, "-m", "maru.cli.main", "run", "shop", "--in-process", "--json"]
    both = [
        subprocess.Popen(command, cwd=copied.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        _, error = process.communicate(timeout=300)
        assert process.returncode == 0, error.decode()
    workspace = Workspace(copied.root)
    runs = [Run.open(workspace, "shop", path.name) for path in workspace.runs("shop").iterdir()]
    assert len(runs) == 2
    assert {run.outcome()["bundle"] for run in runs} == {digests(in_process)["bundle"]}
    assert list(workspace.store().list()) == [digests(in_process)["bundle"]]


def test_the_frozen_facts_are_all_in_the_record(finished_shop):
    shop, finished = finished_shop
    record = Run.open(Workspace(shop.root), "shop", finished.run.id).outcome()
    assert record["source"] == asdict(finished.run.plan.source)
    assert record["software"]["packages"]["lightgbm"]
    assert record["schema"] == 1
