"""The contract is a document of what is declared."""

import json

from maru.tables import Column, RowsVsNeighbours, Table, contract

TABLE = Table(
    "sales",
    lambda: None,
    (Column("shelf", "string", categories=("food", "toys")), Column("at", "timestamp")),
    "at",
    rows_vs_neighbours=RowsVsNeighbours(action="block"),
)


def test_the_contract_is_json_and_leaves_the_loading_function_out():
    document = json.loads(json.dumps(contract([TABLE])))
    assert document["schema"] == 1
    assert document["tables"][0]["columns"][0]["categories"] == ["food", "toys"]
    assert document["tables"][0]["rows_vs_neighbours"]["action"] == "block"
    assert "load" not in document["tables"][0]


def test_a_column_is_found_by_name():
    assert TABLE.column("at") == Column("at", "timestamp")
    assert TABLE.column("gone") is None
