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

from image_build.clients import write_secrets
from image_build.debian import Debian, make_root
from image_build.errors import ImageError
from image_build.keys import Recipe, arguments_of, make_recipes, stage
from image_build.plan import Plan, last_use, make_plan
from image_build.progress import Progress
from image_build.registry import Registry
from image_build.storage import Storage
from image_build.table import DEBIAN, IMAGES, ROOT, TOOLS, Image

# What a build of the largest image and everything below it takes on this disk, measured.
NEEDED_BYTES = 12 * 2**30
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
    uses_tools = {image.name for image in IMAGES if TOOLS.upper() in _declared(image)}
    recipes = make_recipes(ROOT, IMAGES, {DEBIAN: debian.key}, arguments)
    keys = {name: recipe.key for name, recipe in recipes.items()}

    def digest_of(name: str) -> str | None:
        return registry.digest(name, keys[name])

    def plan() -> Plan:
        return make_plan(IMAGES, wanted, uses_tools, digest_of, has_own_debian=debian.is_local)

    first = plan()
    if not first.build:
        return Result(first.digests, keys)
    folder = cache_folder()
    with _alone(folder, progress):
        # Another run may have pushed some of them while this one waited.
        current = plan()
        if not current.build:
            return Result(current.digests, keys)
        _check_disk(folder)
        builder = _Builder(folder, registry, debian, recipes, arguments, progress)
        try:
            return builder.carry_out(current, uses_tools)
        finally:
            builder.close()


class _Builder:
    def __init__(
        self,
        folder: Path,
        registry: Registry,
        debian: Debian,
        recipes: Mapping[str, Recipe],
        arguments: Mapping[str, str],
        progress: Progress,
    ) -> None:
        self._folder = folder
        self._registry = registry
        self._debian = debian
        self._recipes = recipes
        self._arguments = arguments
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

    def carry_out(self, plan: Plan, uses_tools: Collection[str]) -> Result:
        """Build in order. One image is pushed while the next is built."""
        # All at once and first: an edit in the checkout must not reach half of the images.
        for name in plan.build:
            stage(ROOT, self._recipes[name], self._context(name))
        last = last_use(plan, IMAGES, uses_tools)
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
                for used in [n for n, user in last.items() if user == name]:
                    # In the pusher's queue: after the pushes that still read it.
                    pusher.submit(self._storage.remove, self._reference(used))
        digests = {name: push.result() for name, push in pushes.items()}
        keys = {name: recipe.key for name, recipe in self._recipes.items()}
        return Result({**plan.digests, **digests}, keys, seconds)

    def _build(self, number: int, count: int, name: str) -> None:
        if name == DEBIAN:
            self._progress.begin(
                number, count, name, "made from Debian's packages, a minute or two"
            )
            self._make_debian()
            return
        image = _TABLE[name]
        self._progress.begin(number, count, name, image.title)
        declared = _declared(image)
        arguments = {k: v for k, v in self._arguments.items() if k in declared}
        arguments["BASE"] = self._reference(image.base)
        if TOOLS.upper() in declared:
            arguments[TOOLS.upper()] = self._reference(TOOLS)
        if image.projects:
            arguments["PROJECTS"] = " ".join(image.projects)
        context = self._context(name)
        label = f"--label=org.opencontainers.image.title={image.title}"
        lines = self._storage.build(
            context / image.dockerfile,
            context,
            self._reference(name),
            arguments,
            [*self._options, label],
            self._logs / f"{name}.log",
        )
        self._progress.follow(lines)
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
        if name == DEBIAN and not self._debian.is_local:
            return self._debian.reference
        return f"{self._registry.repository(name)}:{self._recipes[name].key}"

    def _context(self, name: str) -> Path:
        return self._folder / "storage" / "contexts" / name

    def _labels(self) -> list[str]:
        revision = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        return [f"--label=org.opencontainers.image.revision={revision}"]


def _declared(image: Image) -> set[str]:
    return arguments_of((ROOT / image.dockerfile).read_text(encoding="utf-8"))


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
