"""Inside the PySpark image: a Spark job writes Parquet, reads it back and aggregates."""

import json
import tempfile
from pathlib import Path

from kernel import check_kernel
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

ROWS, GROUPS = 100_000, 7


def main() -> None:
    """Run the job, compare with sums worked out by hand, then test the kernel."""
    spark = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    )
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "events")
        events = spark.range(ROWS).withColumn("group", f.col("id") % GROUPS)
        events.repartition(4).write.partitionBy("group").parquet(place)
        rows = (
            spark.read.parquet(place)
            .groupBy("group")
            .agg(f.count("*").alias("events"), f.sum("id").alias("total"))
            .orderBy("group")
            .collect()
        )
    got = [(row["group"], row["events"], row["total"]) for row in rows]
    expected = [
        (g, len(range(g, ROWS, GROUPS)), sum(range(g, ROWS, GROUPS))) for g in range(GROUPS)
    ]
    assert got == expected, f"Spark says {got}, by hand it is {expected}"
    # The classes for the S3 store load, with all that they stand on.
    hadoop = spark._jvm.java.lang.Class.forName("org.apache.hadoop.fs.s3a.S3AFileSystem")
    spark.stop()
    tests = check_kernel("import pandas; display(pandas.DataFrame({'a': [1]}))", "text/html")
    print(json.dumps({"rows": ROWS, "s3": hadoop.getName(), "kernel_tests": tests}))


if __name__ == "__main__":
    main()
