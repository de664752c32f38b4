from maru_hub.reach import reach_of

OWNERS = {"charge": "crm", "churn": "ana", "spam": "ben"}


def test_a_project_belongs_to_its_owner_and_to_the_owners_group():
    assert reach_of(frozenset({"ana", "crm"}), OWNERS, raw_log=False).projects == {
        "charge",
        "churn",
    }


def test_every_other_project_is_foreign():
    assert reach_of(frozenset({"ana"}), OWNERS, raw_log=False).foreign_projects == {
        "charge",
        "spam",
    }


def test_a_part_of_a_name_is_not_the_name():
    assert not reach_of(frozenset({"an", "anna", "c"}), OWNERS, raw_log=True).projects
