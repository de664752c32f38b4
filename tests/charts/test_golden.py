"""A change of a chart is seen in what it renders. MARU_REGENERATE=1 writes the files anew."""

import os

import pytest
from rendering import HERE, every_chart_and_environment, rendered_text

GOLDEN = HERE / "golden"


@pytest.mark.parametrize(("chart", "environment"), every_chart_and_environment())
def test_renders_as_before(chart, environment):
    path = GOLDEN / f"{chart}-{environment}.yaml"
    text = rendered_text(chart, environment)
    if os.environ.get("MARU_REGENERATE"):
        path.write_text(text)
    assert path.is_file(), f"{path} is missing; write it with MARU_REGENERATE=1 and read it"
    assert text == path.read_text(), "look at the difference; MARU_REGENERATE=1 accepts it"


def test_no_golden_file_is_left_over():
    wanted = {f"{chart}-{environment}.yaml" for chart, environment in every_chart_and_environment()}
    assert {path.name for path in GOLDEN.iterdir()} == wanted
