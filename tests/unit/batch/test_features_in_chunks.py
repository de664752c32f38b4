"""Features a chunk at a time are the features of all at once, bit for bit."""

from datetime import date

import polars as pl
import pytest
from every_family import MART, random_shop
from small_project import AS_OF

from maru.batch.features_in_chunks import ChunkedFeatures
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.project import load_project
from maru.training_run.snapshots import freeze
from maru.workspace import Workspace


@pytest.fixture(scope="module")
def parts(finished_shop):
    shop, _ = finished_shop
    project = load_project(shop.root, shop.name)
    snapshot = freeze(Workspace(shop.root), project)
    mart = project.declared("features", "MART", Mart)
    return mart, snapshot, fit_mart(mart, snapshot, as_of=AS_OF)


@pytest.fixture(scope="module")
def every_family():
    snapshot = random_shop(40, first=date(2017, 1, 1), days=100, seed=3)
    return snapshot, fit_mart(MART, snapshot, as_of=date(2017, 3, 1))


@pytest.mark.parametrize("size", [1, 7, 39, 40])
def test_every_familys_columns_are_those_of_the_whole(every_family, size):
    snapshot, state = every_family
    as_of = date(2017, 3, 20)
    whole = MartBuilder(MART, snapshot, state).build(as_of)
    features = ChunkedFeatures(MART, snapshot, state, as_of)
    built = pl.concat(features.chunks(features.entities(), whole.columns[1:], size))
    assert [name for name in whole.columns if not built[name].equals(whole[name])] == []
    assert built.equals(whole)


def test_columns_of_all_entities_may_be_the_only_ones_asked_for(every_family):
    snapshot, state = every_family
    as_of, wanted = date(2017, 3, 20), ["rfm_monetary_score", "segment_mean_ratio"]
    whole = MartBuilder(MART, snapshot, state).build(as_of, wanted)
    features = ChunkedFeatures(MART, snapshot, state, as_of)
    assert pl.concat(features.chunks(features.entities(), wanted, 9)).equals(whole)


@pytest.mark.parametrize("size", [1, 50, 236, 1000])
def test_chunks_joined_are_the_whole(parts, size):
    mart, snapshot, state = parts
    whole = MartBuilder(mart, snapshot, state).build(AS_OF)
    features = ChunkedFeatures(mart, snapshot, state, AS_OF)
    entities = features.entities() if size > 1 else features.entities().head(5)
    chunks = list(features.chunks(entities, whole.columns[1:], size))
    assert max(chunk.height for chunk in chunks) <= size
    assert pl.concat(chunks).equals(whole.head(len(entities)))


def test_a_chunk_holds_only_its_own_entities_rows(parts):
    mart, snapshot, state = parts
    features = ChunkedFeatures(mart, snapshot, state, AS_OF)
    few = features._only(pl.Series(["c0001", "c0002"]))
    assert few.table("purchases")["customer"].unique().sort().to_list() == ["c0001", "c0002"]
