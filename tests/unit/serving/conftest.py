"""Bundles so small that their answers are worked by hand."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from maru.adapters.bundle_store import LocalBundleStore
from maru.models.model_folder import load_model
from maru.release.bundle import Facts, Parts, assemble_bundle
from maru.release.golden import choose_rows
from maru.release.manifest import Source
from maru.serving.loaded import LoadedRelease, load_release
from maru.serving.request_schema import build_request_schema

COLUMNS = ["purchase_count_30d", "purchase_sum_30d", "purchase_days_since"]
MART = [*COLUMNS, "rfm_recency", "visit_count_7d"]

# purchase_sum_30d <= 100 or null -> low, else high
ONE_SPLIT = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=2
objective={objective}
feature_names={features}
feature_infos=none none none
tree_sizes={size}

{tree}end of trees
"""
TREE = """Tree=0
num_leaves=2
num_cat=0
split_feature={split}
split_gain=1
threshold={threshold}
decision_type=10
left_child=-1
right_child=-2
leaf_value={low} {high}
leaf_weight=1 1
leaf_count=1 1
internal_value=0
internal_weight=2
internal_count=2
is_linear=0
shrinkage=1


"""


def booster(objective: str, split: int, threshold: float, low: float, high: float) -> str:
    tree = TREE.format(split=split, threshold=threshold, low=repr(low), high=repr(high))
    return ONE_SPLIT.format(
        objective=objective, features=" ".join(COLUMNS), size=len(tree), tree=tree
    )


def write_model(folder: Path, low: float, high: float) -> None:
    """payer: -4 or 4 by days since <= 30 or null; amount: ``low`` or ``high`` by sum <= 100."""
    folder.mkdir(parents=True)
    (folder / "payer-0.txt").write_text(booster("binary sigmoid:1", 2, 30, 4, -4))
    (folder / "amount-0.txt").write_text(booster("regression_l1", 1, 100, low, high))
    identity = {"kind": "identity"}
    heads = [
        {
            "name": name,
            "minimum": 0.0,
            "calibration": identity,
            "members": [{"file": file, "weight": 1.0, "inverse": identity}],
            "zero_unless": None,
        }
        for name, file in (
            ("purchase_probability", "payer-0.txt"),
            ("typical_amount", "amount-0.txt"),
        )
    ]
    required = ["purchase_sum_30d", "purchase_days_since"]
    document = {
        "schema": 1,
        "kind": "lightgbm-text",
        "columns": COLUMNS,
        "required": required,
        "heads": heads,
    }
    (folder / "model.json").write_text(json.dumps(document))


def add_bundle(
    store: LocalBundleStore,
    scratch: Path,
    *,
    project: str = "charge",
    low: float = 5.0,
    high: float = 80.0,
    code: dict[str, bytes] | None = None,
    spoil: Callable[[Path], None] = lambda folder: None,
    commit: str | None = "c0ffee" * 6 + "c0ff",
    refused: tuple[str, ...] = (),
) -> str:
    """Publish a bundle whose typical_amount is ``low`` or ``high``; return its digest.

    ``spoil`` may change the parts' files after the golden rows were answered; ``refused`` are the
    gate's reasons where it refuses it.
    """
    scratch.mkdir(parents=True)
    write_model(scratch / "model", low, high)
    mart = scratch / "mart"
    mart.mkdir()
    (mart / "state.json").write_text("{}")
    (mart / "columns.json").write_text(json.dumps([{"name": name} for name in MART]))
    model = load_model(scratch / "model")
    matrix = np.array([[1.0, 50.0, 3.0], [9.0, 300.0, 2.0], [0.0, 0.0, np.nan]])
    nullable = {"purchase_days_since", "rfm_recency"}

    def answer(rows: np.ndarray) -> dict[str, Any]:
        answers: dict[str, Any] = dict(model.predict(rows))
        return answers | {"is_payer": answers["purchase_probability"] >= 0.5}

    golden = choose_rows(COLUMNS, ["a", "b", "c"], matrix, nullable=nullable).answered(answer)
    backtest = scratch / "backtest.parquet"
    pl.DataFrame({"entity": ["a"], "origin": [date(2017, 7, 1)], "label": [0.0]}).write_parquet(
        backtest
    )
    spoil(scratch)
    parts = Parts(
        code={"project.yaml": b"schema: 1\n", **(code or {})},
        requirements=b"",
        model=scratch / "model",
        mart=mart,
        contract={"schema": 1},
        request_schema=build_request_schema(model.required, nullable, "household_id"),
        thresholds=[{"name": "is_payer", "head": "purchase_probability", "at_least": 0.5}],
        golden=golden.to_bytes(),
        gate={"passed": not refused, "reasons": list(refused)},
        backtest=backtest,
    )
    facts = Facts(
        project=project,
        as_of=date(2017, 12, 1),
        snapshot="a" * 64,
        mart="b" * 64,
        training="c" * 64,
        code="d" * 64,
        source=Source(commit=commit, tree=None, dirty=commit is None),
    )
    assemble_bundle(scratch / "bundle", facts=facts, parts=parts)
    return store.put(scratch / "bundle")


@pytest.fixture
def store(tmp_path: Path) -> LocalBundleStore:
    return LocalBundleStore(tmp_path / "bundles")


@pytest.fixture
def new_bundle(store: LocalBundleStore, tmp_path: Path) -> Callable[..., str]:
    """Return the function that publishes another bundle; see ``add_bundle``."""
    made = iter(range(1000))
    return lambda **parts: add_bundle(store, tmp_path / f"parts-{next(made)}", **parts)


@pytest.fixture(scope="session")
def session_store(tmp_path_factory: pytest.TempPathFactory) -> LocalBundleStore:
    return LocalBundleStore(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def release(
    session_store: LocalBundleStore, tmp_path_factory: pytest.TempPathFactory
) -> LoadedRelease:
    """A loaded release of charge, never changed."""
    digest = add_bundle(session_store, tmp_path_factory.mktemp("parts") / "charge")
    return load_release(session_store, digest)


@pytest.fixture(scope="session")
def publish_bundle() -> Callable[..., str]:
    """Return ``add_bundle``, for tests with stores of their own."""
    return add_bundle
