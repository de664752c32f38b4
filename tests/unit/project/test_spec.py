from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.project.problems import FolderError
from maru.project.spec import ProjectSpec, is_name, read_spec


def refusal(folder: Path, text: str) -> list[str]:
    """Return what is said of a project.yaml, without the name of the file."""
    file = folder / "project.yaml"
    file.write_text(text)
    with pytest.raises(FolderError) as caught:
        read_spec(file)
    said = str(caught.value).splitlines()
    assert all(line.startswith("projects/charge/project.yaml:") for line in said)
    return [line.removeprefix("projects/charge/project.yaml:").strip() for line in said]


@pytest.fixture
def good(folder: Path) -> str:
    return (folder / "project.yaml").read_text()


def test_five_lines_are_a_working_project(folder: Path):
    spec = read_spec(folder / "project.yaml")
    assert (spec.name, spec.owner, spec.entity) == ("charge", "ana@example.com", "household_id")
    assert (spec.horizon_days, spec.promote, spec.engine, spec.secrets) == (30, "auto", "local", ())
    assert (spec.schedule.train, spec.serving.replicas, spec.serving.cpu) == (None, 1, "500m")


def test_everything_that_can_be_said_is_read(folder: Path, good: str):
    (folder / "project.yaml").write_text(
        good
        + """\
horizon_days: 14
schedule: {train: "0  6 * * mon", score: "*/30 5 1,15 * *"}
serving: {replicas: 3, cpu: 1.5, memory: 2Gi}
checks: {drift_psi: 0.1, row_count_change: 0.3, maximum_age_days: 1}
alarms: {slack: "#charge", email: team@example.com}
promote: review
engine: local
secrets: [WAREHOUSE_PASSWORD]
"""
    )
    spec = read_spec(folder / "project.yaml")
    assert spec.schedule.train == "0 6 * * mon"
    assert (spec.serving.replicas, spec.serving.cpu, spec.serving.memory) == (3, "1.5", "2Gi")
    assert spec.secrets == ("WAREHOUSE_PASSWORD",)


