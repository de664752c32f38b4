"""A small analyst's project with a planted signal: it trains in about a second.

A few hundred customers of a shop, 270 days of 2025. Each customer has a taste for spending and a
rhythm; some stop. So the past says much of the next two weeks, and a model beats the naive rows.
``make_small_project`` writes a repository with one project in it and returns its parts.
"""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

START = date(2025, 1, 1)
DAYS = 270
AS_OF = START + timedelta(DAYS)

PROJECT_YAML = """\
schema: 1
name: {name}
owner: crm
entity: customer
horizon_days: 14
time_zone: Europe/Berlin
"""

DATA = '''\
"""Purchases of a made-up shop. Source: tests/small_project.py; terms: none, it is invented."""

from maru.tables import Column, Table

TABLES = (
    Table(
        name="purchases",
        load={path!r},
        description="One product that a customer bought; invented.",
        time="at",
        columns=(
            Column("customer", "string"),
            Column("at", "timestamp"),
            Column("amount", "money", minimum=0),
            Column("shelf", "string", categories=("food", "home", "toys")),
        ),
    ),
)
'''

FEATURES = '''\
"""What a customer bought, and when."""

from maru.mart import ActType, Mart

PURCHASE = ActType("purchase", "purchases", "amount > 0", "amount", "a product paid for")
TOY = ActType("toy", "purchases", "shelf = 'toys'", "amount", "a toy")

MART = Mart(
    entity="customer",
    act_types=(PURCHASE, TOY),
    windows=(7, 14, 42),
    aggregates=("sum", "count", "distinct_days"),
    days=2,
    weeks=4,
    months=2,
    half_lives=(14,),
    lagged=("purchase",),
)
'''

PIPELINE = '''\
"""How much a customer spends in the next two weeks."""

from datetime import date

from kfp import dsl

from maru.components import back_test, build_mart, register_candidate, train_model, write_report
from maru.models.labels import AmountLabel, PurchaseLabel
from maru.models.naive import Mean, Past, Zero, recency
from maru.models.task import (
    BackTestOrigins,
    GateRule,
    Head,
    Member,
    Target,
    Task,
    TrainingOrigins,
)

from .features import PURCHASE

TREES = {{"num_leaves": 6, "min_data_in_leaf": 30, "learning_rate": 0.15}}
PAST = (Past("last_14_days", "purchase_sum_14d", 14, horizon_days=14), Mean(), Zero())

TASK = Task(
    entity="customer",
    targets=(
        Target("amount", AmountLabel(PURCHASE, horizon_days=14), "amount", PAST),
        Target(
            "buys",
            PurchaseLabel(PURCHASE, horizon_days=14),
            "event",
            (recency("purchase_days_since"), Mean()),
        ),
    ),
    heads=(
        Head("purchase_probability", "buys", (Member("binary", params=TREES, rounds=25),)),
        Head("typical_amount", "amount", (Member("l1", params=TREES, rounds={rounds}),), minimum=0),
        Head("expected_amount", "amount", (Member("l2", params=TREES, rounds=25),), minimum=0),
    ),
    training=TrainingOrigins(first=date(2025, 2, 15), step_days=14),
    back_test=BackTestOrigins(count=3),
    minimum_positives=20,
    gate=(
        GateRule("typical_amount", "mae"),
        GateRule("expected_amount", "rmse"),
        GateRule("purchase_probability", "pr_auc", better="higher"),
    ),
)


@dsl.pipeline(name="{name}")
def pipeline(project: str, run: str):
    mart = build_mart(project=project, run=run)
    model = train_model(project=project, run=run, mart=mart.outputs["mart"])
    test = back_test(project=project, run=run, mart=mart.outputs["mart"])
    bundle = register_candidate(
        project=project,
        run=run,
        model=model.outputs["model"],
        predictions=test.outputs["predictions"],
    )
    write_report(
        project=project,
        run=run,
        model=model.outputs["model"],
        predictions=test.outputs["predictions"],
        bundle=bundle.output,
    )
'''

THRESHOLDS = '''\
"""Who counts as a payer."""

from maru.models.thresholds import Threshold

THRESHOLDS = (Threshold("is_payer", "purchase_probability", target_recall=0.9),)
'''


@dataclass(frozen=True)
class SmallProject:
    """A repository's root with one project; ``source`` is the Parquet file of its rows."""

    root: Path
    name: str
    source: Path

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.root / "projects" / self.name

    def git(self, *arguments: str) -> str:
        """Run git here with nobody's settings; return its output, stripped."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**environment, **nobody},
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def commit(self, message: str = "Change") -> str:
        """Commit all there is as Ana, in a new repository at first; return the sha."""
        if not (self.root / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
            self.git("config", "user.name", "Ana")
            self.git("config", "user.email", "ana@example.com")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands in a file exactly once."""
        path = self.folder / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), "utf-8")


def purchases(customers: int = 240, *, seed: int = 1, days: int = DAYS) -> pl.DataFrame:
    """Draw the shop's rows: ``customer``, ``at`` (UTC), ``amount`` (currency units), ``shelf``."""
    random = np.random.default_rng(seed)
    taste = random.gamma(2.0, 6.0, customers)
    rate = random.beta(1.2, 6.0, customers)
    stops = np.where(random.random(customers) < 0.3, random.integers(60, days, customers), days)
    day = np.arange(days)
    buys = (random.random((customers, days)) < rate[:, None]) & (day < stops[:, None])
    who, when = np.nonzero(buys)
    amount = np.round(np.maximum(random.gamma(3.0, taste[who] / 3.0), 0.01), 2)
    midnight = datetime(START.year, START.month, START.day, tzinfo=UTC)
    seconds = random.integers(6 * 3600, 20 * 3600, len(who))
    return pl.DataFrame(
        {
            "customer": [f"c{number:04d}" for number in who],
            "at": [
                midnight + timedelta(int(d), int(s)) for d, s in zip(when, seconds, strict=True)
            ],
            "amount": amount,
            "shelf": random.choice(["food", "home", "toys"], len(who), p=[0.6, 0.3, 0.1]),
        }
    )


def make_small_project(
    root: Path, *, name: str = "shop", customers: int = 240, seed: int = 1, rounds: int = 25
) -> SmallProject:
    """Write the project below ``root`` and its rows to ``root.parent/warehouse``."""
    source = root.parent / "warehouse" / f"{name}.parquet"
    source.parent.mkdir(parents=True, exist_ok=True)
    purchases(customers, seed=seed).write_parquet(source)
    folder = root / "projects" / name
    folder.mkdir(parents=True)
    (root / ".gitignore").write_text(".maru/\n__pycache__/\n")
    (folder / "project.yaml").write_text(PROJECT_YAML.format(name=name))
    (folder / "data.py").write_text(DATA.format(path=str(source)))
    (folder / "features.py").write_text(FEATURES)
    (folder / "pipeline.py").write_text(PIPELINE.format(name=name, rounds=rounds))
    (folder / "thresholds.py").write_text(THRESHOLDS)
    return SmallProject(root, name, source)
