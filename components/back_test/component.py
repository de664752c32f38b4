"""Replay past days and compare with the naive rows."""

from kfp import dsl

from maru.components import PLATFORM_IMAGE


@dsl.component(base_image=PLATFORM_IMAGE, install_kfp_package=False)
def back_test(
    project: str,
    run: str,
    mart: dsl.Input[dsl.Dataset],
    predictions: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Train as of each test origin, predict the days after it, and score it like the naive rows."""
    from maru.training_run.marts import MartBuilt
    from maru.training_run.run import Run
    from maru.training_run.training import replay

    with Run.of_step(project, run).step("back_test") as this:
        replayed = replay(this, MartBuilt.read(mart.path))
        replayed.write(predictions.path)
        for name, value in replayed.facts().items():
            metrics.log_metric(name, value)
