"""Daily scores: the release's own code, every entity accounted for, once a day."""

import json
from datetime import date

import numpy as np
import polars as pl
import pytest
from small_project import AS_OF

from maru.batch.score import answer, live_bundle, score
from maru.errors import BundleError, ReleaseError, RunError
from maru.release.gate import Verdict
from maru.release.pin import Pin
from maru.serving.loaded import load_release
from maru.workspace import Workspace


def scored(shop, **options):
    workspace = Workspace(shop.root)
    asked = {"as_of": AS_OF, "bundle": workspace.candidate("shop").bundle, **options}
    return score(workspace, "shop", show=lambda line: None, **asked)


@pytest.fixture(scope="module")
def module_shop(tmp_path_factory, finished_shop):
    """Return the finished project with no scores, for tests that score it."""
    return finished_shop[0]


@pytest.fixture
def fresh(module_shop):
    """Return the finished project after removing the scores of another test."""
    import shutil

    shutil.rmtree(module_shop.root / ".maru" / "scores", ignore_errors=True)
    return module_shop


def test_every_entity_of_the_day_is_scored_and_accounted_for(fresh):
    done = scored(fresh)
    manifest = done.manifest
    frame = pl.read_parquet(done.folder / "part-*.parquet")
    assert (manifest["rows"], manifest["scored"], manifest["failed"]) == (236, 236, 0)
    assert frame.columns == ["entity", *manifest["outputs"]]
    assert frame.schema["entity"] == pl.String
    assert frame["entity"].is_sorted()
    assert frame["entity"].n_unique() == 236
    assert frame["is_payer"].dtype == pl.Boolean
    assert manifest["bundle"] == Workspace(fresh.root).candidate("shop").bundle
    assert manifest["commit"] == fresh.git("rev-parse", "HEAD")
    assert manifest["columns_read"] < 42


def test_the_scores_are_what_the_model_answers_for_the_whole_mart(fresh):
    done = scored(fresh)
    workspace = Workspace(fresh.root)
    release = load_release(workspace.store(), done.manifest["bundle"])
    whole = pl.read_parquet(next(workspace.marts.glob("shop/*/mart.parquet")))
    matrix = np.ascontiguousarray(whole.select(release.model.columns).to_numpy())
    frame = pl.read_parquet(done.folder / "part-*.parquet")
    for name, values in release.answer(matrix).items():
        assert frame[name].to_list() == values.tolist()


def test_a_day_is_scored_once_however_often_it_is_asked_for(fresh):
    first = scored(fresh)
    files = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    again = scored(fresh)
    assert (first.before, again.before) == (False, True)
    assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == files


def test_in_chunks_the_scores_are_the_same(fresh):
    whole = pl.read_parquet(scored(fresh).folder / "part-*.parquet")
    (fresh.root / ".maru" / "scores" / "shop" / f"as_of={AS_OF}").unlink()
    done = scored(fresh, chunk=50)
    assert sorted(done.manifest["files"]) == [f"part-{n:05d}.parquet" for n in range(5)]
    assert pl.read_parquet(done.folder / "part-*.parquet").equals(whole)


def test_damaged_scores_are_refused_and_written_again_with_replace(fresh):
    done = scored(fresh)
    (done.folder / "part-00000.parquet").write_bytes(b"other")
    with pytest.raises(ReleaseError, match=r"differs from its sha256. Score it again with --repl"):
        scored(fresh)
    assert not scored(fresh, replace=True).before
    assert scored(fresh).before


def test_another_release_may_not_write_over_a_day_unless_told_to(fresh):
    done = scored(fresh)
    manifest = done.folder / "manifest.json"
    other = {**json.loads(manifest.read_text()), "bundle": "sha256:" + "b" * 64}
    manifest.write_text(json.dumps(other))
    with pytest.raises(ReleaseError, match="was scored by release bbbbbbbbbbbb, now asked for"):
        scored(fresh)
    assert scored(fresh, replace=True).manifest["bundle"] == done.manifest["bundle"]


def test_without_a_day_the_newest_complete_one_is_scored(fresh):
    assert scored(fresh, as_of=None).manifest["as_of"] == AS_OF.isoformat()


def test_a_day_beyond_the_data_is_refused(fresh):
    with pytest.raises(RunError, match="there is no data to score as of 2026-01-01"):
        scored(fresh, as_of=date(2026, 1, 1))


def test_a_bundle_that_is_nowhere_is_refused(fresh):
    with pytest.raises(BundleError, match="is not in"):
        scored(fresh, as_of=date(2025, 8, 1), bundle="sha256:" + "0" * 64)


def test_what_is_live_is_what_the_checked_out_commit_pins(shop, new_bundle, tmp_path):
    workspace = Workspace(shop.root)
    with pytest.raises(ReleaseError, match="shop has nothing live to score with"):
        live_bundle(workspace, "shop")
    digest = new_bundle(tmp_path / "bundle", project="shop")
    workspace.store().put(tmp_path / "bundle")
    (shop.folder / "release.yaml").write_bytes(Pin(digest).to_bytes())
    with pytest.raises(ReleaseError, match="nothing live"):
        live_bundle(workspace, "shop")
    shop.commit("Release")
    assert live_bundle(workspace, "shop") == digest


def test_what_the_gate_refused_is_scored_by_its_name_only(shop, new_bundle, tmp_path):
    workspace = Workspace(shop.root)
    verdict = Verdict(passed=False, reasons=("mae is 9",))
    digest = new_bundle(tmp_path / "bundle", project="shop", verdict=verdict)
    workspace.store().put(tmp_path / "bundle")
    (shop.folder / "release.yaml").write_bytes(Pin(digest).to_bytes())
    shop.commit("Release by hand")
    with pytest.raises(ReleaseError, match="may not be live for shop: the gate refused it: mae is"):
        live_bundle(workspace, "shop")


def test_rows_that_the_service_would_refuse_are_counted_with_the_reason(fresh):
    workspace = Workspace(fresh.root)
    release = load_release(workspace.store(), workspace.candidate("shop").bundle)
    required = release.model.required
    good = dict.fromkeys(required, 1.0)
    strict = next(
        n
        for n, may in zip(release.schema.required, release.schema.nullable, strict=False)
        if not may
    )
    rows = pl.DataFrame([{"entity": "a", **good}, {"entity": "b", **good, strict: None}])
    scores, failures = answer(release, rows)
    assert scores["entity"].to_list() == ["a"]
    assert failures.to_dicts() == [{"entity": "b", "reason": f"column {strict} is null"}]
