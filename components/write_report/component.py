"""Write the page that people read."""

from kfp import dsl

from maru.components import PLATFORM_IMAGE


@dsl.component(base_image=PLATFORM_IMAGE, install_kfp_package=False)
def write_report(
    project: str,
    run: str,
    model: dsl.Input[dsl.Model],
    predictions: dsl.Input[dsl.Dataset],
    bundle: str,
    report: dsl.Output[dsl.HTML],
) -> None:
    """Write the HTML report of the run and keep it with the run's record in MLflow."""
    from pathlib import Path

    from maru.training_run.reporting import publish_report
    from maru.training_run.run import Run
    from maru.training_run.training import Replayed, Trained

    with Run.of_step(project, run).step("write_report") as this:
        page = publish_report(
            this, Trained.read(model.path), Replayed.read(predictions.path), bundle
        )
        Path(report.path).write_text(page, encoding="utf-8")
