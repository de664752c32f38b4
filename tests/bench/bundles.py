"""A repository with one bundle around given LightGBM text models, for `maru serve`."""

import json
import subprocess
from datetime import date
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl

from maru.adapters.bundle_store import LocalBundleStore
from maru.models.model_folder import load_model
from maru.release.bundle import Facts, Parts, assemble_bundle
from maru.release.golden import choose_rows
from maru.release.manifest import Source
from maru.serving.request_schema import build_request_schema


def model_folder(folder: Path, *models: Path) -> Path:
    """Write a model folder with one head, ``value``, that is the mean of the boosters' answers."""
    folder.mkdir(parents=True)
    boosters = [lightgbm.Booster(model_file=model) for model in models]
    splits = sum(booster.feature_importance("split") for booster in boosters)
    columns = boosters[0].feature_name()
    identity = {"kind": "identity"}
    members = []
    for n, model in enumerate(models):
        (folder / f"value-{n}.txt").write_bytes(model.read_bytes())
        weight = 1.0 / len(models)
        members.append({"file": f"value-{n}.txt", "weight": weight, "inverse": identity})
    head = {
        "name": "value",
        "minimum": None,
        "calibration": identity,
        "members": members,
        "zero_unless": None,
    }
    document = {
        "schema": 1,
        "kind": "lightgbm-text",
        "columns": columns,
        "required": [name for name, n in zip(columns, splits, strict=True) if n],
        "heads": [head],
    }
    (folder / "model.json").write_text(json.dumps(document))
    return folder


def repository(folder: Path, *models: Path) -> tuple[Path, str]:
    """Make a repository with the project ``bench`` and a published bundle; return its digest."""
    code = folder / "projects" / "bench"
    code.mkdir(parents=True)
    yaml = "name: bench\nowner: bench\nentity: entity\ntime_zone: UTC\n"
    (code / "project.yaml").write_text(yaml)
    subprocess.run(["git", "init", "-q", folder], check=True)
    parts = folder / "parts"
    loaded_from = model_folder(parts / "model", *models)
    loaded = load_model(loaded_from)
    (parts / "mart").mkdir()
    (parts / "mart" / "state.json").write_text("{}")
    (parts / "mart" / "columns.json").write_text(json.dumps([{"name": n} for n in loaded.columns]))
    pl.DataFrame({"entity": ["a"], "as_of": [date(2018, 1, 1)], "label": [0.0]}).write_parquet(
        parts / "backtest.parquet"
    )
    rows = np.random.default_rng(3).normal(size=(3, len(loaded.columns)))
    golden = choose_rows(loaded.columns, ["a", "b", "c"], rows, nullable=set(loaded.columns))
    bundle = Parts(
        code={"project.yaml": yaml.encode()},
        requirements=b"",
        model=parts / "model",
        mart=parts / "mart",
        contract={"schema": 1},
        request_schema=build_request_schema(loaded.required, set(loaded.columns), "entity"),
        thresholds=[],
        golden=golden.answered(loaded.predict).to_bytes(),
        gate={"passed": True, "reasons": []},
        backtest=parts / "backtest.parquet",
    )
    facts = Facts(
        project="bench",
        as_of=date(2018, 1, 1),
        snapshot="a" * 64,
        mart="b" * 64,
        training="c" * 64,
        code="d" * 64,
        source=Source(commit=None, tree=None, dirty=True),
    )
    assemble_bundle(parts / "bundle", facts=facts, parts=bundle)
    store = LocalBundleStore(folder / ".maru" / "bundles")
    return folder, store.put(parts / "bundle")
