from importlib.metadata import version

import pytest

from maru.folder_check.whole_folder import check_folder


def test_the_template_has_no_mistake_and_the_facts_say_what_it_is(whole):
    findings = check_folder(whole.root, "demo")
    assert findings.problems == []
    assert findings.facts == {
        "tables": "purchases (5 columns)",
        "mart": "1 act type",
        "answers": "purchase_probability, typical_amount, expected_amount",
        "steps": "build-mart -> back-test -> train-model -> register-candidate -> write-report",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "at", "said"),
    [
        (
            *("project.yaml", "horizon_days: 30", "horizon: 30", "horizon"),
            "there is no key `horizon`; did you mean `horizon_days`?",
        ),
        (
            *("project.yaml", '"0 5 * * *"', '"0 5 * * 9"', "score"),
            "`schedule.score` has a bad day of week: `9`; got '0 5 * * 9'; "
            'write for example `"0 6 * * 1"`',
        ),
        (
            *("data.py", '"sales_value", "money"', '"sales_value", "mony"', '"mony"'),
            "column purchases.sales_value has the type 'mony', which there is not; "
            "did you mean `money`?",
        ),
        (
            *("data.py", 'time="at"', 'time="att"', "PURCHASES = "),
            "table purchases: `time` names att, which is no declared column; did you mean `at`?",
        ),
        (
            *("data.py", 'time="at"', 'time="quantity"', "PURCHASES = "),
            "table purchases: `time` must name a timestamp or date; quantity is a int",
        ),
        (
            *("data.py", '"household_id", "basket_id"),', '"household", "basket_id"),'),
            "PURCHASES = ",
            "table purchases: `key` names household, which is no declared column; "
            "did you mean `household_id`?",
        ),
        (
            *("data.py", 'source_time_zone="UTC"', 'source_time_zone="EST9"', "PURCHASES = "),
            "table purchases: `source_time_zone` must be an IANA zone; got 'EST9'; "
            "did you mean `EST`?",
        ),
        (
            *("data.py", "load=load_purchases", "load=42", "PURCHASES = "),
            "table purchases: `load` must be a function or the path of a Parquet or CSV file; "
            "got a int",
        ),
        (
            *("data.py", "TABLES = (PURCHASES,)", "TABLES = (PURCHASES, 3)", None),
            "`TABLES` must hold tables only, got a int",
        ),
        (
            *("data.py", "TABLES = (PURCHASES,)", "TABLES = [PURCHASES]", "TABLES = "),
            "`TABLES` must be a tuple, got a list",
        ),
        (
            *("data.py", "TABLES = (PURCHASES,)", "", None),
            "must declare `TABLES`; write `TABLES = (Table(...),)`",
        ),
        (
            *("features.py", '"sales_value > 0"', '"sale_value > 0"', "PURCHASE = "),
            "act type purchase: ",
        ),
        (
            *("features.py", '"sales_value > 0"', '"sales_value >"', "PURCHASE = "),
            "act type purchase: ",
        ),
        (
            *("features.py", '"sales_value > 0"', '"SUM(sales_value) > 0"', "PURCHASE = "),
            "act type purchase: ",
        ),
        (
            *("features.py", 'table="purchases"', 'table="purchase"', "PURCHASE = "),
            "act type purchase: there is no table `purchase`; did you mean `purchases`?",
        ),
        (
            *("features.py", 'amount="sales_value"', 'amount="sales"', "PURCHASE = "),
            "act type purchase: there is no amount column `sales`; did you mean `sales_value`?",
        ),
        (
            *("features.py", 'amount="sales_value"', 'amount="at"', "PURCHASE = "),
            "act type purchase: amount at must be a number; it is a timestamp",
        ),
        (
            *("features.py", 'Rfm("purchase")', 'Rfm("purchases")', "Rfm("),
            "Rfm: there is no act type `purchases`; did you mean `purchase`?",
        ),
        (
            *("features.py", '"trend"', '"trends"', "MART = "),
            "`MART`: there is no aggregate `trends`; did you mean `trend`?",
        ),
        (
            *(
                "pipeline.py",
                "build_mart, register",
                "biuld_mart, register",
                "biuld_mart, register",
            ),
            "there is no such step as `biuld_mart`; did you mean `build_mart`?",
        ),
        (
            *("pipeline.py", "def pipeline(project: str, run: str)", "def pipeline(run: str)"),
            "mart = build_mart(",
            "importing this failed with NameError: name 'project' is not defined",
        ),
        (
            *("pipeline.py", "@dsl.pipeline(", "# (", "def pipeline("),
            "`pipeline` must be a GraphComponent, got a function",
        ),
        (
            *("pipeline.py", "HORIZON_DAYS = 30", "HORIZON_DAYS = 14", "TASK = "),
            "`TASK` has horizon_days 14, project.yaml says 30; make them equal",
        ),
        (
            *("pipeline.py", "HORIZON_DAYS = 30", "HORIZON_DAYS = = 30", "HORIZON_DAYS = "),
            "Python cannot read this line",
        ),
        (
            *("thresholds.py", '"purchase_probability"', '"purchase_probabilty"', "THRESHOLDS = "),
            "threshold is_buyer: there is no head `purchase_probabilty`; "
            "did you mean `purchase_probability`?",
        ),
        (
            *("thresholds.py", '"purchase_probability"', '"typical_amount"', "THRESHOLDS = "),
            "threshold is_buyer: head typical_amount is an amount; only an event has a threshold",
        ),
        (
            *("thresholds.py", "target_recall=0.9", "target_recall=9", "THRESHOLDS = "),
            "threshold is_buyer: target_recall must be in (0, 1], got 9",
        ),
        (
            *("thresholds.py", "THRESHOLDS", "THRESHOLD", None),
            "must declare `THRESHOLDS`; write `THRESHOLDS = (Threshold(...),)`",
        ),
    ],
)
def test_one_mistake_is_one_sentence_with_file_and_line(whole, file, old, new, at, said):
    whole.edit(file, old, new)
    (problem,) = whole.said()
    place, _, text = problem.partition(": ")
    assert place == (file if at is None else f"{file}:{whole.line(file, at)}")
    assert text.startswith(said)


