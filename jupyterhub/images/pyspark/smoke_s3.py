"""Inside the PySpark image, beside an S3 store: a Spark job writes to it, reads and aggregates.

The environment names the store and the credentials, as it does in a user's pod.
"""

import json
import time

import boto3
from botocore.exceptions import EndpointConnectionError
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

BUCKET, ROWS, GROUPS = "smoke", 50_000, 5
PATIENCE_S = 60


def main() -> None:
    """Make a bucket, write events to it as Parquet, and sum them up by day of the partition."""
    s3 = boto3.client("s3")
    make_bucket(s3)
    spark = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    )
    place = f"s3a://{BUCKET}/events"
    events = spark.range(ROWS).withColumn("day", f.col("id") % GROUPS)
    events.repartition(3).write.mode("overwrite").partitionBy("day").parquet(place)
    read = spark.read.parquet(place)
    totals = {row["day"]: row["total"] for row in sums(read)}
    expected = {day: sum(range(day, ROWS, GROUPS)) for day in range(GROUPS)}
    assert totals == expected, f"Spark says {totals}, by hand it is {expected}"
    files = s3.list_objects_v2(Bucket=BUCKET, Prefix="events/")["Contents"]
    spark.stop()
    print(json.dumps({"rows": ROWS, "objects": len(files)}))


def sums(events):
    """Return a row for each day with the sum of the identifiers."""
    return events.groupBy("day").agg(f.sum("id").alias("total")).collect()


def make_bucket(s3) -> None:
    """Make the bucket as soon as the store answers."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            s3.create_bucket(Bucket=BUCKET)
            return
        except EndpointConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    main()
