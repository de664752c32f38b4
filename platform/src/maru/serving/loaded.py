"""One release in memory: verified, its golden rows answered, ready to answer requests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maru.errors import BundleError
from maru.models.model_folder import LoadedModel, load_model
from maru.release.bundle import Bundle, BundleStore, read_bundle
from maru.release.digests import short
from maru.release.golden import check_golden, comparison
from maru.serving.refusal import Refusal
from maru.serving.request_schema import RequestSchema, known_columns

_MISMATCHES_SHOWN = 3
UNCOMMITTED = "uncommitted"


@dataclass(frozen=True)
class Flag:
    """A named yes or no: yes where the head's value is at least ``at_least``."""

    name: str
    head: str
    at_least: float


@dataclass(frozen=True)
class LoadedRelease:
    """What answers; immutable, so that a switch of releases is one assignment.

    ``golden`` says in words how the golden rows were compared.
    """

    bundle: Bundle
    model: LoadedModel
    schema: RequestSchema
    flags: tuple[Flag, ...]
    golden: str

    @property
    def project(self) -> str:
        """The project's name."""
        return self.bundle.manifest.project

    @property
    def digest(self) -> str:
        """The bundle's digest, ``sha256:...``."""
        return self.bundle.digest

    @property
    def commit(self) -> str:
        """The commit of the project's code; ``uncommitted`` where the bundle has none."""
        return self.bundle.manifest.source.commit or UNCOMMITTED

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names that a row is answered with: numbers, then yes-or-nos."""
        return (*self.model.outputs, *(flag.name for flag in self.flags))

    def answer(self, matrix: NDArray[np.float64], *, threads: int = 1) -> dict[str, NDArray[Any]]:
        """Answer rows.

        Parameters
        ----------
        matrix
            float64 (n, model columns), NaN where null.

        Returns
        -------
        dict
            Output -> array (n,): float64 for heads, bool for flags.

        Raises
        ------
        Refusal
            If an answer is not a finite number, naming the first such row.
        """
        answers = self.compute(matrix, threads=threads)
        for name, values in answers.items():
            if not np.isfinite(values).all():
                row = int(np.argmin(np.isfinite(values)))
                raise Refusal(f"the model has no finite {name} for these features", row=row)
        return answers

    def compute(self, matrix: NDArray[np.float64], *, threads: int = 1) -> dict[str, NDArray[Any]]:
        """Answer rows as ``answer`` does, infinities and NaN included."""
        answers: dict[str, NDArray[Any]] = dict(self.model.predict(matrix, threads=threads))
        for flag in self.flags:
            answers[flag.name] = answers[flag.head] >= flag.at_least
        return answers


def load_release(store: BundleStore, digest: str, project: str | None = None) -> LoadedRelease:
    """Fetch a bundle, verify every byte, load its model, and answer its golden rows.

    Parameters
    ----------
    project
        Whose bundle it must be; None accepts any.

    Raises
    ------
    BundleError
        If it is missing, differs from its digest, is another project's, breaks its own schemas, or
        answers a golden row otherwise than when it was made.
    ModelError
        If its model breaks a rule of its kind.
    """
    bundle = read_bundle(store, digest)
    if project is not None and bundle.manifest.project != project:
        raise BundleError(
            f"bundle {short(digest)} is a release of {bundle.manifest.project}, not of {project}"
        )
    return load_bundle(bundle)


def load_bundle(bundle: Bundle) -> LoadedRelease:
    """Load a verified bundle and answer its golden rows; errors as ``load_release``."""
    model = load_model(bundle.model_folder)
    columns = json.loads((bundle.mart_folder / "columns.json").read_bytes())
    schema = RequestSchema.from_json(bundle.request_schema, model.columns, known_columns(columns))
    if unasked := set(model.required) - set(schema.required):
        raise BundleError(
            f"request_schema.json doesn't require {sorted(unasked)[0]!r}, which the model reads"
        )
    release = LoadedRelease(
        bundle, model, schema, _flags(bundle.thresholds, model.outputs), comparison(bundle).words()
    )
    check_golden_rows(release)
    return release


def check_golden_rows(release: LoadedRelease) -> None:
    """Raise BundleError, naming the first rows, where a golden row is answered otherwise."""
    mismatches = check_golden(release.bundle, release.compute)
    if mismatches:
        shown = "; ".join(m.words() for m in mismatches[:_MISMATCHES_SHOWN])
        rest = len(mismatches) - _MISMATCHES_SHOWN
        raise BundleError(
            f"bundle {short(release.digest)} doesn't answer its golden rows ({release.golden}): "
            + shown
            + (f"; and {rest} more" if rest > 0 else "")
        )


def has_own_service(bundle: Bundle) -> bool:
    """Say whether the bundle brings a service.py, which runs in a process of its own."""
    return (bundle.code_folder / "service.py").is_file()


def _flags(resolved: Sequence[Mapping[str, Any]], outputs: tuple[str, ...]) -> tuple[Flag, ...]:
    """Read thresholds.json, and check that each names a head and takes no head's name."""
    flags = tuple(Flag(f["name"], f["head"], float(f["at_least"])) for f in resolved)
    for flag in flags:
        if flag.head not in outputs or flag.name in outputs:
            raise BundleError(
                f"thresholds.json: {flag.name} must be a new name for a head of the model "
                f"({', '.join(outputs)}), got head {flag.head}"
            )
    return flags
