"""docs/pipeline.md: every command on the page is played, in its order, on a small project."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from small_project import AS_OF, make_small_project

from maru.cli.dispatch import build_parser
from maru.cli.main import main
from maru.release.pin import Pin
from maru.workspace import Workspace

PAGE = Path(__file__).parents[3] / "docs" / "pipeline.md"
VARIANT = '    variants=(Head("plain_mse", "amount", (Member("l2", rounds=5),)),),\n    gate=('


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture
def charge(tmp_path, empty_registry, monkeypatch):
    made = make_small_project(tmp_path / "repository", name="charge")
    made.edit("pipeline.py", "    gate=(", VARIANT)
    made.commit("Start")
    (made.root / ".maru").mkdir()
    shutil.copy(empty_registry, made.root / ".maru")
    monkeypatch.chdir(made.root)
    return made


def test_every_command_of_the_page_works(charge, capsys):
    workspace = Workspace(charge.root)
    for line in commands():
        program, *words = shlex.split(line.replace("2018-01-01", AS_OF.isoformat()))
        assert program == "maru"
        if words[0] == "run" and "--in-process" not in words:
            words.append("--in-process")  # each run in its own processes is test_start's matter
        if words[0] == "reproduce":
            words[1] = json.loads(workspace.candidate_file("charge").read_text())["run"]
        if words[0] == "score":
            pin = Pin(workspace.candidate("charge").bundle)
            (charge.folder / "release.yaml").write_bytes(pin.to_bytes())
            charge.commit("Release")
        assert main(words) == 0, line
        capsys.readouterr()
    assert (workspace.scores("charge", AS_OF) / "manifest.json").is_file()
    assert len(list(workspace.audiences("charge", AS_OF).iterdir())) == 2


def test_the_table_of_steps_is_the_folder_of_components():
    import maru.components

    linked = re.findall(r"\]\(\.\./components/(\w+)/README\.md\)", PAGE.read_text())
    assert sorted(linked) == maru.components.names()


@pytest.mark.parametrize("name", ["run", "backtest", "reproduce", "score", "export"])
def test_the_examples_of_a_commands_help_parse(name):
    epilog = build_parser(name).epilog
    lines = [line for line in epilog.splitlines() if line.strip().startswith("maru")]
    assert lines
    for line in lines:
        words = shlex.split(re.split(r"\s{3,}", line.strip())[0])
        build_parser(name).parse_args(words[2:])
