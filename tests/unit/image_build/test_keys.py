import hashlib

import pytest
from image_build.errors import ImageError
from image_build.keys import arguments_of, contents, make_recipes, stage
from image_build.table import IMAGES, ROOT, Image

BASE = Image("base", "", "base/Dockerfile", "debian", ("base/file",))
TOP = Image("top", "", "top/Dockerfile", "base", ("code",))
FILES = {
    "base__Dockerfile": "ARG BASE\nFROM ${BASE}\n",
    "base__file": "1",
    "top__Dockerfile": "ARG BASE\nARG COLOUR=red\nFROM ${BASE}\n",
    "code__a": "a",
}


def keys(root, images=(BASE, TOP), debian="d" * 64, **arguments):
    return {n: r.key for n, r in make_recipes(root, images, {"debian": debian}, arguments).items()}


def test_the_same_files_give_the_same_key(checkout):
    root = checkout(**FILES)
    assert keys(root) == keys(root)
    assert len(keys(root)["top"]) == 64


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ({"code__a": "b"}, {"top"}),
        ({"code__new": ""}, {"top"}),
        ({"top__Dockerfile": "FROM scratch\n"}, {"top"}),
        ({"base__file": "2"}, {"base", "top"}),
        ({"elsewhere": "2"}, set()),
    ],
)
def test_a_change_moves_the_keys_of_what_is_made_of_it(checkout, changed, moved):
    before = keys(checkout(**FILES))
    after = keys(checkout(**changed))
    assert {name for name in after if after[name] != before[name]} == moved


def test_another_debian_moves_every_key(checkout):
    root = checkout(**FILES)
    assert not set(keys(root).values()) & set(keys(root, debian="e" * 64).values())


def test_an_executable_bit_counts(checkout):
    root = checkout(**FILES)
    before = keys(root)
    (root / "code" / "a").chmod(0o755)
    assert keys(root)["top"] != before["top"]


def test_a_build_argument_counts_only_where_a_dockerfile_declares_it(checkout):
    root = checkout(**FILES)
    before, after = keys(root), keys(root, COLOUR="blue")
    assert after["top"] != before["top"]
    assert after["base"] == before["base"]


def test_the_tools_count_only_where_a_dockerfile_declares_them(checkout):
    tools = Image("tools", "", "base/Dockerfile", "debian", ("tool",))
    root = checkout(**FILES, tool="1", tops__Dockerfile="ARG TOOLS\n")
    user = Image("user", "", "tops/Dockerfile", "debian")
    before = keys(root, (tools, BASE, TOP, user))
    after = keys(checkout(tool="2"), (tools, BASE, TOP, user))
    assert {name for name in after if after[name] != before[name]} == {"tools", "user"}


def test_what_git_ignores_is_no_content(checkout):
    root = checkout(**FILES, **{".gitignore": "*.pyc\n", "code__a.pyc": "x"})
    assert [file.path for file in contents(root, ["code"])] == ["code/a"]


def test_a_path_without_a_file_is_refused_by_name(checkout):
    with pytest.raises(ImageError, match="nowhere has no file that git tracks"):
        contents(checkout(**FILES), ["nowhere"])


def test_contents_are_sorted_and_named_by_their_digest(checkout):
    root = checkout(code__b="2", code__a="1")
    found = contents(root, ["code"])
    assert [(f.path, f.sha256) for f in found] == [
        ("code/a", hashlib.sha256(b"1").hexdigest()),
        ("code/b", hashlib.sha256(b"2").hexdigest()),
    ]


def test_a_context_holds_what_the_key_is_made_of_and_nothing_else(checkout, tmp_path_factory):
    root = checkout(**FILES, elsewhere="x")
    context = tmp_path_factory.mktemp("context")
    stage(root, make_recipes(root, (BASE, TOP), {"debian": "d"}, {})["top"], context)
    found = {str(f.relative_to(context)): f.read_text() for f in context.rglob("*") if f.is_file()}
    assert found == {"top/Dockerfile": FILES["top__Dockerfile"], "code/a": "a"}


def test_a_file_that_changes_under_a_build_stops_it(checkout, tmp_path_factory):
    root = checkout(**FILES)
    recipe = make_recipes(root, (BASE, TOP), {"debian": "d"}, {})["top"]
    checkout(code__a="changed")
    with pytest.raises(ImageError, match="code/a changed while images were built"):
        stage(root, recipe, tmp_path_factory.mktemp("context"))


def test_arguments_are_read_from_the_dockerfile():
    assert arguments_of("ARG BASE=x\n# ARG NO\nFROM a\nARG  TWO\n  ARG no") == {"BASE", "TWO"}


def test_every_image_of_the_table_has_a_recipe():
    recipes = make_recipes(ROOT, IMAGES, {"debian": "d"}, {})
    keys = [recipe.key for recipe in recipes.values()]
    assert len(set(keys)) == len(IMAGES) + 1
