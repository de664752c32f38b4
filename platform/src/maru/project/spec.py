"""project.yaml as a typed value: who owns the project, what it predicts, when, and how it serves.

Every field's description completes the sentence "`key` must be ...", and its first example is
what the error message says to write.
"""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from croniter import CroniterBadCronError, croniter
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from maru.project.problems import FolderError, Problem, nearest
from maru.project.yaml_source import Location, YamlSource, read_mapping

# RFC 1123: the name becomes a Kubernetes namespace `project-<name>` of at most 63 characters.
NAME_PATTERN = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
NAME_LENGTH = 40
NAME_RULE = (
    f"a DNS label of at most {NAME_LENGTH} characters: lower-case letters, digits and hyphens, "
    "starting with a letter and not ending with a hyphen"
)
CRON_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
# A stand-in for the fields that are not looked at while one field is.
CRON_ANY = ("0", "0", "1", "1", "0")


def is_name(text: str) -> bool:
    """Say whether ``text`` may name a project."""
    return len(text) <= NAME_LENGTH and NAME_PATTERN.fullmatch(text) is not None


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"must be {NAME_RULE}; write for example `charge`")
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def known_time_zone(text: str) -> str:
    """Return a time zone's name; ValueError, in words, where IANA's database lacks it."""
    if text not in _zones():
        meant = nearest(text, _zones())
        hint = f"did you mean `{meant}`?" if meant else "write for example `America/New_York`"
        raise ValueError(f"must be a time zone of the IANA database; {hint}")
    return text


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != len(CRON_FIELDS):
        raise ValueError(
            f"must have five fields ({', '.join(CRON_FIELDS)}), not {len(fields)}; "
            'write for example `"0 6 * * 1"`'
        )
    for position, (field, title) in enumerate(zip(fields, CRON_FIELDS, strict=True)):
        alone = list(CRON_ANY)
        alone[position] = field
        try:
            croniter(" ".join(alone))
        except (CroniterBadCronError, ValueError, KeyError):
            raise ValueError(
                f'has a bad {title}: `{field}`; write for example `"0 6 * * 1"`'
            ) from None
    return " ".join(fields)


def _quantity(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Cron = Annotated[str, AfterValidator(_cron)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(_Document):
    """When the project trains and scores, in the project's time zone; never where null."""

    train: Cron | None = Field(None, description="a cron line or null", examples=['"0 6 * * 1"'])
    score: Cron | None = Field(None, description="a cron line or null", examples=['"0 5 * * *"'])


class Serving(_Document):
    """The size of the scoring service; it can't change an answer."""

    replicas: int = Field(
        1, ge=1, le=100, strict=True, description="a whole number from 1 to 100", examples=[2]
    )
    cpu: Annotated[str, BeforeValidator(_quantity)] = Field(
        "500m",
        pattern=r"^([1-9][0-9]*m|[0-9]+(\.[0-9]+)?)$",
        description="cores, or thousandths of one with an m",
        examples=["500m"],
    )
    memory: str = Field(
        "512Mi",
        pattern=r"^[1-9][0-9]*(Mi|Gi)$",
        description="a memory size in Mi or Gi",
        examples=["512Mi"],
    )


class Checks(_Document):
    """Limits of the monitors; a breach is an alarm."""

    drift_psi: float = Field(
        0.2, gt=0, description="a population stability index above 0", examples=[0.2]
    )
    row_count_change: float = Field(
        0.5, gt=0, description="a share above 0: 0.5 allows half to twice", examples=[0.5]
    )
    maximum_age_days: int = Field(
        2, ge=1, strict=True, description="a whole number of days, 1 or more", examples=[2]
    )


class Alarms(_Document):
    """Where the project's alarms go, besides the log."""

    slack: str | None = Field(
        None, pattern=r"^#[a-z0-9_-]+$", description="a channel", examples=['"#charge"']
    )
    email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", description="an address", examples=["team@example.com"]
    )


class ProjectSpec(_Document):
    """All that project.yaml says.

    Only ``entity``, ``horizon_days``, ``time_zone`` and ``engine`` can change a model; the rest is
    taken from the newest commit, also for an older release.
    """

    schema_version: Literal[1] = Field(1, alias="schema", description="1", examples=[1])
    name: Annotated[str, AfterValidator(_name)] = Field(
        description="the name of the folder", examples=["charge"]
    )
    owner: str = Field(
        min_length=1, description="a person or group of the hub", examples=["ana@example.com"]
    )
    entity: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="the column that names what is scored",
        examples=["customer_id"],
    )
    time_zone: Annotated[str, AfterValidator(known_time_zone)] = Field(
        description="the IANA zone whose midnights part the days", examples=["America/New_York"]
    )
    horizon_days: int = Field(
        30, ge=1, le=366, strict=True, description="a whole number of days, 1 to 366", examples=[30]
    )
    schedule: Schedule = Field(
        Schedule(), description="a mapping of train and score", examples=['{train: "0 6 * * 1"}']
    )
    serving: Serving = Field(
        Serving(), description="a mapping of replicas, cpu and memory", examples=["{replicas: 2}"]
    )
    checks: Checks = Field(
        Checks(), description="a mapping of limits", examples=["{drift_psi: 0.2}"]
    )
    alarms: Alarms = Field(
        Alarms(), description="a mapping of channels", examples=['{slack: "#charge"}']
    )
    promote: Literal["auto", "review"] = Field(
        "auto", description="auto (commit) or review (branch)", examples=["review"]
    )
    engine: Literal["local"] = Field("local", description="local", examples=["local"])
    secrets: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")], ...] = Field(
        (), description="a list of NAMES, never values", examples=["[WAREHOUSE_PASSWORD]"]
    )


