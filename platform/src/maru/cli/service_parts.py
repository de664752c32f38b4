"""What ``maru serve`` and ``maru up`` are made of: this is where their parts are wired."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from maru.adapters import web_server
from maru.adapters.git_branch import GitBranch
from maru.release.bundle import Bundle, read_bundle
from maru.release.refusals import require_releasable
from maru.serving.batch_scores import BatchScores
from maru.serving.bento_app import BentoApp
from maru.serving.fleet import Fleet
from maru.serving.loaded import LoadedRelease, has_own_service
from maru.serving.metrics import Metrics
from maru.serving.place import Place, Service, Sources
from maru.serving.prediction_log import PredictionLog
from maru.serving.scoring_app import ScoringApp
from maru.serving.wanted import ProjectStatus
from maru.workspace import Workspace, write_json

if TYPE_CHECKING:
    from maru.serving.own_service import OwnService


async def serve_release(
    workspace: Workspace,
    release: LoadedRelease,
    listening: socket.socket,
    started: Callable[[], Awaitable[None]],
) -> None:
    """Serve one release until the process is asked to stop."""
    own = _own_service(release)
    own_bento = own.service if own else None
    bento = BentoApp(_stock_service if own_bento is None else lambda: own_bento)
    metrics = Metrics()
    log = _prediction_log(workspace, release.project, metrics)
    app = ScoringApp(
        release.project,
        metrics,
        log=log,
        batch_scores=_batch_scores(workspace, release.project),
        beyond=bento,
        beyond_routes=own.routes if own else (),
    )
    app.put_in_force(release, own.answer if own else None)
    try:
        if own_bento is not None:
            await bento.start()  # ready means that it started too
        await web_server.serve(app, listening, started)
    finally:
        await bento.stop()
        log.stop()


class BranchServer:
    """Everything of ``maru up``: one application for all projects of a branch."""

    def __init__(self, workspace: Workspace, branch: GitBranch, url: str) -> None:
        self._workspace = workspace
        self._branch = branch
        self._url = url
        self._store = workspace.store()
        self._metrics = Metrics()
        self._bento = BentoApp(_stock_service)
        self._executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="load")
        self._logs: list[PredictionLog] = []
        self._places: dict[str, Place] = {}
        self._fleet = Fleet(branch, self._metrics, self._new_place, self._publish, say)

    async def serve(self, listening: socket.socket) -> None:
        """Follow the branch and answer until the process is asked to stop."""
        try:
            await web_server.serve(self._fleet, listening, self._started)
        finally:
            await self._fleet.stop()
            await self._bento.stop()
            await asyncio.gather(*(asyncio.to_thread(log.stop) for log in self._logs))
            self._executor.shutdown(cancel_futures=True)
            self._publish(self._fleet.document(), running=False)

    async def _started(self) -> None:
        say(f"maru up: branch {self._branch.name} at {self._url}; Ctrl+C stops it")
        await self._fleet.start()

    def _publish(self, document: dict[str, Any], *, running: bool = True) -> None:
        state = {**document, "url": self._url, "running": running}
        write_json(self._workspace.up_state, state)

    def _new_place(self, project: str, changed: Callable[[], None]) -> Place:
        log = _prediction_log(self._workspace, project, self._metrics)
        self._logs.append(log)

        def status() -> ProjectStatus:
            return self._places[project].status

        app = ScoringApp(
            project,
            self._metrics,
            log=log,
            batch_scores=_batch_scores(self._workspace, project),
            beyond=self._bento,
            status=status,
        )
        sources = Sources(self._open_bundle, self._launch, self._executor, changed, say)
        self._places[project] = Place(project, app, sources)
        return self._places[project]

    def _open_bundle(self, digest: str, project: str) -> Bundle:
        bundle = read_bundle(self._store, digest)
        require_releasable(bundle, project)
        return bundle

    async def _launch(self, bundle: Bundle) -> Service:
        from maru.adapters.service_process import ServiceProcess  # httpx: 0.3 s, rarely needed

        project, root = bundle.manifest.project, str(self._workspace.root)
        words = ("serve", project, "--bundle", bundle.digest, "--repo", root)
        service = ServiceProcess(project, (sys.executable, "-m", "maru.cli.main", *words), say)
        await service.start()
        return service


def say(words: str) -> None:
    """Tell the person at the terminal what goes on; results go to standard output."""
    print(words, file=sys.stderr, flush=True)


def _prediction_log(workspace: Workspace, project: str, metrics: Metrics) -> PredictionLog:
    return PredictionLog(
        workspace.predictions(project),
        written=lambda rows: metrics.logged(project, rows),
        dropped=lambda rows: metrics.dropped(project, rows),
    )


def _batch_scores(workspace: Workspace, project: str) -> BatchScores:
    return BatchScores(project, workspace.home / "scores" / project)


def _stock_service() -> Any:
    from maru.serving.bento_service import scoring_service  # BentoML: two seconds, rarely needed

    return scoring_service()


def _own_service(release: LoadedRelease) -> "OwnService | None":
    """Return what the release's own service.py defines, tried on the golden rows; None without."""
    if not has_own_service(release.bundle):
        return None
    from maru.serving.own_service import check_own_answer, load_own_service

    own = load_own_service(release.bundle.code_folder, release.bundle.manifest.code)
    check_own_answer(release, own)
    return own
