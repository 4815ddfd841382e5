#!/usr/bin/env bash
# One NaN among bfloat16 scores, and numpy's sort and argsort leave the rest unsorted.
#
# Versions:  ml_dtypes 0.6.0, numpy 2.4.6. Seen on 2026-11-30.
# Guess:     np.sort and np.argsort put NaN last and order the others, as documented and as for float16 and float32.
# Behaviour: for bfloat16 (a registered type) plain "<" decides; NaN is less and greater than nothing, so a NaN is
#            a wall over which nothing moves. The order of the other elements is whatever the algorithm made of it.
#            argmax finds the NaN as for float32; np.unique keeps duplicates on the two sides of it.
# Seen:      [3, NaN, 1, 2]: sort -> [3, NaN, 1, 2], argsort -> [0, 1, 2, 3]; float16: [1, 2, 3, NaN].
# So:        a top-k by argsort over bfloat16 scores is wrong as soon as one score is NaN; nothing warns.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  ml_dtypes==0.6.0 numpy==2.4.6
venv/bin/python - <<'PY'
import ml_dtypes
import numpy as np


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


scores = [3.0, float("nan"), 1.0, 2.0]
for dtype in (np.float16, np.float32):
    expect(f"{dtype.__name__} sort", str(np.sort(np.array(scores, dtype=dtype)).tolist()), "[1.0, 2.0, 3.0, nan]")
brain = np.array(scores, dtype=ml_dtypes.bfloat16)
expect("bfloat16 sort", str([float(x) for x in np.sort(brain)]), "[3.0, nan, 1.0, 2.0]")
expect("bfloat16 argsort", np.argsort(brain).tolist(), [0, 1, 2, 3])
twice = np.array([1.0, float("nan"), 1.0], dtype=ml_dtypes.bfloat16)
expect("bfloat16 unique of 1, NaN, 1", str([float(x) for x in np.unique(twice)]), "[1.0, nan, 1.0]")
PY
