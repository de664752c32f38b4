from pathlib import Path

import pytest

from maru.errors import ProjectError
from maru.project.yaml_source import read_mapping


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "project.yaml"


def refusal(file: Path) -> str:
    with pytest.raises(ProjectError) as caught:
        read_mapping(file)
    return str(caught.value).removeprefix(str(file))


def test_each_key_has_its_line_nested_ones_too(file: Path):
    file.write_text("# first\nname: a\nserving:\n  cpu: 1\nsecrets:\n  - A\n  - B\n")
    source = read_mapping(file)
    assert source.value == {"name": "a", "serving": {"cpu": 1}, "secrets": ["A", "B"]}
    assert source.lines == {
        ("name",): 2,
        ("serving",): 3,
        ("serving", "cpu"): 4,
        ("secrets",): 5,
        ("secrets", 0): 6,
        ("secrets", 1): 7,
    }


def test_an_unknown_location_has_the_line_of_the_key_around_it(file: Path):
    file.write_text("a: 1\nserving:\n  cpu: 1\n")
    source = read_mapping(file)
    assert source.line(("serving", "memory", "x")) == 2
    assert source.line(("nothing",)) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: must hold `key: value` lines, got nothing"),
        ("- a\n", ":1: must hold `key: value` lines, got a list"),
        ("word\n", ":1: must hold `key: value` lines, got one value"),
        ("a: 1\nb: 2\na: 3\n", ":3: `a` stands twice, first in line 1; keep one"),
        ("a:\n  b: 1\n  b: 2\n", ":3: `b` stands twice, first in line 2; keep one"),
        ("a: 1\n\tb: 2\n", ":2: YAML allows no tabs; indent with two spaces"),
        ("a:\n  b: 1\n\tc: 2\n", ":3: YAML allows no tabs; indent with two spaces"),
        (
            "a: 1\ntrain: */5 * * * *\n",
            ':2: a value that starts with * must be quoted; write `train: "*/5 * * * *"`',
        ),
        ("on: 1\n", ":1: a key must be a word, got on; quote it"),
        ("a: 'x\n", ":2: is no YAML: found unexpected end of stream"),
        ("a: [1\nb: 2\n", ":2: is no YAML: "),
        ("a: !!int x\n", ":1: cannot be read: x; quote it"),
        ("a: 2026-02-31\n", ":1: cannot be read: 2026-02-31; quote it"),
        ("a: *x\n", ':1: a value that starts with * must be quoted; write `a: "*x"`'),
        ("a: &x [*x]\n", ":1: must not use YAML's aliases; write the value out"),
        ("a: !!python/object:os.system 1\n", ":1: cannot be read: 1; quote it"),
        ("<<: {a: 1}\n", ":1: a key must be a word, got <<; quote it"),
        ("[a]: 1\n", ":1: a key must be a word, got a list or mapping; quote it"),
        ("a: \x01\n", ": is no YAML: "),
    ],
)
def test_each_mistake_of_yaml_is_said_with_its_line(file: Path, text: str, said: str):
    file.write_text(text)
    assert refusal(file).startswith(said)


def test_a_missing_file_is_said(file: Path):
    assert refusal(file) == ": this file is missing"


def test_a_file_that_is_no_utf8_is_said(file: Path):
    file.write_bytes(b"name: caf\xe9\n")
    assert refusal(file) == ": must be UTF-8 text, but byte 9 is not; save it as UTF-8"