def test_breakdowns_and_other_families_are_held_against_acts_columns_and_values(whole):
    whole.edit(
        "features.py",
        'rfm=Rfm("purchase"),',
        """rfm=Rfm("purchase"),
    breakdowns=(Breakdown("basket", "purchase", "basket", values=("1",), aggregates=("summ",)),),
    lagged=("purchases",),
    windows=(7, 0),
    ratios=(Ratio("odd", "purchase_sum_7d", "purchase_sum_8d"),),
    segments=Segments(("purchase_count_9d",)),
    attributes=(Attribute("size", "sizes", "size"), Attribute("pieces", "purchases", "pieces")),
""",
    )
    whole.edit(
        "features.py",
        "import ActType, Mart, Rfm",
        "import ActType, Attribute, Breakdown, Mart, Ratio, Rfm, Segments",
    )
    mart, ratios = whole.line("features.py", "MART = "), whole.line("features.py", "ratios")
    basket, sizes = whole.line("features.py", 'Breakdown("'), whole.line("features.py", '"sizes"')
    first = [
        f"features.py:{basket}: Breakdown basket: there is no column `basket`; "
        "did you mean `basket_id`?",
        f"features.py:{sizes}: Attribute size: there is no table `sizes`; there are purchases",
        f"features.py:{sizes}: Attribute pieces: there is no column `pieces`; "
        "there are household_id, basket_id, at, sales_value, quantity",
        f"features.py:{mart}: Breakdown basket: there is no aggregate `summ`; did you mean `sum`?",
        f"features.py:{mart}: `lagged`: there is no act type `purchases`; did you mean `purchase`?",
        f"features.py:{mart}: `MART`: a window is a whole number of days, 1 or more; got 0",
    ]
    assert whole.said() == first
    whole.edit("features.py", '"basket", values=("1",), aggregates=("summ",)', '"basket_id"')
    whole.edit("features.py", 'lagged=("purchases",)', 'lagged=("purchase",)')
    whole.edit("features.py", "windows=(7, 0)", "windows=(7, 30, 90)")
    whole.edit("features.py", 'Attribute("size", "sizes", "size"), ', "")
    whole.edit("features.py", '"purchases", "pieces")', '"purchases", "quantity"),')
    assert whole.said() == [
        f"features.py:{ratios}: Ratio odd: there is no column `purchase_sum_8d`; "
        "did you mean `purchase_sum_7d`?",
        f"features.py:{ratios + 1}: Segments: there is no column `purchase_count_9d`; "
        "did you mean `purchase_count_90d`?",
    ]


