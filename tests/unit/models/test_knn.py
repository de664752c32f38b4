"""Nearest neighbours."""

import numpy as np

from maru.models.knn import NearestNeighbours

NAN = np.nan


def test_the_nearest_rows_worked_by_hand():
    matrix = np.array([[0.0, 1.0], [1.0, 1.0], [10.0, 1.0]])
    fitted = NearestNeighbours.fit(matrix, np.array([2.0, 4.0, 100.0]), 2)
    assert fitted.predict(np.array([[0.4, 1.0]])).tolist() == [3.0]


def test_a_column_that_was_always_null_is_not_read():
    matrix = np.array([[0.0, NAN], [1.0, NAN]])
    fitted = NearestNeighbours.fit(matrix, np.array([0.0, 5.0]), 1)
    assert fitted.predict(np.array([[0.9, 1e9], [0.1, NAN]])).tolist() == [5.0, 0.0]


def test_columns_count_by_their_spread_not_their_unit():
    matrix = np.array([[0.0, 0.0], [1.0, 1000.0]])
    fitted = NearestNeighbours.fit(matrix, np.array([0.0, 5.0]), 1)
    assert fitted.predict(np.array([[0.9, 200.0]])).tolist() == [5.0]


def test_more_neighbours_than_rows_take_all_rows():
    fitted = NearestNeighbours.fit(np.array([[0.0], [1.0]]), np.array([0.0, 4.0]), 50)
    assert fitted.predict(np.array([[0.0]])).tolist() == [2.0]
