#!/usr/bin/env bash
# numpy's mean of a thousand bfloat16 ones is 0.256: sums of bfloat16 stop growing.
#
# Versions:  ml_dtypes 0.6.0 (the bfloat16 of numpy, JAX, safetensors, TensorFlow), numpy 2.4.6. Seen on 2026-11-30.
# Guess:     mean() of a half-precision array adds in float32, as numpy does for float16; an error of a percent at worst.
# Behaviour: sum, mean, cumsum and reductions over an axis add one by one in bfloat16. With 8 bits of mantissa a sum of
#            equal terms stops at 256 of them. float8 types stop at 8 or 16. np.mean of float16 gives 1.0, and the
#            product x @ x of the same bfloat16 array gives 1000: only the reductions are hurt. pandas follows numpy.
# Seen:      ones(1000, bfloat16): mean 0.2559, sum 256, cumsum()[-1] 256, x @ x 1000; mean(axis=0) of (1000, 4): 0.2559;
#            float8_e4m3fn: mean 0.0156; pandas Series.sum() 256.
# So:        mean pooling over more than a few hundred tokens, or a centroid, needs astype(float32) or mean(dtype=float32).
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  ml_dtypes==0.6.0 numpy==2.4.6 pandas==3.1.1
venv/bin/python - <<'PY'
import ml_dtypes
import numpy as np
import pandas as pd


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


ones = np.ones(1000, dtype=ml_dtypes.bfloat16)
expect("float16 mean", float(np.ones(1000, dtype=np.float16).mean()), 1.0)
expect("bfloat16 mean", round(float(ones.mean()), 4), 0.2559)
expect("bfloat16 sum", float(ones.sum()), 256.0)
expect("bfloat16 cumsum, last", float(ones.cumsum()[-1]), 256.0)
expect("bfloat16 x @ x", float(ones @ ones), 1000.0)
tokens = np.ones((1000, 4), dtype=ml_dtypes.bfloat16)
expect("bfloat16 mean over 1000 tokens", [round(float(x), 4) for x in tokens.mean(axis=0)], [0.2559] * 4)
expect("bfloat16 mean with dtype=float32", [float(x) for x in tokens.mean(axis=0, dtype=np.float32)], [1.0] * 4)
expect("float8_e4m3fn mean", float(np.ones(1000, dtype=ml_dtypes.float8_e4m3fn).mean()), 0.015625)
expect("pandas bfloat16 sum", float(pd.Series(ones).sum()), 256.0)
PY
