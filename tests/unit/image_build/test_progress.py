from image_build.progress import Progress, shortened


def test_the_steps_of_a_build_are_shown_and_its_chatter_is_not(capsys):
    progress = Progress()
    progress.begin(2, 3, "hub", "the hub")
    progress.follow(
        [
            "STEP 1/4: FROM base",
            "Get:1 a package",
            "[2/3] STEP 3/4: RUN   apt-get\tinstall",
        ]
    )
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("] ")[2] for line in lines] == [
        "image 2 of 3: hub (the hub)",
        "  hub step 1/4 FROM base",
        "  hub stage 2/3, step 3/4 RUN apt-get install",
    ]


def test_a_long_line_is_cut():
    assert len(shortened("x" * 500)) == 68
    assert shortened("short") == "short"
