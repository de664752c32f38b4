from small_project import SmallProject

import maru
from maru.release.pin import pin_path


def test_a_new_project_says_what_is_missing(shop: SmallProject, new_repository):
    new_repository(shop.root)
    shown = repr(maru.project("shop", repo=shop.root))
    assert shown.splitlines() == [
        "shop",
        "  owner       crm",
        "  predicts    14 days ahead, for each customer",
        "  live        nothing is released",
        "  candidate   none",
        "  newest run  none; maru run shop starts one",
        f"  folder      {shop.folder}",
    ]


def test_outside_of_git_it_says_so(shop: SmallProject):
    assert "live        unknown: " in repr(maru.project("shop", repo=shop.root))


def test_a_run_and_its_candidate_are_shown(ran):
    shown = repr(ran.p)
    assert f"newest run  {ran.b}, finished" in shown
    assert "as of 2025-09-28, passed the gate" in shown


def test_a_release_is_shown_with_who_and_when(shop: SmallProject, new_repository, digest):
    repository = new_repository(shop.root)
    bundle = digest("A")
    repository.write(pin_path("shop"), f"schema: 1\nbundle: {bundle}\nimage: embedded\n")
    repository.commit("Release")
    shown = repr(maru.project("shop", repo=shop.root))
    assert f"live        {bundle[7:19]}, by Ana since 20" in shown
