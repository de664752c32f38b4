"""Run a KFP pipeline on this machine: KFP's local runner, without containers.

KFP resolves the graph, the arguments and the artifacts. Each step is a process of its own, whose
output goes to one log file; ``in_process`` calls the same functions in this process instead, so
that a debugger can step through them. KFP 2.17 has no hook around a step, so its task handler is
replaced while a pipeline runs.
"""

import builtins
import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TextIO

import kfp.local
from kfp import compiler
from kfp.dsl.executor import Executor
from kfp.dsl.graph_component import GraphComponent
from kfp.local import config, subprocess_task_handler
from kfp.local.status import Status

from maru.errors import RunError

SAID = "maru> "
"""A step's line that starts with this is meant for the person who waits."""

_INPUT = "--executor_input"
_FUNCTION = "--function_to_execute"


@dataclass(frozen=True)
class StepDone:
    """One finished step: its name, duration, whether it succeeded, and the file of its output."""

    name: str
    seconds: float
    ok: bool
    log: Path


@dataclass(frozen=True)
class LocalPipelineRunner:
    """Runs pipelines below one folder.

    ``artifacts`` receives what KFP keeps of each task, ``logs`` one file a step; ``show`` is called
    with each line of progress.
    """

    artifacts: Path
    logs: Path
    show: Callable[[str], None]

    def run(
        self,
        pipeline: GraphComponent,
        arguments: Mapping[str, Any],
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> list[StepDone]:
        """Run ``pipeline`` and return its steps in the order in which they ended.

        Parameters
        ----------
        pipeline
            What ``@dsl.pipeline`` made.
        arguments
            A value for each of its parameters.
        functions
            None runs each step in a process of its own. A mapping from a component's function name
            to the function calls it in this process instead; whatever it raises is raised here.

        Raises
        ------
        RunError
            If a step's process fails: the last of the steps has ``ok`` false, see :meth:`failed`.
        """
        for folder in (self.artifacts, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        conductor = _Conductor(self, functions, total=len(step_names(pipeline)))
        with (
            (self.logs / "kfp.log").open("a", encoding="utf-8") as log,
            _conducted_by(conductor),
            _here(self),
            redirect_stdout(log),
        ):
            try:
                pipeline(**arguments)
            except RuntimeError as error:
                if conductor.done and not conductor.done[-1].ok:
                    raise StepError(conductor.done) from error
                raise
        return conductor.done


class StepError(RunError):
    """A step's process ended with a failure; ``done`` holds the steps, the failed one last."""

    def __init__(self, done: list[StepDone]) -> None:
        self.done = done
        super().__init__(f"step {done[-1].name} failed; its output is in {done[-1].log}")


def compile_pipeline(pipeline: GraphComponent, path: Path) -> None:
    """Write the pipeline's KFP YAML to ``path``; KFP's compiler validates it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(pipeline, package_path=str(path))


def step_names(pipeline: GraphComponent) -> list[str]:
    """Return the names of the pipeline's tasks, in the order in which they were declared."""
    return list(pipeline.pipeline_spec.root.dag.tasks)


def component_functions(namespace: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Return the functions of the KFP components among a module's names, by the function's name."""
    return {
        value.python_func.__name__: value.python_func
        for value in namespace.values()
        if hasattr(value, "python_func") and callable(value.python_func)
    }


class _Conductor:
    """Follows the steps of one run: names, progress, logs, and how a step is executed."""

    def __init__(
        self,
        runner: LocalPipelineRunner,
        functions: Mapping[str, Callable[..., Any]] | None,
        *,
        total: int,
    ) -> None:
        self.runner = runner
        self.functions = functions
        self.total = total
        self.done: list[StepDone] = []
        self.terminal: TextIO = sys.stdout
        self._print = builtins.print

    def step(self, command: list[str], in_own_process: Callable[[], Status]) -> Status:
        name = command[command.index(_FUNCTION) + 1]
        number = len(self.done) + 1
        log = self.runner.logs / f"{number:02d}-{name}.log"
        self.runner.show(f"[{number}/{max(number, self.total)}] {name}")
        begun, ok = time.monotonic(), False
        try:
            with log.open("w", encoding="utf-8") as file:
                echo = self.terminal if self.functions is not None else None
                with redirect_stdout(_StepOutput(file, self.runner.show, echo)):
                    ok = self._execute(name, command, in_own_process)
        finally:
            self.done.append(StepDone(name, time.monotonic() - begun, ok, log))
            self.runner.show(f"      {'done' if ok else 'failed'} in {self.done[-1].seconds:.1f} s")
        return Status.SUCCESS if ok else Status.FAILURE

    def _execute(self, name: str, command: list[str], in_own_process: Callable[[], Status]) -> bool:
        if self.functions is None:
            return bool(in_own_process() == Status.SUCCESS)
        if name not in self.functions:
            raise RunError(
                f"step {name} cannot run with --in-process: its function is not among the names of "
                f"pipeline.py. Import it there by name: from ... import {name}."
            )
        # KFP replaces print inside a step to indent its output; a debugger needs the real one.
        indented, builtins.print = builtins.print, self._print
        try:
            Executor(json.loads(command[command.index(_INPUT) + 1]), self.functions[name]).execute()
        finally:
            builtins.print = indented
        return True


class _StepOutput(io.TextIOBase):
    """Write a step's output to its log, pass on what it says to people, and echo it where asked."""

    def __init__(self, file: TextIO, show: Callable[[str], None], echo: TextIO | None) -> None:
        self._file = file
        self._show = show
        self._echo = echo
        self._line = ""

    def write(self, text: str) -> int:
        self._file.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if line.strip().startswith(SAID):
                self._show(f"      {line.strip().removeprefix(SAID)}")
            elif self._echo is not None:
                self._echo.write(line + "\n")
        return len(text)

    def flush(self) -> None:
        self._file.flush()
        if self._echo is not None:
            # A debugger's prompt has no newline, and a person waits for it.
            if self._line and not self._line.startswith(SAID):
                self._echo.write(self._line)
                self._line = ""
            self._echo.flush()


class _StepHandler(subprocess_task_handler.SubprocessTaskHandler):  # type: ignore[misc]  # untyped
    """KFP's own handler of a subprocess, announced to the conductor."""

    conductor: ClassVar[_Conductor]

    def run(self) -> Status:
        return self.conductor.step(self.full_command, super().run)


@contextmanager
def _conducted_by(conductor: _Conductor) -> Iterator[None]:
    original = subprocess_task_handler.SubprocessTaskHandler
    handler = type("StepHandler", (_StepHandler,), {"conductor": conductor})
    subprocess_task_handler.SubprocessTaskHandler = handler
    try:
        yield
    finally:
        subprocess_task_handler.SubprocessTaskHandler = original


@contextmanager
def _here(runner: LocalPipelineRunner) -> Iterator[None]:
    """Let a call of a pipeline run it on this machine; without this it would only be composed."""
    kfp.local.init(
        kfp.local.SubprocessRunner(use_venv=False), pipeline_root=str(runner.artifacts.absolute())
    )
    try:
        yield
    finally:
        config.LocalExecutionConfig.instance = None
