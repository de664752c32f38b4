"""Rows that wait together: the bytes of rows alone, and each its own fault only."""

import asyncio
import json
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest

from maru.models.model_folder import LoadedModel
from maru.models.recipe import Recipe
from maru.serving.loaded import LoadedRelease
from maru.serving.metrics import Metrics
from maru.serving.prediction_log import PredictionLog
from maru.serving.refusal import Refusal
from maru.serving.request import Rows
from maru.serving.scoring_app import ScoringApp
from maru.serving.together import Together

COLUMNS = ("purchase_count_30d", "purchase_sum_30d", "purchase_days_since")
BREAKS, NO_NUMBER = 666.0, 13.0


@dataclass
class Doubling:
    """A model that answers twice the sum, fails on one value, and has no answer for another."""

    row_by_row: bool = True
    columns: tuple[str, ...] = COLUMNS
    used_columns: tuple[str, ...] = COLUMNS

    def predict(self, matrix: np.ndarray, *, threads: int = 1) -> np.ndarray:
        if (matrix == BREAKS).any():
            raise RuntimeError("the library fails on these rows")
        return np.where((matrix == NO_NUMBER).any(axis=1), np.nan, 2 * matrix[:, 1])

    def predict_row(self, row: np.ndarray) -> float:
        return float(self.predict(row.reshape(1, -1))[0])


@pytest.fixture
def doubling(release) -> LoadedRelease:
    document = release.model.recipe.to_json()
    document["heads"] = document["heads"][1:]
    return replace(release, flags=(), model=LoadedModel(Recipe.from_json(document), (Doubling(),)))


def row(value: float) -> Rows:
    return Rows([f"e{value:g}"], np.array([[np.nan, value, np.nan]]), batch=False)


def asked(together: Together, values: list[float]) -> list[object]:
    async def ask() -> list[object]:
        rows = (together.answer(row(value)) for value in values)
        return await asyncio.gather(*rows, return_exceptions=True)

    return asyncio.run(ask())


def sizes(recorded: list[int]):
    return lambda release, rows, answers: recorded.append(len(rows.entities))


def test_rows_that_wait_together_are_answered_as_one_matrix_each_to_its_caller(doubling):
    recorded: list[int] = []
    answers = asked(Together(doubling, sizes(recorded)), [1.0, 2.0, 3.0])
    assert answers == [{"entity": f"e{n}", "typical_amount": 2.0 * n} for n in (1, 2, 3)]
    assert recorded == [3]


def test_a_row_waits_for_nobody(doubling):
    recorded: list[int] = []
    together = Together(doubling, sizes(recorded))

    async def one_after_another() -> None:
        for value in (1.0, 2.0):
            await asyncio.wait_for(together.answer(row(value)), 5)

    asyncio.run(one_after_another())
    assert recorded == [1, 1]


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (NO_NUMBER, Refusal, "the model has no finite typical_amount for these features"),
        (BREAKS, RuntimeError, "the library fails on these rows"),
    ],
)
def test_a_row_that_fails_is_refused_alone(doubling, fault, error, words):
    recorded: list[int] = []
    first, failed, last = asked(Together(doubling, sizes(recorded)), [1.0, fault, 3.0])
    assert (first["typical_amount"], last["typical_amount"]) == (2.0, 6.0)
    assert isinstance(failed, error)
    assert str(failed) == words
    assert recorded == [1, 1]


def test_a_caller_that_goes_away_takes_nobody_with_it(doubling):
    recorded: list[int] = []
    together = Together(doubling, sizes(recorded))

    async def ask() -> dict[str, object]:
        leaves, stays = (asyncio.create_task(together.answer(row(v))) for v in (1.0, 2.0))
        await asyncio.sleep(0)
        leaves.cancel()
        return await stays

    assert asyncio.run(ask())["typical_amount"] == 4.0
    assert recorded == [1]


def test_a_model_whose_sums_depend_on_the_batch_answers_each_row_alone(doubling):
    model = replace(doubling.model, predictors=(Doubling(row_by_row=False),))
    recorded: list[int] = []
    together = Together(replace(doubling, model=model), sizes(recorded))
    assert [answer["typical_amount"] for answer in asked(together, [1.0, 2.0])] == [2.0, 4.0]
    assert recorded == [1, 1]


def test_requests_that_come_together_are_answered_logged_and_refused_each_as_alone(
    release, tmp_path
):
    log = PredictionLog(tmp_path, written=lambda n: None, dropped=lambda n: None)
    app = ScoringApp("charge", Metrics(), log=log)
    app.put_in_force(release)
    bodies = [
        json.dumps({"entity": f"{n}", "features": features}).encode()
        for n, features in enumerate(
            {"purchase_sum_30d": n * 9.7, "purchase_days_since": n} if n % 5 else {"typo": n}
            for n in range(40)
        )
    ]

    async def answer(body: bytes) -> tuple[int, bytes]:
        sent = []

        async def receive():
            return {"type": "http.request", "body": body}

        async def send(message):
            sent.append(message)

        await app(
            {"type": "http", "method": "POST", "path": "/score", "headers": []}, receive, send
        )
        return sent[0]["status"], sent[1]["body"]

    async def all_at_once() -> list[tuple[int, bytes]]:
        return await asyncio.gather(*map(answer, bodies))

    together = asyncio.run(all_at_once())
    log.stop()
    assert [status for status, _ in together] == [200 if n % 5 else 422 for n in range(40)]
    assert together == [asyncio.run(answer(body)) for body in bodies]
    logged = pl.read_parquet(tmp_path / "**/*.parquet").sort(pl.col("entity").cast(int))
    assert logged["entity"].to_list() == [f"{n}" for n in range(40) if n % 5]
    assert logged["feature.purchase_days_since"].to_list() == [n for n in range(40) if n % 5]
