"""A bundle that the first maru wrote, kept for ever: whoever rolls back to it must be able to.

It is never written again. A change that fails here needs a new schema and a reader for each.
"""

from datetime import date
from pathlib import Path

from maru.models.model_folder import load_model
from maru.release.bundle import Bundle, verify_bundle
from maru.release.gate import Verdict
from maru.release.golden import Comparison, read_golden

PATH = Path(__file__).parent / "bundle_of_schema_1"
DIGEST = "sha256:1b05e6944dfd09f340e221fc6421e6241a696884552541e229f69b5d2f84defd"
BUNDLE = Bundle(PATH, DIGEST, verify_bundle(PATH, DIGEST))


def test_its_manifest_and_verdict_are_read():
    assert BUNDLE.manifest.as_of == date(2026, 1, 1)
    assert BUNDLE.manifest.source.commit == "5" * 40
    verdict = Verdict.from_json(BUNDLE.gate)
    assert verdict.passed
    assert verdict.headlines() == ["typical_amount: mae 21.5, best naive row mean 24"]


def test_its_model_answers_its_golden_rows():
    golden = read_golden(BUNDLE.golden_file.read_bytes())
    model = load_model(BUNDLE.model_folder)
    assert model.columns == golden.columns
    answers = model.predict(golden.matrix())["typical_amount"]
    loosely = Comparison(("another machine",))
    for row, answer in zip(golden.rows, answers, strict=True):
        assert loosely.holds(row.expected["typical_amount"], float(answer)), row.name
