#!/usr/bin/env bash
# One null in a FLOAT[n] column that DuckDB writes to Parquet, and pyarrow cannot read the column any more.
#
# Versions:  duckdb 2.0.1 writes, pyarrow 26.0.1 reads (so pandas, datasets and all that use it). Seen on 2026-11-30.
# Guess:     a nullable FLOAT[2] becomes an ordinary Parquet list; a null vector is one null entry, as with FLOAT[].
# Behaviour: for a null array DuckDB writes n entries where one is due. pyarrow refuses the column; Polars, DuckDB and
#            others take it in their stride, so a round trip by DuckDB does not show it. FLOAT[] with the same null is
#            read, FLOAT[2] without a null too, and so is FLOAT[1] with one.
# Seen:      ArrowInvalid: Length spanned by list offsets (5) larger than values array (length 4), for
#            [1,2], null, [3,4] as FLOAT[2].
# So:        cast to FLOAT[] before COPY ... TO, or have no null vectors.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0 numpy==2.4.6
venv/bin/python - <<'PY'
import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


def read(kind, values):
    connection = duckdb.connect()
    connection.execute(f"create table t (v {kind})")
    connection.executemany("insert into t values (?)", [(value,) for value in values])
    connection.execute("copy t to 't.parquet' (format parquet)")
    try:
        return pq.read_table("t.parquet")["v"].to_pylist()
    except pa.ArrowInvalid as error:
        return str(error)


holes = [[1.0, 2.0], None, [3.0, 4.0]]
expect("FLOAT[2], no null", read("float[2]", [[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]])
expect("FLOAT[], one null", read("float[]", holes), holes)
seen = read("float[2]", holes)
print(f"FLOAT[2], one null: {seen}")
expect("pyarrow refuses it", isinstance(seen, str) and "Length spanned by list offsets" in seen, True)
expect("polars reads it", polars.read_parquet("t.parquet")["v"].to_list(), holes)
PY
