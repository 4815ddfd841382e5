#!/usr/bin/env bash
# A Vortex scan with v == 0.0 leaves out rows of -0.0, v < 0.0 returns them, and NaN is greater than everything.
#
# Versions:  vortex-data 0.93.0. Seen on 2026-11-30.
# Guess:     a filter on a float column compares as IEEE 754, numpy, DuckDB and pyarrow do: -0.0 equals 0.0.
# Behaviour: comparisons follow the total order of the bit patterns: -0.0 < 0.0, NaN above infinity. Nothing in the
#            data hints at it: both zeros print as 0. The values themselves are stored and read exactly.
# Seen:      [0.0, -0.0, 1.0, -1.0, NaN]: v == 0.0 -> 1 row (numpy 2); v < 0.0 -> 2 rows (numpy 1);
#            v > 100.0 -> 1 row, the NaN (numpy 0).
# So:        sparse weights, differences and rounded scores are full of -0.0: filter on a range, or add 0.0 before writing.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  vortex-data==0.93.0 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python - <<'PY'
import numpy as np
import pyarrow as pa
import vortex
import vortex.expr as expr


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


values = np.array([0.0, -0.0, 1.0, -1.0, np.nan], dtype="float32")
vortex.io.write(pa.table({"v": pa.array(values)}), "v.vortex")


def count(compare, number):
    literal = expr.literal(vortex.float_(32, nullable=True), number)
    return len(vortex.open("v.vortex").scan(expr=compare(expr.column("v"), literal)).read_all())


expect("v == 0.0: numpy, Vortex", (int((values == 0).sum()), count(expr.eq, 0.0)), (2, 1))
expect("v < 0.0: numpy, Vortex", (int((values < 0).sum()), count(expr.lt, 0.0)), (1, 2))
expect("v > 100.0: numpy, Vortex", (int((values > 100).sum()), count(expr.gt, 100.0)), (0, 1))
PY
