import ast
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median

import pytest

from maru.cli import main as program
from maru.cli.main import COMMANDS, main, summaries

COMMAND_FOLDER = Path(program.__file__).parent
INSTALLED = Path(sys.executable).with_name("maru")


def test_the_table_lists_the_modules_that_exist_and_no_other():
    modules = {p.stem: ast.parse(p.read_text()) for p in COMMAND_FOLDER.glob("*.py")}
    commands = {
        name
        for name, tree in modules.items()
        if {"configure", "run"} <= {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    }
    assert set(summaries()) == commands


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command_and_what_it_does(words, capsys):
    assert main(words) == 0
    printed = capsys.readouterr().out
    for group, commands in COMMANDS.items():
        assert f"\n{group}\n" in printed
        for name, (_, summary) in commands.items():
            assert any(
                line.split()[0] == name and line.endswith(summary)
                for line in printed.splitlines()
                if line.strip()
            )


def test_help_fits_a_terminal(capsys):
    main([])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 88


def test_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"maru {version('maru')}\n"


def test_help_imports_next_to_nothing():
    code = "import sys; from maru.cli.main import main; main([]); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {m for m in loaded if m.startswith("maru")} == {"maru", "maru.cli", "maru.cli.main"}
    assert not loaded & {"argparse", "json", "typing", "pathlib", "inspect", "polars", "pydantic"}


def cpu_seconds(*command: str | Path) -> float:
    """Run a command and return the processor time that it took: waiting for others is not ours."""
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


def test_help_answers_in_at_most_twice_the_time_of_an_empty_python():
    empty, ours = [], []
    for _ in range(20):  # alternating, so that a busy machine slows both
        empty.append(cpu_seconds(sys.executable, "-c", "pass"))
        ours.append(cpu_seconds(INSTALLED, "--help"))
    assert median(ours) <= 2 * median(empty)
