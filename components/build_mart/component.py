"""Build the wide table of features."""

from kfp import dsl

from maru.components import PLATFORM_IMAGE


@dsl.component(base_image=PLATFORM_IMAGE, install_kfp_package=False)
def build_mart(project: str, run: str, mart: dsl.Output[dsl.Dataset]) -> None:
    """Read and check the source tables and build every column of the mart as of the run's day."""
    from maru.training_run.marts import build
    from maru.training_run.run import Run

    with Run.of_step(project, run).step("build_mart") as this:
        built = build(this)
        built.write(mart.path)
        mart.metadata.update(built.facts())
