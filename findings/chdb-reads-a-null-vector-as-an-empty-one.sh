#!/usr/bin/env bash
# chDB reads a null list in Parquet as an empty list: "v is null" finds nothing, and nothing says so.
#
# Versions:  chdb 4.4.0 (ClickHouse 26.9), file of pyarrow 26.0.1. Seen on 2026-11-30.
# Guess:     a null vector stays null, or the file is refused, since ClickHouse has no nullable arrays.
# Behaviour: null and [] both become []. Nulls inside the list, and nulls of plain columns, are kept. What goes on to
#            another Parquet file is a vector of no elements; a fixed-size list of the source is then a plain list.
# Seen:      [[1,2], null, [3,4]]: lengths 2, 0, 2; where v is null -> 0; after a copy by chDB pyarrow reads
#            [[1,2], [], [3,4]] and no nulls.
# So:        count missing vectors by empty(v), and never copy embeddings through chDB when null means "not embedded".
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  chdb==4.4.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python - <<'PY'
import chdb
import pyarrow as pa
import pyarrow.parquet as pq


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


def ask(sql):
    return str(chdb.query(sql, "CSV")).split()


vectors = pa.array([[1, 2], None, [3, 4]], pa.list_(pa.float32(), 2))
pq.write_table(pa.table({"id": [1, 2, 3], "v": vectors, "n": pa.array([1, None, 3])}), "in.parquet")
expect("pyarrow counts nulls", pq.read_table("in.parquet")["v"].null_count, 1)
expect("lengths", ask("select length(v) from file('in.parquet') order by id"), ["2", "0", "2"])
expect("v is null", ask("select count() from file('in.parquet') where v is null"), ["0"])
expect("n is null", ask("select count() from file('in.parquet') where n is null"), ["1"])
ask("insert into function file('out.parquet') select id, v from file('in.parquet') order by id")
expect("copy", pq.read_table("out.parquet")["v"].to_pylist(), [[1.0, 2.0], [], [3.0, 4.0]])
PY
