"""Which of the platform's files make another model."""

from pathlib import Path

import pytest

import maru
from maru.training_run.provenance import computing_files

ROOT = Path(maru.__file__).parent


@pytest.mark.parametrize(
    "file",
    [
        "mart/builder.py",
        "models/kinds/lightgbm_text.py",
        "project/spec.py",
        "tables/digest.py",
        "training_run/fitting.py",
        "training_run/marts.py",
    ],
)
def test_what_computes_counts(file):
    assert ROOT / file in computing_files()


@pytest.mark.parametrize("file", ["cli/main.py", "serving/asgi.py", "training_run/reporting.py"])
def test_what_tells_does_not(file):
    assert (ROOT / file).is_file()
    assert ROOT / file not in computing_files()
