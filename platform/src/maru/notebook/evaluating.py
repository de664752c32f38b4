"""Training and evaluating in a notebook: the functions that the pipeline's components call.

A sample of entities is taken before anything is learned: the mart's state, screening, training and
answers are those of a smaller shop. It is for trying ideas in seconds, not for a verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from maru.adapters.git_checkout import GitCheckout
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.registry import mart_digest
from maru.models.backtest import back_test
from maru.models.fitted_model import FittedModel
from maru.models.task import Task
from maru.models.training import train as train_model
from maru.notebook.declared import declared
from maru.notebook.results import Compared, Evaluation, TrainedModel
from maru.notebook.runs import commit_words
from maru.notebook.sampling import Sample, sampled_snapshot
from maru.project import Project
from maru.report.headline import span
from maru.tables.snapshot import Snapshot
from maru.training_run.marts import learn
from maru.workspace import Workspace

Say = Callable[[str], None]


@dataclass(frozen=True)
class Ground:
    """What a training stands on: the code, the rows (of a sample), and their features."""

    workspace: Workspace
    project: Project
    task: Task
    mart: Mart
    snapshot: Snapshot
    sample: Sample
    features: MartBuilder

    @classmethod
    def of(
        cls,
        workspace: Workspace,
        project: Project,
        snapshot: Snapshot,
        *,
        sample: Sample,
        first_unseen: date,
    ) -> "Ground":
        """Take the sample and let the mart learn from it, as a run does; see ``learn``."""
        task = project.declared("pipeline", "TASK", Task)
        mart = project.declared("features", "MART", Mart)
        rows = sampled_snapshot(snapshot, task.entity, sample)
        state = learn(project, rows, first_unseen=first_unseen)
        features = MartBuilder(mart, rows, state, engine=project.spec.engine)
        return cls(workspace, project, task, mart, rows, sample, features)


def train(ground: Ground, *, as_of: date, say: Say) -> TrainedModel:
    """Train the task of pipeline.py as of a day; see ``maru.models.training.train``."""
    model = train_model(ground.task, ground.features, ground.snapshot, as_of=as_of, say=say)
    what = f"trained as of {as_of}"
    return TrainedModel(_compared(ground, what, {"as_of": str(as_of)}, model), model)


def evaluate(ground: Ground, *, origins: Sequence[date], known: date, say: Say) -> Evaluation:
    """Train, predict and compare at each origin; see ``maru.models.backtest.back_test``.

    Parameters
    ----------
    known
        Only what was known before this day is read, labels too.
    """
    models: dict[date, FittedModel] = {}
    found = back_test(
        ground.task,
        ground.features,
        ground.snapshot,
        as_of=known,
        origins=origins,
        say=say,
        watch=models.__setitem__,
    )
    days = span(found.origins)
    compared = _compared(ground, f"evaluated at {days}", {"origins": days}, models[max(models)])
    compared = replace(compared, predictions=found.predictions, board=found.board)
    return Evaluation(compared, found.predictions, found.board)


def _compared(ground: Ground, what: str, days: Mapping[str, str], model: FittedModel) -> Compared:
    project = ground.project
    code = project.code_digest()[:12]
    source = GitCheckout(ground.workspace.root).state(project.name)
    sample = "all" if ground.sample is None else str(ground.sample)
    part = "" if ground.sample is None else f", a sample of {sample}"
    return Compared(
        name=f"{project.name} {what}{part}, code {code}",
        task=ground.task,
        digests={
            **days,
            "sample": sample,
            "code": code,
            "commit": commit_words(source),
            "mart": mart_digest(ground.mart)[:12],
            "snapshot": ground.snapshot.digest[:12],
        },
        declared=declared(ground.mart, ground.task),
        mart_columns=ground.features.column_names,
        columns=model.required,
        importance=model.importance(),
    )
