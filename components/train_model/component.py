"""Train the model of a project."""

from kfp import dsl

from maru.components import PLATFORM_IMAGE


@dsl.component(base_image=PLATFORM_IMAGE, install_kfp_package=False)
def train_model(
    project: str, run: str, mart: dsl.Input[dsl.Dataset], model: dsl.Output[dsl.Model]
) -> None:
    """Train the task of pipeline.py on examples whose labels had matured at the run's day."""
    from maru.training_run.marts import MartBuilt
    from maru.training_run.run import Run
    from maru.training_run.training import train

    with Run.of_step(project, run).step("train_model") as this:
        trained = train(this, MartBuilt.read(mart.path))
        trained.write(model.path)
        model.metadata.update(trained.facts())
