"""register_candidate stores a bundle that proves itself, and offers it."""

import json

from maru.adapters.bundle_store import LocalBundleStore
from maru.release.bundle import read_bundle
from maru.release.golden import read_golden
from maru.serving.loaded import load_bundle


def bundle_of(step):
    return read_bundle(LocalBundleStore(step.home / "bundles"), step.found["bundle"])


def test_it_returns_the_bundles_digest_to_kfp(left):
    step = left("register_candidate")
    output = json.loads((step.folder / "executor_output.json").read_text())
    assert output["parameterValues"] == {"Output": step.found["bundle"]}


def test_the_bundle_answers_its_golden_rows(left):
    bundle = bundle_of(left("register_candidate"))
    release = load_bundle(bundle)
    assert release.golden.startswith("byte for byte")
    names = [row.name for row in read_golden(bundle.golden_file.read_bytes()).rows]
    assert len([name for name in names if name.startswith("test:")]) == 64
    assert {"all-null", "minima", "maxima"} <= set(names)


def test_the_bundle_holds_no_clock_and_no_run(left):
    step = left("register_candidate")
    bundle = bundle_of(step)
    run = json.loads((step.home / "candidates" / "shop.json").read_text())["run"]
    for file in bundle.path.rglob("*"):
        if file.is_file() and file.suffix != ".lock":
            assert run.encode() not in file.read_bytes(), file.name


def test_the_request_schema_asks_for_what_the_model_reads(left):
    bundle = bundle_of(left("register_candidate"))
    required = json.loads((bundle.model_folder / "model.json").read_text())["required"]
    schema = json.loads((bundle.path / "request_schema.json").read_text())
    assert set(schema["columns"]) == set(required)
    assert schema["entity"] == {"name": "customer"}
    assert schema["columns"]["purchase_sum_42d"] == {"nullable": False}


def test_thresholds_contract_and_code_are_the_projects(left):
    bundle = bundle_of(left("register_candidate"))
    flags = load_bundle(bundle).flags
    assert [(flag.name, flag.head) for flag in flags] == [("is_payer", "purchase_probability")]
    assert 0 < flags[0].at_least < 1
    contract = json.loads((bundle.path / "contract.json").read_text())
    assert contract["tables"][0]["name"] == "purchases"
    assert {file.name for file in bundle.code_folder.iterdir()} == {
        *("data.py", "features.py", "pipeline.py", "project.yaml", "thresholds.py")
    }
