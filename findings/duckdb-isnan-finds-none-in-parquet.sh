#!/usr/bin/env bash
# DuckDB's isnan() over a Parquet file answers from the statistics: it finds no NaN, and "not isnan" lets NaN through.
#
# Versions:  duckdb 2.0.1; the file comes from pyarrow 26.0.1 or polars 2.1.0. Seen on 2026-11-30.
# Guess:     WHERE isnan(v) selects the rows whose v is NaN, from a file as from a table.
# Behaviour: least and greatest value in the file's statistics leave NaN out; DuckDB concludes from them that
#            isnan(v) is false for each row of the row group and drops the filter. The select itself still gives NaN.
#            The same rows in a table of DuckDB's, or in a file that DuckDB wrote, are filtered rightly.
# Seen:      rows [1.0, 2.0, NaN, 3.0]: where isnan(v) -> 0 rows; where not isnan(v) -> 4 rows, NaN among them;
#            where v > 1e30 -> 0 rows, although DuckDB orders NaN above all numbers (1 row from the table).
# So:        neither "delete the bad vectors" nor "count the bad vectors" can be done with isnan on such a file.
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


def count(source, where):
    return duckdb.sql(f"select count(*) from {source} where {where}").fetchall()[0][0]


rows = pa.table({"id": [1, 2, 3, 4], "v": pa.array([1.0, 2.0, float("nan"), 3.0], pa.float32())})
pq.write_table(rows, "pyarrow.parquet")
polars.from_arrow(rows).write_parquet("polars.parquet")
duckdb.sql("create table t as select * from rows")
duckdb.sql("copy t to 'duckdb.parquet'")
for source in ("'pyarrow.parquet'", "'polars.parquet'"):
    expect(f"{source}: where isnan(v)", count(source, "isnan(v)"), 0)
    expect(f"{source}: where not isnan(v)", count(source, "not isnan(v)"), 4)
    expect(f"{source}: where v > 1e30", count(source, "v > 1e30"), 0)
    kept = [str(row[0]) for row in duckdb.sql(f"select v from {source} where not isnan(v) order by id").fetchall()]
    expect(f"{source}: rows that are not NaN", kept, ["1.0", "2.0", "nan", "3.0"])
for source in ("t", "'duckdb.parquet'"):
    expect(f"{source}: where isnan(v)", count(source, "isnan(v)"), 1)
    expect(f"{source}: where v > 1e30", count(source, "v > 1e30"), 1)
PY