def test_columns_that_the_task_reads_must_be_made_by_the_mart(whole):
    whole.edit(
        "pipeline.py", '"column": "purchase_sum_per_30d_90d"', '"column": "purchase_sum_40d"'
    )
    (said,) = whole.said()
    assert said == (
        f"pipeline.py:{whole.line('pipeline.py', 'USUAL = ')}: the mart has no column "
        "`purchase_sum_40d`; did you mean `purchase_sum_90d`?"
    )


def test_a_guard_names_a_table_and_two_dates(whole):
    whole.edit("pipeline.py", "    GateRule,\n", "    ControlGuard,\n    GateRule,\n")
    whole.edit(
        "pipeline.py",
        "    gate=(",
        '    guard=ControlGuard("purchases", "at", "quantity"),\n    gate=(',
    )
    line = whole.line("pipeline.py", "guard=")
    columns = "household_id, basket_id, at, sales_value, quantity"
    assert whole.said() == [
        f"pipeline.py:{line}: the guard needs a date column {name} in table purchases; "
        f"it has {columns}"
        for name in ("at", "quantity")
    ]


def test_entities_must_agree(whole):
    whole.edit("project.yaml", "entity: household_id", "entity: customer_id")
    mart, task = whole.line("features.py", "MART = "), whole.line("pipeline.py", "TASK = ")
    assert whole.said() == [
        f"features.py:{mart}: `MART` has entity household_id, project.yaml says customer_id; agree",
        f"pipeline.py:{task}: `TASK` has entity household_id, project.yaml says customer_id; "
        "make them equal",
    ]


def test_a_file_that_does_not_import_is_said_once(whole):
    (whole.folder / "features.py").write_text("import nonesuch\n")
    assert whole.said() == [
        "features.py:1: no package `nonesuch` is installed; "
        "install and pin it in requirements.txt, or drop it"
    ]


@pytest.mark.parametrize("file", ["data.py", "features.py", "pipeline.py", "project.yaml"])
def test_a_missing_file_is_said_once(whole, file):
    (whole.folder / file).unlink()
    assert f"{file}: this file is missing" in whole.said()
    assert len(set(whole.said())) == len(whole.said())


def test_without_thresholds_a_project_is_whole(whole):
    (whole.folder / "thresholds.py").unlink()
    assert whole.said() == []


def test_a_pipeline_that_kfp_cannot_compile_is_said(whole):
    whole.edit("pipeline.py", "bundle=candidate.outputs", "bundle=mart.outputs")
    whole.edit("pipeline.py", 'outputs["Output"]', 'outputs["mart"]')
    (said,) = whole.said()
    assert said.startswith(f"pipeline.py:{whole.line('pipeline.py', 'write_report(project')}: ")


def test_parameters_of_the_pipeline_are_those_that_a_run_gives(whole):
    whole.edit("pipeline.py", "run: str) -> None", "run: str, depth: int) -> None")
    line = whole.line("pipeline.py", "@dsl.pipeline")
    assert whole.said() == [
        f"pipeline.py:{line}: `pipeline` has a parameter depth that maru run does not know; "
        "give it a default"
    ]
    whole.edit("pipeline.py", "depth: int", "depth: int = 3")
    assert whole.said() == []


def test_with_data_the_rows_are_held_against_the_contract(whole):
    whole.edit("data.py", '"quantity", "int", minimum=0', '"quantity", "int", minimum=5')
    assert whole.said() == []
    (said,) = whole.said(with_data=True)
    assert said.startswith(f"data.py:{whole.line('data.py', 'PURCHASES = ')}: ")