def test_each_missing_key_is_named_with_what_to_write(folder: Path):
    assert refusal(folder, "name: charge\n") == [
        "`owner` is missing: a person or group of the hub; write `owner: ana@example.com`",
        "`entity` is missing: the column that names what is scored; write `entity: customer_id`",
        "`time_zone` is missing: the IANA zone whose midnights part the days; "
        "write `time_zone: America/New_York`",
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("horizon: 30", "6: there is no key `horizon`; did you mean `horizon_days`?"),
        (
            "zzz: 1",
            "6: there is no key `zzz`; known: schema, name, owner, entity, time_zone, "
            "horizon_days, schedule, serving, checks, alarms, promote, engine, secrets",
        ),
        ("serving:\n  replica: 2", "7: there is no key `replica`; did you mean `replicas`?"),
        (
            "horizon_days: thirty",
            "6: `horizon_days` must be a whole number of days, 1 to 366; got 'thirty'; "
            "write `horizon_days: 30`",
        ),
        (
            'horizon_days: "30"',
            "6: `horizon_days` must be a whole number of days, 1 to 366; got '30'; "
            "write `horizon_days: 30`",
        ),
        (
            "horizon_days: 0",
            "6: `horizon_days` must be a whole number of days, 1 to 366; got 0; "
            "write `horizon_days: 30`",
        ),
        (
            "horizon_days: true",
            "6: `horizon_days` must be a whole number of days, 1 to 366; got True; "
            "write `horizon_days: 30`",
        ),
        (
            'schedule:\n  train: "0 25 * * *"',
            "7: `schedule.train` has a bad hour: `25`; got '0 25 * * *'; "
            'write for example `"0 6 * * 1"`',
        ),
        (
            'schedule:\n  score: "0 6 * *"',
            "7: `schedule.score` must have five fields (minute, hour, day of month, month, day of "
            "week), not 4; got '0 6 * *'; write for example `\"0 6 * * 1\"`",
        ),
        (
            'schedule:\n  score: "0 6 32 * *"',
            "7: `schedule.score` has a bad day of month: `32`; got '0 6 32 * *'; "
            'write for example `"0 6 * * 1"`',
        ),
        (
            "schedule: daily",
            "6: `schedule` must be a mapping of train and score; got 'daily'; "
            'write `schedule: {train: "0 6 * * 1"}`',
        ),
        (
            "serving: {cpu: 2x}",
            "6: `serving.cpu` must be cores, or thousandths of one with an m; got '2x'; "
            "write `cpu: 500m`",
        ),
        (
            "serving: {memory: 512}",
            "6: `serving.memory` must be a memory size in Mi or Gi; got 512; write `memory: 512Mi`",
        ),
        (
            "promote: always",
            "6: `promote` must be auto (commit) or review (branch); got 'always'; "
            "write `promote: review`",
        ),
        (
            "secrets: [hunter2]",
            "6: `secrets.0` must be a list of NAMES, never values; got 'hunter2'; "
            "write `secrets: [WAREHOUSE_PASSWORD]`",
        ),
        (
            "secrets: PASSWORD",
            "6: `secrets` must be a list of NAMES, never values; got 'PASSWORD'; "
            "write `secrets: [WAREHOUSE_PASSWORD]`",
        ),
    ],
)
def test_each_mistake_is_one_sentence_with_its_line(folder: Path, good: str, lines: str, said: str):
    assert refusal(folder, good + lines + "\n") == [said]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "time_zone",
            "America/New_Yor",
            "5: `time_zone` must be a time zone of the IANA database; got 'America/New_Yor'; "
            "did you mean `America/New_York`?",
        ),
        (
            "time_zone",
            "EST5EDTX9",
            "5: `time_zone` must be a time zone of the IANA database; got 'EST5EDTX9'; "
            "did you mean `EST5EDT`?",
        ),
        (
            "name",
            "Charge_1",
            "2: `name` must be a DNS label of at most 40 characters: lower-case letters, digits "
            "and hyphens, starting with a letter and not ending with a hyphen; got 'Charge_1'; "
            "write for example `charge`",
        ),
        ("owner", "''", "3: `owner` must be a person or group of the hub; got ''; write "),
        ("owner", "12", "3: `owner` must be a person or group of the hub; got 12; write "),
        ("entity", "a b", "4: `entity` must be the column that names what is scored; got 'a b'; "),
        ("schema", "2", "1: `schema` must be 1; got 2; write `schema: 1`"),
    ],
)
def test_each_wrong_value_of_a_needed_key_is_one_sentence(
    folder: Path, good: str, key: str, value: str, said: str
):
    lines = [f"{key}: {value}" if line.startswith(key) else line for line in good.splitlines()]
    (found,) = refusal(folder, "\n".join(lines))
    assert found.startswith(said)


def test_all_mistakes_are_said_at_once_in_the_order_of_the_file(folder: Path, good: str):
    said = refusal(folder, good + "horizon: 3\nserving: {cpu: x}\npromote: no\n")
    assert [line[0] for line in said] == ["6", "7", "8"]


def test_a_spec_is_a_value(folder: Path):
    spec = read_spec(folder / "project.yaml")
    assert spec == read_spec(folder / "project.yaml")
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"


def test_every_field_says_its_rule_and_an_example():
    def walk(model, path=""):
        for name, field in model.model_fields.items():
            assert field.description, f"{path}{name} has no description"
            assert field.examples, f"{path}{name} has no example"
            inner = field.annotation
            if isinstance(inner, type) and hasattr(inner, "model_fields"):
                walk(inner, f"{path}{name}.")

    walk(ProjectSpec)


@given(st.text(alphabet="abcxyz019-", min_size=1, max_size=50))
def test_names_make_namespaces_that_kubernetes_accepts(text: str):
    is_label = len(f"project-{text}") <= 63 and not text.startswith("-") and not text.endswith("-")
    if is_name(text):
        assert is_label
        assert text[0].isalpha()
    else:
        assert not is_label or not text[0].isalpha() or len(text) > 40
