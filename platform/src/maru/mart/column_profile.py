"""A look at each column of a built mart: nulls, cardinality, smallest and largest value."""

import polars as pl


def profile(frame: pl.DataFrame) -> pl.DataFrame:
    """Describe each column.

    Returns
    -------
    DataFrame
        A row a column, in the frame's order: ``column``, ``nulls`` (rows), ``null_share`` (0 to 1),
        ``cardinality`` (different values that are not null), ``minimum``, ``maximum`` and ``mean``
        (null for text and where every value is null).
    """
    numeric = [name for name, dtype in frame.schema.items() if dtype.is_numeric()]
    rows = frame.height
    columns = frame.columns
    nulls = frame.null_count().row(0) if rows else (0,) * len(columns)
    distinct = frame.select(pl.all().drop_nulls().n_unique()).row(0)
    smallest, largest, mean = (
        dict(zip(numeric, frame.select(of).row(0), strict=True))
        for of in (pl.col(numeric).min(), pl.col(numeric).max(), pl.col(numeric).mean())
    )
    return pl.DataFrame(
        {
            "column": columns,
            "nulls": nulls,
            "null_share": [count / rows if rows else 0.0 for count in nulls],
            "cardinality": distinct,
            "minimum": [smallest.get(name) for name in columns],
            "maximum": [largest.get(name) for name in columns],
            "mean": [mean.get(name) for name in columns],
        },
        schema_overrides={
            "nulls": pl.Int64,
            "cardinality": pl.Int64,
            "minimum": pl.Float64,
            "maximum": pl.Float64,
            "mean": pl.Float64,
        },
    )
