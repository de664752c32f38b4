"""The page about models: its example runs as it stands."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "models.md"


def test_the_example_of_the_page_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert len(blocks) == 3
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {})
