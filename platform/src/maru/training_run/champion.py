"""What the live release answers at days after it was trained, with its own code and mart."""

import numpy as np
import polars as pl

from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.state import MartState
from maru.models.model_folder import load_model
from maru.models.task import Task
from maru.models.unit_features import unit_columns
from maru.project import load_folder
from maru.release.bundle import Bundle
from maru.training_run.snapshots import kept
from maru.workspace import Workspace


def score_again(
    workspace: Workspace, bundle: Bundle, snapshot: str, task: Task, rows: pl.DataFrame
) -> pl.DataFrame | None:
    """Answer the rows of a back test whose origin is no earlier than the bundle's training day.

    Parameters
    ----------
    snapshot
        The digest of the rows that features are computed from.
    rows
        ``BackTest.predictions``: the origin and keys of each row.

    Returns
    -------
    DataFrame or None
        Origin, keys and one column a head of the bundle; None where no row is late enough, or the
        bundle is about other entities or other units.

    Raises
    ------
    MaruError
        If the bundle's code can't read this snapshot.
    """
    late = rows.filter(pl.col("origin") >= bundle.manifest.as_of)
    if late.is_empty():
        return None
    code = load_folder(bundle.code_folder)
    if code.spec.entity != task.entity:
        return None
    theirs = code.declared("pipeline", "TASK", Task)
    if theirs.unit_columns != task.unit_columns:
        return None
    state = MartState.from_json((bundle.mart_folder / "state.json").read_text("utf-8"))
    tables = kept(workspace, snapshot)
    mart = code.declared("features", "MART", Mart)
    features = MartBuilder(mart, tables, state, engine=code.spec.engine)
    model = load_model(bundle.model_folder)
    of_units = theirs.unit_features.columns if theirs.unit_features else ()
    of_mart = [name for name in model.required if name not in of_units]
    parts = []
    for (day,), part in late.group_by("as_of", maintain_order=True):
        keys = part.select("origin", task.entity, "as_of", *task.unit_columns)
        built = features.build(day, of_mart, keys[task.entity].unique().sort())
        joined = keys.join(built, on=task.entity, how="left", maintain_order="left")
        if len(of_mart) < len(model.required):
            joined = joined.hstack(unit_columns(theirs, tables, keys.drop("origin")))
        matrix = np.full((len(joined), len(model.columns)), np.nan)
        for name in model.required:
            matrix[:, model.columns.index(name)] = joined[name].to_numpy()
        parts.append(keys.with_columns(pl.Series(n, v) for n, v in model.predict(matrix).items()))
    return pl.concat(parts)
