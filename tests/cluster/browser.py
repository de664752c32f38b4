"""Chromium for the tests that look at pages: Debian's, installed where it is missing."""

import os
import shutil
from contextlib import contextmanager, suppress
from ctypes.util import find_library

from node import debian
from node.errors import NodeError
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
    """Return the program; it and what drives it are installed where they lack and one may."""
    lacking = {} if _found() else {"chromium": "chromium"}
    if find_library("atomic") is None:  # playwright's own Node.js takes it
        lacking["libatomic1"] = "libatomic.so.1"
    if lacking and os.geteuid() == 0:
        with suppress(NodeError):
            debian.install_missing(lacking)
    elif lacking:
        raise NoBrowser(f"this looks at a page: install {' '.join(lacking)} (apt install ...)")
    if (found := _found()) is None:
        raise NoBrowser("this looks at a page: install chromium (Debian: apt install chromium)")
    return found


@contextmanager
def opened():
    """Open a headless Chromium."""
    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def _found() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome")
