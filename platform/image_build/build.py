"""Build what the registry lacks and push it, image after image."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from image_build.clients import write_secrets
from image_build.debian import Debian, make_root
from image_build.errors import ImageError, NetworkError
from image_build.keys import Recipe, arguments_of, make_recipes, stage
from image_build.plan import Plan, make_plan
from image_build.progress import Progress
from image_build.registry import Registry
from image_build.storage import Storage
from image_build.table import DEBIAN, IMAGES, ROOT, TOOLS

# What a build of the largest image and everything below it takes on this disk, measured.
NEEDED_BYTES = 16 * 2**30
_TABLE = {image.name: image for image in IMAGES}


@dataclass(frozen=True)
class Result:
    """What became of the images: digest by name, and what was built in how many seconds."""

    digests: Mapping[str, str]
    keys: Mapping[str, str]
    seconds: Mapping[str, float] = field(default_factory=dict)


def cache_folder() -> Path:
    """Return where builds happen: below ``MARU_CACHE``, or ``~/.cache/maru``."""
    return Path(os.environ.get("MARU_CACHE") or Path.home() / ".cache" / "maru") / "images"


def build_images(
    wanted: Collection[str],
    registry: Registry,
    debian: Debian,
    arguments: Mapping[str, str],
    progress: Progress,
) -> Result:
    """Bring the wanted images into the registry; build only those that it lacks.

    Raises
    ------
    ImageError
        If an image is unknown, a build or a push fails, or the disk is too full to begin.
    """
    job = _Job.of(debian, arguments)
    first = job.plan(wanted, registry)
    if not first.build:
        return Result(first.digests, job.keys)
    folder = cache_folder()
    with _alone(folder, progress):
        # While this run waited for another, that one pushed images, and files may have changed.
        job = _Job.of(debian, arguments)
        current = job.plan(wanted, registry)
        if not current.build:
            return Result(current.digests, job.keys)
        _check_disk(folder)
        builder = _Builder(folder, registry, job, progress)
        try:
            return builder.carry_out(current)
        finally:
            builder.close()


@dataclass(frozen=True)
class _Job:
    """What is to be built of which files: the checkout as it was at one moment."""

    debian: Debian
    arguments: Mapping[str, str]
    recipes: Mapping[str, Recipe]
    declared: Mapping[str, set[str]]
    """The build arguments of each image's Dockerfile."""

    @classmethod
    def of(cls, debian: Debian, arguments: Mapping[str, str]) -> Self:
        """Read the checkout."""
        recipes = make_recipes(ROOT, IMAGES, {DEBIAN: debian.key}, arguments)
        texts = {i.name: (ROOT / i.dockerfile).read_text(encoding="utf-8") for i in IMAGES}
        declared = {name: arguments_of(text) for name, text in texts.items()}
        return cls(debian, arguments, recipes, declared)

    @property
    def keys(self) -> dict[str, str]:
        """The key of each image."""
        return {name: recipe.key for name, recipe in self.recipes.items()}

    @property
    def uses_tools(self) -> set[str]:
        """The images that are built with the tools."""
        return {name for name, declared in self.declared.items() if TOOLS.upper() in declared}

    def plan(self, wanted: Collection[str], registry: Registry) -> Plan:
        """Ask the registry what is missing."""

        def digest_of(name: str) -> str | None:
            return registry.digest(name, self.recipes[name].key)

        own = self.debian.is_local
        return make_plan(IMAGES, wanted, self.uses_tools, digest_of, has_own_debian=own)


class _Builder:
    def __init__(
        self,
        folder: Path,
        registry: Registry,
        job: _Job,
        progress: Progress,
    ) -> None:
        self._folder = folder
        self._registry = registry
        self._job = job
        self._progress = progress
        self._secrets = folder / "secrets"
        self._logs = folder / "logs"
        self._storage = Storage(folder / "storage", registry)
        self._storage.open()
        shutil.rmtree(self._secrets, ignore_errors=True)
        self._options = [*write_secrets(self._secrets), *self._labels()]
        self._logs.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Leave nothing but the logs."""
        self._storage.clear()
        shutil.rmtree(self._secrets, ignore_errors=True)

    def carry_out(self, plan: Plan) -> Result:
        """Build in order. One image is pushed while the next is built."""
        # All at once and first: an edit in the checkout must not reach half of the images.
        for name in plan.build:
            stage(ROOT, self._job.recipes[name], self._context(name))
        seconds: dict[str, float] = {}
        pushes: dict[str, Future[str]] = {}
        with ThreadPoolExecutor(max_workers=1) as pusher:
            for number, name in enumerate(plan.build, start=1):
                begin = time.monotonic()
                self._build(number, len(plan.build), name)
                pushes[name] = pusher.submit(self._push, name)
                seconds[name] = round(time.monotonic() - begin, 1)
                for done in [n for n, p in pushes.items() if p.done()]:
                    pushes[done].result()  # a failed push ends the run here
        digests = {name: push.result() for name, push in pushes.items()}
        return Result({**plan.digests, **digests}, self._job.keys, seconds)

    def _build(self, number: int, count: int, name: str) -> None:
        if name == DEBIAN:
            self._progress.begin(
                number, count, name, "made from Debian's packages, a minute or two"
            )
            self._make_debian()
            return
        image = _TABLE[name]
        self._progress.begin(number, count, name, image.title)
        declared = self._job.declared[name]
        arguments = {k: v for k, v in self._job.arguments.items() if k in declared}
        arguments["BASE"] = self._reference(image.base)
        if TOOLS.upper() in declared:
            arguments[TOOLS.upper()] = self._reference(TOOLS)
        if image.projects:
            arguments["PROJECTS"] = " ".join(image.projects)
        context = self._context(name)
        label = f"--label=org.opencontainers.image.title={image.title}"

        def build() -> None:
            lines = self._storage.build(
                context / image.dockerfile,
                context,
                self._reference(name),
                arguments,
                [*self._options, label],
                self._logs / f"{name}.log",
            )
            self._progress.follow(lines)

        try:
            build()
        except NetworkError:
            self._progress.say(f"  {name}: a registry did not answer as it should; once more")
            build()
        shutil.rmtree(context)

    def _push(self, name: str) -> str:
        begin = time.monotonic()
        digest = self._storage.push(self._reference(name))
        self._progress.say(f"  {name} pushed in {time.monotonic() - begin:.0f} s")
        return digest

    def _make_debian(self) -> None:
        archive = self._folder / "storage" / "debian.tar"
        make_root(archive)
        self._storage.import_root(archive, self._reference(DEBIAN))
        archive.unlink()

    def _reference(self, name: str) -> str:
        if name == DEBIAN and not self._job.debian.is_local:
            return self._job.debian.reference
        return f"{self._registry.repository(name)}:{self._job.recipes[name].key}"

    def _context(self, name: str) -> Path:
        return self._folder / "storage" / "contexts" / name

    def _labels(self) -> list[str]:
        revision = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        return [f"--label=org.opencontainers.image.revision={revision}"]


def _check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        missing = (NEEDED_BYTES - free) / 2**30
        raise ImageError(
            f"{folder} needs {NEEDED_BYTES / 2**30:.0f} GiB for a while and its disk has "
            f"{free / 2**30:.1f} free: {missing:.1f} GiB are missing. Free them, or name a folder "
            "on another disk in MARU_CACHE"
        )


@contextmanager
def _alone(folder: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of the folder; wait for the run that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("another run builds images here; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
