#!/usr/bin/env bash
# sqlite-vec: with "partition in (...)" a search for k = 4 gives 4 rows of each partition, and not in order of distance.
#
# Versions:  sqlite-vec 0.1.9, apsw 3.54.1.0 (a sqlite3 that loads extensions). Seen on 2026-11-30.
# Guess:     k = 4 gives the four nearest rows of the partitions named, nearest first, as it does for a metadata column.
# Behaviour: each partition is searched by itself with k; the lists follow one another. The first four rows are not the
#            four nearest. The same filter on a metadata column gives four rows in order.
# Seen:      rows at 0, 1, 2, ... in partitions p0, p1, p2 in turn; k = 4, partition in ('p0','p1'):
#            0 3 6 9 1 4 7 10; metadata in ('p0','p1'): 0 1 3 4.
# So:        add ORDER BY distance in an outer query and cut to k there; do not take the first k rows as they come.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  sqlite-vec==0.1.9 apsw==3.54.1.0
venv/bin/python - <<'PY'
import struct


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


import apsw
import sqlite_vec

database = apsw.Connection(":memory:")
database.enable_load_extension(True)
database.load_extension(sqlite_vec.loadable_path())
database.execute("create virtual table t using vec0(id integer primary key, part text partition key, tag text, v float[1])")
for i in range(30):
    database.execute("insert into t values (?, ?, ?, ?)", (i, f"p{i % 3}", f"p{i % 3}", struct.pack("f", i)))


def nearest(condition):
    sql = f"select id from t where v match ? and k = 4 and {condition}"
    return [row[0] for row in database.execute(sql, (struct.pack("f", 0),))]


expect("part = 'p0'", nearest("part = 'p0'"), [0, 3, 6, 9])
expect("part in ('p0', 'p1')", nearest("part in ('p0', 'p1')"), [0, 3, 6, 9, 1, 4, 7, 10])
expect("tag in ('p0', 'p1')", nearest("tag in ('p0', 'p1')"), [0, 1, 3, 4])
PY
