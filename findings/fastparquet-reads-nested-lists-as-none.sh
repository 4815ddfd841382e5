#!/usr/bin/env bash
# fastparquet reads a column of lists of lists as None in each row, without an error.
#
# Versions:  fastparquet 2026.9.0, file of pyarrow 26.0.1. Seen on 2026-11-30.
# Guess:     a nesting that fastparquet does not know is refused, as it says for unknown encodings; flat lists work.
# Behaviour: list<list<float>> (one vector per token, or per sentence of a document) comes back as None for each row;
#            list<float> beside it is right.
# Seen:      rows [[1,2],[3,4]] and [[5,6],[7,8]] -> [None, None]; row count and other columns are right.
# So:        a multi-vector column looks as if it had not been filled yet; a job that fills gaps embeds all of it again.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  fastparquet==2026.9.0 pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
venv/bin/python - <<'PY'
import fastparquet
import pyarrow as pa
import pyarrow.parquet as pq


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


nested = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]
table = pa.table(
    {
        "id": [1, 2],
        "flat": pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32())),
        "nested": pa.array(nested, pa.list_(pa.list_(pa.float32()))),
    }
)
pq.write_table(table, "t.parquet")
expect("pyarrow reads", pq.read_table("t.parquet")["nested"].to_pylist(), nested)
frame = fastparquet.ParquetFile("t.parquet").to_pandas()
expect("fastparquet reads ids", frame["id"].tolist(), [1, 2])
expect("fastparquet reads flat lists", [[float(x) for x in row] for row in frame["flat"]], [[1.0, 2.0], [3.0, 4.0]])
expect("fastparquet reads nested lists", frame["nested"].tolist(), [None, None])
PY
