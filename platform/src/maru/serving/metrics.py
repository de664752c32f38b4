"""What Prometheus reads of a service: requests, time, rows, the release in force, the log."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """The metrics of one process, which may serve many projects; its own registry, no globals."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._requests = Counter(
            "maru_requests",
            "Requests answered, by route and HTTP status.",
            ("project", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "maru_request_seconds",
            "Time from the whole request to the whole answer, in seconds.",
            ("project", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._rows = Counter(
            "maru_rows_scored", "Rows answered.", ("project",), registry=self.registry
        )
        self._release = Gauge(
            "maru_release_info",
            "1 for the release in force.",
            ("project", "bundle", "commit"),
            registry=self.registry,
        )
        self._logged = Counter(
            "maru_log_rows_written",
            "Rows written to the prediction log.",
            ("project",),
            registry=self.registry,
        )
        self._dropped = Counter(
            "maru_log_rows_dropped",
            "Rows that the prediction log lost: its queue was full, or it could not be written.",
            ("project",),
            registry=self.registry,
        )

    def answered(self, project: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        key = (project, route, status)
        known = self._known.get(key)
        if known is None:  # kept, because looking labels up takes longer than counting
            requests = self._requests.labels(project, route, str(status))
            known = self._known[key] = (requests, self._seconds.labels(project, route))
        known[0].inc()
        known[1].observe(seconds)

    def scored(self, project: str, rows: int) -> None:
        """Count rows answered with scores."""
        self._rows.labels(project).inc(rows)

    def in_force(self, project: str, bundle: str | None, commit: str = "") -> None:
        """Name the release that answers from now on; None where there is none."""
        for labels in [s.labels for m in self._release.collect() for s in m.samples]:
            if labels["project"] == project:
                self._release.remove(project, labels["bundle"], labels["commit"])
        if bundle is not None:
            self._release.labels(project, bundle, commit).set(1)

    def logged(self, project: str, rows: int) -> None:
        """Count rows that reached the prediction log."""
        self._logged.labels(project).inc(rows)

    def dropped(self, project: str, rows: int) -> None:
        """Count rows that the prediction log lost."""
        self._dropped.labels(project).inc(rows)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self.registry)
