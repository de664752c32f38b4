"""Every example of docs/serving.md, asked of a running maru up."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from maru.adapters.bundle_store import LocalBundleStore
from maru.release.pin import Pin, pin_path
from maru.serving.own_service import load_own_service
from maru.serving.scoring_app import LIMITS_BYTES

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
EXAMPLE_URL = "http://127.0.0.1:3000"


def blocks(language: str, name: str) -> list[str]:
    found = re.findall(rf"^```{language} {name}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/serving.md has no block {language} {name}"
    return found


@pytest.fixture(scope="module")
def url(new_repository, publish_bundle, tmp_path_factory) -> Iterator[str]:
    """A repository whose project charge is live."""
    scratch = tmp_path_factory.mktemp("page")
    repository = new_repository(scratch / "repository")
    store = LocalBundleStore(repository.root / ".maru" / "bundles")
    digest = publish_bundle(store, scratch / "parts")
    repository.write(".gitignore", ".maru/\n")
    repository.write("projects/charge/project.yaml", "name: charge\n")
    repository.write(pin_path("charge"), Pin(digest).to_bytes())
    repository.commit("Release")
    words = ["-m", "maru.cli.main", "up", "--port", "0", "--repo", str(repository.root)]
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True)
    line = process.stderr.readline()
    said = re.fullmatch(r"maru up: branch main at (\S+); Ctrl\+C stops it\n", line)
    assert said, line
    assert "maru up: branch main at http://127.0.0.1:3000; Ctrl+C stops it" in PAGE
    for _ in range(500):
        if httpx.get(f"{said[1]}/charge/readyz").status_code == 200:
            break
        time.sleep(0.02)
    yield said[1]
    process.terminate()
    process.wait(30)


def test_the_row_is_answered_as_the_page_says(url):
    (row,), (answer,) = blocks("json", "row"), blocks("json", "answer")
    got = httpx.post(f"{url}/charge/score", json=json.loads(row))
    assert got.json() == json.loads(answer)
    assert {"maru-bundle", "maru-commit"} <= set(got.headers)


def test_a_misspelt_column_is_refused_as_the_page_says(url):
    (refused,) = blocks("json", "refused")
    features = {"purchase_sum_30": 300, "purchase_days_since": None}
    got = httpx.post(f"{url}/charge/score", json={"features": features})
    assert got.status_code == 422
    assert got.json() == json.loads(refused)


@pytest.mark.parametrize("name", ["client", "arrow"])
def test_the_programs_run(url, name):
    (program,) = blocks("python", name)
    assert EXAMPLE_URL in program
    exec(compile(program.replace(EXAMPLE_URL, url), f"docs/serving.md ({name})", "exec"), {})


@pytest.mark.parametrize("number", [0, 1])
def test_the_own_services_can_be_loaded(tmp_path, number):
    (tmp_path / "service.py").write_text(blocks("python", "service")[number])
    own = load_own_service(tmp_path, "1")
    assert (own.answer is None) == (number == 1)


@pytest.mark.parametrize("path", re.findall(r"`(/(?:charge/\S*)?)`(?:,| \|)", PAGE))
def test_every_path_in_the_table_answers(url, path):
    assert httpx.get(f"{url}{path}", timeout=30).status_code == 200


def test_the_limits_are_those_of_the_code():
    json_mib, arrow_mib = (size // 2**20 for size in LIMITS_BYTES.values())
    assert f"a body over {json_mib} MiB (Arrow: {arrow_mib} MiB)" in PAGE
