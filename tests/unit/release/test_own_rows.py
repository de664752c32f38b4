import pytest

from maru.errors import ProjectError
from maru.release.golden import GoldenRow, Stated
from maru.release.own_rows import read_own_rows

COLUMNS = ["count_30d", "mean_30d"]
KNOWN = [*COLUMNS, "max_365d"]


def read(*lines: str):
    content = "\n".join(lines).encode()
    return read_own_rows(content, COLUMNS, nullable=["mean_30d"], known=KNOWN)


def test_a_row_worked_by_hand():
    line = (
        '{"name": "buyer", "features": {"mean_30d": 2.5, "count_30d": 3}, '
        '"expected": {"typical_amount": 80}, "tolerance": 5}'
    )
    stated = {"typical_amount": Stated(80.0, 5.0)}
    assert read(line) == (GoldenRow("own:buyer", (3.0, 2.5), {}, stated),)


def test_a_column_left_out_is_null_where_allowed_and_else_zero():
    (row,) = read('{"name": "empty", "features": {}}')
    assert row.inputs == (0.0, None)
    assert row.stated == {}


def test_a_column_of_the_mart_that_the_model_does_not_read_is_ignored():
    (row,) = read('{"name": "a", "features": {"max_365d": 1}}')
    assert row.inputs == (0.0, None)


def test_without_tolerance_a_number_must_be_met_to_a_billionth():
    (row,) = read('{"name": "a", "features": {}, "expected": {"y": -80.0}}')
    assert row.stated == {"y": Stated(-80.0, 80.0 * 1e-9)}


def test_empty_lines_are_no_rows():
    assert read("", "  ", '{"name": "a", "features": {}}', "") != ()
    assert read("") == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "tests/golden.jsonl:2: Expecting"),
        ("[]", "a row has name, features"),
        ('{"features": {}}', "a row has name, features"),
        ('{"name": "b", "features": {}, "weight": 1}', "a row has name, features"),
        ('{"name": "b", "features": {"cuont": 1}}', "the mart has no column cuont"),
        ('{"name": "b", "features": {"count_30d": "3"}}', "count_30d must be a number, got '3'"),
        ('{"name": "b", "features": {"count_30d": true}}', "count_30d must be a number, got True"),
        ('{"name": "b", "features": {"count_30d": NaN}}', "count_30d must be a number, got nan"),
        ('{"name": "b", "features": {"count_30d": null}}', "count_30d may not be null"),
        ('{"name": "b", "features": {}, "expected": {"y": null}}', "y must be a number, got None"),
        ('{"name": "a", "features": {}}', "two rows have the same name"),
    ],
)
def test_a_mistake_is_named_with_its_line(line, said):
    with pytest.raises(ProjectError, match=r"^tests/golden\.jsonl:") as refusal:
        read('{"name": "a", "features": {}}', line)
    assert said in str(refusal.value)
