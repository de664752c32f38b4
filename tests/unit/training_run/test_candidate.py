"""What the gate is asked with: the live release, the analyst's own golden rows, the thresholds."""

import json
import shutil
from datetime import date

import pytest

from maru.errors import ModelError, ProjectError
from maru.release.bundle import read_bundle
from maru.release.golden import read_golden
from maru.release.pin import Pin
from maru.serving.loaded import load_release
from maru.serving.own_service import check_own_answer, load_own_service
from maru.workspace import Workspace


def pin(shop, bundle: str) -> None:
    (shop.folder / "release.yaml").write_bytes(Pin(bundle).to_bytes())
    shop.commit("Release")


OWN = """
from pathlib import Path


def answer(entity, features, scores):
    factor = float(Path({path!r}).read_text())
    return {{"bonus": {{"amounts": [scores["typical_amount"] * factor]}}, "payer": True}}
"""


def test_an_own_answer_that_changes_where_its_arguments_do_not_is_refused(shop, run_shop, tmp_path):
    factor = tmp_path / "factor.txt"
    factor.write_text("0.1")
    (shop.folder / "service.py").write_text(OWN.format(path=str(factor)))
    run_shop(shop)
    workspace = Workspace(shop.root)
    release = load_release(workspace.store(), workspace.candidate("shop").bundle)
    first = read_golden(release.bundle.golden_file.read_bytes()).rows[0]
    amounts = [first.expected["typical_amount"] * 0.1]
    assert first.finished == {"entity": None, "bonus": {"amounts": amounts}, "payer": True}
    own = load_own_service(release.bundle.code_folder, release.bundle.manifest.code)
    check_own_answer(release, own)
    factor.write_text("0.2")
    with pytest.raises(ProjectError, match=r"golden row 'test:.* as when the bundle was made"):
        check_own_answer(release, own)


def gate(finished) -> dict:
    return finished.steps["register_candidate"]["gate"]


def test_the_live_release_is_compared_on_the_same_rows_and_scored_again_after_its_training(
    shop, run_shop
):
    first, _ = run_shop(shop, as_of=date(2025, 8, 15))
    bundle = first.steps["register_candidate"]["bundle"]
    pin(shop, bundle)
    second, shown = run_shop(shop)
    found = gate(second)
    assert found["champion"] == bundle
    rule = next(n for n in found["numbers"] if n["head"] == "typical_amount")
    # July and August are in the champion's own back test, September is scored again.
    assert rule["champion"]["origins"] == ["2025-07-01", "2025-08-01", "2025-09-01"]
    assert rule["champion"]["rows"] > 400
    assert any("champion" in line for line in shown)


def test_a_much_worse_candidate_is_refused_against_the_live_release(shop, run_shop):
    first, _ = run_shop(shop)
    pin(shop, first.steps["register_candidate"]["bundle"])
    shop.edit("pipeline.py", '"l1", params=TREES, rounds=25', '"l1", params=TREES, rounds=2')
    second, _ = run_shop(shop)
    assert not gate(second)["passed"]
    assert any("the champion has" in reason for reason in gate(second)["reasons"])
    candidate = Workspace(shop.root).candidate("shop")
    assert (candidate.passed, candidate.run) == (False, second.run.id)


def test_a_live_release_that_is_not_in_the_store_is_a_reason_to_refuse(shop, run_shop):
    missing = "sha256:" + "0" * 64
    pin(shop, missing)
    finished, shown = run_shop(shop)
    assert gate(finished)["champion"] == missing
    assert not gate(finished)["passed"]
    said = "the live release 000000000000 can't be compared with: bundle"
    assert any(said in line for line in shown)


def test_an_error_of_the_live_releases_code_refuses_the_run_and_does_not_end_it(shop, run_shop):
    first, _ = run_shop(shop, as_of=date(2025, 8, 15))
    pin(shop, first.steps["register_candidate"]["bundle"])
    shop.edit("data.py", 'Column("shelf", "string",', 'Column("aisle", "string", source="shelf",')
    shop.edit("features.py", "shelf = 'toys'", "aisle = 'toys'")
    finished, _ = run_shop(shop)
    (reason,) = gate(finished)["reasons"]
    assert "can't be scored again on these rows, " in reason
    assert "shelf" in reason
    assert "docs/release.md" in reason
    assert Workspace(shop.root).candidate("shop").passed is False


