#!/usr/bin/env bash
# sqlite-vec filters by a range of the primary key after the k nearest are taken: it answers nothing where rows exist.
#
# Versions:  sqlite-vec 0.1.9, apsw 3.54.1.0 (a sqlite3 that loads extensions). Seen on 2026-11-30.
# Guess:     a condition in a KNN query is applied during the search, as for metadata columns and for "id in (...)".
# Behaviour: "id in (...)" and any comparison of a metadata column are applied in the search; "id > n" is left to SQLite,
#            which sees only the k rows that came back. The same number in a metadata column finds the rows.
# Seen:      1000 rows at 0, 1, 2, ..., query 0, k = 4: id in (700, 900) -> 700 900; number > 500 -> 501 502 503 504;
#            id > 500 -> no row.
# So:        shards or pages by key range need the key a second time, as a metadata column.
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
database.execute("create virtual table t using vec0(id integer primary key, number integer, v float[1])")
for i in range(1000):
    database.execute("insert into t values (?, ?, ?)", (i, i, struct.pack("f", i)))


def nearest(condition):
    sql = f"select id from t where v match ? and k = 4 and {condition}"
    return [row[0] for row in database.execute(sql, (struct.pack("f", 0),))]


expect("id in (700, 900)", nearest("id in (700, 900)"), [700, 900])
expect("number > 500", nearest("number > 500"), [501, 502, 503, 504])
expect("id > 500", nearest("id > 500"), [])
expect("id between 500 and 600", nearest("id between 500 and 600"), [])
PY
