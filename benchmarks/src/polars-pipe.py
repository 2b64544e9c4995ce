"""CSV of messages from the standard input into a Parquet file: polars-pipe.py <file> <compression>"""

import sys

import polars as pl

columns = {
    "id": pl.Int64,
    "thread_id": pl.String,
    "role": pl.String,
    "content": pl.String,
    "token_count": pl.Int32,
    "created_at": pl.String,
    "metadata": pl.String,
}
messages = pl.scan_csv(sys.stdin.buffer, has_header=False, schema=columns)
messages = messages.with_columns(pl.col("created_at").str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_zone="UTC"))
messages.sink_parquet(sys.argv[1], compression=sys.argv[2])
