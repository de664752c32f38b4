"""A project's own service.py: what it may define, loaded from the bundle that it was released in.

It defines one of

``answer(entity, features, scores) -> dict``
    Called for each scored row: the entity (str or None), the required columns by name (None for
    null), and what the model answers. What it returns is the answer; ``entity`` is added.
``service``
    A BentoML service (a class under ``@bentoml.service``). It answers every path but ``/healthz``,
    ``/livez``, ``/readyz`` and ``/metrics``; ``/score`` stays the stock one unless it has an API of
    that route. ``maru.serving.live.score(rows)`` scores with the release in force.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from maru.errors import MaruError, ProjectError
from maru.project.fresh_import import import_module
from maru.release.golden import GoldenRows, comparison, read_golden
from maru.serving.loaded import LoadedRelease
from maru.serving.request import Rows
from maru.serving.scoring import Finish, finished, row_documents

FILE = "service.py"
_TAKES = 3


@dataclass(frozen=True)
class OwnService:
    """Exactly one of the two is given."""

    answer: Finish | None = None
    service: Any | None = None

    @property
    def routes(self) -> frozenset[str]:
        """The paths that the BentoML service answers itself."""
        if self.service is None:
            return frozenset()
        return frozenset(method.route for method in self.service.apis.values())


def load_own_service(folder: Path, content_digest: str) -> OwnService:
    """Import ``folder/service.py``.

    Parameters
    ----------
    content_digest
        Changes whenever a file of the folder changes.

    Raises
    ------
    ProjectError
        If it can't be imported, or defines neither or both of ``answer`` and ``service``.
    """
    module = import_module(folder, Path(FILE).stem, content_digest)
    answer, service = getattr(module, "answer", None), getattr(module, "service", None)
    if (answer is None) == (service is None):
        raise ProjectError(
            f"{folder / FILE} must define one of answer(entity, features, scores) and service "
            f"(a BentoML service), got {'neither' if answer is None else 'both'}"
        )
    if answer is not None:
        _check_answer(folder, module)
        return OwnService(answer=answer)
    # BentoML's own class is not public; these two are what it is used for here.
    if not hasattr(service, "apis") or not hasattr(service, "to_asgi"):
        raise ProjectError(
            f"{folder / FILE}: service must be a class under @bentoml.service, "
            f"got {type(service).__name__}"
        )
    return OwnService(service=service)


def check_own_answer(release: LoadedRelease, own: OwnService) -> None:
    """Pass the release's golden rows through the project's ``answer``, as a request would be.

    What it answers must be what it answered when the bundle was made, where the bundle tells.

    Raises
    ------
    ProjectError
        If it fails on one, answers something that JSON can't say, or answers otherwise.
    """
    if own.answer is None:
        return
    rule = comparison(release.bundle)
    kept = read_golden(release.bundle.golden_file.read_bytes()).rows
    for row, now in zip(kept, finished_golden(release, own.answer).rows, strict=True):
        if row.finished is not None and not rule.holds_document(row.finished, now.finished):
            raise ProjectError(
                f"answer in service.py doesn't answer golden row {row.name!r} as when the bundle "
                f"was made ({rule.words()}): it is {now.finished}, expected {row.finished}. It may "
                "depend on its arguments only: not on a clock, a file outside of the folder, or "
                "the environment"
            )


def finished_golden(release: LoadedRelease, answer: Finish) -> GoldenRows:
    """Return the release's golden rows with what the project's ``answer`` makes of each now.

    Raises
    ------
    ProjectError
        If it fails on one, or answers something that JSON can't say.
    """
    golden = read_golden(release.bundle.golden_file.read_bytes())
    matrix = golden.asked(release.model.required)
    rows = Rows([None] * len(golden.rows), matrix, batch=True)
    documents = row_documents(rows.entities, release.compute(rows.matrix))
    try:
        said = orjson.loads(orjson.dumps(finished(release, answer, rows, documents)))
    except MaruError:
        raise
    except Exception as error:
        raise ProjectError(
            f"answer in service.py fails on the golden rows: {type(error).__name__}: {error}"
        ) from error
    pairs = zip(golden.rows, said, strict=True)
    return replace(golden, rows=tuple(replace(row, finished=now) for row, now in pairs))


def _check_answer(folder: Path, module: ModuleType) -> None:
    code = getattr(module.answer, "__code__", None)
    if code is None or code.co_argcount != _TAKES:
        got = "something else" if code is None else ", ".join(code.co_varnames[: code.co_argcount])
        raise ProjectError(f"{folder / FILE}: answer takes (entity, features, scores), got ({got})")
