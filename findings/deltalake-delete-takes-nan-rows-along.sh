#!/usr/bin/env bash
# A Delta table's delete("score = 1.5") removes rows whose score is NaN.
#
# Versions:  deltalake 1.6.6 (delta-rs), pyarrow 26.0.1. Seen on 2026-11-30.
# Guess:     delete(predicate) removes the rows for which the predicate is true; NaN equals no number.
# Behaviour: the statistics that deltalake writes leave NaN out. Where all other values of a file are equal, least and
#            greatest are the same number; the whole file then counts as matching and is dropped, NaN rows with it.
#            With one more value in the file the delete is right. Readers that filter by the statistics miss NaN rows too.
# Seen:      [1.5, NaN, 1.5, 1.5]: delete("f = 1.5") -> 4 rows deleted, table empty (3 and one NaN row were due);
#            delete("f <> 1.5") -> 0 rows (NaN <> 1.5 is true); [1.5, NaN, 1.5, 2.5]: delete("f = 1.5") -> 2 rows.
# So:        rows are lost for good (after vacuum) by a delete that does not name them.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  deltalake==1.6.6 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python - <<'PY'
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


def delete(values, predicate):
    table = pa.table({"i": list(range(len(values))), "f": pa.array(values, pa.float64())})
    write_deltalake("table", table, mode="overwrite")
    delta = DeltaTable("table")
    deleted = delta.delete(predicate)["num_deleted_rows"]
    rows = []
    for uri in delta.file_uris():
        rows += pq.ParquetFile(uri.removeprefix("file://")).read(use_threads=False).to_pylist()
    return deleted, str([row["f"] for row in sorted(rows, key=lambda row: row["i"])])


nan = float("nan")
expect("delete f = 1.5 from 1.5, NaN, 1.5, 1.5", delete([1.5, nan, 1.5, 1.5], "f = 1.5"), (4, "[]"))
expect("delete f <> 1.5 from the same", delete([1.5, nan, 1.5, 1.5], "f <> 1.5"), (0, "[1.5, nan, 1.5, 1.5]"))
expect("delete f = 1.5 from 1.5, NaN, 1.5, 2.5", delete([1.5, nan, 1.5, 2.5], "f = 1.5"), (2, "[nan, 2.5]"))
PY