def read_spec(file: Path) -> ProjectSpec:
    """Read and check project.yaml.

    Raises
    ------
    FolderError
        With one problem, and its line, for every mistake in the file.
    """
    source = read_mapping(file)
    try:
        return ProjectSpec.model_validate(source.value)
    except ValidationError as error:
        problems = [_problem(source, found) for found in error.errors()]
        raise FolderError(sorted(problems, key=lambda problem: problem.line or 0)) from None


def _problem(source: YamlSource, found: ErrorDetails) -> Problem:
    location: Location = found["loc"]
    key = ".".join(str(part) for part in location)
    line = source.line(location)
    model, field = _field(location)
    if found["type"] == "extra_forbidden":
        return Problem(source.file, line, _unknown_key(str(location[-1]), model))
    example = field.examples[0] if field and field.examples else ""
    write = f"write `{_last_word(location)}: {example}`"
    if found["type"] == "missing":
        return Problem(source.file, None, f"`{key}` is missing: {_rule(field)}; {write}")
    if found["type"] == "value_error":
        rule, _, write = found["msg"].removeprefix("Value error, ").partition("; ")
        return Problem(source.file, line, f"`{key}` {rule}; got {found['input']!r}; {write}")
    said = f"`{key}` must be {_rule(field)}; got {found['input']!r}; {write}"
    return Problem(source.file, line, said)


def _field(location: Location) -> tuple[type[BaseModel], FieldInfo | None]:
    """Return the innermost model and field that a location names."""
    model: type[BaseModel] = ProjectSpec
    field: FieldInfo | None = None
    for part in location:
        field = _fields(model).get(str(part), field)
        inner = field.annotation if field else None
        if isinstance(inner, type) and issubclass(inner, BaseModel) and part != location[-1]:
            model = inner
    return model, field


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _rule(field: FieldInfo | None) -> str:
    return field.description or "" if field else ""


def _last_word(location: Location) -> str:
    return next(str(part) for part in reversed(location) if isinstance(part, str))


def _unknown_key(key: str, model: type[BaseModel]) -> str:
    known = _fields(model)
    meant = nearest(key, known)
    hint = f"did you mean `{meant}`?" if meant else f"known: {', '.join(known)}"
    return f"there is no key `{key}`; {hint}"
