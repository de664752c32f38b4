"""The nine variants of the charge-amount study, as configurations of the one pipeline.

The aliases are the study's (field/systems N6): a nearest-neighbours base, LightGBM with MAPE and
with MSE, and a payer classifier in front of MAPE, MSE, MSE of the log, MSE and MAE of the min-max
scaled amount, and of nearest neighbours. They are for comparison in a full back test; those with
nearest neighbours can't be released.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maru.models.task import ControlGuard, Head, Member, Task, ZeroUnless
from maru.models.transforms import Identity, Log1p, MinMax, Transform

ALIASES: dict[str, tuple[str, Transform]] = {
    "base_knn_model": ("knn", Identity()),
    "mape_model": ("mape", Identity()),
    "mse_model": ("l2", Identity()),
    "bin_mape_model": ("mape", Identity()),
    "bin_mse_model": ("l2", Identity()),
    "bin_log_mse_model": ("l2", Log1p()),
    "bin_minmax_mse_model": ("l2", MinMax()),
    "bin_minmax_mae_model": ("l1", MinMax()),
    "bin_knn_model": ("knn", Identity()),
}
OUTLIER_SHARE = 0.10


def nine_variants(
    *,
    target: str,
    first_stage: str,
    target_recall: float = 0.9,
    params: Mapping[str, Any] | None = None,
    rounds: int = 200,
    neighbours: int = 50,
    neighbour_columns: tuple[str, ...] | None = None,
    outlier_share: float = 0.0,
) -> tuple[Head, ...]:
    """Return the nine variants as heads, under their aliases.

    Parameters
    ----------
    target
        The amount that they predict.
    first_stage
        The probability head in front of the ``bin_`` variants, which are fitted on the rows that it
        flags and answer 0 below its threshold for ``target_recall``.
    neighbours, neighbour_columns
        How many neighbours, and the columns that the distance reads; None: all that are kept.
    outlier_share
        Share of the training rows of highest amounts that is left out; the study used about 0.1.
    """
    heads = []
    for alias, (objective, transform) in ALIASES.items():
        second_stage = alias.startswith("bin_")
        is_knn = objective == "knn"
        heads.append(
            Head(
                name=alias,
                target=target,
                members=(
                    Member(
                        objective,
                        transform,
                        {"neighbours": neighbours} if is_knn else params or {},
                        rounds,
                        rows="flagged" if second_stage else "all",
                        columns=neighbour_columns if is_knn else None,
                    ),
                ),
                minimum=0.0,
                zero_unless=ZeroUnless(first_stage, target_recall) if second_stage else None,
                outlier_share=outlier_share,
            )
        )
    return tuple(heads)


def comparisons(task: Task) -> dict[str, Task]:
    """Return the tasks that a full back test runs, by name.

    ``declared`` is the task with its variants. ``outliers_cut`` and ``outliers_kept`` (whichever
    the task doesn't declare) train its amounts with and without the top tenth; ``control_only`` and
    ``treated_kept`` train with and without the entities that its control guard names;
    ``screened_from_all`` screens the whole mart, where the task screens among named columns.
    """
    tasks = {"declared": task.with_variants()}
    amounts = {target.name for target in task.targets if target.kind == "amount"}
    if amounts:
        cut = any(head.outlier_share for head in task.heads if head.target in amounts)
        share = 0.0 if cut else OUTLIER_SHARE
        heads = (*task.heads, *task.variants)
        tasks["outliers_kept" if cut else "outliers_cut"] = replace(
            task,
            heads=tuple(
                replace(head, outlier_share=share) if head.target in amounts else head
                for head in heads
            ),
            variants=(),
        )
    if task.guard:
        excludes = task.guard.mode == "exclude"
        guard: ControlGuard = replace(task.guard, mode="count" if excludes else "exclude")
        name = "treated_kept" if excludes else "control_only"
        tasks[name] = replace(task, guard=guard, variants=())
    if task.screening and task.screening.among:
        wide = replace(task.screening, among=())
        tasks["screened_from_all"] = replace(task, screening=wide, variants=())
    return tasks