def test_a_head_under_another_name_is_refused_unless_the_task_retires_the_old_one(shop, run_shop):
    first, _ = run_shop(shop)
    pin(shop, first.steps["register_candidate"]["bundle"])
    shop.edit("pipeline.py", 'Head("typical_amount"', 'Head("usual_amount"')
    shop.edit("pipeline.py", 'GateRule("typical_amount"', 'GateRule("usual_amount"')
    (reason,) = gate(run_shop(shop)[0])["reasons"]
    assert "answers typical_amount, this model does not" in reason
    shop.edit("pipeline.py", "    gate=(", '    retired=("typical_amount",),\n    gate=(')
    found = gate(run_shop(shop)[0])
    assert found["passed"]
    assert any(note.startswith("usual_amount: new, ") for note in found["notes"])


GOLDEN = {"name": "a heavy buyer", "features": {"purchase_sum_42d": 500.0}}


def own_row(shop, **more) -> None:
    (shop.folder / "tests").mkdir()
    text = json.dumps({**GOLDEN, **more}) + "\n"
    (shop.folder / "tests" / "golden.jsonl").write_text(text)


def test_an_own_golden_row_that_is_not_met_is_a_reason_to_refuse(shop, run_shop):
    own_row(shop, expected={"typical_amount": -1.0})
    finished, _ = run_shop(shop)
    assert any("golden row 'own:a heavy buyer'" in reason for reason in gate(finished)["reasons"])


def test_an_own_golden_row_that_is_met_travels_in_the_bundle(shop, run_shop):
    own_row(shop, expected={"typical_amount": 100.0}, tolerance=1000.0)
    finished, _ = run_shop(shop)
    workspace = Workspace(shop.root)
    bundle = read_bundle(workspace.store(), workspace.candidate("shop").bundle)
    assert gate(finished)["passed"]
    assert b"own:a heavy buyer" in bundle.golden_file.read_bytes()


def test_an_own_golden_row_of_an_unknown_column_is_pointed_at(shop, run_shop):
    own_row(shop)
    file = shop.folder / "tests" / "golden.jsonl"
    file.write_text(file.read_text().replace("purchase_sum_42d", "purchase_sum_43d"))
    with pytest.raises(ProjectError, match=r"golden.jsonl:1: the mart has no column purchase_sum"):
        run_shop(shop)


def test_a_threshold_of_a_head_that_is_no_probability_is_refused(shop, run_shop):
    shop.edit("thresholds.py", '"purchase_probability"', '"typical_amount"')
    with pytest.raises(ModelError, match="which is no probability head of this model"):
        run_shop(shop)


def test_a_project_without_thresholds_has_none(shop, run_shop):
    (shop.folder / "thresholds.py").unlink()
    run_shop(shop)
    workspace = Workspace(shop.root)
    assert read_bundle(workspace.store(), workspace.candidate("shop").bundle).thresholds == []


def test_the_repositorys_lock_file_travels_in_the_bundle(finished_shop, tmp_path, run_shop):
    finished, _ = finished_shop
    root = tmp_path / "copy"
    shutil.copytree(finished.root, root)
    shop = type(finished)(root, finished.name, finished.source)
    (root / "requirements.lock").write_text("numpy==2\n")
    run_shop(shop)
    workspace = Workspace(root)
    bundle = read_bundle(workspace.store(), workspace.candidate("shop").bundle)
    assert (bundle.path / "requirements.lock").read_text() == "numpy==2\n"


def test_without_a_lock_file_the_bundle_names_what_is_installed(finished_shop):
    shop, _ = finished_shop
    workspace = Workspace(shop.root)
    bundle = read_bundle(workspace.store(), workspace.candidate("shop").bundle)
    lines = (bundle.path / "requirements.lock").read_text().splitlines()
    assert any(line.startswith("lightgbm==") for line in lines)
    assert len({line.split("==")[0] for line in lines}) == len(lines)
