"""Two people in a real browser: log in, choose a profile, run a cell; one is ended by memory.

A program too: ``python tests/cluster/browser_walk.py URL FOLDER``, the login's password on standard
input, leaves its pictures in the folder.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from browser import opened
from playwright.sync_api import Page, expect

SPAWN_MS = 180_000
CELL_MS = 120_000
COUNTED = """
import time
for i in range(600):
    print("count", i, flush=True)
    time.sleep(0.5)
""".strip()
EATEN = """
eaten = []
while True:
    eaten.append(bytearray(50_000_000))
    print(len(eaten), end=" ")
""".strip()
CELLS = {
    "pyspark": "from pyspark.sql import SparkSession\n"
    "print(SparkSession.builder.getOrCreate().range(9).count())",
    "pytorch": "import torch\nprint(int(torch.ones(3, 3).sum()))",
}
"""Both print 9."""


@dataclass
class Walker:
    """One person's browser window, and where its pictures go."""

    page: Page
    name: str
    folder: Path

    def picture(self, what):
        """Keep what the window shows."""
        self.page.screenshot(path=self.folder / f"{self.name}-{what}.png")

    def log_in(self, hub, password):
        """Go through the real login page."""
        self.page.goto(f"{hub}/hub/login")
        self.page.fill("input[name=username]", self.name)
        self.page.fill("input[name=password]", password)
        self.picture("1-login")
        self.page.click("input[type=submit]")
        self.stop(hub)

    def stop(self, hub):
        """Stop a server that an earlier walk left, and go to the page of profiles."""
        self.page.goto(f"{hub}/hub/home")
        self.page.wait_for_load_state("networkidle")
        if self.page.locator("#stop").is_visible():
            self.page.click("#stop")
            expect(self.page.locator("#stop")).to_be_hidden(timeout=CELL_MS)
        self.page.goto(f"{hub}/hub/spawn")

    def start(self, profile, size="small"):
        """Choose a profile and wait for JupyterLab."""
        self.page.check(f"input[name=profile][value={profile}]")
        self.page.select_option(f"select[name='profile-option-{profile}--size']", size)
        self.picture("2-profile")
        self.page.get_by_role("button", name="Start").click()
        self.page.wait_for_url("**/spawn-pending/**")
        self.picture("3-starting")
        self.page.wait_for_selector("#jp-main-dock-panel", timeout=SPAWN_MS)
        # JupyterLab comes up as it was left; the walk starts with an empty one.
        self.page.goto(f"{self.page.url.partition('?')[0]}?reset")
        self.page.wait_for_selector(".jp-LauncherCard", timeout=SPAWN_MS)
        self.picture("4-lab")

    def open_notebook(self):
        """Open a new notebook from the launcher and wait for its kernel."""
        self.page.click(".jp-LauncherCard[data-category=Notebook] >> nth=0")
        self.page.wait_for_selector(".jp-Notebook .cm-content")
        # A cell that is run before the kernel is connected is lost.
        idle = self.page.get_by_text("Python 3 (ipykernel) | Idle")
        expect(idle).to_be_visible(timeout=CELL_MS)

    def run(self, code):
        """Type code into the last cell and run it; a new cell follows."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").last
        cell.locator(".cm-content").click()
        # As a whole: typed line by line, the editor would indent on its own.
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")

    def sees(self, text, timeout_ms=CELL_MS):
        """Wait until an output shows a text."""
        expect(self.page.locator(".jp-OutputArea-output", has_text=text).first).to_be_visible(
            timeout=timeout_ms
        )

    def count(self):
        """Return the last number that the counting cell printed."""
        words = self.page.locator(".jp-OutputArea-output", has_text="count").last.inner_text()
        return int(words.split()[-1])


def walk(hub, password, folder):
    """Do it all; raise where something isn't as it should be."""
    folder.mkdir(parents=True, exist_ok=True)
    with opened() as browser:
        people = []
        for name, profile in (("ana", "pyspark"), ("ben", "pytorch")):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            walker = Walker(context.new_page(), name, folder)
            walker.log_in(hub, password)
            walker.start(profile)
            walker.open_notebook()
            walker.run(CELLS[profile])
            walker.sees("9")
            walker.picture("5-cell")
            people.append(walker)
        ana, ben = people
        ben.run(COUNTED)
        ben.sees("count 2")
        ana.run(EATEN)
        told = ana.page.get_by_text("was ended by the memory limit of 1 GiB").first
        expect(told).to_be_visible(timeout=CELL_MS)
        ana.page.get_by_role("button", name="Ok", exact=True).click()
        ana.picture("6-ended-by-memory")
        before = ben.count()
        ben.page.wait_for_timeout(3_000)
        assert ben.count() >= before + 4, "Ben's kernel stood still"
        ben.picture("6-still-counts")


if __name__ == "__main__":
    walk(sys.argv[1], sys.stdin.readline().strip(), Path(sys.argv[2]))
    print(f"two people logged in, ran a cell, one was ended by memory; pictures in {sys.argv[2]}")
