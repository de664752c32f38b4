"""Which requests a person made."""

import pytest
from maru_server.user_requests import meaning


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("PUT", "api/contents/a/b.ipynb", "a file was saved or changed"),
        ("POST", "api/contents/a.ipynb/checkpoints", "a file was saved or changed"),
        ("DELETE", "api/contents/a.txt", "a file was saved or changed"),
        ("PATCH", "api/sessions/1", "a notebook was opened, renamed or closed"),
        ("POST", "api/kernels/1/interrupt", "a kernel was started, stopped or restarted"),
        ("POST", "api/terminals", "a terminal was opened or closed"),
        ("POST", "git/projects/commit", "git commit in the panel"),
        ("POST", "git/my%20projects/push", "git push in the panel"),
    ],
)
def test_what_people_do_counts(method, path, what):
    assert meaning(method, path, 200) == what


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "api/contents/a.ipynb"),
        ("GET", "api/kernels"),
        ("GET", "api/sessions"),
        ("GET", "api/status"),
        ("POST", "git/projects/status"),
        ("POST", "git/projects/branch"),
        ("POST", "git/projects/remote/fetch"),
        ("POST", "git/projects/all_history"),
        ("GET", "lsp/status"),
        ("PUT", "lab/api/workspaces/default"),
        ("GET", "maru/idle"),
        ("POST", "api/security/csp-report"),
        ("POST", "api/contentsx"),
        ("POST", ""),
    ],
)
def test_what_pages_do_by_themselves_does_not(method, path):
    assert meaning(method, path, 200) is None


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_what_is_refused_is_no_activity(status):
    assert meaning("PUT", "api/contents/a.ipynb", status) is None
