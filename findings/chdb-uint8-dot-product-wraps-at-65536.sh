#!/usr/bin/env bash
# chDB's dotProduct of int8 or uint8 vectors wraps around: 80000 comes back as 14464.
#
# Versions:  chdb 4.4.0 (ClickHouse 26.9). Seen on 2026-11-30.
# Guess:     an inner product of quantized vectors is added up in a wide integer or a float, as L2Distance and
#            cosineDistance are, and as DuckDB does.
# Behaviour: dotProduct keeps to the type of one product: UInt16 for UInt8 vectors, Int16 for Int8. Two dimensions
#            can overflow it. The result type is the only sign; the order by score is silently wrong.
# Seen:      dotProduct([200,200], [200,200]) as UInt8: 14464, not 80000; a 384-dimensional int8 vector of 100s with
#            itself: -26624 (not 3840000), which ranks it behind a vector of zeros. L2Distance of the same is right.
# So:        cast to Float32 before dotProduct: arrayMap(x -> toFloat32(x), v).
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  chdb==4.4.0
venv/bin/python - <<'PY'
import chdb


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


def ask(sql):
    return str(chdb.query(sql, "CSV")).strip()


eight = "[200, 200]::Array(UInt8)"
expect("UInt8 dot product", ask(f"select dotProduct({eight}, {eight})"), "14464")
expect("its type", ask(f"select toTypeName(dotProduct({eight}, {eight}))"), '"UInt16"')
wide = "arrayResize([]::Array(Int8), 384, 100::Int8)"
none = "arrayResize([]::Array(Int8), 384, 0::Int8)"
expect("Int8 dot product of 384 hundreds", ask(f"select dotProduct({wide}, {wide})"), "-26624")
rank = f"select n from (select 'same' n, dotProduct({wide}, {wide}) s union all select 'zeros', dotProduct({wide}, {none}))"
expect("ranked first", ask(f"{rank} order by s desc limit 1"), '"zeros"')
expect("L2Distance to zeros", round(float(ask(f"select L2Distance({wide}, {none})")), 2), 1959.59)
float32 = f"arrayMap(x -> toFloat32(x), {wide})"
expect("as Float32", ask(f"select dotProduct({float32}, {float32})"), "3840000")
PY
