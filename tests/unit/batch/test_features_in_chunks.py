"""Features a chunk at a time are the features of all at once, bit for bit."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from every_family import MART, random_shop_tables
from small_project import AS_OF

from maru.batch.features_in_chunks import ChunkedFeatures
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.columns import columns
from maru.mart.dictionary import names_of_all
from maru.mart.fitting import fit_mart
from maru.project import load_project
from maru.tables.copying import copy_tables
from maru.tables.reading import read_tables

DAY = date(2017, 3, 20)


@pytest.fixture(scope="module")
def shop(finished_shop, tmp_path_factory):
    made, _ = finished_shop
    project = load_project(made.root, made.name)
    tables = project.declared("data", "TABLES", tuple)
    snapshot = read_tables(tables, time_zone="Europe/Berlin")
    mart = project.declared("features", "MART", Mart)
    copy = copy_tables(
        tables,
        time_zone="Europe/Berlin",
        entity="customer",
        folder=tmp_path_factory.mktemp("shop"),
        at_once=900,
    )
    return mart, snapshot, fit_mart(mart, snapshot, as_of=AS_OF), copy


@pytest.fixture(scope="module", params=["by customer", "by another column"])
def every_family(request, tmp_path_factory):
    """Return the shop whose tables lie by customer, and the one whose copies are made to."""
    tables = random_shop_tables(40, first=date(2017, 1, 1), days=100, seed=3)
    if request.param == "by another column":
        tables = [replace(table, columns=table.columns[::-1]) for table in tables]
    snapshot = read_tables(tables, time_zone="UTC")
    folder = tmp_path_factory.mktemp("family")
    copy = copy_tables(tables, time_zone="UTC", entity="customer", folder=folder, at_once=150)
    return snapshot, fit_mart(MART, snapshot, as_of=date(2017, 3, 1)), copy


@pytest.mark.parametrize("size", [1, 7, 39, 40])
def test_every_familys_columns_are_those_of_the_whole(every_family, size):
    snapshot, state, copy = every_family
    whole = MartBuilder(MART, snapshot, state).build(DAY)
    features = ChunkedFeatures(MART, copy, state, DAY)
    built = pl.concat(features.chunks(whole.columns[1:], size))
    assert [name for name in whole.columns if not built[name].equals(whole[name])] == []
    assert built.equals(whole)


def test_any_column_may_be_the_only_one_asked_for(every_family):
    snapshot, state, copy = every_family
    whole = MartBuilder(MART, snapshot, state).build(DAY)
    features = ChunkedFeatures(MART, copy, state, DAY)
    dictionary = columns(MART, state)
    of_all = names_of_all(dictionary)
    asked = {(c.family, c.act_type, c.name in of_all): c.name for c in dictionary}
    for name in asked.values():
        built = pl.concat(features.chunks([name], 9))
        assert built.equals(whole.select("customer", name)), name


@pytest.mark.parametrize("size", [1, 4, 100])
def test_some_entities_are_placed_among_all(every_family, size):
    snapshot, state, copy = every_family
    early = DAY.replace(month=1, day=3)  # some were not seen yet
    known = copy.entities(["sales"], date(2018, 1, 1))
    some = known.gather_every(3)
    features = ChunkedFeatures(MART, copy, state, early)
    assert 0 < some.is_in(features.entities().implode()).sum() < len(some)
    whole = MartBuilder(MART, snapshot, state).build(early, entities=some)
    built = pl.concat(features.chunks_of(some, whole.columns[1:], size))
    assert [name for name in whole.columns if not built[name].equals(whole[name])] == []


@pytest.mark.parametrize("size", [50, 236, 1000])
def test_chunks_joined_are_the_whole(shop, size):
    mart, snapshot, state, copy = shop
    whole = MartBuilder(mart, snapshot, state).build(AS_OF)
    features = ChunkedFeatures(mart, copy, state, AS_OF)
    chunks = list(features.chunks(whole.columns[1:], size))
    assert max(chunk.height for chunk in chunks) <= size
    assert pl.concat(chunks).equals(whole)
