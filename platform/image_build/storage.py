"""buildah with a storage of its own, which is emptied again: nothing of the user's is touched."""

import os
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from image_build.errors import ImageError, NetworkError
from image_build.registry import Registry

# Measured on 513 MB of torch and numpy, CPU seconds and size: gzip 1 6.0 s, 158 MB; gzip 6 17.7 s,
# 137 MB; zstd 1 1.6 s, 139 MB; zstd 3 2.1 s, 121 MB. Unpacking: gzip 2.7 s, zstd 0.4 s.
_COMPRESSION = ("--compression-format=zstd", "--compression-level=3")
_SHOWN_OF_LOG = 25
_REMOVED = ".removed-"
# How npm, pip and uv, Go, Maven and apt say that a registry did not answer as it should.
_NETWORK = re.compile(
    r"_IN_CHAIN|ECONN|ETIMEDOUT|EAI_AGAIN|timed out|TLS handshake|Temporary failure|"
    r"[Cc]onnection (reset|refused|broken)|Failed to fetch|error sending request|"
    r"(50[0234]|429) (Bad|Gateway|Internal|Service|Too)"
)


class Storage:
    """Where images lie while they are built, in ``folder``."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self._folder = folder
        self._registry = registry
        self._environment = {
            **os.environ,
            "BUILDAH_ISOLATION": "chroot",
            "TMPDIR": str(folder / "temporary"),
        }

    def clear(self) -> None:
        """Remove all of it, what a killed run left mounted included.

        It is out of the way at once. The disk takes up to minutes to give back 200,000 files, so
        that goes on by itself; a removal that was cut short is taken up by the next.
        """
        for line in reversed(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()):
            place = line.split()[1]
            if place.startswith(f"{self._folder}/"):
                subprocess.run(["umount", "--lazy", place], check=False)
        if self._folder.exists():
            self._folder.rename(f"{self._folder}{_REMOVED}{time.time_ns()}")
        if removed := list(self._folder.parent.glob(f"{self._folder.name}{_REMOVED}*")):
            subprocess.Popen(
                ["rm", "-rf", *removed],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def open(self) -> None:
        """Make the folder, empty."""
        self.clear()
        (self._folder / "temporary").mkdir(parents=True)

    def build(
        self,
        dockerfile: Path,
        context: Path,
        reference: str,
        arguments: Mapping[str, str],
        options: Iterable[str],
        log: Path,
    ) -> Iterator[str]:
        """Build an image; yield the lines that the build prints, which the log keeps."""
        words = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        command = [
            *self._buildah("bud"),
            "--pull=false",
            self._registry.tls,
            "--network=host",
            "--format=oci",
            *options,
            *words,
            f"--file={dockerfile}",
            f"--tag={reference}",
            str(context),
        ]
        yield from self._follow(command, log)

    def import_root(self, archive: Path, reference: str) -> None:
        """Make an image of one layer out of a root file system."""
        container = self._output("from", "scratch")
        self._output("add", container, str(archive), "/")
        self._output("config", "--cmd=/bin/bash", container)
        self._output("commit", "--rm", "--quiet", container, reference)

    def push(self, reference: str) -> str:
        """Push an image layer by layer; return its digest. Layers that are there stay there."""
        digest_file = self._folder / f"digest.{reference.rpartition(':')[2]}"
        self._output(
            "push",
            self._registry.tls,
            "--format=oci",
            *_COMPRESSION,
            f"--digestfile={digest_file}",
            reference,
            f"docker://{reference}",
        )
        return digest_file.read_text(encoding="utf-8").strip()

    def _buildah(self, command: str) -> list[str]:
        places = ("--root", str(self._folder / "root"), "--runroot", str(self._folder / "run"))
        return ["buildah", *places, "--storage-driver=overlay", command]

    def _output(self, command: str, *words: str) -> str:
        full = [*self._buildah(command), *words]
        done = subprocess.run(
            full, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ImageError(f"buildah {command} failed: {done.stderr.strip()[-800:]}")
        return done.stdout.strip()

    def _follow(self, command: list[str], log: Path) -> Iterator[str]:
        with (
            log.open("w", encoding="utf-8") as kept,
            subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process,
        ):
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    kept.write(line)
                    yield line.rstrip()
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            lines = log.read_text(encoding="utf-8").splitlines()
            shown = "\n  ".join(lines[-_SHOWN_OF_LOG:])
            kind = NetworkError if _NETWORK.search(shown) else ImageError
            raise kind(f"the build failed; the end of {log}:\n  {shown}")
