"""Chromium for the tests that look at pages: Debian's, installed where it is missing."""

import os
import shutil
import subprocess
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowser(Exception):
    """There is no Chromium, and none can be installed here."""


def chromium() -> str:
    """Return the program, installed with apt-get where it is missing and one may."""
    if (found := _found()) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing the Debian package chromium ...", flush=True)
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-q"]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*apt, "update"], env=quiet, check=False, stdout=subprocess.DEVNULL)
        install = [*apt, "install", "-y", "--no-install-recommends", "chromium"]
        subprocess.run(install, env=quiet, check=False, stdout=subprocess.DEVNULL)
        found = _found()
    if found is None:
        raise NoBrowser("this looks at a page: install chromium (Debian: apt install chromium)")
    return found


@contextmanager
def opened():
    """Open a headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def _found() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome")