def test_with_data_a_missing_column_and_a_failing_loader_are_said(whole):
    whole.edit("data.py", 'Column("quantity"', 'Column("pieces"')
    (said,) = whole.said(with_data=True)
    assert "table purchases lacks the declared columns pieces; its source has" in said
    whole.edit("data.py", 'Column("pieces"', 'Column("quantity"')
    whole.edit("data.py", '    return baskets.sort("basket_id").collect()', "    raise OSError(5)")
    (said,) = whole.said(with_data=True)
    assert said.endswith("reading purchases failed, OSError: 5")


def test_a_release_written_by_hand_is_found(whole):
    (whole.folder / "release.yaml").write_text("bundle: latest\n")
    (said,) = whole.said()
    assert said.startswith("release.yaml: ")
    digest = "sha256:" + 64 * "a"
    (whole.folder / "release.yaml").write_text(f"schema: 1\nbundle: {digest}\nimage: embedded\n")
    assert whole.said() == []


NUMPY = f"numpy=={version('numpy')}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("numpy\n", ["requirements.txt:1: `numpy` must be pinned as package==version; write it "]),
        ("a>=1\n", ["requirements.txt:1: `a>=1` must be pinned as package==version; write it "]),
        ("-r other.txt\n", ["requirements.txt:1: `-r` must be pinned as package==version; "]),
        (
            f"# why\n\n{NUMPY}\n",
            [f"requirements.txt:3: `{NUMPY}` must carry its --hash=sha256:...; "],
        ),
        (f"{NUMPY} \\\n    --hash=sha256:{64 * 'a'} \\\n    --hash=sha256:{64 * 'b'}\n", []),
        (f"a[x]==1.2 ; python_version < '4' --hash=sha256:{64 * 'a'}  # why\n", []),
        (
            f"{NUMPY}.9 --hash=sha256:{64 * 'a'}\n",
            [f"requirements.txt:1: `{NUMPY}.9` is asked for, installed is {version('numpy')}; "],
        ),
        (
            f"nonesuch==1 --hash=sha256:{64 * 'a'}\n",
            ["requirements.txt:1: `nonesuch==1` is asked for, installed is none; install it with"],
        ),
        (f"{NUMPY} --hash=sha256:{64 * 'a'}\nb\n", ["requirements.txt:2: `b` must be pinned as "]),
    ],
)
def test_requirements_are_pinned_with_hashes(whole, text, said):
    (whole.folder / "requirements.txt").write_text(text)
    found = whole.said()
    assert len(found) == len(said)
    assert all(line.startswith(wanted) for line, wanted in zip(found, said, strict=True))


def test_a_forgotten_comma_is_said(whole):
    whole.edit("features.py", 'rfm=Rfm("purchase")', 'lagged=("purchase")')
    place = f"features.py:{whole.line('features.py', 'MART = ')}"
    rule = "must be a tuple: a comma after its only item makes it one"
    assert whole.said() == [f"{place}: `lagged` {rule}"]
    whole.edit("features.py", "act_types=(PURCHASE,)", "act_types=(PURCHASE)")
    assert whole.said() == [f"{place}: `act_types` {rule}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def answer(entity, features, scores):\n    return scores\n", None),
        ("x = 1\n", "service.py: must define one of answer(entity, features, scores) and service "),
        ("\nimport nonesuch\n", "service.py:2: no package `nonesuch` is installed"),
        ("service = 3\n", "service.py: service must be a class under @bentoml.service, got int"),
    ],
)
def test_a_service_defines_what_can_be_served(whole, text, said):
    (whole.folder / "service.py").write_text(text)
    found = whole.said()
    assert found == [] if said is None else found[0].startswith(said)


GOOD_ROW = '{"name": "a", "features": {"purchase_sum_30d": 3}}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD_ROW, None),
        (GOOD_ROW + "{\n", "tests/golden.jsonl:2: "),
        (GOOD_ROW + '{"name": "b"}\n', "tests/golden.jsonl:2: a row has name, features and may "),
        (GOOD_ROW * 2, "tests/golden.jsonl: two rows have the same name; give each its own"),
        (
            GOOD_ROW.replace("30d", "31d"),
            "tests/golden.jsonl:1: the mart has no column `purchase_sum_31d`",
        ),
    ],
)
def test_the_analysts_golden_rows_are_read(whole, text, said):
    (whole.folder / "tests" / "golden.jsonl").write_text(text)
    found = whole.said()
    assert found == [] if said is None else found[0].startswith(said)
