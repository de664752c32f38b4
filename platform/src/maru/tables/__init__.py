"""Source tables: their contract, the rows read as a snapshot, and its digest.

This package's top level holds the declarations that an analyst writes; it imports nothing heavy.
Reading is in ``maru.tables.reading``, the rows in ``maru.tables.snapshot``.
"""

from maru.tables.declarations import Column, RowsVsNeighbours, Table, contract

__all__ = ["Column", "RowsVsNeighbours", "Table", "contract"]
