"""write_report writes the page, and the run into MLflow."""

from pathlib import Path

from mlflow.tracking import MlflowClient


def client(step) -> MlflowClient:
    uri = f"sqlite:///{step.home / 'mlflow.db'}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def test_kfps_artifact_is_the_runs_page(left):
    step = left("write_report")
    page = (step.folder / "report").read_text()
    assert page.startswith("<!doctype html>")
    assert page == Path(step.found["report"]).read_text()


def test_mlflow_has_the_run_with_digests_metrics_by_origin_charts_and_page(left):
    step = left("write_report")
    mlflow = client(step)
    experiment = mlflow.get_experiment_by_name("shop")
    run = mlflow.search_runs([experiment.experiment_id])[0]
    trained = left("train_model").document("model")
    assert run.data.tags["model"] == trained["digest"]
    assert run.data.tags["bundle"].startswith("sha256:")
    for name in ("commit", "snapshot", "mart", "code", "as_of", "gate"):
        assert run.data.tags[name]
    history = mlflow.get_metric_history(run.info.run_id, "amount.typical_amount.mae")
    assert sorted(metric.step for metric in history) == [20250701, 20250801, 20250901]
    assert "amount.zero.mae.mean" in run.data.metrics
    assert run.data.params["horizon_days"] == "14"
    charts = {file.path for file in mlflow.list_artifacts(run.info.run_id, "charts")}
    assert "charts/typical_amount-by_origin.png" in charts
    assert mlflow.list_artifacts(run.info.run_id, "report")[0].path == "report/report.html"


def test_the_model_version_carries_what_a_release_is_checked_by(left):
    step = left("write_report")
    version = client(step).get_model_version("shop", step.found["model_version"])
    assert version.tags["gate"] == "passed"
    assert version.tags["bundle"] == left("register_candidate").found["bundle"]
