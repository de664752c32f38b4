"""A project's own service.py: what it may define, and what is said of one that may not run."""

import pytest

from maru.errors import MaruError, ProjectError
from maru.serving.loaded import load_release
from maru.serving.own_service import OwnService, check_own_answer, load_own_service
from maru.serving.refusal import Refusal

BENTOML = """
import bentoml
from maru.serving.live import score

@bentoml.service
class Best:
    @bentoml.api
    def best(self, rows: list[dict]) -> dict:
        return score(rows)[0]

service = Best
"""


def folder_with(folder, text):
    (folder / "service.py").write_text(text)
    return folder


def test_an_answer_is_found(tmp_path):
    folder = folder_with(tmp_path, "def answer(entity, features, scores):\n    return scores\n")
    own = load_own_service(folder, "1")
    assert own.answer("1", {}, {"a": 1}) == {"a": 1}
    assert own.routes == frozenset()


def test_a_bentoml_service_is_found_with_its_routes(tmp_path):
    folder = folder_with(tmp_path, BENTOML)
    assert load_own_service(folder, "1").routes == {"/best"}


def test_an_answer_may_use_other_files_of_the_folder(tmp_path):
    (tmp_path / "segments.py").write_text("LIMIT = 100\n")
    text = "from .segments import LIMIT\n\ndef answer(e, f, s):\n    return {'l': LIMIT}\n"
    assert load_own_service(folder_with(tmp_path, text), "1").answer(None, {}, {}) == {"l": 100}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", r"must define one of answer\(entity, features, scores\) and service .*neither"),
        ("def answer(e, f, s):\n    return s\nservice = 1\n", "got both"),
        (
            "def answer(row):\n    return row\n",
            r"answer takes \(entity, features, scores\), got \(row\)",
        ),
        ("answer = 3\n", "got .something else."),
        ("service = 3\n", "service must be a class under @bentoml.service, got int"),
        ("def answer(e, f, s)\n    return s\n", "Python cannot read this line"),
        ("import nothing_of_this_name\n", "no package `nothing_of_this_name` is installed"),
    ],
)
def test_what_is_wrong_is_said_in_words(tmp_path, text, words):
    folder = folder_with(tmp_path, text)
    with pytest.raises(MaruError, match=words) as caught:
        load_own_service(folder, "1")
    assert "service.py" in str(caught.value)


def test_an_answer_is_tried_on_the_golden_rows(store, new_bundle):
    release = load_release(store, new_bundle())
    seen = []

    def answer(entity, features, scores):
        seen.append((entity, features, scores))
        return scores

    check_own_answer(release, OwnService(answer=answer))
    assert len(seen) == 9
    entity, features, scores = seen[0]
    assert entity is None
    assert set(features) == set(release.schema.required)
    assert set(scores) == set(release.outputs)
    assert any(f["purchase_days_since"] is None for _, f, _ in seen)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda e, f, s: 1 / 0, "ZeroDivisionError"),
        (lambda e, f, s: [1], "must return a dict, got list"),
        (lambda e, f, s: {"when": object()}, "not JSON serializable"),
        (lambda e, f, s: s["absent"], "KeyError"),
    ],
)
def test_an_answer_that_fails_on_a_golden_row_is_refused(store, new_bundle, answer, words):
    release = load_release(store, new_bundle())
    with pytest.raises(ProjectError, match=words):
        check_own_answer(release, OwnService(answer=answer))


def test_an_answer_may_refuse_a_row_but_not_a_golden_one(store, new_bundle):
    release = load_release(store, new_bundle())

    def answer(entity, features, scores):
        raise Refusal("entity is on the stop list", field="entity")

    with pytest.raises(Refusal, match="stop list"):
        check_own_answer(release, OwnService(answer=answer))
