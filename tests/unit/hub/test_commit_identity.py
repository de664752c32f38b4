from maru_hub.commit_identity import git_environment


def test_author_and_committer_are_the_login():
    made = git_environment("ana", {"full_name": "Ana Alves", "email": "ana@example.com"})
    assert made == {
        "GIT_AUTHOR_NAME": "Ana Alves",
        "GIT_AUTHOR_EMAIL": "ana@example.com",
        "GIT_COMMITTER_NAME": "Ana Alves",
        "GIT_COMMITTER_EMAIL": "ana@example.com",
    }


def test_a_login_that_knows_neither_still_gives_a_commit_an_author():
    made = git_environment("ana", {"full_name": "", "email": None})
    assert made["GIT_AUTHOR_NAME"] == "ana"
    assert made["GIT_AUTHOR_EMAIL"] == "ana@users.invalid"
