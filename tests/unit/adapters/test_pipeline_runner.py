"""KFP's local runner, with real pipelines and real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kfp import dsl

from maru.adapters.pipeline_runner import (
    LocalPipelineRunner,
    StepError,
    compile_pipeline,
    component_functions,
    step_names,
)
from maru.errors import RunError


@dsl.component(base_image="python", install_kfp_package=False)
def count_letters(word: str, letters: dsl.Output[dsl.Dataset]) -> int:
    print(f"maru> counting {word}")
    print("a line for the log only")
    from pathlib import Path

    Path(letters.path).write_text(" ".join(word))
    return len(word)


@dsl.component(base_image="python", install_kfp_package=False)
def report_process(letters: dsl.Input[dsl.Dataset], count: int, seen: str) -> None:
    import os
    from pathlib import Path

    Path(seen).write_text(f"{os.getpid()} {count} {Path(letters.path).read_text()}")
    if count > 5:
        raise ValueError("more letters than fingers")


@dsl.pipeline(name="letters")
def letters_pipeline(word: str, seen: str):
    counted = count_letters(word=word)
    report_process(letters=counted.outputs["letters"], count=counted.outputs["Output"], seen=seen)


def runner(folder: Path) -> tuple[LocalPipelineRunner, list[str]]:
    shown: list[str] = []
    return LocalPipelineRunner(folder / "kfp", folder / "logs", shown.append), shown


FUNCTIONS = component_functions(globals())


@pytest.mark.parametrize("functions", [None, FUNCTIONS], ids=["own processes", "in process"])
def test_values_and_artifacts_pass_from_step_to_step(tmp_path, functions):
    run, shown = runner(tmp_path)
    arguments = {"word": "maru", "seen": str(tmp_path / "seen")}
    done = run.run(letters_pipeline, arguments, functions=functions)
    process, count, text = (tmp_path / "seen").read_text().split(" ", 2)
    assert (count, text) == ("4", "m a r u")
    assert (int(process) == os.getpid()) == (functions is not None)
    assert [step.name for step in done] == ["count_letters", "report_process"]
    assert all(step.ok for step in done)
    assert shown[:2] == ["[1/2] count_letters", "      counting maru"]
    assert not any("for the log only" in line for line in shown)
    assert "a line for the log only" in done[0].log.read_text()


def test_a_failed_process_names_its_step_and_keeps_its_output(tmp_path):
    run, shown = runner(tmp_path)
    with pytest.raises(
        StepError, match=r"step report_process failed; .*02-report_process\.log"
    ) as failed:
        run.run(letters_pipeline, {"word": "letters", "seen": str(tmp_path / "seen")})
    assert [step.ok for step in failed.value.done] == [True, False]
    assert "more letters than fingers" in failed.value.done[-1].log.read_text()
    assert shown[-1].strip().startswith("failed in")


def test_in_process_a_failure_is_the_exception_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, _ = runner(tmp_path)
    with pytest.raises(ValueError, match="more letters than fingers"):
        run.run(letters_pipeline, {"word": "letters", "seen": "seen"}, functions=FUNCTIONS)


def test_in_process_refuses_a_step_whose_function_is_not_known(tmp_path):
    run, _ = runner(tmp_path)
    with pytest.raises(RunError, match="step count_letters cannot run with --in-process"):
        run.run(letters_pipeline, {"word": "maru", "seen": "x"}, functions={})


DEBUGGED = """
import sys
from pathlib import Path
from kfp import dsl
from maru.adapters.pipeline_runner import LocalPipelineRunner, component_functions

@dsl.component(base_image="python", install_kfp_package=False)
def double(number: int) -> int:
    breakpoint()
    return 2 * number

@dsl.pipeline(name="one")
def one(number: int):
    double(number=number)

folder = Path(sys.argv[1])
LocalPipelineRunner(folder / "kfp", folder / "logs", print).run(
    one, {"number": 21}, functions=component_functions(globals())
)
"""


def test_a_debugger_in_a_step_talks_to_the_terminal(tmp_path):
    typed = "p 'it is', number\ncontinue\n"
    script = tmp_path / "debugged.py"
    script.write_text(DEBUGGED)
    done = subprocess.run(
        [sys.executable, script, tmp_path], input=typed, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "-> return 2 * number" in done.stdout
    assert "('it is', 21)" in done.stdout


def test_after_a_run_pipelines_can_be_composed_again(tmp_path):
    run, _ = runner(tmp_path)
    run.run(letters_pipeline, {"word": "maru", "seen": str(tmp_path / "seen")}, functions=FUNCTIONS)
    compile_pipeline(letters_pipeline, tmp_path / "letters.yaml")
    tasks = yaml.safe_load((tmp_path / "letters.yaml").read_text())["root"]["dag"]["tasks"]
    assert sorted(tasks) == ["count-letters", "report-process"]
    assert sorted(step_names(letters_pipeline)) == sorted(tasks)
