"""Make the bundle that may be released."""

from kfp import dsl

from maru.components import PLATFORM_IMAGE


@dsl.component(base_image=PLATFORM_IMAGE, install_kfp_package=False)
def register_candidate(
    project: str,
    run: str,
    model: dsl.Input[dsl.Model],
    predictions: dsl.Input[dsl.Dataset],
) -> str:
    """Ask the gate, assemble and store the bundle, register it in MLflow; return its digest."""
    from maru.training_run.candidate import register
    from maru.training_run.run import Run
    from maru.training_run.training import Replayed, Trained

    with Run.of_step(project, run).step("register_candidate") as this:
        return register(this, Trained.read(model.path), Replayed.read(predictions.path)).bundle
