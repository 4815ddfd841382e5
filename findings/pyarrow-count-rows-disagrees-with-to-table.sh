#!/usr/bin/env bash
# pyarrow: Dataset.count_rows(filter) counts rows that to_table(filter) does not give, and a null-or-NaN filter finds no NaN.
#
# Versions:  pyarrow 26.0.1. Seen on 2026-11-30.
# Guess:     count_rows(filter=f) == to_table(filter=f).num_rows; is_null(nan_is_null=True) finds NaN in a file as in memory.
# Behaviour: where a row group's statistics settle a filter, its rows are not looked at. Statistics leave NaN out: a
#            group of 1.5 and NaN counts as "all 1.5", and one without nulls as "nothing null", although nan_is_null
#            was asked for. count_rows then takes all rows of the group, to_table filters what it reads.
# Seen:      [1.5, NaN, 1.5]: f == 1.5 -> count_rows 3, to_table 2; f != 1.5 -> 0 rows (in memory 1).
#            [1.0, NaN, 3.0]: is_null(nan_is_null=True) -> 0 rows (in memory 1); is_nan -> 1 in both.
# So:        to find bad scores use is_nan, and count what was read.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  pyarrow==26.0.1 numpy==2.4.6
venv/bin/python - <<'PY'
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


field = pc.field("f")


def rows(values, condition):
    table = pa.table({"f": pa.array(values, pa.float64())})
    pq.write_table(table, "f.parquet")
    file = ds.dataset("f.parquet")
    return (
        file.count_rows(filter=condition),
        file.to_table(filter=condition).num_rows,
        ds.dataset(table).to_table(filter=condition).num_rows,
    )


nan = float("nan")
print("rows by count_rows, by to_table, by to_table in memory")
expect("1.5, NaN, 1.5: f == 1.5", rows([1.5, nan, 1.5], field == 1.5), (3, 2, 2))
expect("1.5, NaN, 1.5: f != 1.5", rows([1.5, nan, 1.5], field != 1.5), (0, 0, 1))
expect("1, NaN, 3: null or NaN", rows([1.0, nan, 3.0], field.is_null(nan_is_null=True)), (0, 0, 1))
expect("1, NaN, 3: NaN", rows([1.0, nan, 3.0], pc.is_nan(field)), (1, 1, 1))
PY
