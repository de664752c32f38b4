import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import polars
import pytest

from maru.cli.dispatch import build_parser
from maru.cli.main import main, summaries
from maru.cli.outcome import Outcome
from maru.errors import ReleaseError
from maru.project import FolderError, Problem


@pytest.fixture
def repository(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def status(monkeypatch, repository):
    """Let a test be the command `status`: it gives what `run` does."""

    def stand_in(run):
        command = SimpleNamespace(
            configure=lambda parser: parser.add_argument("--count", type=int), run=run
        )
        monkeypatch.setitem(sys.modules, "maru.cli.status", command)

    return stand_in


def raising(error: BaseException):
    def run(arguments):
        raise error

    return run


def test_a_command_gets_its_arguments_and_the_root_of_the_repository(status, repository, capsys):
    (repository / "deep").mkdir()
    seen = []
    status(lambda arguments: seen.append(arguments) or Outcome("well", {"answer": 42}))
    assert main(["status", "--count", "3", "--repo", str(repository / "deep")]) == 0
    assert (seen[0].count, seen[0].repo, seen[0].json) == (3, repository, False)
    assert capsys.readouterr().out == "well\n"


def test_json_replaces_the_words(status, capsys):
    status(lambda arguments: Outcome("well", {"answer": 42, "path": Path("a/b")}))
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"answer": 42, "path": "a/b"}


def test_an_outcome_that_is_not_ok_exits_with_1(status, capsys):
    status(lambda arguments: Outcome("the gate refuses", ok=False))
    assert main(["status"]) == 1
    assert capsys.readouterr().out == "the gate refuses\n"


def to_a_full_disk(arguments):
    with Path("/dev/full").open("w") as full:
        full.write("a row")


@pytest.mark.parametrize(
    "run",
    [
        to_a_full_disk,
        raising(polars.exceptions.ComputeError("parquet: ... (os error 28)")),
        raising(sqlite3.OperationalError("database or disk is full")),
    ],
)
def test_a_full_disk_is_said_without_a_traceback(status, capsys, run):
    status(run)
    assert main(["status"]) == 1
    printed = capsys.readouterr()
    assert "is full" in printed.err
    assert "run the command again" in printed.err


def test_a_mistake_is_said_without_a_traceback(status, capsys):
    status(raising(ReleaseError("charge has no candidate. Run maru run charge first.")))
    assert main(["status"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "maru: charge has no candidate. Run maru run charge first.\n"


def test_several_mistakes_stand_one_a_line(status, capsys):
    file = Path("projects/charge/project.yaml")
    status(raising(FolderError([Problem(file, 1, "a"), Problem(file, 2, "b")])))
    assert main(["status"]) == 1
    assert capsys.readouterr().err == (
        "maru:\nprojects/charge/project.yaml:1: a\nprojects/charge/project.yaml:2: b\n"
    )


def test_with_json_a_mistake_is_json_and_names_a_kind_of_maru_errors(status, capsys):
    status(raising(FolderError([Problem(Path("a.py"), 1, "x")])))
    assert main(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"error": "a.py:1: x", "kind": "ProjectError"}


def test_a_bug_of_ours_shows_its_traceback(status):
    status(raising(ZeroDivisionError("ours")))
    with pytest.raises(ZeroDivisionError):
        main(["status"])


def test_a_stop_by_the_keyboard_is_one_line_and_130(status, capsys):
    status(raising(KeyboardInterrupt()))
    assert main(["status"]) == 130
    assert capsys.readouterr().err == "maru: stopped\n"


def test_a_reader_who_leaves_is_no_error(repository):
    code = (
        "import sys; from types import SimpleNamespace as N; from maru.cli.outcome import Outcome;"
        "sys.modules['maru.cli.status'] = N(configure=lambda p: None,"
        " run=lambda a: Outcome('x\\n' * 1_000_000));"
        "from maru.cli.main import main; sys.exit(main(['status']))"
    )
    piped = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    piped.stdout.readline()
    piped.stdout.close()
    assert piped.stderr.read() == b""
    piped.stderr.close()
    assert piped.wait() == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], "there is no command `rnu`; did you mean `run`?"),
        (["xyzzy"], "there is no command `xyzzy`; all are listed by: maru --help"),
        (["status", "--cuont", "1"], "unrecognized arguments: --cuont 1. See: maru status --help"),
        (
            ["status", "--count", "x"],
            "argument --count: invalid int value: 'x'. See: maru status --help",
        ),
        (["status", "--repo", "/nonesuch"], "--repo must be a folder, got /nonesuch"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_right(status, words, said, capsys):
    status(lambda arguments: Outcome(""))
    assert main(words) == 2
    assert capsys.readouterr().err == f"maru: {said}\n"
    assert main([*words, "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {"error": said, "kind": "Usage"}


def test_outside_of_a_repository_it_is_said_what_to_do(
    status, tmp_path_factory, monkeypatch, capsys
):
    status(lambda arguments: Outcome(""))
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    assert main(["status"]) == 1
    assert "Go into yours, or name it with --repo DIR." in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(summaries()))
def test_the_help_of_each_command_teaches_by_an_example(command):
    text = build_parser(command).format_help()
    assert f"maru {command}" in text.split("every command")[-1], "an example, in the epilog"
    assert summaries()[command] in " ".join(text.split())
