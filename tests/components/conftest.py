"""What a component's run left behind, by the component's name."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Left:
    """The artifacts of one step by name, what the step found, and the workspace's home."""

    folder: Path
    found: dict
    home: Path

    def document(self, artifact: str) -> dict:
        """Read an artifact that is a small JSON document."""
        return json.loads((self.folder / artifact).read_text())

    def metadata(self, artifact: str) -> dict:
        """Read what KFP shows of an artifact."""
        output = json.loads((self.folder / "executor_output.json").read_text())
        return output["artifacts"][artifact]["artifacts"][0].get("metadata", {})


@pytest.fixture(scope="session")
def left(finished_shop):
    """Return the function from a component's name to what its run left behind."""
    shop, finished = finished_shop

    def of(name: str) -> Left:
        task = next((finished.run.folder / "kfp").glob(f"*/{name.replace('_', '-')}"))
        return Left(task, dict(finished.steps[name]), shop.root / ".maru")

    return of
