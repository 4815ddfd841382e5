#!/usr/bin/env bash
# DataFusion gives a NaN of a Parquet file back as an ordinary number.
#
# Versions:  datafusion 55.0.0; the file comes from pyarrow 26.0.1 or polars 2.1.0. Seen on 2026-11-30.
# Guess:     a column [1.5, NaN, 1.5] is read as [1.5, NaN, 1.5].
# Behaviour: it is read as [1.5, 1.5, 1.5]. Writers leave NaN out of the statistics, so least and greatest value are
#            both 1.5; DataFusion takes the column for a constant and does not read it. The same batch registered
#            from memory keeps its NaN. One other value in the column, or statistics switched off, and NaN is back.
# Seen:      select v -> [1.5, 1.5, 1.5]; count where isnan(v) -> 0; sum(v) -> 4.5, for both writers.
# So:        a check for NaN (a failed embedding's norm, a missing score) by DataFusion passes on a file that has some.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  datafusion==55.0.0 pyarrow==26.0.1 polars==2.1.0 numpy==2.4.6
venv/bin/python - <<'PY'
import datafusion
import polars
import pyarrow as pa
import pyarrow.parquet as pq


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


def ask(path, sql):
    context = datafusion.SessionContext()
    context.register_parquet("t", path)
    return context.sql(sql).to_arrow_table().column(0).to_pylist()


table = pa.table({"id": [1, 2, 3], "v": pa.array([1.5, float("nan"), 1.5], pa.float32())})
pq.write_table(table, "pyarrow.parquet")
polars.from_arrow(table).write_parquet("polars.parquet")
for path in ("pyarrow.parquet", "polars.parquet"):
    expect(f"{path}: pyarrow reads", str(pq.read_table(path)["v"].to_pylist()), "[1.5, nan, 1.5]")
    expect(f"{path}: datafusion reads", str(ask(path, "select v from t order by id")), "[1.5, 1.5, 1.5]")
    expect(f"{path}: datafusion counts NaN", ask(path, "select count(*) from t where isnan(v)"), [0])
    expect(f"{path}: datafusion sums", ask(path, "select sum(v) from t"), [4.5])

memory = datafusion.SessionContext()
memory.register_record_batches("t", [table.to_batches()])
seen = memory.sql("select count(*) from t where isnan(v)").to_arrow_table().column(0).to_pylist()
expect("from memory datafusion counts NaN", seen, [1])
pq.write_table(table, "plain.parquet", write_statistics=False)
expect("without statistics datafusion counts NaN", ask("plain.parquet", "select count(*) from t where isnan(v)"), [1])
PY
