"""docs/tutorial.ipynb, executed as a reader would: in a clone of what is committed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.ipynb"
A_CELL_S = 300


@dataclass(frozen=True)
class Read:
    """A reading: the reader's repository, the notebook's own clone, what each cell showed."""

    repository: Path
    clone: Path
    shown: dict[str, str]

    def cell(self, words: str) -> str:
        """Return what the one cell whose code has these words showed."""
        found = [shown for source, shown in self.shown.items() if words in source]
        assert len(found) == 1, f"{words!r} stands in {len(found)} cells"
        return found[0]


def git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Execute the notebook as it is in the checkout, in a clone of what is committed."""
    repository = tmp_path_factory.mktemp("reader") / "clone"
    scratch = tmp_path_factory.mktemp("scratch")
    git(ROOT, "clone", "--quiet", str(ROOT), str(repository))
    notebook = nbformat.read(TUTORIAL, as_version=4)
    where = {"metadata": {"path": str(repository / "docs")}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(scratch))
        NotebookClient(notebook, timeout=A_CELL_S, resources=where).execute()
    (clone,) = scratch.glob("maru-tutorial-*")
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return Read(repository, clone, {c.source: "".join(map(_text, c.outputs)) for c in cells})


def test_the_idea_is_evaluated_on_validation_months_beside_the_naive_rows(read: Read):
    before = read.cell("before = p.evaluate")
    assert "2 origins, 2017-05-01 to 2017-06-01" in before
    assert "last_90_days" in before
    assert "typical_amount: mean absolute error" in before


def test_the_edit_takes_effect_and_is_compared_in_pairs(read: Read):
    assert "changed and loaded again: features.py" in read.cell('p.dictionary("weekend_*_30d")')
    compared = read.cell("p.compare(before, after)")
    assert "mart.act_types.weekend.where" in compared
    assert compared.count("90% interval of the gain") == 3


def test_the_commit_is_in_the_notebooks_clone_only(read: Read):
    assert git(read.clone, "log", "-1", "--format=%s %an") == "Count what is bought at weekends You"
    assert git(read.clone, "diff", "--stat", "HEAD~1", "--", "projects").startswith(
        "projects/charge/features.py"
    )
    assert git(read.clone, "status", "--porcelain") == ""
    assert git(read.repository, "status", "--porcelain") == ""
    assert git(read.repository, "rev-parse", "HEAD") == git(read.clone, "rev-parse", "HEAD~1")


def test_it_is_stored_without_outputs():
    cells = [c for c in nbformat.read(TUTORIAL, as_version=4).cells if c.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


def _text(output: Any) -> str:
    return str(output.text if output.output_type == "stream" else output.data["text/plain"])
