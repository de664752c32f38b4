"""The page of a run: whole in one file, readable without a script, honest about a refusal."""

from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

from maru.project import load_project
from maru.report.page import draw
from maru.report.story import Search, head_part
from maru.training_run.reporting import tell
from maru.training_run.training import Replayed, Trained

BESIDE = ("seconds", "look_recorded")


@pytest.fixture(scope="module")
def story(finished_shop):
    shop, finished = finished_shop
    found = {
        name: {key: value for key, value in finished.steps[name].items() if key not in BESIDE}
        for name in ("train_model", "back_test")
    }
    trained, replayed = Trained(**found["train_model"]), Replayed(**found["back_test"])
    project = load_project(shop.root, shop.name)
    return tell(finished.run, project, trained, replayed, "sha256:" + "a" * 64)


@pytest.fixture(scope="module")
def page(story):
    return draw(story)


class Outline(HTMLParser):
    """Headings, outside references and unclosed elements of a page."""

    VOID = frozenset({"meta", "br", "hr", "img", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.references += [
            value for name, value in attributes if name in ("src", "href", "xlink:href") and value
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


def test_the_page_needs_nothing_from_outside(page):
    outline = Outline(page.html)
    assert outline.open == []
    assert not outline.tags & {"script", "link", "iframe", "img"}
    assert all(r.startswith(("#", "data:image/png;base64,")) for r in outline.references)


def test_headings_are_plain_words_in_reading_order(page):
    assert Outline(page.html).headings == [
        "shop: how good is the model?",
        "In short",
        "Leaderboard",
        "purchase_probability",
        "typical_amount",
        "expected_amount",
        "What it looks at",
        "The data",
        "Where it comes from",
    ]


@pytest.mark.parametrize(
    "what",
    [
        "The gate lets it pass: it may be released.",
        "maru release shop",
        "better than every naive row at 3 of 3 origins",
        "Back test, month by month",
        "Error by actual amount",
        "Predicted against actual",
        "Calibration",
        "Lift",
        "Importance",
        "One product that a customer bought; invented.",
        "terms: none, it is invented",
        "the newest complete day of purchases is 2025-09-27",
        "sha256:" + "a" * 64,
    ],
)
def test_the_page_says(page, what):
    assert what in page.html


def test_every_naive_row_stands_in_the_leaderboard(story, page):
    for name in story.board["row"].unique():
        assert f'<th scope="row">{name}</th>' in page.html


def test_the_same_story_gives_the_same_bytes(story, page):
    assert draw(story).html == page.html


def test_a_refusal_is_said_with_its_reasons(story):
    refused = replace(story, passed=False, reasons=["MAE is 80: it must be lower"])
    html = draw(refused).html
    assert "The gate refuses it" in html
    assert "<li>MAE is 80: it must be lower</li>" in html


def test_what_data_say_can_not_become_markup(story):
    html = draw(replace(story, about="<script>alert(1)</script>", owner="<b>")).html
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_back_test_alone_has_no_verdict_but_comparisons_and_the_search(story):
    search = Search("typical_amount", "mae", 11.8, 11.5, {"rounds": 80, "learning_rate": 0.1})
    alone = replace(
        story, passed=None, comparisons={"outliers_cut": story.board}, searches=[search]
    )
    html = draw(alone).html
    assert "The gate" not in html
    assert "outliers cut: amount" in html
    assert "rounds 80, learning_rate 0.1" in html


def test_each_chart_is_a_picture_too(story, page):
    names = {
        f"{head.name}-{c.name}.png" for head in story.heads for c in head_part(story, head).charts
    }
    assert set(page.pictures) == names | {"importance.png"}
    assert all(content.startswith(b"\x89PNG") for content in page.pictures.values())


def test_an_amount_that_nobody_paid_has_no_chart_by_amount(story):
    nobody = story.predictions.with_columns(label=pl.lit(0.0))
    part = head_part(replace(story, predictions=nobody), story.task.head("typical_amount"))
    assert [chart.name for chart in part.charts] == [
        "by_origin",
        "predicted_actual",
        "calibration",
    ]
